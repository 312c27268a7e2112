// A team's app in front of two tenants whose rows have the same ids and names, with routes that run
// whatever a test hands them, and routes that put what they were sent into their SQL.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { sql } from 'kysely';
import type { TestDatabase } from '../support/databases.ts';
import {
  createInvoices,
  insertMember,
  type Member,
  optionsFor,
  type PluginApp,
  startPluginApp,
} from '../support/plugin-apps.ts';

const OWN_POLICY = `CREATE POLICY own ON customers TO sallyport_app
  USING (tenant_id = (SELECT sallyport.current_tenant()))
  WITH CHECK (tenant_id = (SELECT sallyport.current_tenant()))`;

const TABLES: readonly string[] = [
  `CREATE TABLE customers (tenant_id UUID NOT NULL, id INT4 NOT NULL, name TEXT NOT NULL,
    note TEXT NOT NULL, PRIMARY KEY (tenant_id, id))`,
  'ALTER TABLE customers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
  OWN_POLICY,
  `CREATE TABLE filters (tenant_id UUID NOT NULL, name TEXT NOT NULL, condition TEXT NOT NULL,
    PRIMARY KEY (tenant_id, name))`,
  'ALTER TABLE filters ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
  OWN_POLICY.replace('customers', 'filters'),
  'GRANT SELECT, INSERT, UPDATE, DELETE ON customers, filters TO sallyport_app',
];

/** Read by the functions of the policies, or by the process as another role: nobody else's. */
export const CREDENTIAL_TABLES: readonly string[] = [
  'sessions',
  'passwords',
  'one_time_tokens',
  'sign_ups',
  'identities',
  'email_addresses',
  'memberships',
];

export interface WalledApp extends TestDatabase {
  /** What the handler of /work does for the request that a test sends. */
  work: (request: FastifyRequest) => unknown;
  readonly app: PluginApp;
  readonly ada: Member;
  readonly bob: Member;
  /** Of Ada's tenant. */
  readonly mallory: Member;
  close(): Promise<void>;
}

export async function startWalledApp(): Promise<WalledApp> {
  const database = await createInvoices();
  for (const statement of TABLES) await database.admin.query(statement);
  const started = { work: () => null } as { work: WalledApp['work'] };
  const app = await startPluginApp(optionsFor(database), (own) => {
    build(own, (request) => started.work(request));
  });
  const ada = await insertMember(database.admin, app.origin);
  const bob = await insertMember(database.admin, app.origin);
  const { tenantId } = ada;
  const mallory = await insertMember(database.admin, app.origin, { tenantId });
  const close = async () => {
    await app.close();
    await database.drop();
  };
  return Object.assign(started, { ...database, app, ada, bob, mallory, close });
}

function build(own: FastifyInstance, work: (request: FastifyRequest) => unknown): void {
  const reads = { access: 'signed-in' } as const;
  const writes = { access: 'signed-in', bodyType: 'json' } as const;
  own.get('/work', reads, async (request) => ({ result: (await work(request)) ?? null }));
  own.post('/work', writes, async (request) => ({ result: (await work(request)) ?? null }));
  own.get<{ Querystring: { name: string } }>('/search', reads, async (request) =>
    concatenated(request, `name = '${request.query.name}'`),
  );
  own.post<{ Body: { name: string; note: string } }>('/notes', writes, async (request) => {
    const { name, note } = request.body;
    const text = `UPDATE /* attack */ customers SET note = '${note}' WHERE name = '${name}'`;
    await sql.raw(text).execute(request.insecureUnscopedDb);
    return {};
  });
  own.post<{ Body: { name: string; condition: string } }>('/filters', writes, async (request) => {
    const { name, condition } = request.body;
    await request.db.insertInto('filters').values({ name, condition }).execute();
    return {};
  });
  own.get<{ Querystring: { name: string } }>('/filtered', reads, async (request) => {
    const filter = await request.db
      .selectFrom('filters')
      .select('condition')
      .where('name', '=', request.query.name)
      .executeTakeFirst();
    return await concatenated(request, (filter?.['condition'] as string | undefined) ?? 'FALSE');
  });
}

/** As no handler should be written: the condition becomes a part of the SQL. */
async function concatenated(request: FastifyRequest, condition: string) {
  const text = `SELECT /* attack */ id::TEXT AS id, name, note FROM customers WHERE ${condition}`;
  return (await sql.raw(text).execute(request.insecureUnscopedDb)).rows;
}

export const THEIR_NOTE = 'told to Bob in confidence';
export const OUR_NOTE = 'told to Ada in confidence';

/** All walls up, and the rows as they were. */
export async function restore({ admin, ada, bob }: WalledApp): Promise<void> {
  for (const statement of [
    'DELETE FROM customers',
    'DELETE FROM filters',
    'DROP POLICY IF EXISTS own ON customers',
    OWN_POLICY,
    'ALTER TABLE customers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
    'REVOKE TRUNCATE ON customers FROM sallyport_app',
    ...CREDENTIAL_TABLES.map((name) => `REVOKE ALL ON sallyport.${name} FROM sallyport_app`),
  ]) {
    await admin.query(statement);
  }
  for (const [tenantId, note] of [
    [ada.tenantId, OUR_NOTE],
    [bob.tenantId, THEIR_NOTE],
  ]) {
    await admin.query(`INSERT INTO customers VALUES ($1, 1, 'Acme', $2), ($1, 2, 'Globex', $2)`, [
      tenantId,
      note,
    ]);
  }
}

export async function takeDownPolicies({ admin }: WalledApp): Promise<void> {
  await admin.query('DROP POLICY own ON customers');
  await admin.query(
    'ALTER TABLE customers DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY',
  );
}

export async function takeDownGrants({ admin }: WalledApp): Promise<void> {
  await admin.query('GRANT TRUNCATE ON customers TO sallyport_app');
  for (const name of CREDENTIAL_TABLES) {
    await admin.query(`GRANT SELECT ON sallyport.${name} TO sallyport_app`);
  }
}

/** The customers of a tenant as they are stored. */
export async function customersOf({ admin }: WalledApp, { tenantId }: Member) {
  const { rows } = await admin.query<{ id: number; name: string; note: string }>(
    'SELECT id, name, note FROM customers WHERE tenant_id = $1 ORDER BY id',
    [tenantId],
  );
  return rows.map(({ id, name, note }) => [id, name, note]);
}
