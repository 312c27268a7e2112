import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FastifyInstance } from 'fastify';
import { createPasswordHasher } from '../../src/core/password-hashing.ts';
import type { Database } from '../../src/db/database.ts';
import { buildApp } from '../../src/fastify/app.ts';
import { hostsOf } from '../../src/http/host.ts';
import { openManaged } from '../../src/server/databases.ts';
import { type Ask, ask } from '../support/client.ts';
import { register } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer } from '../support/servers.ts';
import { TEST_KEY } from '../support/test-key.ts';

// The usual deployment: a proxy ends TLS, the process hears plain HTTP on loopback and cannot tell
// its own scheme or name from a request. Twice a check that asked the request for them passed
// everything.

const ORIGIN = 'https://accounts.example.test';
const HOST = 'accounts.example.test';

const server = await startTestServer();
let database: Database;
let app: FastifyInstance;
let behindProxy: string;
beforeAll(async () => {
  database = await openManaged(server.url, TEST_KEY);
  const core = { database, passwords: createPasswordHasher(), encryptionKey: TEST_KEY };
  const { hosts } = hostsOf(ORIGIN, { loopback: false, port: 443 });
  const policy = { origin: ORIGIN, trustedOrigins: [], trustedProxies: [], hosts };
  app = await buildApp(core, { policy, version: '0.0.0', logger: { level: 'silent' } });
  await app.listen({ host: '127.0.0.1', port: 0 });
  behindProxy = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await app.close();
  await database.close();
  await server.close();
});

/** One request as the proxy passes it on. */
function pass(path: string, { headers, ...rest }: Ask = {}) {
  return ask(behindProxy, path, { ...rest, headers: { host: HOST, ...headers } });
}

async function signIn() {
  const { email, password } = await register(server.origin);
  const answer = await pass('/api/sign-in', {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: ORIGIN },
    body: JSON.stringify({ email, password }),
  });
  expect(answer.status).toBe(200);
  const cookie = answer.setCookies
    .filter((line) => !line.includes('Max-Age=0'))
    .map((line) => line.split(';')[0])
    .join('; ');
  return { cookie, 'x-csrf-token': answer.json().csrfToken as string };
}

describe('behind a proxy that ends TLS', () => {
  const change = (session: Record<string, string>, headers: Ask['headers']) =>
    pass('/api/account/profile', {
      method: 'PATCH',
      headers: { 'content-type': 'application/json', ...session, ...headers },
      body: JSON.stringify({ displayName: 'Behind a proxy' }),
    });

  test('an Origin or a Referer with http is another origin; nothing that a request says changes that [R-08] [CWE-352]', async () => {
    const session = await signIn();
    const claims = {
      'http Origin': { origin: `http://${HOST}` },
      'http Origin, metadata': { origin: `http://${HOST}`, 'sec-fetch-site': 'same-origin' },
      'http Origin, forwarded as http': { origin: `http://${HOST}`, 'x-forwarded-proto': 'http' },
      'http Origin, Forwarded': { origin: `http://${HOST}`, forwarded: `proto=http;host=${HOST}` },
      'http Origin with a port': { origin: `http://${HOST}:443` },
      'https Origin with another port': { origin: `https://${HOST}:8443` },
      'https Origin with the default port spelt out': { origin: `${ORIGIN}:443` },
      'the address that the process listens on': { origin: behindProxy },
      'a host that a header claims': {
        origin: 'https://evil.example',
        'x-forwarded-host': 'evil.example',
        forwarded: 'host=evil.example;proto=https',
      },
      'a sibling': { origin: 'https://blog.example.test' },
      'http Referer': { referer: `http://${HOST}/account` },
      'https Referer that begins with ours': { referer: `${ORIGIN}.evil.example/` },
      'a relative Referer': { referer: '/account' },
      nothing: {},
    };
    const changed = await changedBy(server.admin, async () => {
      for (const [name, headers] of Object.entries(claims)) {
        expect((await change(session, headers)).status, name).toBe(403);
      }
    });
    expect(changed).toEqual([]);

    const own = [
      { origin: ORIGIN },
      { referer: `${ORIGIN}/account` },
      { 'sec-fetch-site': 'same-origin' },
    ];
    for (const headers of own) expect((await change(session, headers)).status).toBe(200);
  });

  test('a name that is not ours is refused, also one that only a header claims [R-08] [R-35] [CWE-350]', async () => {
    const names = [
      'evil.example',
      `${HOST}.evil.example`,
      `evil.example, ${HOST}`,
      `${HOST}:8443`,
      'localhost',
      new URL(behindProxy).host,
      '',
    ];
    for (const host of names) {
      const answer = await pass('/sign-in', { headers: { host, 'x-forwarded-host': HOST } });
      expect([answer.status, answer.setCookies], host).toEqual([421, []]);
    }
    for (const host of [HOST, `${HOST}:443`, HOST.toUpperCase(), `${HOST}.`]) {
      const headers = { host, 'x-forwarded-host': 'evil.example' };
      expect((await pass('/sign-in', { headers })).status, host).toBe(200);
    }
  });

  test('the probes answer under any name, and only they [R-08]', async () => {
    const headers = { host: new URL(behindProxy).host };
    expect((await ask(behindProxy, '/health', { headers })).status).toBe(200);
    expect((await ask(behindProxy, '/ready', { headers })).status).toBe(200);
    expect((await ask(behindProxy, '/openapi.json', { headers })).status).toBe(421);
  });

  test('https is promised on every kind of answer [CWE-319] [ASVS 3.4.1]', async () => {
    const promise = 'max-age=31536000; includeSubDomains';
    const { cookie } = await signIn();
    const home = await pass('/');
    const [asset = ''] = /\/assets\/[^"]+\.css/.exec(home.text) ?? [];
    expect((await pass(asset)).status).toBe(200);
    const answers = [
      home,
      await pass(asset),
      await pass('/api/session'),
      await pass('/api/session', { headers: { cookie } }),
      await pass('/account'),
      await pass('/nowhere'),
      await pass('/%zz'),
      await pass('/', { headers: { cookie: 'x'.repeat(20_000) } }),
      await pass('/api/session', { method: 'DELETE' }),
      await pass('/api/sign-in', { method: 'POST', body: 'x' }),
      await pass('/sign-in', { headers: { host: 'evil.example' } }),
      await pass('/sign-in', { headers: { cookie: '__Host-session=a; __Host-session=b' } }),
    ];
    const promised = answers.map(({ headers }) => headers['strict-transport-security']);
    expect(promised).toEqual(answers.map(() => promise));
    const plain = await ask(server.origin, '/');
    expect(plain.headers['strict-transport-security']).toBeUndefined();
  });

  test('there is no mailbox to read: it belongs to development [ASVS 13.4.2] [ASVS 15.2.3]', async () => {
    expect((await pass('/development/mailbox.json')).status).toBe(404);
    expect((await ask(server.origin, '/development/mailbox.json')).status).toBe(200);
  });
});

describe('a route that somebody adds', () => {
  const later = async () => {
    const core = { database, passwords: createPasswordHasher(), encryptionKey: TEST_KEY };
    const policy = { origin: ORIGIN, trustedOrigins: [], trustedProxies: [], hosts: [HOST] };
    return await buildApp(core, { policy, version: '0.0.0', logger: { level: 'silent' } });
  };

  test('keeps the process from starting unless it says who may call it and with what [R-06] [R-18] [CWE-862] [ASVS 8.1.1]', async () => {
    const added = await later();
    const handler = async () => 'done';
    expect(() => added.get('/x', handler)).toThrow(/GET \/x declares no access/);
    expect(() => added.post('/x', { access: 'public' }, handler)).toThrow(/declares no bodyType/);
    expect(() =>
      added.route({ method: ['GET', 'POST'], url: '/x', access: 'public', handler }),
    ).toThrow(/declares no bodyType/);
    await added.close();
  });

  test('is behind the gate by itself, wherever it is added [R-06] [R-18]', async () => {
    const session = await signIn();
    const added = await later();
    let ran = 0;
    const options = { access: 'signed-in', bodyType: 'json' } as const;
    await added.register(async (inner) => {
      inner.post('/added/:id', options, async () => {
        ran += 1;
        return {};
      });
    });
    const post = async (headers: Record<string, string>) => {
      const all = { host: HOST, 'content-type': 'application/json', ...headers };
      const answer = await added.inject({
        method: 'POST',
        url: '/added/1',
        headers: all,
        payload: '{}',
      });
      return answer.statusCode;
    };
    expect(await post({ origin: ORIGIN })).toBe(401);
    expect(await post({ ...session, origin: 'https://evil.example' })).toBe(403);
    expect(await post({ ...session, origin: ORIGIN, 'x-csrf-token': 'wrong' })).toBe(403);
    expect(await post({ ...session, origin: ORIGIN, 'content-type': 'text/plain' })).toBe(415);
    expect(ran).toBe(0);
    expect(await post({ ...session, origin: ORIGIN })).toBe(200);
    expect(ran).toBe(1);
    await added.close();
  });
});
