import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import { derivedPassword, fingerprintOf, type EncryptionKey } from '../core/encryption.ts';
import { runStatement } from '../db/batch.ts';
import {
  type Database,
  embeddedConfig,
  openEmbeddedDatabase,
  openServerDatabase,
  type Role,
} from '../db/database.ts';
import { noteKeyFingerprint } from '../db/encryption-key.ts';
import { engineOf } from '../db/engine.ts';
import { sqlState } from '../db/errors.ts';
import { migrate, migrationStatements, pendingStatements } from '../db/migrations.ts';
import { setRolePassword } from '../db/roles.ts';
import type { Config } from './config.ts';
import { StartError } from './data-folder.ts';

/**
 * The embedded database of this folder, brought up to date. The caller has locked the folder.
 */
export async function openEmbedded(folder: string): Promise<Database> {
  const lite = await PGlite.create({ dataDir: join(folder, 'database') });
  const client = new pg.Client(embeddedConfig(lite));
  await client.connect();
  await migrate(client, 'embedded', async () => null);
  await client.end();
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
 * A server's database, reached through one URL whose login creates the roles and the schema. The
 * process itself then signs in as the two roles, with passwords derived from the encryption key.
 */
export async function openManaged(url: string, key: EncryptionKey): Promise<Database> {
  const owner = await connect(url);
  try {
    const engine = engineOf(await versionOf(owner));
    await migrate(owner, engine, () => connect(url));
    const appUrl = await loginUrl(owner, url, 'sallyport_app', key);
    const identityUrl = await loginUrl(owner, url, 'sallyport_identity', key);
    return openServerDatabase({
      engine,
      app: { connectionString: appUrl },
      identity: { connectionString: identityUrl },
    });
  } finally {
    await owner.end();
  }
}

/** A server's database whose schema somebody else keeps up to date with `sallyport migrate`. */
export async function openWithLogins(appUrl: string, identityUrl: string): Promise<Database> {
  const client = await connect(appUrl);
  try {
    const engine = engineOf(await versionOf(client));
    const pending = await pendingStatements(client, migrationStatements(engine));
    if (pending.length > 0) {
      throw new StartError(
        `${pending.length} migration statements have not been applied: run \`sallyport migrate\` with DATABASE_URL first.`,
      );
    }
    return openServerDatabase({
      engine,
      app: { connectionString: appUrl },
      identity: { connectionString: identityUrl },
    });
  } finally {
    await client.end();
  }
}

/** Opens what the configuration names. */
export async function openDatabase(config: Config, key: EncryptionKey): Promise<Database> {
  const { database } = config;
  if (database.kind === 'embedded') return await openEmbedded(config.dataFolder);
  if (database.kind === 'managed') return await openManaged(database.url, key);
  return await openWithLogins(database.appUrl, database.identityUrl);
}

/** Brings the schema of a server up to date, and nothing else. @returns how many statements ran. */
export async function migrateServer(url: string): Promise<number> {
  const owner = await connect(url);
  try {
    return await migrate(owner, engineOf(await versionOf(owner)), () => connect(url));
  } finally {
    await owner.end();
  }
}

/**
 * Refuses a key that is not the one this database was first used with: mails that wait could not be
 * read, and of two processes with different keys each would lock the other out.
 */
export async function checkEncryptionKey(database: Database, key: EncryptionKey): Promise<void> {
  const own = fingerprintOf(key);
  const known = await database.transaction((tx) => noteKeyFingerprint(tx, own));
  if (known === own) return;
  throw new StartError(
    'This database was set up with another encryption key. Set SALLYPORT_ENCRYPTION_KEY to that key, or SALLYPORT_DATA to the folder that holds it.',
  );
}

export async function connect(url: string): Promise<pg.Client> {
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
    throw new StartError(
      `No connection to the database ${pathname.slice(1)} at ${hostname}:${port || 5432}: ${reasonOf(error)}`,
      { cause: error },
    );
  }
}

/** The server's message names the role and the database, never a password. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : 'unknown';
}

export async function versionOf(client: pg.Client): Promise<string> {
  const { rows } = await runStatement(client, 'SELECT version() AS version');
  return String(rows[0]?.['version']);
}

/** The URL with which a role signs in; its password is set where it is not the derived one yet. */
async function loginUrl(
  owner: pg.Client,
  ownerUrl: string,
  role: Role,
  key: EncryptionKey,
): Promise<string> {
  const password = derivedPassword(key, role);
  const url = new URL(ownerUrl);
  url.username = role;
  url.password = password;
  const trial = new pg.Client({ connectionString: url.href, connectionTimeoutMillis: 10_000 });
  trial.on('error', () => {});
  try {
    await trial.connect();
    await trial.end();
  } catch (error) {
    if (!['28P01', '28000'].includes(sqlState(error) ?? '')) throw error;
    await setRolePassword(owner, role, password);
  }
  return url.href;
}
