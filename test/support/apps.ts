import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import type { PasswordHasher } from '../../src/core/password-hashing.ts';
import { buildApp } from '../../src/fastify/app.ts';
import { hostsOf } from '../../src/http/host.ts';
import { mailboxOf } from '../../src/server/mailbox.ts';
import { openTestCore, type TestCore } from './cores.ts';

export interface TestApp extends TestCore {
  readonly origin: string;
  /** Everything that was logged so far, at the level that logs the most. */
  log(): string;
}

/**
 * The product's app on a free port, its log kept, and its passwords hashed within given limits; on
 * the database of another one where that is given, as a second process would be.
 */
export async function startTestApp(passwords?: PasswordHasher, on?: TestApp): Promise<TestApp> {
  const test = await openTestCore(passwords, on);
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const policy = {
    origin: 'http://localhost',
    trustedOrigins: [] as readonly string[],
    trustedProxies: [],
    hosts: [] as readonly string[],
  };
  const app = await buildApp(test.core, {
    policy,
    version: '0.0.0',
    logger: { level: 'trace', stream },
    mailbox: mailboxOf(test.core, () => policy.origin),
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  policy.origin = `http://localhost:${port}`;
  policy.hosts = hostsOf(policy.origin, { loopback: true, port }).hosts;
  return {
    ...test,
    origin: policy.origin,
    log: () => lines.join(''),
    async close() {
      await app.close();
      await test.close();
    },
  };
}
