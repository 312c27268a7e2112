import { connect } from 'node:net';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/server/config.ts';
import { ask } from '../support/client.ts';
import { mailsTo, newPerson, register } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import { REACHABLE, startTestServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
let host: string;
beforeAll(async () => {
  server = await startTestServer();
  ({ host } = new URL(server.origin));
});
afterAll(() => server.close());

/** Headers from which other products have taken the host of their links. */
const CLAIMS: Readonly<Record<string, string>> = {
  'X-Forwarded-Host': 'evil.example',
  'X-Forwarded-Proto': 'http',
  'X-Forwarded-Port': '8443',
  'X-Forwarded-Server': 'evil.example',
  'X-Forwarded-Prefix': '/evil',
  'X-Forwarded-For': '203.0.113.9',
  Forwarded: 'for=203.0.113.9;host=evil.example;proto=http',
  'X-Original-Host': 'evil.example',
  'X-Original-URL': 'http://evil.example/',
  'X-Rewrite-URL': 'http://evil.example/',
  'X-Host': 'evil.example',
  'X-HTTP-Host-Override': 'evil.example',
  'X-Real-IP': '203.0.113.9',
  Via: '1.1 evil.example',
  Referer: 'http://evil.example/',
};

const signUpWith = (
  person: ReturnType<typeof newPerson>,
  headers: Readonly<Record<string, string | string[]>>,
  path = '/api/sign-up',
) =>
  ask(server.origin, path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(person),
  });

async function expectOwnLinks(email: string, count: number) {
  const mails = await mailsTo(server.origin, email);
  expect(mails).toHaveLength(count);
  for (const { text, links } of mails) {
    expect(links).toHaveLength(1);
    for (const link of links) expect(new URL(link).origin).toBe(server.origin);
    const written = text.match(/https?:[^\s]*/g) ?? [];
    expect(written).toEqual(links);
    expect(text).not.toContain('evil');
  }
}

describe('links in mails have the configured origin and no other', () => {
  // Referer is judged as an origin, so a foreign one is refused; here only what merely claims.
  const claims = Object.entries(CLAIMS).filter(([name]) => name !== 'Referer');

  test.each(claims)('whatever %s says: %s [R-35] [CWE-640]', async (name, value) => {
    const person = newPerson();
    expect((await signUpWith(person, { [name]: value })).status).toBe(202);
    await expectOwnLinks(person.email, 1);
  });

  test('whatever mixture of them is sent, in any case and as often as may be [R-35]', async () => {
    const name = fc
      .constantFrom(...claims.map(([each]) => each))
      .chain((each) => fc.constantFrom(each, each.toLowerCase(), each.toUpperCase()));
    const value = fc.constantFrom(
      'evil.example',
      'evil.example:443',
      'https://evil.example',
      `evil.example, ${host}`,
      `${host}, evil.example`,
      'host=evil.example',
      'host="evil.example";proto=https',
      '@evil.example',
      '/evil',
    );
    const values = fc.oneof(value, fc.array(value, { minLength: 2, maxLength: 3 }));
    const mixture = fc.dictionary(name, values, { minKeys: 1, maxKeys: 6 });
    await fc.assert(
      fc.asyncProperty(mixture, async (headers) => {
        const person = newPerson();
        expect((await signUpWith(person, headers)).status).toBe(202);
        await expectOwnLinks(person.email, 1);
      }),
      { numRuns: 15 },
    );
  });

  test('also in the mail to the owner of an account [R-35]', async () => {
    const person = await register(server.origin);
    const { Referer: _, ...headers } = CLAIMS;
    expect((await signUpWith(person, headers)).status).toBe(202);
    await expectOwnLinks(person.email, 2);
  });

  test('also under another name that is ours: 127.0.0.1 for localhost [R-35]', async () => {
    const person = newPerson();
    const alias = host.replace('localhost', '127.0.0.1');
    expect((await signUpWith(person, { host: alias })).status).toBe(202);
    await expectOwnLinks(person.email, 1);
  });

  test('and no forwarded name reaches a page, a redirect or the description of the API', async () => {
    const { Referer: _, ...headers } = CLAIMS;
    for (const path of ['/', '/sign-up', '/sign-in', '/account', '/openapi.json', '/nowhere']) {
      const answer = await ask(server.origin, path, { headers });
      expect(answer.text, path).not.toContain('evil');
      expect(JSON.stringify(answer.headers), path).not.toContain('evil');
    }
  });
});

/** The status line of a sign-up with these Host lines; Node's own client sends only one. */
async function statusOfHosts(hosts: readonly string[]): Promise<string> {
  const body = JSON.stringify(newPerson());
  const lines = [
    'POST /api/sign-up HTTP/1.1',
    ...hosts.map((each) => `Host: ${each}`),
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  const socket = connect(Number(new URL(server.origin).port), '127.0.0.1');
  socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('latin1').split('\r\n')[0] ?? '';
}

describe('a request that was addressed to somebody else', () => {
  test.each([
    'evil.example',
    'evil.example:80',
    'localhost',
    'localhost:1',
    'localhost.evil.example',
    '*',
  ])('by Host %j gets 421, and does nothing [R-35] [CWE-350]', async (foreign) => {
    const person = newPerson();
    const changed = await changedBy(server.admin, async () => {
      const answer = await signUpWith(person, { host: foreign, 'x-forwarded-host': host });
      expect([answer.status, answer.json()]).toMatchObject([421, { code: 'foreign-host' }]);
    });
    expect(changed).toEqual([]);
    expect((await signUpWith(person, { host })).status).toBe(202);
  });

  test('by two Host lines, an empty one or none gets a refusal', async () => {
    const changed = await changedBy(server.admin, async () => {
      for (const hosts of [
        [host, 'evil.example'],
        ['evil.example', host],
        [host, host],
        [''],
        [],
      ]) {
        expect(await statusOfHosts(hosts), hosts.join()).toMatch(/^HTTP\/1.1 (400|421) /);
      }
    });
    expect(changed).toEqual([]);
    expect(await statusOfHosts([host])).toMatch(/^HTTP\/1.1 202 /);
  });

  test('by an absolute-form target gets 400, also when it names us [R-35] [CWE-444]', async () => {
    const person = newPerson();
    const targets = [
      'http://evil.example/api/sign-up',
      'https://evil.example/api/sign-up',
      `${server.origin}/api/sign-up`,
      'HTTP://evil.example/api/sign-up',
    ];
    const changed = await changedBy(server.admin, async () => {
      for (const target of targets) {
        const answer = await signUpWith(person, {}, target);
        expect([answer.status, answer.json()], target).toMatchObject([
          400,
          { code: 'malformed-request' },
        ]);
      }
    });
    expect(changed).toEqual([]);
    expect((await signUpWith(person, {})).status).toBe(202);
    await expectOwnLinks(person.email, 1);
  });
});

describe('a process that others can reach', () => {
  test('starts with a public https origin', () => {
    expect(readConfig(REACHABLE)).toMatchObject({ config: { origin: 'https://accounts.example' } });
  });

  test.each([
    ['none', undefined],
    ['a blank', ' '],
    ['plain http', 'http://accounts.example'],
    ['a path', 'https://accounts.example/path'],
    ['no scheme', 'accounts.example'],
    ['credentials', 'https://eve@accounts.example'],
    ['null', 'null'],
    ['a wildcard', 'https://*'],
  ])('does not start with %s: it never learns its name from a request [R-36]', (_what, origin) => {
    const read = readConfig({ ...REACHABLE, SALLYPORT_ORIGIN: origin });
    expect(read).toHaveProperty('problems');
    const problems = 'problems' in read ? read.problems : [];
    expect(problems.some((line) => line.startsWith('SALLYPORT_ORIGIN'))).toBe(true);
  });

  test.each(['0.0.0.0', '::', '192.0.2.7', 'accounts.example'])(
    'is one that listens on %s',
    (address) => {
      const read = readConfig({ SALLYPORT_HOST: address });
      const problems = 'problems' in read ? read.problems : [];
      expect(problems.some((line) => line.startsWith('SALLYPORT_ORIGIN'))).toBe(true);
    },
  );
});
