import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask } from '../support/client.ts';
import { newcomer } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import {
  expectEffect,
  expectSuccess,
  type Headers,
  isPublic,
  type Legitimate,
  legitimate,
  named,
  type Route,
  send,
  shareOf,
  startRecordedServer,
  tryAll,
} from './routes.ts';

const server = await startRecordedServer();
afterAll(() => server.close());

const { origin } = server;
const { port } = new URL(origin);
const silent: Headers = { 'sec-fetch-site': null, origin: null, referer: null };

/** What a browser sends, or an old or crippled one, when the request is not our own page's. */
const foreign: Readonly<Record<string, Headers>> = {
  'cross-site': { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
  'cross-site, without Origin': { 'sec-fetch-site': 'cross-site', origin: null },
  'cross-site, with our Origin': { 'sec-fetch-site': 'cross-site' },
  'cross-site, from a sandboxed frame': { 'sec-fetch-site': 'cross-site', origin: 'null' },
  'unknown metadata': { 'sec-fetch-site': 'same-party' },
  'metadata in another case': { 'sec-fetch-site': 'Same-Origin' },
  'empty metadata': { 'sec-fetch-site': '' },
  'metadata twice': { 'sec-fetch-site': ['same-origin', 'same-origin'] },
  'metadata says same-origin, Origin does not': { origin: 'https://evil.example' },
  'metadata says same-origin, Origin is null': { origin: 'null' },
  'metadata says same-origin, Referer does not': { origin: null, referer: 'https://evil.example/' },
  'Origin null': { ...silent, origin: 'null' },
  'Origin NULL': { ...silent, origin: 'NULL' },
  'Origin empty': { ...silent, origin: '' },
  'Origin foreign': { ...silent, origin: 'https://evil.example' },
  'Origin with our host and another scheme': { ...silent, origin: `https://localhost:${port}` },
  'Origin with our host and no port': { ...silent, origin: 'http://localhost' },
  'Origin with our host and another port': { ...silent, origin: `http://localhost:${port}0` },
  'Origin of a subdomain': { ...silent, origin: `http://evil.localhost:${port}` },
  'Origin that begins with ours': { ...silent, origin: `${origin}.evil.example` },
  'Origin with ours as a user name': { ...silent, origin: `${origin}@evil.example` },
  'Origin with a slash': { ...silent, origin: `${origin}/` },
  'Origin in upper case': { ...silent, origin: origin.toUpperCase() },
  'Origin of loopback by another name': { ...silent, origin: `http://127.0.0.1:${port}` },
  'Origin a list that begins with ours': { ...silent, origin: `${origin} https://evil.example` },
  'Origin twice': { ...silent, origin: [origin, 'https://evil.example'] },
  'Origin null, Referer ours': { ...silent, origin: 'null', referer: `${origin}/account` },
  'Referer foreign': { ...silent, referer: 'https://evil.example/account' },
  'Referer that begins with our origin': { ...silent, referer: `${origin}.evil.example/` },
  'Referer with our origin as a user name': { ...silent, referer: `${origin}@evil.example/` },
  'Referer with our origin in its query': {
    ...silent,
    referer: `https://evil.example/?${origin}/`,
  },
  'Referer with another scheme': { ...silent, referer: `https://localhost:${port}/account` },
  'Referer malformed': { ...silent, referer: '/account' },
  'Referer empty': { ...silent, referer: '' },
};

/** What is tried on every route, because a product took it for harmless. */
const never: Readonly<Record<string, Headers>> = {
  // <iframe sandbox="allow-forms allow-scripts" srcdoc="<form action=...>">, a data: URL and a
  // cross-origin redirect all send the word null, which is a value and not an absence.
  'Origin null, without metadata': { ...silent, origin: 'null' },
  'Origin null, with metadata': { origin: 'null' },
  // <meta name="referrer" content="no-referrer"> on the attacker's page, or a proxy that strips
  // Sec-*, leaves nothing to judge by.
  'a cookie without any sign of where it comes from': silent,
  'typed into the address bar, without Origin': { 'sec-fetch-site': 'none', origin: null },
  'typed into the address bar, with our Origin': { 'sec-fetch-site': 'none' },
  'typed into the address bar, with the mode of a navigation': {
    'sec-fetch-site': 'none',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-user': '?1',
    origin: null,
  },
  // Same-site is not same-origin.
  'a sibling subdomain, with its Origin': {
    'sec-fetch-site': 'same-site',
    origin: `http://blog.localhost:${port}`,
  },
  'a sibling subdomain, without Origin': { 'sec-fetch-site': 'same-site', origin: null },
  'a sibling subdomain, with our Origin': { 'sec-fetch-site': 'same-site' },
};

/** What only our own pages, or a navigation of theirs, make a browser send. */
const own: Readonly<Record<string, Headers>> = {
  'metadata and Origin': {},
  'metadata alone': { origin: null },
  'metadata and Referer': { origin: null, referer: `${origin}/account` },
  'Origin alone': { 'sec-fetch-site': null },
  'Referer alone': { ...silent, referer: `${origin}/account` },
};

function attack(request: Legitimate, attacks: Readonly<Record<string, Headers>>) {
  return tryAll(server.admin, attacks, (headers) => send(request, headers));
}

/** What an attack has to come to: every form of it refused, no row touched. */
function refused(attacks: Readonly<Record<string, Headers>>) {
  return { answers: all(attacks, 403), changed: [] };
}

function all(attacks: object, status: number) {
  return Object.fromEntries(Object.keys(attacks).map((name) => [name, status]));
}

describe.each(server.unsafeRoutes.map((route) => [named(route), route] as const))(
  '%s',
  (_, route) => {
    let request: Legitimate;
    beforeAll(async () => {
      request = await legitimate(origin, route);
    });

    test('refuses another origin, with cookies and the right token [R-04] [R-06] [R-08] [R-18] [CWE-352] [ASVS 3.5.1]', async () => {
      const attacks = shareOf(server.unsafeRoutes, route, foreign);
      expect(await attack(request, attacks)).toEqual(refused(attacks));
    });

    test('refuses Origin null, no sign of an origin, an address typed in, a sibling subdomain [R-05] [R-09] [trap 5b] [trap 5c]', async () => {
      expect(await attack(request, never)).toEqual(refused(never));
    });

    test('takes the very same request from our own page, and changes rows by it', async () => {
      const changed = await changedBy(server.admin, async () => expectSuccess(await send(request)));
      expectEffect(route, changed);
    });
  },
);

describe('what our own pages send', () => {
  const profile = server.unsafeRoutes.find(({ method }) => method === 'PATCH') as Route;

  test('goes through with metadata, with Origin, and with Referer alone [R-09]', async () => {
    const { answers, changed } = await attack(await legitimate(origin, profile), own);
    expect(answers).toEqual(all(own, 200));
    expect(changed).toEqual(['profiles']);
  });

  test('a page typed, bookmarked or opened from a mail is shown [trap 5a]', async () => {
    const { browser } = await newcomer(origin);
    const typed = {
      'sec-fetch-site': 'none',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-user': '?1',
    };
    const changed = await changedBy(server.admin, async () => {
      expect((await browser.get('/account', typed)).status).toBe(200);
      expect((await browser.get('/sign-in', typed)).status).toBe(200);
      expect((await browser.get('/api/session', typed)).status).toBe(200);
    });
    expect(changed).toEqual([]);
  });
});

/** A sign-in under way and a passkey's challenge are bound to the browser by its cookie. */
const OF_ONE_BROWSER =
  /^\/api\/((sign-in|passkeys)\/|(email-confirmations|invited-sign-ups)\/(with-)?passkey)/;

describe('a JSON route that takes no cookie', () => {
  const routes = server.unsafeRoutes.filter(
    (route) => isPublic(route) && route.bodyType === 'json' && !OF_ONE_BROWSER.test(route.path),
  );

  // A program that is not a browser says nothing about its origin, and has nothing to ride on; a
  // browser that says something must say that it is ours.
  test.each(routes.map((route) => [named(route), route] as const))(
    '%s: refuses another origin, and takes a program that says nothing [R-09] [R-18] [CWE-352]',
    async (_, route) => {
      const request = await legitimate(origin, route);
      const bare = { cookie: null, 'x-csrf-token': null };
      const attacks = await tryAll(server.admin, foreign, (headers) =>
        send(request, { ...bare, ...headers }),
      );
      expect(attacks).toEqual(refused(foreign));
      const controlled = await changedBy(server.admin, async () =>
        expectSuccess(await send(request, { ...bare, ...silent })),
      );
      expect(controlled).not.toEqual([]);
    },
  );
});

describe('every kind of request goes through the same gate', () => {
  test('a path without a route is refused to another origin like one with a route [R-06]', async () => {
    const { browser } = await newcomer(origin);
    const headers = { ...browser.ownHeaders(), 'content-type': 'application/json' };
    const post = async (changed: Record<string, string>) =>
      (
        await ask(origin, '/nowhere', {
          method: 'POST',
          headers: { ...headers, ...changed },
          body: '{}',
        })
      ).status;
    expect(await post({ 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await post({})).toBe(404);
  });

  test('a WebSocket handshake is no way around: it gets no upgrade and no data [R-06]', async () => {
    const { browser } = await newcomer(origin);
    const handshake = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    const visitor = await ask(origin, '/api/session', { headers: handshake });
    expect(visitor.status).toBe(401);
    // A handshake is not of our own pages until its Origin says so.
    const unnamed = await ask(origin, '/api/session', {
      headers: { ...browser.cookieHeader(), ...handshake },
    });
    expect([unnamed.status, unnamed.headers.upgrade]).toEqual([403, undefined]);
    const ours = await ask(origin, '/api/session', {
      headers: { ...browser.ownHeaders(), ...handshake },
    });
    expect(ours.status).toBe(200);
    expect(ours.headers.upgrade).toBeUndefined();
  });
});
