import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ageProof, countRows, whoIs } from '../support/accounts.ts';
import { type Answer, fieldValue, type Visitor } from '../support/client.ts';
import { newcomer, type Person, signedIn } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const COOKIES = new Set(['__Host-csrf', '__Host-presession', '__Host-session', '__Host-sign-in']);

/** Somebody with two sessions, and the ids of both. */
async function twoSessions() {
  const { person, browser } = await newcomer(server.origin);
  const other = await signedIn(server.origin, person);
  const ids = await Promise.all(
    [browser, other].map(async (each) => (await whoIs(each)).session.id),
  );
  return { person, browser, other, ownId: ids[0] ?? '', otherId: ids[1] ?? '' };
}

/** Sends the form that stands on this page, as it is, to where it goes. */
async function press(
  browser: Visitor,
  page: string,
  action: string,
  fields: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const { text } = await browser.get(page);
  return await browser.submit(action, { _csrf: fieldValue(text, '_csrf'), ...fields });
}

/** Proves who is there, as the page to which the answer leads asks; gives where that leads. */
async function proveAt(browser: Visitor, { headers }: Answer, person: Person): Promise<string> {
  const page = await browser.get(headers.location ?? '');
  const proof = {
    _csrf: fieldValue(page.text, '_csrf'),
    return_to: fieldValue(page.text, 'return_to').replaceAll('&amp;', '&'),
    password: person.password,
  };
  const proved = await browser.submit('/re-authenticate', proof);
  expect(proved.status).toBe(303);
  return proved.headers.location ?? '';
}

const isOver = async (browser: Visitor) => (await browser.get('/api/session')).status === 401;

describe('the form that ends a session', () => {
  test.each(['as it is', 'in capitals'])(
    'clears what the browser keeps, where it is the own one, %s [ASVS 14.3.1] [CWE-613]',
    async (spelling) => {
      const { browser, other, ownId } = await twoSessions();
      const id = spelling === 'in capitals' ? ownId.toUpperCase() : ownId;
      const answer = await press(browser, '/account/sessions', '/account/sessions/end', { id });
      expect(answer.status).toBe(200);
      const cleared = answer.setCookies.filter((line) => line.includes('Max-Age=0'));
      expect(new Set(cleared.map((line) => line.split('=')[0]))).toEqual(COOKIES);
      expect(answer.headers['clear-site-data']).toBe('"cache", "storage"');
      expect([...browser.cookies.keys()]).toEqual(['__Host-device']);
      expect([await isOver(browser), await isOver(other)]).toEqual([true, false]);
    },
  );

  test('leaves the cookies alone where it is another one', async () => {
    const { browser, other, otherId } = await twoSessions();
    const fields = { id: otherId };
    const answer = await press(browser, '/account/sessions', '/account/sessions/end', fields);
    expect([answer.status, answer.headers.location, answer.setCookies]).toEqual([
      303,
      '/account/sessions?notice=session-ended',
      [],
    ]);
    expect([await isOver(browser), await isOver(other)]).toEqual([false, true]);
  });

  test('leads through the proof to a page filled in, on which one press ends it [ASVS 7.5.1]', async () => {
    const { person, browser, other, otherId } = await twoSessions();
    await ageProof(server.admin, browser);
    const fields = { id: otherId };
    const asked = await press(browser, '/account/sessions', '/account/sessions/end', fields);
    expect(asked.headers.location).toMatch(/^\/re-authenticate\?/);
    const back = await proveAt(browser, asked, person);
    expect(back).toBe(`/account/sessions/end?id=${otherId}`);
    const page = await browser.get(back);
    expect([page.status, fieldValue(page.text, 'id')]).toEqual([200, otherId]);
    expect(await isOver(other)).toBe(false);
    const answer = await press(browser, back, '/account/sessions/end', fields);
    expect(answer.headers.location).toBe('/account/sessions?notice=session-ended');
    expect(await isOver(other)).toBe(true);
  });

  test('leads there over signing in too, where the own session has ended meanwhile', async () => {
    const { browser, ownId, otherId } = await twoSessions();
    const token = fieldValue((await browser.get('/account/sessions')).text, '_csrf');
    await server.admin.query('DELETE FROM sallyport.sessions WHERE id = $1', [ownId]);
    const asked = await browser.submit('/account/sessions/end', { _csrf: token, id: otherId });
    const target = encodeURIComponent(`/account/sessions/end?id=${otherId}`);
    expect([asked.status, asked.headers.location]).toEqual([303, `/sign-in?return_to=${target}`]);
    browser.cookies.clear();
    const without = await browser.submit('/account/sessions/end', { _csrf: token, id: otherId });
    const list = encodeURIComponent('/account/sessions');
    expect(without.headers.location).toBe(`/sign-in?return_to=${list}`);
  });

  test('is not filled in with the session of somebody else, nor with what is none [CWE-639]', async () => {
    const { browser } = await newcomer(server.origin);
    const foreign = await newcomer(server.origin);
    const { session } = await whoIs(foreign.browser);
    for (const id of [session.id, 'none', '"><script>']) {
      const { status, headers } = await browser.get(
        `/account/sessions/end?id=${encodeURIComponent(id)}`,
      );
      expect([status, headers.location]).toEqual([303, '/account/sessions']);
    }
  });
});

test('the form that ends all others leads through the proof to a page on which one press ends them [ASVS 7.5.1]', async () => {
  const { person, browser, other } = await twoSessions();
  await ageProof(server.admin, browser);
  const path = '/account/sessions/end-others';
  const back = await proveAt(browser, await press(browser, '/account/sessions', path), person);
  expect(back).toBe(path);
  expect(await isOver(other)).toBe(false);
  expect((await press(browser, back, path)).headers.location).toContain('sessions-ended');
  expect([await isOver(browser), await isOver(other)]).toEqual([false, true]);
});

test('the form that deletes the account is asked for with a fresh proof, and comes back with its tick [ASVS 7.5.1]', async () => {
  const { person, browser } = await newcomer(server.origin);
  const { identity } = await whoIs(browser);
  const path = '/account/delete';
  expect(await proveAt(browser, await agedGet(), person)).toBe(path);
  expect((await browser.get(path)).text).not.toMatch(/<input[^>]* checked/);

  const token = fieldValue((await browser.get(path)).text, '_csrf');
  await ageProof(server.admin, browser);
  const back = await proveAt(
    browser,
    await browser.submit(path, { _csrf: token, confirm: 'yes' }),
    person,
  );
  expect(back).toBe(`${path}?confirm=yes`);
  expect((await browser.get(back)).text).toMatch(/<input[^>]* checked/);
  const scheduled = 'identities WHERE id = $1 AND delete_after IS NOT NULL';
  expect(await countRows(server.admin, scheduled, [identity.id])).toBe(0);
  expect((await press(browser, back, path, { confirm: 'yes' })).status).toBe(200);
  expect(await countRows(server.admin, scheduled, [identity.id])).toBe(1);

  const again = await signedIn(server.origin, person);
  const { status, headers } = await again.get(path);
  expect([status, headers.location]).toEqual([303, '/account/data']);

  async function agedGet(): Promise<Answer> {
    await ageProof(server.admin, browser);
    return await browser.get(path);
  }
});

test('the pages that are filled in end and delete nothing when they are opened [R-17] [CWE-352]', async () => {
  const { browser, otherId } = await twoSessions();
  const pages = [
    `/account/sessions/end?id=${otherId}`,
    '/account/sessions/end-others',
    '/account/delete?confirm=yes',
  ];
  const changed = await changedBy(server.admin, async () => {
    for (const page of pages) expect((await browser.get(page)).status, page).toBe(200);
  });
  expect(changed).toEqual([]);
});
