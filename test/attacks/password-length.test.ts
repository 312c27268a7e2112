import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, ask, Visitor } from '../support/client.ts';
import { newPerson, register, type Person } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
let owner: Person;
beforeAll(async () => {
  server = await startTestServer();
  owner = await register(server.origin);
});
afterAll(() => server.close());

const post = (path: string, body: unknown) => new Visitor(server.origin).send('POST', path, body);
const signIn = (email: string, password: string) => post('/api/sign-in', { email, password });

/** What the client sees, without the id and the time of this one answer. */
function visible(answer: Answer) {
  const headers = { ...answer.headers };
  delete headers.date;
  const body = answer.json() as Record<string, unknown>;
  return { status: answer.status, headers, body: { ...body, instance: '' } };
}

describe('passwords of every length at sign-in', () => {
  test.each([
    [0, 401],
    [1, 401],
    [14, 401],
    [15, 401],
    [71, 401],
    [72, 401],
    [73, 401],
    [128, 401],
    [129, 401],
    [4_095, 401],
    [4_096, 401],
    [4_097, 400],
    [15_000, 400],
  ])(
    '%i bytes: the same for an address that exists and one that does not [R-56] [CWE-208]',
    async (length, status) => {
      const password = 'p'.repeat(length);
      // Each length on its own: guesses are limited, and their owner hears of too many.
      await server.admin.query('DELETE FROM sallyport.budgets');
      const changed = await changedBy(server.admin, async () => {
        const existing = visible(await signIn(owner.email, password));
        const unknown = visible(await signIn('nobody@example.com', password));
        expect(existing).toEqual(unknown);
        expect(existing.status).toBe(status);
      });
      expect(changed).toEqual(status === 401 ? ['security_events'] : []);
    },
  );

  test('4,096 characters of four bytes each are too large a request, for both', async () => {
    const password = '\u{1f422}'.repeat(4_096);
    const existing = visible(await signIn(owner.email, password));
    expect(existing).toEqual(visible(await signIn('nobody@example.com', password)));
    expect(existing).toMatchObject({ status: 413, body: { code: 'body-too-large' } });
  });

  // The answer comes although the body never does: nothing of it was read, let alone hashed.
  test('1 MB is refused by its announced length alone, for both [R-56] [CWE-400]', async () => {
    for (const path of ['/api/sign-in', '/api/sign-up']) {
      const changed = await changedBy(server.admin, async () => {
        const answer = await ask(server.origin, path, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'content-length': '1000000' },
        });
        expect([answer.status, answer.json()]).toMatchObject([413, { code: 'body-too-large' }]);
      });
      expect(changed).toEqual([]);
    }
    await server.admin.query('DELETE FROM sallyport.budgets');
    expect((await signIn(owner.email, owner.password)).status).toBe(200);
  });

  test('a body without an announced length is cut off where it gets too large', async () => {
    const changed = await changedBy(server.admin, async () => {
      const answer = await ask(server.origin, '/api/sign-in', {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'transfer-encoding': 'chunked',
          'content-length': [],
        },
        body: JSON.stringify({ email: owner.email, password: 'p'.repeat(17_000) }),
      });
      expect(answer.status).toBe(413);
    });
    expect(changed).toEqual([]);
  });
});

describe('passwords of every length at sign-up', () => {
  test.each([
    [0, 'password-too-short'],
    [14, 'password-too-short'],
    [129, 'password-too-long'],
    [4_096, 'password-too-long'],
    [4_097, 'too-long'],
  ])(
    '%i characters: the same reason, whether or not the address has an owner',
    async (length, reason) => {
      const password = 'vkw7tq2zmxj9rhp4'.repeat(300).slice(0, length);
      const changed = await changedBy(server.admin, async () => {
        const existing = visible(await post('/api/sign-up', { ...owner, password }));
        const unknown = visible(await post('/api/sign-up', { ...newPerson(), password }));
        expect(existing).toEqual(unknown);
        expect(existing).toMatchObject({
          status: 400,
          body: { errors: [{ field: 'password', reason }] },
        });
      });
      expect(changed).toEqual([]);
    },
  );
});

describe('every byte of a password counts', () => {
  const base = 'vkw7tq2zmxj9rhp4 lantern orbit kettle '.repeat(4);

  test.each([72, 73, 100, 128])('up to the last of %i [R-56] [CWE-625]', async (length) => {
    const password = base.slice(0, length);
    expect(Buffer.byteLength(password)).toBe(length);
    const person = await register(server.origin, { ...newPerson(), password });
    const others = [
      password.slice(0, -1),
      `${password.slice(0, -1)}#`,
      `${password}#`,
      `${password} `,
      password.slice(0, 72) + '#'.repeat(length - 72),
      `${password}\0`,
    ].filter((other) => other !== password);
    for (const other of others) expect((await signIn(person.email, other)).status).toBe(401);
    expect((await signIn(person.email, password)).status).toBe(200);
  });

  test('of 128 characters that are four bytes each', async () => {
    const animals = [
      '\u{1f422}',
      '\u{1f6b2}',
      '\u{1f335}',
      '\u{1f3bb}',
      '\u{1f9ed}',
      '\u{1fa81}',
      '\u{1f34b}',
      '\u{1f989}',
    ];
    const characters = Array.from(
      { length: 128 },
      (_, index) => animals[(index * index + (index >> 3)) % animals.length] ?? '',
    );
    const password = characters.join('');
    expect(Buffer.byteLength(password)).toBe(512);
    const person = await register(server.origin, { ...newPerson(), password });
    const other = [...characters.slice(0, -1), '\u{1f9c0}'].join('');
    expect((await signIn(person.email, other)).status).toBe(401);
    expect((await signIn(person.email, password)).status).toBe(200);
  });
});
