import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask } from '../support/client.ts';
import { newcomer } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import { insertTestMember, insertTestTenant } from '../support/tenants.ts';
import {
  bodyOf,
  expectEffect,
  expectSuccess,
  formOf,
  type Legitimate,
  legitimate,
  named,
  send,
  startRecordedServer,
} from './routes.ts';

const server = await startRecordedServer();
afterAll(() => server.close());
const { origin, routes } = server;

function isRoute(method: string, path: string): boolean {
  return routes.some((route) => route.method === method && route.path === path);
}

/** Whether a route takes it, by this path or by one with a parameter in its place. */
function reaches(method: string, path: string): boolean {
  return routes.some(
    (route) =>
      route.method === method &&
      new RegExp(`^${route.path.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`).test(path),
  );
}

/** A method that changes things and that nobody declared for this path. */
function undeclaredMethod(path: string): string {
  const found = ['DELETE', 'PUT', 'PATCH'].find((method) => !reaches(method, path));
  if (found === undefined) throw new Error(`${path} has every method`);
  return found;
}

const OVERRIDES = ['POST', 'PATCH', 'PUT', 'DELETE'].flatMap((method) => [
  { 'x-http-method-override': method },
  { 'x-http-method': method },
  { 'x-method-override': method },
]);

describe.each(server.unsafeRoutes.map((route) => [named(route), route] as const))(
  '%s',
  (_, route) => {
    let request: Legitimate;
    beforeAll(async () => {
      request = await legitimate(origin, route);
    });

    // <img src>, <a href>, a prefetch: SameSite=Lax would not even keep the cookie at home.
    test('is not reached by GET, HEAD or OPTIONS, whatever they carry [R-10] [R-11] [R-17] [R-18] [CWE-650] [ASVS 3.5.3]', async () => {
      const fields = formOf({ ...request.fields, _csrf: request.token, _method: route.method });
      const changed = await changedBy(server.admin, async () => {
        for (const method of ['GET', 'HEAD', 'OPTIONS']) {
          for (const path of [request.path, `${request.path}?${fields}`]) {
            const answer = await send(request, {}, { method, path });
            const expected = isRoute(method, route.path) ? [200, 303, 400] : [405];
            expect(expected, `${method} ${path}`).toContain(answer.status);
          }
        }
      });
      expect(changed).toEqual([]);
    });

    test('is not reached by a preflight, which carries no authority [R-10]', async () => {
      const changed = await changedBy(server.admin, async () => {
        const asks = { 'access-control-request-method': route.method };
        const answer = await send(request, asks, { method: 'OPTIONS' });
        expect([204, 405]).toContain(answer.status);
      });
      expect(changed).toEqual([]);
    });

    test('is not reached by a method in a header, the query or a field [R-11] [CWE-650]', async () => {
      const changed = await changedBy(server.admin, async () => {
        for (const override of OVERRIDES) {
          const answer = await send(request, override, { method: 'GET' });
          // Some pages ask for what a mailed link has in its query.
          expect([200, 303, 400, 405], JSON.stringify(override)).toContain(answer.status);
          const wrong = await send(request, override, { method: undeclaredMethod(route.path) });
          expect(wrong.status).toBe(405);
        }
        const path = `${request.path}?_method=${route.method}`;
        expect([200, 303, 400, 405]).toContain(
          (await send(request, {}, { method: 'GET', path })).status,
        );
        const overridden = {
          method: undeclaredMethod(route.path),
          body: bodyOf({ ...request, fields: { ...request.fields, _method: route.method } }),
        };
        expect((await send(request, {}, overridden)).status).toBe(405);
      });
      expect(changed).toEqual([]);
    });

    test('does what it does when it is meant', async () => {
      const changed = await changedBy(server.admin, async () => expectSuccess(await send(request)));
      expectEffect(route, changed);
    });
  },
);

describe('what can be read', () => {
  const ASK_FOR_QUERY: readonly string[] = [
    '/join',
    '/join/accept',
    '/join/with-passkey',
    '/reset-factors',
    '/reset-password',
    '/tenant/members/remove',
    '/tenant/members/reset',
  ];
  const readable = routes.filter(({ method }) => method === 'GET' || method === 'HEAD');

  // fetch('https://accounts.example.com/api/session', { mode: 'no-cors', credentials: 'include' })
  test('changes nothing, asked for by another site with cookies [R-10] [R-11] [CWE-352] [ASVS 3.5.3]', async () => {
    const tenant = await insertTestTenant(server.admin);
    const { browser } = await insertTestMember(server.admin, origin, tenant, 'owner');
    const evil = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'cors',
      origin: 'https://evil.example',
    };
    const unanswered: string[] = [];
    const changed = await changedBy(server.admin, async () => {
      for (const { method, path } of readable) {
        const headers = { ...browser.cookieHeader(), ...evil };
        const answer = await ask(origin, path, { method, headers });
        // What a parameter names is not there, and some pages ask for what their link has in its
        // query.
        const missing = path.includes(':') || ASK_FOR_QUERY.includes(path) ? [400, 404] : [];
        const answered = [200, 204, 303, ...missing].includes(answer.status);
        if (!answered) unanswered.push(`${method} ${path} ${answer.status}`);
        expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      }
    });
    expect({ changed, unanswered }).toEqual({ changed: [], unanswered: [] });
    expect((await browser.get('/api/session')).status).toBe(200);
  });

  test('answers HEAD by the rule of GET: no session, no answer [R-06]', async () => {
    const heads = readable.filter(({ method, access }) => method === 'HEAD' && access !== 'public');
    expect(heads.length).toBeGreaterThan(0);
    for (const { path } of heads) {
      const answer = await ask(origin, path, { method: 'HEAD' });
      const toSignIn = `/sign-in?return_to=${encodeURIComponent(path)}`;
      expect([answer.status === 401 || answer.headers.location === toSignIn, answer.text]).toEqual([
        true,
        '',
      ]);
    }
  });
});

describe('methods that nobody declared', () => {
  test('are answered with the list of those that somebody did', async () => {
    const methods = [...new Set(routes.map(({ method }) => method))];
    for (const { path } of routes) {
      const own = methods.filter((method) => reaches(method, path));
      const answer = await ask(origin, path, { method: undeclaredMethod(path) });
      expect([answer.status, answer.headers.allow], path).toEqual([405, own.toSorted().join(', ')]);
    }
  });

  test.each(['PUT', 'DELETE', 'TRACE', 'PROPFIND', 'QUERY', 'LINK', 'PURGE', 'M-SEARCH'])(
    '%s reaches no handler and changes nothing [R-11] [ASVS 13.4.4]',
    async (method) => {
      const { browser } = await newcomer(origin);
      const changed = await changedBy(server.admin, async () => {
        const headers = { ...browser.ownHeaders(), 'content-type': 'application/json' };
        const undeclared = routes.filter((route) => !isRoute(method, route.path));
        for (const path of new Set(undeclared.map((route) => route.path))) {
          const answer = await ask(origin, path, { method, headers });
          expect([400, 404, 405], `${method} ${path}`).toContain(answer.status);
        }
      });
      expect(changed).toEqual([]);
    },
  );

  // Methods are case-sensitive: `patch` is an unknown method, and unknown is unsafe.
  test.each(['patch', 'Patch', 'get', 'POSTX'])('%s is no method that we know', async (method) => {
    const { browser } = await newcomer(origin);
    const { cookie = '' } = browser.cookieHeader();
    const { host, port, hostname } = new URL(origin);
    const changed = await changedBy(server.admin, async () => {
      const body = '{"displayName":"x"}';
      const answer = await raw(hostname, Number(port), [
        `${method} /api/account/profile HTTP/1.1`,
        `Host: ${host}`,
        `Cookie: ${cookie}`,
        `Origin: ${origin}`,
        `X-CSRF-Token: ${browser.csrfToken}`,
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
        '',
        body,
      ]);
      expect(answer).toMatch(/^HTTP\/1\.1 40[05] /);
      expect(answer).not.toContain('displayName');
    });
    expect(changed).toEqual([]);
  });
});

function raw(host: string, port: number, lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      socket.end();
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
    socket.write(lines.join('\r\n'));
  });
}
