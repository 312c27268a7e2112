import { randomBytes, randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { fastify, type FastifyInstance, type FastifyServerOptions } from 'fastify';
import type pg from 'pg';
import {
  digestOf,
  newSecret,
  proofOf,
  secretText,
  synchronizerTokenOf,
} from '../../src/core/secret.ts';
import { COPY_MEMBERSHIPS } from '../../src/db/session-tenant.ts';
import sallyport, { type DeclaredPermissions, type SallyportOptions } from '../../src/fastify.ts';
import { SESSION_COOKIE } from '../../src/http/cookies.ts';
import { maskToken } from '../../src/http/synchronizer-token.ts';
import { Visitor } from './client.ts';
import { createDatabase, type TestDatabase } from './databases.ts';
import { TEST_KEY } from './test-key.ts';

/** The tables of the applications in these tests; `fruits` has no tenant. */
export const INVOICES: readonly string[] = [
  `CREATE TABLE invoices (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL DEFAULT gen_random_uuid(),
    number INT4 NOT NULL,
    total INT4 NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, id)
  )`,
  'CREATE UNIQUE INDEX invoices_number ON invoices (tenant_id, number)',
  'ALTER TABLE invoices ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
  `CREATE POLICY invoices_own ON invoices TO sallyport_app
    USING (tenant_id = (SELECT sallyport.current_tenant()))
    WITH CHECK (tenant_id = (SELECT sallyport.current_tenant()))`,
  'GRANT SELECT, INSERT, UPDATE, DELETE ON invoices TO sallyport_app',
  'CREATE TABLE fruits (name TEXT NOT NULL PRIMARY KEY)',
  'GRANT SELECT ON fruits TO sallyport_app',
];

/** What every app of these tests is registered with; port 0 is whatever port it gets. */
export function optionsFor(database: TestDatabase): SallyportOptions {
  return {
    databaseUrl: database.url,
    origin: 'http://localhost:0',
    encryptionKey: TEST_KEY.toString('base64url'),
    sharedTables: ['fruits'],
    permissions: declared(
      'invoices:read',
      'invoices:write',
      'metrics:read',
      'payments:write',
      'secret:read',
    ),
  };
}

/** Permissions of an application, with a text each; none but the owner has them by default. */
export function declared(...names: readonly string[]): DeclaredPermissions {
  return Object.fromEntries(names.map((name) => [name, { text: `Do what ${name} says` }]));
}

export interface PluginApp {
  readonly app: FastifyInstance;
  readonly origin: string;
  close(): Promise<void>;
}

/** A team's own app with the plugin in it, listening; `build` adds its routes. */
export async function startPluginApp(
  options: SallyportOptions,
  build: (app: FastifyInstance) => void | Promise<void>,
  constructed: FastifyServerOptions = {},
): Promise<PluginApp> {
  const app = fastify(constructed);
  await app.register(sallyport, options);
  await build(app);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return { app, origin: `http://localhost:${port}`, close: () => app.close() };
}

/** A migrated database of its own with the tables of the application. */
export async function createInvoices(): Promise<TestDatabase> {
  const database = await createDatabase();
  for (const statement of INVOICES) await database.admin.query(statement);
  return database;
}

export interface Member {
  readonly browser: Visitor;
  readonly tenantId: string;
  readonly identityId: string;
  readonly sessionId: string;
}

/** Somebody signed in to a tenant of their own, or to this one, written as rows. */
export async function insertMember(
  admin: Pick<pg.Client, 'query'>,
  origin: string,
  { permissions = [], tenantId }: { permissions?: readonly string[]; tenantId?: string } = {},
): Promise<Member> {
  const tenant = tenantId ?? randomUUID();
  const role = randomBytes(6).toString('hex');
  const identityId = randomUUID();
  const sessionId = randomUUID();
  const secret = newSecret();
  const token = synchronizerTokenOf(secret, 1);
  const rows: readonly [string, readonly unknown[]][] = [
    ['INSERT INTO sallyport.identities (id) VALUES ($1)', [identityId]],
    [
      'INSERT INTO sallyport.email_addresses (folded, identity_id, address) VALUES ($2, $1, $2)',
      [identityId, `${role}@example.com`],
    ],
    [
      'INSERT INTO sallyport.profiles (identity_id, display_name) VALUES ($1, $2)',
      [identityId, role],
    ],
    [
      `INSERT INTO sallyport.tenants (id, name) VALUES ($1, 'a tenant') ON CONFLICT DO NOTHING`,
      [tenant],
    ],
    [
      'INSERT INTO sallyport.roles (tenant_id, name, permissions) VALUES ($1, $2, $3)',
      [tenant, role, permissions],
    ],
    [
      'INSERT INTO sallyport.memberships (tenant_id, identity_id, role) VALUES ($1, $2, $3)',
      [tenant, identityId, role],
    ],
    [
      `INSERT INTO sallyport.sessions (id, proof_digest, identity_id, tenant_id, synchronizer_digest, expires_at, active_until)
        VALUES ($1, $2, $3, $4, $5, now() + INTERVAL '1 hour', now() + INTERVAL '1 hour')`,
      [sessionId, digestOf(proofOf(secret)), identityId, tenant, digestOf(token)],
    ],
    ['INSERT INTO sallyport.session_activity (session_id) VALUES ($1)', [sessionId]],
    [`${COPY_MEMBERSHIPS} AND s.id = $1`, [sessionId]],
  ];
  for (const [sql, values] of rows) await admin.query(sql, [...values]);
  const browser = new Visitor(origin);
  browser.cookies.set(SESSION_COOKIE, secretText(secret));
  browser.csrfToken = maskToken(token, randomBytes(32));
  return { browser, tenantId: tenant, identityId, sessionId };
}
