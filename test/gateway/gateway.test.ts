// The gateway before an API that notes what arrives: who gets through, and with what.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { holdRequest } from '../support/at-once.ts';
import { ask, Visitor } from '../support/client.ts';
import { claimsOf, startTestGateway, type TestGateway } from '../support/gateways.ts';
import { insertMember, type Member } from '../support/plugin-apps.ts';
import { answerEmpty } from '../support/recording-upstream.ts';

const FILE = `
permissions:
  invoices:read: { text: Read invoices }
routes:
  - { method: GET, path: '/', access: public }
  - { method: GET, path: '/mine', access: signed-in }
  - { method: GET, path: '/notes/{id:int}', access: signed-in }
  - { method: GET, path: '/notes/mine', access: signed-in }
  - { method: GET, path: '/invoices', access: { permission: 'invoices:read' } }
  - { method: POST, path: '/notes', access: signed-in, body: json, bodyLimit: 64 KiB }
  - { method: POST, path: '/hasty', access: signed-in, body: json, timeoutSeconds: 0.3 }
  - { method: POST, path: '/uploads', access: signed-in, body: any, stream: true, bodyLimit: 64 KiB }
  - { method: POST, path: '/forms', access: signed-in, body: form, timeoutSeconds: 2 }
  - { method: POST, path: '/hook', access: public, body: json }
  - { method: DELETE, path: '/notes/{id:int}', access: signed-in, body: json }
  - { method: GET, path: '/secure', access: { stepUp: { withinSeconds: 300 } } }
  - { method: GET, path: '/cookies', access: public, setCookie: true }
  - { method: DELETE, path: '/everything', access: nobody }
  - { method: GET, path: '/files/*', access: { permission: 'invoices:read' } }
  - { method: PATCH, path: '/{place}/*', access: signed-in, body: json }
`;

let gateway: TestGateway;
let ada: Member;
let bob: Member;
beforeAll(async () => {
  gateway = await startTestGateway(FILE);
  const { admin } = gateway.database;
  ada = await insertMember(admin, gateway.origin, { permissions: ['invoices:read'] });
  bob = await insertMember(admin, gateway.origin);
});
beforeEach(() => {
  gateway.upstream.requests.length = 0;
  gateway.upstream.answer = answerEmpty;
});
afterEach(() => void vi.useRealTimers());
afterAll(() => gateway.close());

const arrived = () => gateway.upstream.requests;

describe('who gets through', () => {
  test('what is public reaches the upstream, with an assertion about nobody', async () => {
    const answer = await ask(gateway.origin, '/');
    expect(answer.status).toBe(200);
    const [request] = arrived();
    expect(request && claimsOf(request)).toMatchObject({
      tenant: null,
      permissions: [],
      path: '/',
    });
  });

  test('what asks for a session is refused without one, and nothing arrives', async () => {
    const answer = await ask(gateway.origin, '/mine');
    expect(answer.status).toBe(401);
    expect(answer.json()).toMatchObject({ code: 'not-signed-in' });
    expect(arrived()).toEqual([]);
  });

  test('the assertion says for whom, where and what they may', async () => {
    const answer = await ada.browser.get('/invoices?year=2026');
    expect(answer.status).toBe(200);
    const [request] = arrived();
    expect(request && claimsOf(request)).toMatchObject({
      iss: gateway.origin,
      aud: gateway.audience,
      sub: ada.identityId,
      tenant: ada.tenantId,
      permissions: ['invoices:read'],
      method: 'GET',
      path: '/invoices',
      query: 'year=2026',
    });
  });

  test('a permission that is missing is a refusal, and nothing arrives', async () => {
    expect((await bob.browser.get('/invoices')).status).toBe(403);
    expect(arrived()).toEqual([]);
  });

  test('what is not listed, and what nobody gets, is not there [ASVS 13.2.5]', async () => {
    expect((await ada.browser.get('/admin')).status).toBe(404);
    expect((await ada.browser.get('/notes/seven')).status).toBe(404);
    expect((await ada.browser.send('DELETE', '/everything')).status).toBe(404);
    expect((await ada.browser.send('PUT', '/mine', {})).status).toBe(405);
    const head = await ask(gateway.origin, '/mine', { method: 'HEAD' });
    expect(head.status).toBe(405);
    expect(arrived()).toEqual([]);
  });

  test.each(['/files/a', '/files/a/b/c%20d/%C3%A4.txt', '/files/a/', '/files/'])(
    'a wildcard takes the rest of the path, here of %s, and the assertion has all of it',
    async (path) => {
      expect((await bob.browser.get(path)).status).toBe(403);
      expect(arrived()).toEqual([]);
      expect((await ada.browser.get(`${path}?as=text`)).status).toBe(200);
      const [request] = arrived();
      expect(request?.target).toBe(`${path}?as=text`);
      expect(request && claimsOf(request)).toMatchObject({ path, query: 'as=text' });
    },
  );

  test.each([
    ['another route', '/files/../mine', 400],
    ['another route, escaped', '/files/%2e%2e/mine', 400],
    ['another route, with an escaped slash', '/files/..%2fmine', 400],
    ['another route, for servers with parameters', '/files/a/..;/mine', 400],
    ['another route, for Windows', '/files/a\\..\\..\\mine', 400],
    ['a file of the root', '/files//etc/passwd', 400],
    ['the same in other letters', '/FILES/a', 405],
    ['what begins alike', '/filesystem', 404],
    ['what it is under', '/files', 404],
  ])(
    'a wildcard does not take %s [R-76] [CWE-22] [ASVS 1.1.1] [ASVS 5.3.2]',
    async (_name, path, status) => {
      expect((await ada.browser.get(path)).status).toBe(status);
      expect(arrived()).toEqual([]);
    },
  );

  test('another method than that of the wildcard is refused as such', async () => {
    const answer = await ada.browser.send('POST', '/files/a/b', {});
    expect(answer.status).toBe(405);
    expect(answer.headers['allow']).toBe('GET, PATCH');
    expect(arrived()).toEqual([]);
  });

  test('nothing below the place of the account is handed on, whatever a wildcard takes', async () => {
    const change = (path: string) => ada.browser.send('PATCH', path, { displayName: 'Ada' });
    expect((await change('/sallyport/no/such/page')).status).toBe(404);
    expect((await change('/sallyport/')).status).toBe(404);
    expect((await change('/sallyport/api/account/profile')).status).toBe(200);
    expect(arrived()).toEqual([]);
    expect((await change('/sallyports/no/such/page')).status).toBe(200);
    expect(arrived()).toHaveLength(1);
  });

  test.each([
    ['a query', '/mine?/hook', {}],
    ['another path in the query', '/mine?path=/', {}],
    ['a header that names another path', '/mine', { 'x-original-url': '/', 'x-rewrite-url': '/' }],
    ['a forwarded URI', '/mine', { 'x-forwarded-uri': '/' }],
    ['a user agent', '/mine', { 'user-agent': 'kube-probe/1.0' }],
    ['another method', '/mine', { 'x-http-method-override': 'OPTIONS' }],
    ['the marks of a preflight', '/mine', { 'access-control-request-method': 'GET' }],
  ])('%s does not make a route another one [R-77]', async (_name, path, headers) => {
    expect((await ask(gateway.origin, path, { headers })).status).toBe(401);
    expect(arrived()).toEqual([]);
    const own = { ...ada.browser.cookieHeader(), ...headers };
    expect((await ask(gateway.origin, path, { headers: own })).status).toBe(200);
  });

  test('the way back from the sign-in leads to this origin only [R-87]', async () => {
    for (const there of [
      '//evil.example',
      '/\\evil.example',
      'https://evil.example',
      'javascript:1',
    ]) {
      const path = `/sallyport/sign-in?return_to=${encodeURIComponent(there)}`;
      const { text, status } = await ask(gateway.origin, path);
      expect(status).toBe(200);
      expect(text).not.toContain('evil.example');
      expect(text).not.toContain('javascript:');
    }
  });

  test('a step-up is asked for', async () => {
    const { admin } = gateway.database;
    expect((await ada.browser.get('/secure')).status).toBe(200);
    await admin.query(
      `UPDATE sallyport.sessions SET authenticated_at = now() - INTERVAL '1 hour' WHERE id = $1`,
      [ada.sessionId],
    );
    arrived().length = 0;
    expect((await ada.browser.get('/secure')).json()).toMatchObject({ code: 'step-up-required' });
    expect(arrived()).toEqual([]);
  });
});

describe('what changes something [R-04]', () => {
  test('passes with the token', async () => {
    const answer = await ada.browser.send('POST', '/notes', { text: 'hello' });
    expect(answer.status).toBe(200);
    const [request] = arrived();
    expect(request?.body.toString()).toBe('{"text":"hello"}');
    expect(request?.headers['x-csrf-token']).toBeUndefined();
  });

  test.each([
    ['no token', { 'x-csrf-token': 'A'.repeat(86) }, 403],
    ['another origin', { origin: 'https://evil.example' }, 403],
    ['another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a type that a form can send', { 'content-type': 'text/plain' }, 415],
  ])('is refused with %s, and nothing arrives [CWE-352]', async (_name, headers, status) => {
    const answer = await ada.browser.send('POST', '/notes', {}, headers);
    expect(answer.status).toBe(status);
    expect(arrived()).toEqual([]);
  });

  test('a form passes with the token in its field, and arrives as it was', async () => {
    const token = ada.browser.csrfToken ?? '';
    expect((await ada.browser.submit('/forms', { a: '1' })).status).toBe(403);
    expect(arrived()).toEqual([]);
    expect((await ada.browser.submit('/forms', { a: '1', _csrf: token })).status).toBe(200);
    expect(arrived()[0]?.body.toString()).toBe(`a=1&_csrf=${token}`);
  });

  test('an upload of any type takes the token in its header alone', async () => {
    const headers = { ...ada.browser.ownHeaders(), 'content-type': 'image/png' };
    const body = Buffer.from([0, 255, 13, 10]);
    const passed = await ask(gateway.origin, '/uploads', { method: 'POST', headers, body });
    expect(passed.status).toBe(200);
    expect(arrived()[0]?.body.toString('hex')).toBe(body.toString('hex'));
    expect(arrived()[0] && claimsOf(arrived()[0] as never).body).toBe('unbound');
    arrived().length = 0;
    const { 'x-csrf-token': _, ...without } = headers as Record<string, string>;
    const refused = await ask(gateway.origin, '/uploads', {
      method: 'POST',
      headers: without,
      body,
    });
    expect(refused.status).toBe(403);
    expect(arrived()).toEqual([]);
  });

  test('a webhook without any cookie needs none', async () => {
    const headers = { 'content-type': 'application/json' };
    const answer = await ask(gateway.origin, '/hook', { method: 'POST', headers, body: '{}' });
    expect(answer.status).toBe(200);
  });

  test('an Idempotency-Key is for the upstream', async () => {
    const once = () => ada.browser.send('POST', '/notes', {}, { 'idempotency-key': 'k' });
    await once();
    await once();
    expect(arrived().map(({ headers }) => headers['idempotency-key'])).toEqual(['k', 'k']);
  });
});

describe('limits', () => {
  test('a body beyond the limit of the route is refused, bound or streamed', async () => {
    const answer = await ada.browser.send('POST', '/notes', { text: 'x'.repeat(70_000) });
    expect(answer.status).toBe(413);
    const headers = {
      ...ada.browser.ownHeaders(),
      'content-type': 'application/octet-stream',
      connection: 'close',
      'transfer-encoding': 'chunked',
    };
    const { hostname, port, host } = new URL(gateway.origin);
    const text = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), hostname);
      let received = '';
      socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
      socket.on('close', () => resolve(received));
      socket.on('error', () => {});
      const lines = Object.entries({ host, ...headers }).map(
        ([name, value]) => `${name}: ${value}`,
      );
      socket.write(`POST /uploads HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
      const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
      socket.write(chunk.repeat(5));
      socket.write('0\r\n\r\n');
    });
    expect(text).toContain('413');
    await expect.poll(() => arrived().every(({ complete }) => !complete)).toBe(true);
  });
});

describe('what comes byte by byte is not waited for [CWE-400]', () => {
  /** Less than the fifteen seconds that the gateway waits where nothing else is said. */
  const UNLESS_TOLD_MILLISECONDS = 14_000;

  /** Sends the bytes, and then one each 50 ms. @returns what came before the connection ended. */
  function drip(bytes: string): Promise<string> {
    const { hostname, port } = new URL(gateway.origin);
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      // Not before there is a connection: what was written earlier would go out first.
      const socket = connect(Number(port), hostname, () => {
        socket.write(bytes);
        timer = setInterval(() => socket.write('a'), 50);
      });
      let received = '';
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
      socket.on('close', () => {
        clearInterval(timer);
        resolve(received);
      });
    });
  }

  const post = (path: string, type: string, length = 1_000) =>
    `POST ${path} HTTP/1.1\r\n${Object.entries({
      host: new URL(gateway.origin).host,
      ...ada.browser.ownHeaders(),
      'content-type': type,
      'content-length': String(length),
    })
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')}\r\n`;

  test.each([
    ['a body of JSON', '/hasty', 'application/json'],
    ['a form', '/forms', 'application/x-www-form-urlencoded'],
  ])('%s, for as long as its route says', async (_name, path, type) => {
    const began = performance.now();
    expect(await drip(post(path, type))).toMatch(path === '/hasty' ? /^HTTP\/1.1 408/ : /^$/);
    expect(performance.now() - began).toBeLessThan(UNLESS_TOLD_MILLISECONDS);
    expect(arrived().filter(({ target }) => target === path)).toEqual([]);
  });

  test('a head, for fifteen seconds', async () => {
    const server = await serverOf(gateway.origin);
    expect(server.headersTimeout).toBe(15_000);
    server.headersTimeout = 200;
    const began = performance.now();
    expect(await drip('GET / HTTP/1.1\r\nX-A: ')).toMatch(/^HTTP\/1.1 408/);
    expect(performance.now() - began).toBeLessThan(UNLESS_TOLD_MILLISECONDS);
    server.headersTimeout = 15_000;
    expect(arrived().filter(({ target }) => target === '/')).toEqual([]);
    expect((await ask(gateway.origin, '/')).status).toBe(200);
  });

  test("a body for the account's API, for fifteen seconds", async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const headers = {
      ...ada.browser.ownHeaders(),
      'content-type': 'application/json',
      'content-length': '100',
    };
    const held = await holdRequest(gateway.origin, 'POST', '/sallyport/api/sign-in', headers);
    held.release();
    let seconds = 0;
    const isOpenLater = () => {
      vi.advanceTimersByTime(1_000);
      seconds += 1;
      return held.isOpen();
    };
    try {
      await expect.poll(isOpenLater).toBe(false);
    } finally {
      held.destroy();
    }
    expect(seconds).toBeGreaterThanOrEqual(15);
    expect(held.received()).toBe(0);
  });
});

/** The server that answers there: whoever starts the gateway does not get to see it. */
async function serverOf(origin: string): Promise<Server> {
  let found: Server | undefined;
  const note = (message: unknown) => {
    const { server } = message as { server: Server };
    if (String((server.address() as AddressInfo).port) === new URL(origin).port) found = server;
  };
  subscribe('http.server.request.start', note);
  await ask(origin, '/');
  unsubscribe('http.server.request.start', note);
  arrived().length = 0;
  if (!found) throw new Error(`nothing has answered at ${origin}`);
  return found;
}

describe('what goes back', () => {
  test.each([0, 1, 256, 16_384, 16_385, 200_000])(
    'are the %i bytes that the upstream sent, whether it says how many or not',
    async (count) => {
      const sent = Buffer.from(Array.from({ length: count }, (_, at) => at));
      for (const said of [{ 'content-length': count }, {}]) {
        gateway.upstream.answer = (_request, answer) => {
          answer.writeHead(200, { 'content-type': 'image/png', 'x-name': 'M\xfcller', ...said });
          answer.end(sent);
        };
        const answer = await fetch(`${gateway.origin}/`);
        expect(answer.headers.get('x-name')).toBe('M\xfcller');
        expect(sent.equals(Buffer.from(await answer.arrayBuffer()))).toBe(true);
      }
    },
  );

  test('no cookie of the upstream, but where the route says so, and never one of ours [CWE-384]', async () => {
    gateway.upstream.answer = (_request, answer) => {
      answer.setHeader('set-cookie', [
        'theme=dark',
        `__Host-session=${'A'.repeat(43)}; Path=/; Secure`,
        ' __HOST-SESSION=x',
      ]);
      answer.end();
    };
    expect((await ask(gateway.origin, '/')).setCookies).toEqual([]);
    expect((await ask(gateway.origin, '/cookies')).setCookies).toEqual(['theme=dark']);
  });

  test('what somebody signed in gets is not kept by caches [R-86]', async () => {
    gateway.upstream.answer = (_request, answer) => {
      answer.setHeader('cache-control', 'public, max-age=600');
      answer.setHeader('vary', 'Accept');
      answer.setHeader('access-control-allow-origin', '*');
      answer.end();
    };
    const { headers } = await ada.browser.get('/mine');
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['vary']).toBe('Authorization, Cookie, Origin, Accept');
    expect(headers['access-control-allow-origin']).toBeUndefined();
    const open = await ask(gateway.origin, '/');
    expect(open.headers['cache-control']).toBe('public, max-age=600');
  });
});

describe('the account', () => {
  test('is on the same origin: sign-up, sign-in and sign-out by its API', async () => {
    const visitor = new Visitor(gateway.origin);
    const page = await visitor.get('/sallyport/sign-in', { accept: 'text/html' });
    expect(page.status).toBe(200);
    const session = await ada.browser.get('/sallyport/api/session');
    expect(session.status).toBe(200);
    const out = await bob.browser.send('POST', '/sallyport/api/sign-out');
    expect(out.status).toBe(204);
    expect((await bob.browser.get('/mine')).status).toBe(401);
    expect(arrived()).toEqual([]);
  });
});
