import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createPasswordHasher, type PasswordHasher } from '../../src/core/password-hashing.ts';
import { type TestApp, startTestApp } from '../support/apps.ts';
import { sendAtOnce } from '../support/at-once.ts';
import { type Answer, ask, Visitor } from '../support/client.ts';
import { queuedMails } from '../support/cores.ts';
import { newPerson, type Person, register, signedIn } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';

// Ten wrong guesses a minute at one account, on all processes together; the same whatever the way.

/** The product's own hasher, and how many hashes were computed. */
const counted = { hashes: 0 };
function countingHasher(): PasswordHasher {
  const hasher = createPasswordHasher({ queue: 500, waitMilliseconds: 60_000 });
  return {
    hash: (password) => (counted.hashes++, hasher.hash(password)),
    verify: (hash, password) => (counted.hashes++, hasher.verify(hash, password)),
  };
}

let app: TestApp;
/** A second process on the same database, as far as the database can tell. */
let second: TestApp;
beforeAll(async () => {
  app = await startTestApp(countingHasher());
  second = await startTestApp(countingHasher(), app);
});
afterAll(async () => {
  await second.close();
  await app.close();
});
beforeEach(async () => {
  await app.admin.query('DELETE FROM sallyport.budgets');
  counted.hashes = 0;
});

const WRONG = 'eleven otters juggle lanterns';
const QUOTA = 10;

const json = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) => ({
  path,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});
const post = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) => {
  const { path: to, ...rest } = json(path, body, headers);
  return ask(app.origin, to, { method: 'POST', ...rest });
};
const signIn = ({ email }: Pick<Person, 'email'>, password = WRONG) =>
  post('/api/sign-in', { email, password });

/** Uses up what strangers may guess at this account. */
async function useUp(person: Pick<Person, 'email'>): Promise<void> {
  for (let guess = 0; guess < QUOTA; guess++) expect((await signIn(person)).status).toBe(401);
}

function expectLimited(answer: Answer): void {
  expect([answer.status, answer.json().code]).toEqual([429, 'too-many-attempts']);
  expect(answer.headers['content-type']).toMatch('application/problem+json');
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  expect(answer.setCookies).toEqual([]);
}

describe('200 guesses at one account at the same moment', () => {
  test('come to ten hashes, on two processes; then not even the right password is looked at [R-50] [CWE-307] [ASVS 6.3.1] [ASVS 6.1.1]', async () => {
    const person = await register(app.origin);
    counted.hashes = 0;
    const guesses = (count: number) =>
      Array.from({ length: count }, () =>
        json('/api/sign-in', { email: person.email, password: WRONG }),
      );
    const answers = (
      await Promise.all([
        sendAtOnce(app.origin, guesses(100)),
        sendAtOnce(second.origin, guesses(100)),
      ])
    ).flat();
    expect(counted.hashes).toBeLessThanOrEqual(QUOTA);
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(counted.hashes);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(150);
    for (const answer of answers) if (answer.status === 429) expectLimited(answer);

    const hashes = counted.hashes;
    const changed = await changedBy(app.admin, async () => {
      expectLimited(await signIn(person, person.password));
    });
    expect(changed).toEqual([]);
    expect(counted.hashes).toBe(hashes);

    await app.admin.query(`UPDATE sallyport.budgets SET ends_at = now() WHERE kind = 'account'`);
    expect((await signIn(person, person.password)).status).toBe(200);
  });
});

describe('the limit is the same on every way to a guess [R-51] [R-52] [R-55] [ASVS 2.4.1]', () => {
  test('by the API and by the page, in any spelling of the address [R-52]', async () => {
    const person = await register(app.origin);
    await useUp({ email: ` ${person.email.toUpperCase()} ` });
    expectLimited(await signIn(person, person.password));
    const visitor = new Visitor(app.origin);
    const token = /name="_csrf" value="([^"]*)"/.exec((await visitor.get('/sign-in')).text)?.[1];
    const fields = { _csrf: token ?? '', email: person.email, password: person.password };
    const page = await visitor.submit('/sign-in', fields);
    expect(page.status).toBe(429);
    expect(page.headers['content-type']).toMatch('text/html');
    expect(page.headers['retry-after']).toBeDefined();
    expect(page.text).toContain('That was tried too often');
  });

  test.each(['//api/sign-in', '/api//sign-in', '/api/sign-in/', '/api/./sign-in', '/API/sign-in'])(
    'the path %s leads round no limit [R-55]',
    async (path) => {
      const person = await register(app.origin);
      await useUp(person);
      expect(
        (await post(path, { email: person.email, password: person.password })).status,
      ).not.toBe(200);
    },
  );

  test('wrong passwords in a session, at a change and at re-authentication, count too [R-25]', async () => {
    const person = await register(app.origin);
    const browser = await signedIn(app.origin, person);
    browser.cookies.delete('__Host-device');
    counted.hashes = 0;
    const statuses: number[] = [];
    for (let guess = 0; guess < 6; guess++) {
      statuses.push(
        (await browser.send('POST', '/api/re-authentication', { password: WRONG })).status,
      );
      const change = { currentPassword: WRONG, newPassword: newPerson().password };
      statuses.push((await browser.send('POST', '/api/account/change-password', change)).status);
    }
    expect(statuses.filter((status) => status === 429)).toHaveLength(2);
    expect(counted.hashes).toBe(QUOTA);
    expectLimited(await signIn(person, person.password));
    expect((await browser.get('/api/session')).status).toBe(200);
  });

  test('a header, a longer body, another field: nothing but the account and the network counts [R-54]', async () => {
    const person = await register(app.origin);
    for (let guess = 0; guess < QUOTA; guess++) {
      const forged = {
        'x-forwarded-for': `198.51.100.${guess}`,
        'x-real-ip': `198.51.100.${guess}`,
        forwarded: `for=198.51.100.${guess}`,
        'user-agent': `agent ${guess}`,
        cookie: `__Host-device=${'A'.repeat(42)}${'AEIMQUYcgk'[guess]}`,
        origin: app.origin,
      };
      expect(
        (await post('/api/sign-in', { email: person.email, password: WRONG }, forged)).status,
      ).toBe(401);
    }
    expectLimited(await signIn(person, person.password));
    const { rows } = await app.admin.query<{ kind: string; spent: number }>(
      `SELECT kind, spent FROM sallyport.budgets WHERE kind = 'network'`,
    );
    expect(rows).toEqual([{ kind: 'network', spent: QUOTA }]);
  });

  test('guesses at a hundred accounts from one network end too [R-53]', async () => {
    await app.admin.query(`UPDATE sallyport.budgets SET spent = quota WHERE kind = 'network'`);
    expect((await signIn(newPerson())).status).toBe(401);
    await app.admin.query(`UPDATE sallyport.budgets SET spent = quota WHERE kind = 'network'`);
    expectLimited(await signIn(newPerson()));
    const owner = await register(app.origin);
    expectLimited(await signIn(owner, owner.password));
  });
});

describe('known, unknown, disabled and unproved addresses', () => {
  test('are limited alike: nobody learns from it who there is [R-57] [CWE-204] [ASVS 6.3.8]', async () => {
    const known = await register(app.origin);
    const disabled = await register(app.origin);
    await app.admin.query(
      `UPDATE sallyport.identities SET disabled_at = now()
        WHERE id = (SELECT identity_id FROM sallyport.email_addresses WHERE folded = $1)`,
      [disabled.email],
    );
    const unproved = newPerson();
    await post('/api/sign-up', unproved);
    const seen: string[] = [];
    for (const { email } of [known, disabled, unproved, newPerson()]) {
      await app.admin.query('DELETE FROM sallyport.budgets');
      const answers: unknown[] = [];
      for (let guess = 0; guess < QUOTA + 2; guess++) {
        const { status, headers, text } = await signIn({ email });
        const { title, code } = JSON.parse(text) as Record<string, string>;
        answers.push([status, Object.keys(headers), title, code]);
      }
      seen.push(JSON.stringify(answers));
    }
    expect(new Set(seen).size).toBe(1);
  });
});

describe('the owner', () => {
  test('gets in, in a browser where they have signed in before, whatever strangers do [CWE-645]', async () => {
    const person = await register(app.origin);
    const browser = await signedIn(app.origin, person);
    expect((await browser.send('POST', '/api/sign-out')).status).toBe(204);
    await useUp(person);
    expectLimited(await signIn(person, person.password));
    const { email, password } = person;
    expect((await browser.send('POST', '/api/sign-in', { email, password })).status).toBe(200);
  });

  test('is told of a new browser, once, and not of a known one [ASVS 6.3.5]', async () => {
    const person = await register(app.origin);
    const browser = await signedIn(app.origin, person);
    const toOwner = async (kind: string) =>
      (await queuedMails(app)).filter((mail) => mail.to === person.email && mail.kind === kind);
    expect(await toOwner('new-device')).toEqual([]);
    await browser.send('POST', '/api/sign-out');
    const { email, password } = person;
    await browser.send('POST', '/api/sign-in', { email, password });
    expect(await toOwner('new-device')).toEqual([]);
    await signedIn(app.origin, person);
    expect(await toOwner('new-device')).toHaveLength(1);
    for (let more = 0; more < 6; more++) await signedIn(app.origin, person);
    expect(await toOwner('new-device')).toHaveLength(5);
  });

  test('is told of guesses, once a day; nobody else is [ASVS 6.3.5] [CWE-799]', async () => {
    const person = await register(app.origin);
    const count = async () =>
      (await queuedMails(app)).filter(
        ({ to, kind }) => to === person.email && kind === 'guesses-limited',
      ).length;
    for (let guess = 0; guess < QUOTA - 1; guess++) await signIn(person);
    expect(await count()).toBe(0);
    await signIn(person);
    expect(await count()).toBe(1);
    await app.admin.query(`UPDATE sallyport.budgets SET ends_at = now() WHERE kind = 'account'`);
    for (let guess = 0; guess < QUOTA; guess++) await signIn(person);
    expect(await count()).toBe(1);
    const nobody = newPerson();
    for (let guess = 0; guess < QUOTA; guess++) await signIn(nobody);
    expect((await queuedMails(app)).filter(({ to }) => to === nobody.email)).toEqual([]);
  });

  test('finds the password closed after a hundred failures in a row, and opens it by recovery [ASVS 6.3.1]', async () => {
    const person = await register(app.origin);
    await useUp(person);
    await app.admin.query(`UPDATE sallyport.budgets SET spent = 89 WHERE kind = 'authenticator'`);
    const pass = () =>
      app.admin.query(`UPDATE sallyport.budgets SET ends_at = now() WHERE kind = 'account'`);
    await pass();
    expect((await signIn(person)).status).toBe(401);
    expect((await signIn(person, person.password)).status).toBe(401);
    const mails = await queuedMails(app);
    expect(
      mails.filter(({ to, kind }) => to === person.email && kind === 'authenticator-closed'),
    ).toHaveLength(1);

    await post('/api/recoveries', { email: person.email });
    const mail = (await queuedMails(app)).findLast(({ kind }) => kind === 'password-recovery');
    const { password } = newPerson();
    const token = mail?.kind === 'password-recovery' ? mail.token : '';
    expect((await post('/api/recoveries/confirmations', { token, password })).status).toBe(200);
    expect((await signIn(person, password)).status).toBe(200);
  });
});

describe('the secret of a known browser', () => {
  const deviceOf = (visitor: Visitor) => visitor.cookies.get('__Host-device') ?? '';

  test('is kept as a digest, in a cookie that no script reads, and works for that person alone [CWE-312]', async () => {
    const person = await register(app.origin);
    const visitor = new Visitor(app.origin);
    const { email, password } = person;
    const answer = await visitor.send('POST', '/api/sign-in', { email, password });
    const cookie = answer.setCookies.find((line) => line.startsWith('__Host-device='));
    expect(cookie).toMatch(/; Max-Age=34560000; Path=\/; Secure; HttpOnly; SameSite=Strict$/);
    const { rows } = await app.admin.query('SELECT * FROM sallyport.devices');
    expect(JSON.stringify(rows)).not.toContain(deviceOf(visitor));

    const other = await register(app.origin);
    await useUp(other);
    const known = { cookie: `__Host-device=${deviceOf(visitor)}`, origin: app.origin };
    expectLimited(
      await post('/api/sign-in', { email: other.email, password: other.password }, known),
    );
  });

  test('that somebody has planted there is replaced at the first sign-in [CWE-384]', async () => {
    const attacker = await signedIn(app.origin, await register(app.origin));
    const planted = deviceOf(attacker);
    const victim = await register(app.origin);
    const browser = new Visitor(app.origin);
    browser.cookies.set('__Host-device', planted);
    const { email, password } = victim;
    expect((await browser.send('POST', '/api/sign-in', { email, password })).status).toBe(200);
    expect(deviceOf(browser)).not.toBe(planted);
    await useUp(victim);
    const headers = { cookie: `__Host-device=${planted}`, origin: app.origin };
    expectLimited(await post('/api/sign-in', { email, password: WRONG }, headers));
  });

  test('is forgotten with a new password, but in the browser where it was chosen [R-25]', async () => {
    const person = await register(app.origin);
    const [thief, owner] = [await signedIn(app.origin, person), await signedIn(app.origin, person)];
    const newPassword = newPerson().password;
    const change = { currentPassword: person.password, newPassword };
    expect((await owner.send('POST', '/api/account/change-password', change)).status).toBe(204);
    await useUp(person);
    const body = { email: person.email, password: newPassword };
    const from = (visitor: Visitor) => ({
      cookie: `__Host-device=${deviceOf(visitor)}`,
      origin: app.origin,
    });
    expectLimited(await post('/api/sign-in', body, from(thief)));
    expect((await post('/api/sign-in', body, from(owner))).status).toBe(200);
  });
});
