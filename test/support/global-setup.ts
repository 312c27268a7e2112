import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { openManaged } from '../../src/server/databases.ts';
import { startPostgres } from './postgres.ts';
import { TEST_KEY } from './test-key.ts';

/** What global-setup hands to every test file. */
declare module 'vitest' {
  interface ProvidedContext {
    /** A login that may create databases and roles. */
    adminUrl: string;
    engine: 'postgresql' | 'cockroachdb';
  }
}

/** A database with the schema in it, of which PostgreSQL makes copies faster than it migrates. */
export const TEMPLATE = 'sallyport_template';

/**
 * One real server for the whole run: COCKROACH_URL or POSTGRES_URL where given, else a PostgreSQL
 * that the tests bring along.
 */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['COCKROACH_URL'] ?? process.env['POSTGRES_URL'];
  const server = given
    ? { url: given, stop: async () => {} }
    : await startPostgres({ shortLived: true });
  project.provide('adminUrl', server.url);
  project.provide('engine', process.env['COCKROACH_URL'] ? 'cockroachdb' : 'postgresql');
  await makeTemplate(server.url);
  return () => server.stop();
}

async function makeTemplate(adminUrl: string): Promise<void> {
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  await admin.query(`DROP DATABASE IF EXISTS ${TEMPLATE}`);
  await admin.query(`CREATE DATABASE ${TEMPLATE}`);
  await admin.end();
  const url = new URL(adminUrl);
  url.pathname = `/${TEMPLATE}`;
  const database = await openManaged(url.href, TEST_KEY);
  await database.close();
}
