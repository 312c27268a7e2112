import { afterAll, describe, expect, test } from 'vitest';
import { ask, fieldValue, Visitor } from '../support/client.ts';
import { newcomer } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer } from '../support/servers.ts';

const server = await startTestServer();
afterAll(() => server.close());
const { origin } = server;

async function isSignedIn(browser: Visitor, cookies = browser.cookieHeader()): Promise<boolean> {
  return (await ask(origin, '/api/session', { headers: cookies })).status === 200;
}

const ways = [
  ['the API', '/api/sign-out', (browser: Visitor) => browser.send('POST', '/api/sign-out'), 204],
  [
    'the page',
    '/sign-out',
    async (browser: Visitor) => {
      const token = fieldValue((await browser.get('/account')).text, '_csrf');
      return await browser.submit('/sign-out', { _csrf: token });
    },
    200,
  ],
] as const;

describe.each(ways)('signing out by %s', (_, path, signOut, success) => {
  // <img src="https://accounts.example.com/sign-out">
  test('is never a GET: the link leads back to the form, and the session lives [R-17] [CWE-352] [CWE-650]', async () => {
    const { browser } = await newcomer(origin);
    const changed = await changedBy(server.admin, async () => {
      for (const method of ['GET', 'HEAD']) {
        const answer = await ask(origin, path, { method, headers: browser.ownHeaders() });
        expect([303, 405]).toContain(answer.status);
        expect(answer.setCookies).toEqual([]);
        expect(answer.headers['clear-site-data']).toBeUndefined();
      }
    });
    expect(changed).toEqual([]);
    expect(await isSignedIn(browser)).toBe(true);
    expect((await browser.get('/account')).text).toContain('action="/sign-out"');
  });

  test('by another site, or without the token, ends nothing and clears nothing [R-17] [CWE-352]', async () => {
    const { browser } = await newcomer(origin);
    const isJson = path === '/api/sign-out';
    const attack = (headers: Record<string, string>, token: string) =>
      isJson
        ? browser.send('POST', path, undefined, { ...headers, 'x-csrf-token': token })
        : browser.submit(path, { _csrf: token }, headers);
    const right = browser.csrfToken ?? '';
    const evil = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
    const changed = await changedBy(server.admin, async () => {
      for (const answer of [
        await attack(evil, right),
        await attack({}, ''),
        await attack({}, 'wrong'),
      ]) {
        expect([answer.status, answer.setCookies]).toEqual([403, []]);
        expect(answer.headers['clear-site-data']).toBeUndefined();
      }
    });
    expect(changed).toEqual([]);
    expect(await isSignedIn(browser)).toBe(true);
  });

  test('kills a copied cookie at once, deletes the row, and tells the browser to forget all [R-17] [R-23] [CWE-613] [ASVS 7.4.1]', async () => {
    const { browser } = await newcomer(origin);
    const { id } = (await browser.get('/api/session')).json().session as { id: string };
    const copied = browser.cookieHeader();
    const copiedHeaders = browser.ownHeaders();
    expect(await isSignedIn(browser, copied)).toBe(true);

    const changed = await changedBy(server.admin, async () => {
      const answer = await signOut(browser);
      expect(answer.status).toBe(success);
      expect(answer.headers['clear-site-data']).toBe('"cache", "storage"');
    });
    expect(changed).toEqual(['security_events', 'session_activity', 'sessions']);
    expect([...browser.cookies.keys()]).toEqual(['__Host-device']);
    const { rows } = await server.admin.query('SELECT 1 FROM sallyport.sessions WHERE id = $1', [
      id,
    ]);
    expect(rows).toEqual([]);

    const replayed = await changedBy(server.admin, async () => {
      expect(await isSignedIn(browser, copied)).toBe(false);
      const thief = new Visitor(origin);
      const patch = await thief.send(
        'PATCH',
        '/api/account/profile',
        { displayName: 'X' },
        copiedHeaders,
      );
      expect(patch.status).toBe(401);
      const page = await ask(origin, '/account', { headers: copied });
      expect([page.status, page.headers.location]).toEqual([303, '/sign-in?return_to=%2Faccount']);
      expect((await thief.send('POST', '/api/sign-out', undefined, copiedHeaders)).status).toBe(
        401,
      );
    });
    expect(replayed).toEqual([]);
  });

  test("ends the own session, and nobody else's", async () => {
    const { browser } = await newcomer(origin);
    const other = await newcomer(origin);
    expect((await signOut(browser)).status).toBe(success);
    expect(await isSignedIn(other.browser)).toBe(true);
  });
});
