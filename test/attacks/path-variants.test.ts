import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, ask } from '../support/client.ts';
import { changedBy } from '../support/rows.ts';
import {
  bodyOf,
  expectEffect,
  expectSuccess,
  isPublic,
  type Legitimate,
  legitimate,
  named,
  send,
  startRecordedServer,
} from './routes.ts';

const server = await startRecordedServer();
afterAll(() => server.close());
const { origin } = server;

// A rule that hangs on a path pattern is walked past by another spelling of the path. Ours hangs on
// the route: a spelling that the router takes for the route has its rule, and every other is
// nothing.

/** Other spellings of one path: to some server, proxy or filter each has been the same one. */
function variantsOf(path: string): readonly string[] {
  const letter = /[a-z]/.exec(path)?.[0] ?? '';
  const encoded = `%${letter.charCodeAt(0).toString(16)}`;
  const [, first = ''] = path.split('/');
  return [
    `${path}/`,
    `${path}//`,
    `/${path}`,
    `//${path.slice(1)}`,
    path.replaceAll('/', '//'),
    `/.${path}`,
    `${path}/.`,
    `/x/..${path}`,
    `${path}/x/..`,
    `/health/..${path}`,
    `/%2e${path}`,
    `/x/%2e%2e${path}`,
    `/health/%2e%2e${path}`,
    `/..%2f${path.slice(1)}`,
    `${path}%2f`,
    path.replace(/(?!^)\//, '%2f'),
    path.replace('/', '\\'),
    `/\\${path}`,
    `${path}%5c`,
    path.toUpperCase(),
    `/${first.charAt(0).toUpperCase()}${path.slice(2)}`,
    path.replace(letter, encoded),
    path.replace(letter, encoded.toUpperCase()),
    path.replace(letter, `%25${encoded.slice(1)}`),
    path.replace(letter, '%u0061'),
    `${path};x`,
    `${path};x=y`,
    `/;x${path}`,
    `${path}%3bx`,
    `${path}%00`,
    `${path}%20`,
    `${path}%0a`,
    `${path}%`,
    `${path}%zz`,
    `${path}.json`,
    `${path}*`,
    `${path}%23`,
    `${path}%3f`,
    `/api${path}`,
    `${path}${path}`,
    `${path}?`,
    `${path}?/health`,
    `${path}?x=/../health`,
  ];
}

/** Whether the answer lets nothing through: an error, or the way to the sign-in page. */
function isRefusal({ status, headers }: Answer): boolean {
  const toSignIn = headers.location?.startsWith('/sign-in?return_to=%2F') ?? false;
  return (status >= 400 && status < 500) || (status === 303 && toSignIn);
}

/** What a session alone does not open: a permission, or the token of a link. */
function asksMore({ access, path }: (typeof server.routes)[number]): boolean {
  const asked = typeof access === 'object' && ('permission' in access || 'team' in access);
  return asked || path === '/join/accept';
}

describe('the pages and answers for those who are signed in', () => {
  const routes = server.routes.filter((route) => !isPublic(route) && route.method === 'GET');

  test.each(routes.map((route) => [named(route), route] as const))(
    '%s: no spelling of the path shows anything to a visitor [R-07] [R-18] [R-73] [CWE-436]',
    async (_, route) => {
      const own = await legitimate(origin, route);
      const control = await ask(origin, route.path, { headers: own.browser.cookieHeader() });
      const shown = control.status < 400 && !isRefusal(control);
      expect([shown, asksMore(route)]).toContain(true);
      for (const path of variantsOf(route.path)) {
        const visitor = await ask(origin, path);
        expect([path, visitor.status, isRefusal(visitor)]).toEqual([path, visitor.status, true]);
        // With a session the same spelling is the same route or none, never another one.
        const mine = await ask(origin, path, { headers: own.browser.cookieHeader() });
        const isRoute = visitor.status === 401 || visitor.status === 303;
        const neighbour = asksMore(route) ? [400, 403, 404] : [];
        const expected = isRoute ? [control.status, ...neighbour] : [400, 404, 405];
        expect(expected, path).toContain(mine.status);
      }
    },
  );
});

describe.each(server.unsafeRoutes.map((route) => [named(route), route] as const))(
  '%s',
  (_, route) => {
    let request: Legitimate;
    beforeAll(async () => {
      request = await legitimate(origin, route);
    });

    test('no spelling of the path is exempt from the origin check [R-07] [R-18] [R-73] [ASVS 1.1.1]', async () => {
      const evil = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
      const changed = await changedBy(server.admin, async () => {
        for (const path of variantsOf(request.path)) {
          const answer = await send(request, evil, { path });
          expect([path, answer.status, isRefusal(answer)]).toEqual([path, answer.status, true]);
        }
      });
      expect(changed).toEqual([]);
    });

    test('no spelling of the path is exempt from the token [R-07] [R-18]', async () => {
      const body = bodyOf({ ...request, token: 'wrong' });
      const changed = await changedBy(server.admin, async () => {
        for (const path of variantsOf(request.path)) {
          const answer = await send(request, { 'x-csrf-token': 'wrong' }, { path, body });
          expect([path, answer.status, isRefusal(answer)]).toEqual([path, answer.status, true]);
        }
      });
      expect(changed).toEqual([]);
    });

    test('no spelling of the path is exempt from the content type [R-07] [R-18]', async () => {
      const changed = await changedBy(server.admin, async () => {
        for (const path of variantsOf(request.path)) {
          const answer = await send(request, { 'content-type': 'text/plain' }, { path });
          expect([path, answer.status, isRefusal(answer)]).toEqual([path, answer.status, true]);
        }
      });
      expect(changed).toEqual([]);
    });

    test('is reached under its own path', async () => {
      const changed = await changedBy(server.admin, async () => expectSuccess(await send(request)));
      expectEffect(route, changed);
    });
  },
);

describe('a public route', () => {
  // The exemption of the probes from the Host check belongs to them, not to paths that begin so.
  test('lends its exemption to no other spelling, and nothing redirects to it [R-07] [R-77]', async () => {
    const headers = { host: 'evil.example' };
    expect((await ask(origin, '/health', { headers })).status).toBe(200);
    const spellings = ['/health/', '//health', '/health/../api/session', '/health;/api/session'];
    for (const path of [...spellings, '/health%2f..%2fsign-in', '/HEALTH', '/sign-in?/health']) {
      expect((await ask(origin, path, { headers })).status, path).toBe(421);
    }
  });

  test('a target in absolute form is refused: it would name a second host [R-07] [ASVS 13.2.5]', async () => {
    for (const target of [`${origin}/api/session`, 'http://evil.example/sign-in', '*', 'x']) {
      expect((await ask(origin, target)).status, target).toBe(400);
    }
  });
});
