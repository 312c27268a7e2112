import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import { runStatement } from './batch.ts';
import {
  type Database,
  embeddedConfig,
  openEmbeddedDatabase,
  openServerDatabase,
  type Role,
} from './database.ts';
import { kyselyOn } from './dialect.ts';
import { findKeyFingerprint, noteKeyFingerprint } from './encryption-key.ts';
import { engineOf, type PolicyForm } from './engine.ts';
import { setEventDays } from './event-retention.ts';
import { DatabaseUnavailableError, OtherKeyError, reasonOf, sqlState } from './errors.ts';
import { migrate } from './migrations.ts';
import { setRolePassword } from './roles.ts';

/** What the two roles sign in with, where we decide it. */
export type RolePasswords = Readonly<Record<Role, string>>;

/** The embedded database in this folder, made or brought up to date. */
export async function openEmbeddedMigrated(
  folder: string,
  form: PolicyForm,
  eventDays: number,
): Promise<Database> {
  const lite = await PGlite.create({ dataDir: folder });
  const client = new pg.Client(embeddedConfig(lite));
  await client.connect();
  await migrate(client, 'embedded', async () => null, form);
  await setEventDays(client, eventDays);
  await client.end();
  return closingBoth(lite);
}

/**
 * The embedded database as it is; null where there is none yet. What the engine itself writes when
 * it opens its files is all that changes.
 */
export async function openEmbeddedUnchanged(folder: string): Promise<Database | null> {
  if (!existsSync(join(folder, 'PG_VERSION'))) return null;
  return closingBoth(await PGlite.create({ dataDir: folder }));
}

function closingBoth(lite: PGlite): Database {
  const database = openEmbeddedDatabase(lite);
  return {
    ...database,
    async close() {
      await database.close();
      await lite.close();
    },
  };
}

/**
 * A server's database, brought up to date through one URL whose login may create roles and schemas.
 * The process itself then signs in as the two roles, with these passwords, which are set only where
 * the database belongs to this key: else they are what other processes sign in with.
 * @throws OtherKeyError
 * @throws DatabaseUnavailableError whose message is for the person who started the process.
 */
export async function openServerMigrated(
  url: string,
  passwords: RolePasswords,
  keyFingerprints: readonly string[],
  form: PolicyForm,
  eventDays: number,
): Promise<Database> {
  return await withConnection(url, async (owner) => {
    const engine = await engineOn(owner);
    await migrate(owner, engine, () => connect(url), form);
    await setEventDays(owner, eventDays);
    await checkKey(owner, keyFingerprints);
    await acceptPassword(owner, url, 'sallyport_app', passwords);
    await acceptPassword(owner, url, 'sallyport_identity', passwords);
    return openServerDatabase({
      engine,
      app: { connectionString: roleUrl(url, 'sallyport_app', passwords) },
      identity: { connectionString: roleUrl(url, 'sallyport_identity', passwords) },
    });
  });
}

/**
 * The same, as it is: no migration, and no password is set, even if the roles cannot sign in.
 * @throws OtherKeyError where the database is known to belong to another key.
 */
export async function openServerUnchanged(
  url: string,
  passwords: RolePasswords,
  keyFingerprints: readonly string[],
): Promise<Database> {
  return await withConnection(url, async (owner) => {
    const known = await knownFingerprint(owner);
    if (known !== undefined && !keyFingerprints.includes(known)) throw otherKey();
    return openServerDatabase({
      engine: await engineOn(owner),
      app: { connectionString: roleUrl(url, 'sallyport_app', passwords) },
      identity: { connectionString: roleUrl(url, 'sallyport_identity', passwords) },
    });
  });
}

/** A server's database whose schema somebody else keeps up to date with `sallyport migrate`. */
export async function openWithLogins(appUrl: string, identityUrl: string): Promise<Database> {
  return openServerDatabase({
    engine: await withConnection(appUrl, engineOn),
    app: { connectionString: appUrl },
    identity: { connectionString: identityUrl },
  });
}

/** Brings the schema of a server up to date, and nothing else. @returns how many statements ran. */
export async function migrateServer(
  url: string,
  form: PolicyForm,
  eventDays: number,
): Promise<number> {
  return await withConnection(url, async (owner) => {
    const ran = await migrate(owner, await engineOn(owner), () => connect(url), form);
    await setEventDays(owner, eventDays);
    return ran;
  });
}

/** @throws DatabaseUnavailableError whose message is for the person who started the process. */
export async function withConnection<T>(
  url: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connect(url);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'sallyport',
    connectionTimeoutMillis: 10_000,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    const { hostname, port, pathname } = new URL(url);
    const where = `${pathname.slice(1)} at ${hostname}:${port || 5432}`;
    throw new DatabaseUnavailableError(
      `No connection to the database ${where}: ${reasonOf(error)}`,
      { cause: error },
    );
  }
}

export async function engineOn(client: pg.Client) {
  const { rows } = await runStatement(client, 'SELECT version() AS version');
  return engineOf(String(rows[0]?.['version']));
}

/** The fingerprint of the key in force, and behind it those of the keys before it. */
async function checkKey(
  owner: pg.Client,
  [fingerprint = '', ...previous]: readonly string[],
): Promise<void> {
  await runStatement(owner, `SET role TO sallyport_owner`);
  const known = await noteKeyFingerprint(kyselyOn(owner), fingerprint, previous);
  await runStatement(owner, `RESET ROLE`);
  if (known !== fingerprint) throw otherKey();
}

function otherKey(): OtherKeyError {
  return new OtherKeyError('set up with another encryption key');
}

/** Undefined also where there is no such table yet, or this login may not look into it. */
async function knownFingerprint(owner: pg.Client): Promise<string | undefined> {
  try {
    return await findKeyFingerprint(kyselyOn(owner));
  } catch (error) {
    if (!['42P01', '3F000', '42501'].includes(sqlState(error) ?? '')) throw error;
    return undefined;
  }
}

/** Sets the role's password where it is not this one yet. */
async function acceptPassword(
  owner: pg.Client,
  ownerUrl: string,
  role: Role,
  passwords: RolePasswords,
): Promise<void> {
  const connectionString = roleUrl(ownerUrl, role, passwords);
  const trial = new pg.Client({ connectionString, connectionTimeoutMillis: 10_000 });
  trial.on('error', () => {});
  try {
    await trial.connect();
    await trial.end();
  } catch (error) {
    if (!['28P01', '28000'].includes(sqlState(error) ?? '')) throw error;
    await setRolePassword(owner, role, passwords[role]);
  }
}

/**
 * The URL with which a role signs in to the database of the owner's URL. Among the parameters a
 * name or a password would go before these, and the process would sign in as the owner (CWE-250).
 */
function roleUrl(ownerUrl: string, role: Role, passwords: RolePasswords): string {
  const url = new URL(ownerUrl);
  for (const name of ['user', 'password']) url.searchParams.delete(name);
  url.username = role;
  url.password = passwords[role];
  return url.href;
}
