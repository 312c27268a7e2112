import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, fieldValue, Visitor } from '../support/client.ts';
import { newcomer, type Person, register } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer } from '../support/servers.ts';
import { FORM_TYPE, formOf } from './routes.ts';

// The attacker makes a victim's browser sign in as the attacker, and reads later what the victim
// entered there. There is no session to protect yet; the visitor's form token is what there is.

const server = await startTestServer();
afterAll(() => server.close());
const { origin } = server;

let mallory: Person;
beforeAll(async () => {
  mallory = await register(origin, { ...newMallory() });
});

function newMallory(): Person {
  return { email: 'mallory@example.com', password: 'quartz lantern 81 harvest', displayName: 'M' };
}

async function visitForm(path = '/sign-in') {
  const browser = new Visitor(origin);
  const token = fieldValue((await browser.get(path)).text, '_csrf');
  expect(token).not.toBe('');
  return { browser, token };
}

describe('the sign-in form', () => {
  test("refuses a visitor's token that is missing, foreign or without its cookie [R-18] [CWE-352]", async () => {
    const { browser, token } = await visitForm();
    const attacker = await visitForm();
    const { email, password } = mallory;
    const submit = async (visitor: Visitor, _csrf: string) =>
      (await visitor.submit('/sign-in', { _csrf, email, password })).status;
    const changed = await changedBy(server.admin, async () => {
      expect(await submit(browser, attacker.token)).toBe(403);
      expect(await submit(browser, '')).toBe(403);
      expect(await submit(new Visitor(origin), token)).toBe(403);
      expect((await browser.submit('/sign-in', { email, password })).status).toBe(400);
    });
    expect(changed).toEqual([]);
    expect(browser.cookies.has('__Host-session')).toBe(false);

    const controlled = await changedBy(server.admin, async () =>
      expect(await submit(browser, token)).toBe(303),
    );
    expect(controlled).toEqual(['devices', 'security_events', 'session_activity', 'sessions']);
  });

  test("a live session's own token is not the visitor's: each belongs to its cookie [R-13]", async () => {
    const { browser } = await newcomer(origin);
    const { email, password } = mallory;
    const mine = browser.cookies.get('__Host-session');
    const changed = await changedBy(server.admin, async () => {
      const fields = { _csrf: browser.csrfToken ?? '', email, password };
      expect((await browser.submit('/sign-in', fields)).status).toBe(403);
    });
    expect(changed).toEqual([]);
    expect(browser.cookies.get('__Host-session')).toBe(mine);
  });

  // <form action="https://accounts.example.com/sign-in" method="post"> on the attacker's page: the
  // Strict cookie stays at home, and a cookie-less request is still judged by where it comes from.
  test('refuses a form from another site, with and without cookies [R-06] [R-18] [CWE-352]', async () => {
    const { browser, token } = await visitForm();
    const fields = { _csrf: token, email: mallory.email, password: mallory.password };
    const evil = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
    const changed = await changedBy(server.admin, async () => {
      expect((await browser.submit('/sign-in', fields, evil)).status).toBe(403);
      expect((await new Visitor(origin).submit('/sign-in', fields, evil)).status).toBe(403);
    });
    expect(changed).toEqual([]);
  });

  test('refuses a form without any cookie, wherever it says that it comes from [R-09] [CWE-352]', async () => {
    const { token } = await visitForm();
    const body = formOf({ _csrf: token, email: mallory.email, password: mallory.password });
    const changed = await changedBy(server.admin, async () => {
      for (const headers of [{}, { origin, 'sec-fetch-site': 'same-origin' }]) {
        const answer = await ask(origin, '/sign-in', {
          method: 'POST',
          headers: { 'content-type': FORM_TYPE, ...headers },
          body,
        });
        expect([answer.status, answer.setCookies]).toEqual([403, []]);
      }
    });
    expect(changed).toEqual([]);
  });
});

describe('signing in by JSON', () => {
  const { email, password } = newMallory();
  const signIn = (browser: Visitor, headers: Record<string, string> = {}) =>
    browser.send('POST', '/api/sign-in', { email, password }, headers);

  test('refuses another site, and what says nothing but comes with a cookie [R-09] [R-18] [CWE-352]', async () => {
    const { browser } = await visitForm();
    const changed = await changedBy(server.admin, async () => {
      const evil = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
      expect((await signIn(new Visitor(origin), evil)).status).toBe(403);
      expect((await signIn(browser, evil)).status).toBe(403);
      const silent = await ask(origin, '/api/sign-in', {
        method: 'POST',
        headers: { ...browser.cookieHeader(), 'content-type': 'application/json' },
        body: JSON.stringify({ email, password }),
      });
      expect(silent.status).toBe(403);
    });
    expect(changed).toEqual([]);
    const program = await ask(origin, '/api/sign-in', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password }),
    });
    expect(program.status).toBe(200);
  });

  test("with a visitor's cookie it needs that visitor's token [R-13] [CWE-352]", async () => {
    const { browser, token } = await visitForm();
    const attacker = await visitForm();
    const changed = await changedBy(server.admin, async () => {
      expect((await signIn(browser)).status).toBe(403);
      expect((await signIn(browser, { 'x-csrf-token': attacker.token })).status).toBe(403);
    });
    expect(changed).toEqual([]);
    expect((await signIn(browser, { 'x-csrf-token': token })).status).toBe(200);
  });

  test("with a live session's cookie it needs that session's token [R-13] [CWE-352]", async () => {
    const { browser, person } = await newcomer(origin);
    const other = await newcomer(origin);
    const visitor = await visitForm();
    const own = browser.csrfToken ?? '';
    const changed = await changedBy(server.admin, async () => {
      browser.csrfToken = undefined;
      expect((await signIn(browser)).status).toBe(403);
      for (const token of [other.browser.csrfToken ?? '', visitor.token]) {
        expect((await signIn(browser, { 'x-csrf-token': token })).status).toBe(403);
      }
    });
    expect(changed).toEqual([]);
    expect((await browser.get('/api/session')).json().identity.email).toBe(person.email);
    expect((await signIn(browser, { 'x-csrf-token': own })).status).toBe(200);
    expect((await browser.get('/api/session')).json().identity.email).toBe(email);
  });

  test("an ended session's cookie keeps nobody from signing in again [R-09]", async () => {
    const { browser } = await newcomer(origin);
    const ended = browser.cookies.get('__Host-session') ?? '';
    expect((await browser.send('POST', '/api/sign-out')).status).toBe(204);
    const again = new Visitor(origin);
    again.cookies.set('__Host-session', ended);
    expect((await signIn(again)).status).toBe(200);
    expect(again.cookies.get('__Host-session')).not.toBe(ended);

    const form = await visitForm();
    form.browser.cookies.set('__Host-session', ended);
    const fields = { _csrf: form.token, email, password };
    expect((await form.browser.submit('/sign-in', fields)).status).toBe(303);
  });
});
