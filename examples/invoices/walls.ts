import type { FastifyRequest } from 'fastify';
import { sql } from 'kysely';
import { type App, READ } from './access.ts';

interface Attack {
  readonly wall: string;
  /** What a careless handler sends, or one that puts what it was sent into its SQL. */
  readonly sent: string;
  /** As it goes through the first wall; left out, it is sent past that one, as it stands here. */
  readonly run?: (db: FastifyRequest['db']) => Promise<readonly unknown[]>;
  /** One's own rows are what it should answer; else an error. */
  readonly answersRows?: true;
}

const ATTACKS: readonly Attack[] = [
  {
    wall: 'First wall: a WHERE that was forgotten. request.db puts the tenant into every statement.',
    sent: "request.db.selectFrom('customers').select('name').select(sql`tenant_id`)",
    run: (db) =>
      db
        .selectFrom('customers')
        .select('name')
        .select(sql`tenant_id`.as('tenant_id'))
        .execute(),
    answersRows: true,
  },
  {
    wall: 'First wall: a shape that no predicate can be put into is refused, and nothing is sent.',
    sent: "request.db.selectFrom('customers').select(sql`(SELECT count(*) FROM payments)`)",
    run: (db) =>
      db
        .selectFrom('customers')
        .select(sql`(SELECT count(*) FROM payments)`.as('n'))
        .execute(),
  },
  {
    wall: 'Second wall: raw SQL without any predicate. The policies compare with the tenant of the proof.',
    sent: 'SELECT tenant_id, name FROM customers',
    answersRows: true,
  },
  {
    wall: 'Second wall: what is injected makes the predicate true for every row, and takes no policy away.',
    sent: "SELECT tenant_id, name FROM customers WHERE name = 'x' OR TRUE --'",
    answersRows: true,
  },
  {
    wall: 'Third wall: what is injected reads the sessions, on which the application has no privilege.',
    sent: "SELECT tenant_id, name FROM customers WHERE name = 'x' UNION SELECT id, proof_digest FROM sallyport.sessions --'",
  },
  {
    wall: 'Third wall: the same, with its role taken off before. On a server the login of the application may take on no other; the one session of the embedded database is a superuser, who may.',
    sent: `SELECT tenant_id, name FROM customers WHERE name = 'x' UNION SELECT NULL, set_config('role', 'sallyport_owner', true) || query_to_xml('SELECT count(*) FROM sallyport.sessions', true, false, '')::TEXT --'`,
  },
];

/** Everything here is run when the page is asked for, and what it answered stands beside it. */
export function wallRoutes(app: App): void {
  app.get('/walls', { ...READ, page: true }, async (request, reply) => {
    const sections: string[] = [];
    for (const attack of ATTACKS) sections.push(await tried(attack, request));
    return reply.type('text/html; charset=utf-8').send(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Three walls</title><h1>Three walls, attacked just now</h1>
<p>You are in the tenant ${request.principal?.tenantId}. Others have customers of the same names in the same table.</p>
${sections.join('\n')}</html>`);
  });
}

async function tried({ wall, sent, run, answersRows }: Attack, request: FastifyRequest) {
  let stopped = !answersRows;
  let answer: string;
  try {
    const raw = async () => (await sql.raw(sent).execute(request.insecureUnscopedDb)).rows;
    const rows = await (run ? run(request.db) : raw());
    const tenants = new Set(rows.map((row) => Reflect.get(Object(row), 'tenant_id')));
    stopped = !!answersRows && tenants.size === 1 && tenants.has(request.principal?.tenantId);
    answer = `${rows.length} rows: ${JSON.stringify(rows)}`;
  } catch (error) {
    answer = String(error);
  }
  return `<h2>${escaped(wall)}</h2><pre>${escaped(sent)}</pre>
<p><strong>${stopped ? 'Stopped.' : 'NOT STOPPED.'}</strong> ${escaped(answer)}</p>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
