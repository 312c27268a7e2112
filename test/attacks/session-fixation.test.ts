import { randomBytes } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { ask, fieldValue, Visitor } from '../support/client.ts';
import { newcomer, type Person, register, signedIn } from '../support/people.ts';
import { changedBy, rowsOf } from '../support/rows.ts';
import { startTestServer } from '../support/servers.ts';

const server = await startTestServer();
afterAll(() => server.close());
const { origin } = server;

const SESSION = '__Host-session';
const PRESESSION = '__Host-presession';

/** Signs in through the page, as a person without scripts does. */
async function submitSignIn(browser: Visitor, { email, password }: Person) {
  const token = fieldValue((await browser.get('/sign-in')).text, '_csrf');
  const answer = await browser.submit('/sign-in', { _csrf: token, email, password });
  expect([answer.status, answer.headers.location]).toEqual([303, '/account']);
}

async function submitJson(browser: Visitor, { email, password }: Person) {
  expect((await browser.send('POST', '/api/sign-in', { email, password })).status).toBe(200);
}

async function sessionOf(browser: Visitor) {
  const answer = await browser.get('/api/session');
  expect(answer.status).toBe(200);
  return answer.json() as { session: { id: string }; identity: { email: string } };
}

async function sessionIds(): Promise<readonly string[]> {
  const { rows } = await server.admin.query<{ id: string }>('SELECT id FROM sallyport.sessions');
  return rows.map(({ id }) => id);
}

async function statusWith(secret: string): Promise<number> {
  return (await ask(origin, '/api/session', { headers: { cookie: `${SESSION}=${secret}` } }))
    .status;
}

const ways = [
  ['the page', submitSignIn],
  ['JSON', submitJson],
] as const;

describe.each(ways)('signing in by %s', (_, submit) => {
  test('gives a new id and a new secret; the old secret is dead and its row gone [R-20] [R-21] [CWE-384] [ASVS 7.2.4]', async () => {
    const { person, browser } = await newcomer(origin);
    const oldSecret = browser.cookies.get(SESSION) ?? '';
    const oldId = (await sessionOf(browser)).session.id;
    const count = (await sessionIds()).length;

    await submit(browser, person);
    const secret = browser.cookies.get(SESSION) ?? '';
    const { id } = (await sessionOf(browser)).session;
    expect(secret).not.toBe(oldSecret);
    expect(id).not.toBe(oldId);
    expect(await statusWith(oldSecret)).toBe(401);
    const ids = await sessionIds();
    expect([ids.length, ids.includes(oldId), ids.includes(id)]).toEqual([count, false, true]);
  });

  // A subdomain, or a borrowed machine, plants the attacker's own live session and waits.
  test('ends the session that an attacker planted; the attacker does not share the new one [R-20] [R-21] [R-24] [CWE-384]', async () => {
    const attacker = await newcomer(origin, 'Mallory');
    const planted = attacker.browser.cookies.get(SESSION) ?? '';
    const victim = await register(origin);
    const browser = new Visitor(origin);
    browser.cookies.set(SESSION, planted);
    browser.csrfToken = attacker.browser.csrfToken;

    await submit(browser, victim);
    expect((await sessionOf(browser)).identity.email).toBe(victim.email);
    expect(browser.cookies.get(SESSION)).not.toBe(planted);
    expect(await statusWith(planted)).toBe(401);
    expect((await attacker.browser.get('/api/session')).status).toBe(401);
  });

  test('never adopts a secret that the browser brings along [R-20] [CWE-384]', async () => {
    const person = await register(origin);
    const browser = new Visitor(origin);
    const chosen = randomBytes(32).toString('base64url');
    browser.cookies.set(SESSION, chosen);
    await submit(browser, person);
    expect(browser.cookies.get(SESSION)).not.toBe(chosen);
    expect(await statusWith(chosen)).toBe(401);
    expect((await sessionOf(browser)).identity.email).toBe(person.email);
  });

  test('takes the visitor cookie away, and never makes it or its token a session [R-13] [R-20]', async () => {
    const person = await register(origin);
    const browser = new Visitor(origin);
    const visitorToken = fieldValue((await browser.get('/sign-in')).text, '_csrf');
    browser.csrfToken = visitorToken;
    const presession = browser.cookies.get(PRESESSION) ?? '';
    expect(await statusWith(presession)).toBe(401);

    await submit(browser, person);
    expect(browser.cookies.has(PRESESSION)).toBe(false);
    expect(browser.cookies.get(SESSION)).not.toBe(presession);
    expect(await statusWith(presession)).toBe(401);
    // The token minted before sign-in, with the visitor's cookie put back by whoever kept it.
    const { cookie } = browser.cookieHeader();
    const kept = { cookie: `${cookie}; ${PRESESSION}=${presession}`, 'x-csrf-token': visitorToken };
    const changed = await changedBy(server.admin, async () => {
      const patch = await browser.send('PATCH', '/api/account/profile', { displayName: 'X' }, kept);
      expect([patch.status, patch.json().code]).toEqual([403, 'synchronizer-token-mismatch']);
    });
    expect(changed).toEqual([]);
  });

  test('leaves the sessions of other browsers alone', async () => {
    const { person, browser } = await newcomer(origin);
    const elsewhere = await signedIn(origin, person);
    await submit(browser, person);
    expect((await elsewhere.get('/api/session')).status).toBe(200);
    expect((await browser.get('/api/session')).status).toBe(200);
  });
});

describe('a sign-in that fails', () => {
  test("changes no session: neither the attacker's guess nor the person's slip signs out [R-20]", async () => {
    const { person, browser } = await newcomer(origin);
    const before = await rowsOf(server.admin);
    const wrong = { email: person.email, password: 'not the password at all' };
    const answer = await browser.send('POST', '/api/sign-in', wrong);
    expect([answer.status, answer.setCookies]).toEqual([401, []]);
    expect((await rowsOf(server.admin))['sessions']).toEqual(before['sessions']);
    expect((await browser.get('/api/session')).status).toBe(200);
  });
});
