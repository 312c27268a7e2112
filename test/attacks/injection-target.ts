import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import type { Statement, StatementResult } from '../../src/db/batch.ts';
import { type Database, openServerDatabase } from '../../src/db/database.ts';
import {
  carrying,
  insertPrincipal,
  loginsOf,
  sha256,
  type TestPrincipal,
} from '../db/principals.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { startWireProxy, type WireProxy } from '../support/wire-proxy.ts';

export type Access = 'read' | 'write';

/** What an attack's client gets to see: rows, or everything that the server's error says. */
export interface Loot {
  readonly state: string;
  readonly text: string;
}

/**
 * The product's own connections with an attacker behind them. One request at a time, so each kind
 * of access has one connection (its first lane, its pool's newest), and what one request leaves on
 * it, the next one finds.
 */
export interface InjectionTarget extends TestDatabase {
  readonly database: Database;
  readonly proxy: WireProxy;
  readonly attacker: TestPrincipal;
  readonly victim: TestPrincipal;
  readonly bystander: TestPrincipal;
  readonly canaries: readonly string[];
  /** The statement as the application's, in a request of the attacker's. */
  inject(sql: string, access: Access): Promise<Loot>;
  /**
   * The same for a statement that the process would not send: it is put in on the wire, as if the
   * process's own check were not there. The database is what is left.
   */
  injectPastTheProcess(sql: string, access: Access): Promise<Loot>;
  /** A request of this principal's: what it sees on its connection. */
  request(principal: TestPrincipal | null, access: Access): Promise<Seen>;
  /** A digest of every row of every table but the attacker's own profile. */
  snapshot(): Promise<string>;
  close(): Promise<void>;
}

export interface Seen {
  readonly backend: number;
  readonly rows: readonly unknown[];
  readonly settings: Record<string, unknown>;
}

const SETTINGS = `SELECT pg_backend_pid() AS backend, current_user AS "currentUser", session_user AS "sessionUser",
  sallyport.current_identity() AS identity, current_setting('search_path') AS "searchPath",
  current_setting('row_security') AS "rowSecurity", current_setting('role') AS role,
  current_setting('statement_timeout') AS "statementTimeout",
  current_setting('transaction_isolation') AS isolation,
  current_setting('transaction_read_only') AS "readOnly",
  current_setting('client_min_messages') AS "messages" /* attack */`;

export async function openInjectionTarget(): Promise<InjectionTarget> {
  const created = await createDatabase();
  const proxy = await startWireProxy(inject('adminUrl'));
  const { host } = new URL(proxy.url);
  const url = new URL(created.url);
  url.host = host;
  const database = openServerDatabase(loginsOf(url.href));
  const attacker = await insertPrincipal(created.admin, 'mallory');
  const victim = await insertPrincipal(created.admin, 'victim');
  const bystander = await insertPrincipal(created.admin, 'bystander');
  const canaries = await plantCanaries(created, [victim, bystander]);
  let marker = 0;

  async function run(statement: Statement, access: Access): Promise<Loot> {
    try {
      const opening = carrying(attacker.proof);
      const options = { role: 'sallyport_app', access, opening } as const;
      return lootOf(await database.batch(options, [whoAsks(attacker, access), statement]));
    } catch (error) {
      return lootOfError(error);
    }
  }

  return {
    ...created,
    database,
    proxy,
    attacker,
    victim,
    bystander,
    canaries,
    inject: (sql, access) => run({ sql: `${sql} /* attack */`, parameters: [] }, access),
    async injectPastTheProcess(sql, access) {
      const placeholder = `SELECT 'injected ${marker++}' /* attack */`;
      proxy.rewrite = (text) => (text === placeholder ? sql : text);
      return await run({ sql: placeholder, parameters: [] }, access);
    },
    async request(principal, access) {
      const opening = carrying(principal?.proof ?? '');
      const options = { role: 'sallyport_app', access, opening } as const;
      const own = { sql: 'SELECT * FROM sallyport.profiles /* attack */', parameters: [] };
      const authorize = principal ? [whoAsks(principal, access)] : [];
      const statements = [...authorize, own, { sql: SETTINGS, parameters: [] }];
      const [profiles, settings] = (await database.batch(options, statements)).slice(-2);
      const { backend, ...rest } = settings?.rows[0] ?? {};
      return { backend: Number(backend), rows: profiles?.rows ?? [], settings: rest };
    },
    snapshot: () => snapshotOf(created, attacker),
    async close() {
      await database.close();
      await proxy.close();
      await created.drop();
    },
  };
}

function whoAsks(principal: TestPrincipal, access: Access): Statement {
  return access === 'read'
    ? {
        sql: 'SELECT r FROM sallyport.require($1::TEXT, NULL, FALSE) AS r /* attack */',
        parameters: [principal.proof],
      }
    : {
        sql: 'SELECT r FROM sallyport.require_for_write($1::TEXT, NULL, $2::TEXT, FALSE) AS r /* attack */',
        parameters: [principal.proof, principal.synchronizerDigest],
      };
}

/** What came back behind the proof and the decision. */
function lootOf(results: readonly StatementResult[]): Loot {
  return { state: 'ran', text: JSON.stringify(results.slice(2)) };
}

function lootOfError(error: unknown): Loot {
  const { code, name, message, cause } = error as Error & { code?: string };
  const text = JSON.stringify([error, message, cause instanceof Error ? cause.message : cause]);
  return { state: code ?? name, text };
}

/** A value that nobody else may read, in every table that has one, and each proof. */
async function plantCanaries(
  { admin }: TestDatabase,
  owners: readonly TestPrincipal[],
): Promise<string[]> {
  const secret = `canary${randomBytes(8).toString('hex')}`;
  const digest = sha256(secret);
  await admin.query(
    `INSERT INTO sallyport.sign_ups
        (folded, browser_digest, token_digest, token_suffices, address, display_name, password_hash, expires_at)
      VALUES ($1, '', $2, true, $1, $1, '$argon2id$' || $1, now() + INTERVAL '1 day')`,
    [secret, digest],
  );
  await admin.query(
    `INSERT INTO sallyport.one_time_tokens (purpose, digest, folded, expires_at)
      VALUES ('email-confirmation', $2, $1, now() + INTERVAL '1 day')`,
    [secret, digest],
  );
  await admin.query(
    `INSERT INTO sallyport.outbox (body, expires_at) VALUES ($1, now() + INTERVAL '1 day')`,
    [secret],
  );
  await admin.query(`INSERT INTO sallyport.security_events (kind, reason) VALUES ('x', $1)`, [
    secret,
  ]);
  await admin.query(
    `INSERT INTO sallyport.encryption_key (fingerprint) VALUES ($1)
      ON CONFLICT (singleton) DO UPDATE SET fingerprint = excluded.fingerprint`,
    [secret],
  );
  const tenants = await admin.query<{ id: string }>(
    'INSERT INTO sallyport.tenants (name) VALUES ($1) RETURNING id',
    [secret],
  );
  const tenantId = tenants.rows[0]?.id;
  await admin.query(`INSERT INTO sallyport.roles VALUES ($1, $2, ARRAY[$2])`, [tenantId, secret]);
  await admin.query(
    `INSERT INTO sallyport.memberships (tenant_id, identity_id, role) VALUES ($1, $2, $3)`,
    [tenantId, owners[0]?.identityId, secret],
  );
  // Statistics are copies of values.
  await admin.query('ANALYZE');
  const ofOwners = owners.flatMap((owner) => {
    const hash = `$argon2id$${owner.displayName.split(' ')[1]}`;
    return [owner.displayName, owner.email, owner.proof, sha256(owner.proof), hash];
  });
  return [secret, digest, ...ofOwners, ...owners.map((owner) => owner.synchronizerDigest)];
}

async function snapshotOf({ admin }: TestDatabase, attacker: TestPrincipal): Promise<string> {
  const { rows } = await admin.query<{ table: string }>(
    `SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) AS table
      FROM information_schema.tables
      WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
  );
  const parts: string[] = [];
  for (const { table } of rows) {
    const { rows: digests } = await admin.query<{ digest: string }>(
      `SELECT md5(string_agg(t::TEXT, E'\\n' ORDER BY t::TEXT)) AS digest FROM ${table} AS t
        WHERE t::TEXT NOT LIKE '%(' || $1 || ',%' OR $2 <> 'sallyport.profiles'`,
      [attacker.identityId, table],
    );
    parts.push(`${table} ${digests[0]?.digest}`);
  }
  return parts.join('\n');
}
