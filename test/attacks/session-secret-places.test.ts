import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Ask, ask, type Visitor } from '../support/client.ts';
import { newcomer } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer } from '../support/servers.ts';

const server = await startTestServer();
afterAll(() => server.close());
const { origin } = server;

let browser: Visitor;
let secret: string;
beforeAll(async () => {
  ({ browser } = await newcomer(origin));
  secret = browser.cookies.get('__Host-session') ?? '';
});

/** Names under which products have taken a session from the wrong place. */
const NAMES = [
  '__Host-session',
  'session',
  'sessionid',
  'PHPSESSID',
  'sid',
  'token',
  'access_token',
];

function placesInHead(): Record<string, { path?: string; headers: NonNullable<Ask['headers']> }> {
  const query = NAMES.map((name) => `${name}=${secret}`).join('&');
  return {
    'the query': { path: `?${query}`, headers: {} },
    'a matrix parameter': { path: `;jsessionid=${secret}`, headers: {} },
    'the Authorization header as Bearer': { headers: { authorization: `Bearer ${secret}` } },
    'the Authorization header as Session': { headers: { authorization: `Session ${secret}` } },
    'the Authorization header as Cookie': {
      headers: { authorization: `__Host-session=${secret}` },
    },
    'the Authorization header as Basic': {
      headers: { authorization: `Basic ${Buffer.from(`session:${secret}`).toString('base64')}` },
    },
    'headers of that name': {
      headers: Object.fromEntries(
        [...NAMES, 'x-session', 'x-session-id', 'x-session-token', 'x-auth-token'].map((name) => [
          name,
          secret,
        ]),
      ),
    },
    'the Cookie2 header': { headers: { cookie2: `__Host-session=${secret}` } },
    'a header that a proxy might set': {
      headers: { 'x-forwarded-cookie': `__Host-session=${secret}` },
    },
    'the Proxy-Authorization header': { headers: { 'proxy-authorization': `Bearer ${secret}` } },
    'the WebSocket protocol': { headers: { 'sec-websocket-protocol': secret } },
    'the Referer': { headers: { referer: `${origin}/?session=${secret}` } },
  };
}

describe("the session's secret", () => {
  // A link with somebody's session in it signs whoever follows it in as them, and a secret in an
  // address ends up in logs, histories and referrers.
  test('is read from its cookie alone, by a read [R-32] [CWE-384] [CWE-598] [ASVS 14.2.1]', async () => {
    const changed = await changedBy(server.admin, async () => {
      for (const [name, { path = '', headers }] of Object.entries(placesInHead())) {
        const { status } = await ask(origin, `/api/session${path}`, { headers });
        // 403: the route takes no bearer credential, whatever it is.
        expect([401, 403, 404], name).toContain(status);
        const page = await ask(origin, `/account${path}`, { headers });
        expect([303, 400, 401, 403, 404], name).toContain(page.status);
      }
    });
    expect(changed).toEqual([]);
    const headers = { cookie: `__Host-session=${secret}` };
    expect((await ask(origin, '/api/session', { headers })).status).toBe(200);
  });

  test('is read from its cookie alone, by a change [R-32] [CWE-384]', async () => {
    const { cookie, ...withoutCookie } = browser.ownHeaders();
    const type = { 'content-type': 'application/json' };
    const inBody = Object.fromEntries(NAMES.map((name) => [name, secret]));
    const patch = (path: string, headers: Ask['headers'], body: object) =>
      ask(origin, `/api/account/profile${path}`, {
        method: 'PATCH',
        headers: { ...withoutCookie, ...type, ...headers },
        body: JSON.stringify({ displayName: 'Elsewhere', ...body }),
      });
    const changed = await changedBy(server.admin, async () => {
      for (const [name, { path = '', headers }] of Object.entries(placesInHead())) {
        expect([401, 403, 404], name).toContain((await patch(path, headers, {})).status);
      }
      expect((await patch('', {}, inBody)).status).toBe(401);
    });
    expect(changed).toEqual([]);
    expect((await patch('', { cookie: cookie ?? '' }, {})).status).toBe(200);
  });

  test("in other places beside another's cookie leaves that other who they are [R-32] [CWE-639]", async () => {
    const other = await newcomer(origin);
    const own = other.browser.cookieHeader();
    const { id } = (await other.browser.get('/api/session')).json().identity as { id: string };
    for (const [name, { path = '', headers }] of Object.entries(placesInHead())) {
      const answer = await ask(origin, `/api/session${path}`, { headers: { ...headers, ...own } });
      const seen = answer.status === 200 ? answer.json().identity.id : answer.status;
      // 401: an Authorization header that is none of ours is refused, whatever stands beside it.
      expect([id, 401, 403, 404], name).toContain(seen);
    }
  });

  test('is in no answer but the Set-Cookie of the sign-in [R-32] [CWE-200]', async () => {
    for (const path of ['/', '/account', '/api/session', '/api/account/profile', '/sign-in']) {
      const answer = await browser.get(path);
      expect(answer.text + JSON.stringify(answer.headers), path).not.toContain(secret);
    }
  });
});
