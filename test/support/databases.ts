import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject, onTestFinished } from 'vitest';
import type { Database } from '../../src/db/database.ts';
import { openManaged } from '../../src/server/databases.ts';
import { TEMPLATE } from './global-setup.ts';
import { TEST_KEY } from './test-key.ts';

export interface TestDatabase {
  /** The URL of a login that owns everything, for DATABASE_URL. */
  readonly url: string;
  /** A connection as that login, for looking at rows behind the product's back. */
  readonly admin: pg.Client;
  drop(): Promise<void>;
}

/** A database of its own with the schema in it, on the run's server. */
export async function createDatabase(options: { migrated: boolean } = { migrated: true }) {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const server = new pg.Client(inject('adminUrl'));
  await server.connect();
  const fromTemplate = options.migrated && inject('engine') === 'postgresql';
  // As files: through the write-ahead log it takes twice as long.
  const copy = fromTemplate ? ` TEMPLATE ${TEMPLATE} STRATEGY FILE_COPY` : '';
  await server.query(`CREATE DATABASE ${name}${copy}`);
  const url = urlOf(inject('adminUrl'), name);
  if (options.migrated && !fromTemplate) await (await openManaged(url, TEST_KEY)).close();
  // What CREATE DATABASE copies from a template does not include the privileges on the database.
  if (fromTemplate) await server.query(`REVOKE TEMPORARY ON DATABASE ${name} FROM PUBLIC`);
  const admin = new pg.Client(url);
  admin.on('error', () => {});
  await admin.connect();
  const drop = async () => {
    await admin.end();
    await server.query(`DROP DATABASE ${name}${fromTemplate ? ' WITH (FORCE)' : ''}`);
    await server.end();
  };
  return { url, admin, drop } satisfies TestDatabase;
}

/** The same, opened as the product opens it; both are gone when the test has finished. */
export async function openTestDatabase(): Promise<TestDatabase & { database: Database }> {
  const created = await createDatabase();
  const database = await openManaged(created.url, TEST_KEY);
  onTestFinished(async () => {
    await database.close();
    await created.drop();
  });
  return { ...created, database };
}

function urlOf(adminUrl: string, name: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return url.href;
}
