import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPasswordHasher } from '../../src/core/password-hashing.ts';
import { type TestApp, startTestApp } from '../support/apps.ts';
import { sendAtOnce } from '../support/at-once.ts';
import { ask } from '../support/client.ts';
import { newPerson, type Person, register } from '../support/people.ts';
import { rowsOf } from '../support/rows.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp(createPasswordHasher({ queue: 5, waitMilliseconds: 3_000 }));
});
afterAll(() => app.close());

const json = (path: string, body: unknown) => ({
  path,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

async function registered(count: number): Promise<readonly Person[]> {
  const people: Person[] = [];
  while (people.length < count) people.push(await register(app.origin));
  return people;
}

describe('more passwords at once than the queue takes [CWE-400] [CWE-770] [ASVS 15.2.2]', () => {
  test('some are told to come back, the others are answered right, and nobody is guessed in', async () => {
    // Ten guesses at one account may be made at once.
    const people = await registered(6);
    const wrong = 'eleven otters juggle lanterns';
    const bodies = Array.from({ length: 60 }, (_, index) => {
      const { email, password } = people[Math.floor(index / 3) % 6] ?? newPerson();
      if (index % 3 === 0) return { email, password };
      return { email: index % 3 === 1 ? email : newPerson().email, password: wrong };
    });
    const before = await rowsOf(app.admin);
    const answers = await sendAtOnce(
      app.origin,
      bodies.map((body) => json('/api/sign-in', body)),
    );
    const after = await rowsOf(app.admin);

    const busy = answers.filter(({ status }) => status === 503);
    expect(busy.length).toBeGreaterThan(0);
    expect(busy.length).toBeLessThan(60);
    for (const answer of busy) {
      expect(answer.json()).toMatchObject({ code: 'busy' });
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      expect(answer.setCookies).toEqual([]);
    }
    for (const [index, { status }] of answers.entries()) {
      expect([503, index % 3 === 0 ? 200 : 401], `request ${index}`).toContain(status);
    }
    const gained = (table: string) => (after[table]?.length ?? 0) - (before[table]?.length ?? 0);
    const signedIn = answers.filter(({ status }) => status === 200);
    expect(gained('sessions')).toBe(signedIn.length);
    // Beside what was answered, owners are told of new browsers.
    const noted = (rows: typeof after) =>
      rows['security_events']?.filter((row) => /"kind":"sign/.test(row)).length ?? 0;
    expect(noted(after) - noted(before)).toBe(60 - busy.length);
  });

  test('a sign-up that is turned away leaves no row and no mail', async () => {
    const people = Array.from({ length: 30 }, () => newPerson());
    const before = await rowsOf(app.admin);
    const answers = await sendAtOnce(
      app.origin,
      people.map((person) => json('/api/sign-up', person)),
    );
    const after = await rowsOf(app.admin);
    const accepted = answers.filter(({ status }) => status === 202).length;
    for (const { status } of answers) expect([202, 503]).toContain(status);
    expect(accepted).toBeGreaterThan(0);
    for (const table of ['sign_ups', 'one_time_tokens', 'outbox', 'security_events']) {
      expect((after[table]?.length ?? 0) - (before[table]?.length ?? 0), table).toBe(accepted);
    }
  });

  test('meanwhile everything else is answered, and afterwards everybody gets in', async () => {
    const people = await registered(5);
    const bodies = people.map(({ email, password }) => ({ email, password }));
    const burst = sendAtOnce(
      app.origin,
      Array.from({ length: 40 }, (_, index) => json('/api/sign-in', bodies[index % 5])),
    );
    for (let request = 0; request < 5; request++) {
      expect((await ask(app.origin, '/ready')).status).toBe(200);
      expect((await ask(app.origin, '/sign-in')).status).toBe(200);
    }
    const answers = await burst;
    for (const { status } of answers) expect([200, 503]).toContain(status);
    const { path, ...again } = json('/api/sign-in', bodies[0]);
    expect((await ask(app.origin, path, { method: 'POST', ...again })).status).toBe(200);
  });
});
