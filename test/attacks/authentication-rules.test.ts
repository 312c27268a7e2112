// What docs/authentication.md says of the ways to prove who one is, and of sessions, tried on the
// running product.
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newRecoveryCodes } from '../../src/core/recovery-code.ts';
import { parseNewPassword } from '../../src/core/password.ts';
import { LIMITS } from '../../src/core/tenant-policy.ts';
import { idleFor } from '../support/accounts.ts';
import { setUpTotp } from '../support/authenticators.ts';
import { ask, type Answer, Visitor } from '../support/client.ts';
import { newcomer, newPerson, register, signedIn } from '../support/people.ts';
import {
  bodyOf,
  legitimate,
  named,
  type RecordedServer,
  send,
  startRecordedServer,
} from './routes.ts';

let server: RecordedServer;
let page: string;
beforeAll(async () => {
  server = await startRecordedServer();
  page = await readFile(new URL('../../docs/authentication.md', import.meta.url), 'utf8');
});
afterAll(async () => {
  await server.close();
});

const codeOf = (answer: Answer) => (answer.json() as { code: string }).code;
const startsSession = (answer: Answer) =>
  answer.setCookies.some((line) => /^__Host-session=[^;]/.test(line));

test('before anybody has signed up there is no account, and none of the usual ones opens [ASVS 6.3.2] [CWE-1392]', async () => {
  const { rows } = await server.admin.query('SELECT id FROM sallyport.identities');
  expect(rows).toEqual([]);
  for (const name of ['admin', 'root', 'administrator', 'test', 'sallyport', 'postgres']) {
    for (const email of [name, `${name}@localhost`, `${name}@example.com`]) {
      for (const password of [name, 'password', 'changeme', '']) {
        const answer = await new Visitor(server.origin).send('POST', '/api/sign-in', {
          email,
          password,
        });
        expect(['wrong-credentials', 'too-many-attempts'], email).toContain(codeOf(answer));
      }
    }
  }
  await server.admin.query('DELETE FROM sallyport.budgets');
});

test('every public route that starts a session is a documented pathway, and no other is documented [ASVS 6.1.3]', async () => {
  const documented = [...page.matchAll(/`(POST \/[\w/:-]+)`/g)].map(([, route = '']) => route);
  const starting: string[] = [];
  for (const route of server.unsafeRoutes.filter(({ access }) => access === 'public')) {
    const request = await legitimate(server.origin, route);
    const answer = await send(request, {}, { body: bodyOf(request) });
    if (startsSession(answer)) starting.push(named(route));
    await server.admin.query('DELETE FROM sallyport.budgets');
  }
  expect(starting.toSorted()).toEqual(documented.toSorted());
});

test('the words that a password may not be made of are documented, and barred [ASVS 6.1.2]', async () => {
  expect(page).toContain('`sallyport`');
  const personal = ['ada.lovelace@example.com', 'Augusta King'];
  for (const password of [
    'sallyport sallyport',
    'ada.lovelace@example.com',
    'lovelace lovelace ada',
    'augusta augusta king',
  ]) {
    expect(await parseNewPassword(password, personal), password).toEqual({
      problem: 'password-personal',
    });
  }
});

test('a password that is 400 days old signs in, and nobody is asked to change it [ASVS 6.2.10]', async () => {
  const person = await register(server.origin);
  await server.admin.query(
    `UPDATE sallyport.passwords SET changed_at = now() - INTERVAL '400 days'
      WHERE identity_id = (SELECT identity_id FROM sallyport.email_addresses WHERE folded = $1)`,
    [person.email],
  );
  const browser = await signedIn(server.origin, person);
  expect((await browser.get('/account')).status).toBe(200);
  const { rows } = await server.admin.query(
    `SELECT column_name FROM information_schema.columns
      WHERE table_schema = 'sallyport' AND table_name = 'passwords' AND column_name LIKE '%expire%'`,
  );
  expect(rows).toEqual([]);
});

test('no table and no route knows a hint, a secret question, or a telephone [ASVS 6.4.2] [ASVS 6.6.1]', async () => {
  const told = /hint|question|answer|phone|mobile|sms|voice/i;
  const { rows } = await server.admin.query<{ name: string }>(
    `SELECT table_name || '.' || column_name AS name FROM information_schema.columns
      WHERE table_schema = 'sallyport'`,
  );
  // The beginning of a key, and what a request was answered, for a second one of the same key.
  const other = ['bearer_credentials.hint', 'idempotency_keys.answer'];
  const names = rows.map(({ name }) => name).filter((name) => told.test(name));
  expect(names.toSorted()).toEqual(other);
  const document = (await ask(server.origin, '/openapi.json')).json() as { paths: object };
  const fields = [...JSON.stringify(document.paths).matchAll(/"(\w+)":\{"type"/g)];
  expect(
    fields.map(([, name = '']) => name).filter((name) => /phone|question|sms/i.test(name)),
  ).toEqual([]);
  const { email, password, displayName } = newPerson();
  const answer = await new Visitor(server.origin).send('POST', '/api/sign-up', {
    email,
    password,
    displayName,
    secretQuestion: 'The name of the first pet?',
  });
  expect(answer.json().errors).toEqual([{ field: 'secretQuestion', reason: 'unknown-field' }]);
});

test('recovery codes are stored as digests, each of 120 bits [ASVS 6.5.2]', async () => {
  const { browser } = await newcomer(server.origin);
  const { recoveryCodes } = await setUpTotp(browser);
  const { rows } = await server.admin.query<{ row: string }>(
    'SELECT CAST(c AS TEXT) AS row FROM sallyport.recovery_codes AS c',
  );
  const stored = rows.map(({ row }) => row).join('\n');
  for (const code of recoveryCodes) {
    expect(stored).not.toContain(code);
    expect(stored).not.toContain(code.replaceAll('-', ''));
  }
  const [code = ''] = newRecoveryCodes();
  expect(5 * code.replaceAll('-', '').length).toBe(120);
});

test('the limits of sessions are the documented ones, to the minute [ASVS 7.1.1] [ASVS 7.3.1] [ASVS 7.3.2]', async () => {
  expect(page).toMatch(/\| without a request +\| 60 minutes /);
  expect(page).toMatch(/\| in all +\| 720 minutes /);
  const { idleMinutes, proofMinutes } = LIMITS;
  expect(page).toContain(
    `${idleMinutes.min} to ${idleMinutes.max}, and ${proofMinutes.min} to ${proofMinutes.max} minutes`,
  );
  const { browser } = await newcomer(server.origin);
  const { session } = (await browser.get('/api/session')).json() as {
    session: { id: string; createdAt: string; expiresAt: string };
  };
  expect(Date.parse(session.expiresAt) - Date.parse(session.createdAt)).toBe(720 * 60_000);
  await idleFor(server.admin, session.id, '59 minutes');
  expect((await browser.get('/api/session')).status).toBe(200);
  // When it was last used is noted behind the answer: not before that may the next hour begin.
  const noted = `SELECT 1 FROM sallyport.session_activity
    WHERE session_id = $1 AND last_seen_at > now() - INTERVAL '1 minute'`;
  await expect.poll(async () => (await server.admin.query(noted, [session.id])).rowCount).toBe(1);
  await idleFor(server.admin, session.id, '60 minutes');
  expect((await browser.get('/api/session')).status).toBe(401);
});

test('a person has as many sessions as browsers, each in the list, and one ends no other [ASVS 7.1.2]', async () => {
  expect(page).toContain('any number of sessions at once');
  const person = await register(server.origin);
  const browsers: Visitor[] = [];
  for (let n = 0; n < 12; n++) browsers.push(await signedIn(server.origin, person));
  for (const browser of browsers) expect((await browser.get('/api/session')).status).toBe(200);
  const list = (await browsers[0]?.get('/api/sessions'))?.json() as readonly object[];
  expect(list).toHaveLength(12);
});
