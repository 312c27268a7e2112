import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import pg from 'pg';
import { runStatement } from './batch.ts';
import type { Role } from './database.ts';
import { runDdl } from './ddl.ts';
import type { Engine } from './engine.ts';
import { sqlState } from './errors.ts';

/**
 * The roles and the schema, before any table. Runs as whoever the connection signed in as, who must
 * be allowed to create roles; leaves the connection acting as sallyport_owner.
 */
export async function prepareDatabase(
  client: pg.Client | pg.PoolClient,
  engine: Engine,
): Promise<void> {
  for (const { role, sql } of roleStatements(engine)) {
    if (!(await roleExists(client, role))) await ignoring(['42710', '23505'], runDdl(client, sql));
  }
  const { database, login } = await whoAndWhere(client);
  await becomeOwner(client, login);
  await runDdl(client, `RESET ROLE`);
  for (const sql of databaseStatements(engine, database)) await runDdl(client, sql);
  await runDdl(client, `SET role TO sallyport_owner`);
}

/** One statement a role. The owner cannot sign in: only a migration acts as it. */
export function roleStatements(
  engine: Engine,
): readonly { readonly role: string; readonly sql: string }[] {
  const create = engine === 'cockroachdb' ? 'CREATE ROLE IF NOT EXISTS' : 'CREATE ROLE';
  return [
    { role: 'sallyport_owner', sql: `${create} sallyport_owner NOLOGIN` },
    { role: 'sallyport_app', sql: `${create} sallyport_app LOGIN` },
    { role: 'sallyport_identity', sql: `${create} sallyport_identity LOGIN` },
    { role: 'sallyport_retention', sql: `${create} sallyport_retention NOLOGIN` },
  ];
}

/**
 * The schema, and what PUBLIC loses: with a temporary table injected SQL could put its own object
 * before ours, or keep something for the next request. CockroachDB has no such privilege.
 */
export function databaseStatements(engine: Engine, database: string): readonly string[] {
  const revokeTemporary = `REVOKE TEMPORARY ON DATABASE ${pg.escapeIdentifier(database)} FROM PUBLIC`;
  return [
    ...(engine === 'cockroachdb' ? [] : [revokeTemporary]),
    `REVOKE CREATE ON SCHEMA public FROM PUBLIC`,
    // So that a migration can hand over the one function that runs as it.
    `GRANT sallyport_retention TO sallyport_owner`,
    `CREATE SCHEMA IF NOT EXISTS sallyport AUTHORIZATION sallyport_owner`,
  ];
}

/**
 * Sets the password that a role signs in with. The statement holds a SCRAM-SHA-256 verifier made
 * here (RFC 5803), so the password itself reaches neither the server nor its log.
 */
export async function setRolePassword(
  client: pg.Client | pg.PoolClient,
  role: Role,
  password: string,
): Promise<void> {
  await runDdl(client, `ALTER ROLE ${role} WITH PASSWORD '${scramVerifier(password)}'`);
}

function scramVerifier(password: string): string {
  const iterations = 4096;
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const key = (name: string) => createHmac('sha256', salted).update(name).digest();
  const storedKey = createHash('sha256').update(key('Client Key')).digest('base64');
  const serverKey = key('Server Key').toString('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}

/** A creator of roles that is no superuser first needs to be a member of the owner. */
async function becomeOwner(client: pg.Client | pg.PoolClient, login: string): Promise<void> {
  try {
    await runDdl(client, `SET role TO sallyport_owner`);
  } catch (error) {
    if (sqlState(error) !== '42501') throw error;
    await runDdl(client, `GRANT sallyport_owner TO ${pg.escapeIdentifier(login)}`);
    await runDdl(client, `SET role TO sallyport_owner`);
  }
}

async function roleExists(client: pg.Client | pg.PoolClient, role: string): Promise<boolean> {
  const sql = `SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1`;
  return (await runStatement(client, sql, role)).rowCount === 1;
}

async function whoAndWhere(client: pg.Client | pg.PoolClient) {
  const sql = `SELECT current_database()::TEXT AS database, session_user::TEXT AS login`;
  const [row] = (await runStatement(client, sql)).rows;
  return { database: String(row?.['database']), login: String(row?.['login']) };
}

async function ignoring(states: readonly string[], work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!states.includes(sqlState(error) ?? '')) throw error;
  }
}
