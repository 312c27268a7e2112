import { type Config, readConfig } from '../../src/server/config.ts';
import { startServer } from '../../src/server/server.ts';
import { createDatabase, type TestDatabase } from './databases.ts';
import { TEST_KEY } from './test-key.ts';
import { startWireProxy, type WireProxy } from './wire-proxy.ts';

export interface TestServer extends TestDatabase {
  readonly origin: string;
  readonly config: Config;
  /** Stops the server and drops its database. */
  close(): Promise<void>;
}

/** The product itself on a free port, with a database of its own. */
export async function startTestServer(
  settings: Readonly<Record<string, string>> = {},
): Promise<TestServer> {
  const database = await createDatabase();
  const config = testConfig({ DATABASE_URL: database.url, ...settings });
  const server = await startServer(config);
  return {
    ...database,
    origin: server.origin,
    config,
    async close() {
      await server.close();
      await database.drop();
    },
  };
}

/** The same, with a proxy between it and its database that can hold what it sends. */
export async function startProxiedServer(): Promise<TestServer & { readonly proxy: WireProxy }> {
  const database = await createDatabase();
  const proxy = await startWireProxy(database.url);
  const config = testConfig({ DATABASE_URL: proxy.url });
  const server = await startServer(config);
  return {
    ...database,
    origin: server.origin,
    config,
    proxy,
    async close() {
      await server.close();
      await proxy.close();
      await database.drop();
    },
  };
}

/** The settings of a process that others can reach, whole and in order. */
export const REACHABLE = {
  DATABASE_URL: 'postgresql://owner:secret@db.example/accounts?sslmode=verify-full',
  SALLYPORT_HOST: '0.0.0.0',
  SALLYPORT_ORIGIN: 'https://accounts.example',
  SALLYPORT_ENCRYPTION_KEY: 'A'.repeat(43),
  SALLYPORT_SMTP_URL: 'smtps://mail.example',
  SALLYPORT_MAIL_FROM: 'accounts@example.com',
};

/** A configuration as the environment would give it; settings of this shell do not reach it. */
export function testConfig(settings: Readonly<Record<string, string>>): Config {
  const read = readConfig({
    SALLYPORT_PORT: '0',
    SALLYPORT_LOG_LEVEL: 'silent',
    SALLYPORT_ENCRYPTION_KEY: TEST_KEY.toString('base64url'),
    ...settings,
  });
  if ('problems' in read) throw new Error(read.problems.join('\n'));
  return read.config;
}
