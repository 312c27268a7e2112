import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import pg from 'pg';

// What a careful team writes by hand: the session, its identity, the membership with its role, and
// the tenant's row, as four prepared statements one after the other.

const pool = new pg.Pool({
  connectionString: process.env['DATABASE_URL'],
  max: Number(process.env['POOL_SIZE']),
  // Under steady load none would be idle; here others are asked in between.
  idleTimeoutMillis: 0,
});

interface Session {
  readonly identity_id: string;
  readonly tenant_id: string;
}

const app = fastify();
app.get<{ Params: { id: string } }>('/invoices/:id', async (request, reply) => {
  const proof = /(?:^|; )session=([0-9a-f]{64})(?:;|$)/.exec(request.headers.cookie ?? '')?.[1];
  if (proof === undefined) return reply.code(401).send();
  const session = await one<Session>(
    'session',
    `SELECT s.identity_id, s.tenant_id FROM sallyport.sessions AS s
      JOIN sallyport.session_activity AS a ON a.session_id = s.id
      WHERE s.proof_digest = $1 AND s.expires_at > now()
        AND a.last_seen_at > now() - INTERVAL '1 hour'`,
    [createHash('sha256').update(proof).digest('hex')],
  );
  if (!session) return reply.code(401).send();
  const identity = await one(
    'identity',
    'SELECT id FROM sallyport.identities WHERE id = $1 AND disabled_at IS NULL',
    [session.identity_id],
  );
  if (!identity) return reply.code(401).send();
  const role = await one<{ permissions: readonly string[] }>(
    'role',
    `SELECT r.permissions FROM sallyport.memberships AS m
      JOIN sallyport.roles AS r ON r.tenant_id = m.tenant_id AND r.name = m.role
      WHERE m.tenant_id = $1 AND m.identity_id = $2`,
    [session.tenant_id, session.identity_id],
  );
  if (!role?.permissions.includes('invoices:read')) return reply.code(403).send();
  const invoice = await one(
    'invoice',
    'SELECT id, customer, number, total FROM invoices WHERE tenant_id = $1 AND id = $2',
    [session.tenant_id, request.params.id],
  );
  return invoice ?? reply.callNotFound();
});

async function one<Row extends pg.QueryResultRow>(
  name: string,
  text: string,
  values: readonly string[],
): Promise<Row | undefined> {
  return (await pool.query<Row>({ name, text, values: [...values] })).rows[0];
}

await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`http://localhost:${(app.server.address() as AddressInfo).port}\n`);
process.once('SIGTERM', () => process.exit(0));
