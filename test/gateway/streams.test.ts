// Streams and WebSockets through the gateway, its end, its siblings, and what its operator sees.
import { type Attributes, propagation, type Span, trace, type Tracer } from '@opentelemetry/api';
import { get as httpGet, type IncomingMessage, request as httpRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type HeldRequest, holdRequest } from '../support/at-once.ts';
import { ask, Visitor } from '../support/client.ts';
import { startTestGateway, type TestGateway } from '../support/gateways.ts';
import { insertMember, type Member } from '../support/plugin-apps.ts';
import { answerEmpty } from '../support/recording-upstream.ts';
import { startWireProxy } from '../support/wire-proxy.ts';

const FILE = `
drainSeconds: 0.5
health: { path: /health, everySeconds: 0.1, timeoutSeconds: 5 }
routes:
  - { method: GET, path: '/events', access: signed-in, stream: true, timeoutSeconds: 30 }
  - { method: GET, path: '/live', access: signed-in, websocket: true, timeoutSeconds: 30 }
  - { method: GET, path: '/large', access: signed-in, stream: true }
  - { method: GET, path: '/slow/{id}', access: signed-in }
  - { method: GET, path: '/open', access: public }
`;

let gateway: TestGateway;
let other: TestGateway;
let ada: Member;
let bob: Member;
/** The upstream keeps its own time, also where a test makes that of the gateway go by. */
const { setInterval: setTick, clearInterval: clearTick } = globalThis;
/** The streams and WebSockets that the upstream has open. */
const streaming = new Set<object>();
beforeAll(async () => {
  gateway = await startTestGateway(FILE);
  const { upstream, database } = gateway;
  other = await startTestGateway(
    FILE,
    { SALLYPORT_TRUSTED_PROXIES: '127.0.0.1' },
    { upstream, database },
  );
  ada = await insertMember(database.admin, gateway.origin);
  bob = await insertMember(database.admin, gateway.origin);
  upstream.answer = (request, answer, recorded) => {
    if (request.url === '/events') {
      const timer = setTick(() => answer.write('data: tick\n\n'), 50);
      streaming.add(answer);
      answer.on('close', () => {
        clearTick(timer);
        streaming.delete(answer);
      });
      answer.writeHead(200, { 'content-type': 'text/event-stream' });
      return;
    }
    if (request.url?.startsWith('/slow')) {
      setTimeout(() => answerEmpty(request, answer, recorded), 300);
      return;
    }
    answerEmpty(request, answer, recorded);
  };
  upstream.upgrade = (_request, socket, head) => {
    streaming.add(socket);
    socket.on('close', () => streaming.delete(socket));
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n',
    );
    socket.write('Sec-WebSocket-Accept: x\r\n\r\nhello');
    if (head.length > 0) socket.write(head);
    socket.pipe(socket);
  };
});
afterEach(() => void vi.useRealTimers());
afterAll(async () => {
  await other.close();
  await gateway.close();
});

const HANDSHAKE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
};

function open(path: string, headers: Record<string, string>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { hostname, port, host } = new URL(gateway.origin);
    httpGet({ hostname, port, path, headers: { host, ...headers }, agent: false }, resolve).on(
      'error',
      reject,
    );
  });
}

type Handshake = { readonly socket: Duplex; readonly first: string } | { readonly status: number };

function upgrade(path: string, headers: Record<string, string>): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    const { hostname, port, host } = new URL(gateway.origin);
    const request = httpRequest({
      hostname,
      port,
      path,
      headers: { host, ...HANDSHAKE, ...headers },
      agent: false,
    });
    request.on('upgrade', (_answer, socket, head: Buffer) => {
      socket.on('error', () => {});
      resolve({ socket, first: head.toString() });
    });
    request.on('response', (answer) => {
      answer.resume();
      resolve({ status: answer.statusCode ?? 0 });
    });
    request.on('error', reject);
    request.end();
  });
}

const ended = (stream: NodeJS.ReadableStream) =>
  new Promise<void>((resolve) => {
    stream.on('close', resolve);
    stream.on('error', () => {});
    stream.resume();
  });

/** Makes the time of the watch on streams go by only as the test says. */
const stopWatch = () =>
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });

describe('streams', () => {
  test('are cut on every gateway when the session ends, and not before [R-06]', async () => {
    stopWatch();
    const events = await open('/events', ada.browser.cookieHeader());
    const socket = await upgrade('/live', ada.browser.ownHeaders());
    const kept = await open('/events', bob.browser.cookieHeader());
    if (!('socket' in socket)) throw new Error(`refused with ${socket.status}`);
    const received: string[] = [socket.first];
    socket.socket.on('data', (chunk: Buffer) => received.push(chunk.toString()));
    socket.socket.write(' world');
    await expect.poll(() => received.join('')).toBe('hello world');

    let over = 0;
    const both = [ended(events), ended(socket.socket)].map((each) => each.then(() => (over += 1)));
    vi.advanceTimersByTime(3_000);
    // The database has answered the watch, too, by the time that this is answered behind it.
    expect((await bob.browser.get('/sallyport/api/session')).status).toBe(200);
    await sleep(300);
    expect(over).toBe(0);
    const elsewhere = new Visitor(other.origin);
    for (const [name, value] of ada.browser.cookies) elsewhere.cookies.set(name, value);
    elsewhere.csrfToken = ada.browser.csrfToken;
    expect((await elsewhere.send('POST', '/sallyport/api/sign-out')).status).toBe(204);
    // Within three seconds, and what the database and the machine take to answer.
    vi.advanceTimersByTime(3_000);
    await Promise.all(both);
    expect(kept.destroyed).toBe(false);
    kept.destroy();
  });

  test('of 50 sessions that end at one moment are cut, those that open meanwhile too, and no other [R-06] [CWE-613]', async () => {
    await expect.poll(() => streaming.size).toBe(0);
    stopWatch();
    const { admin } = gateway.database;
    const members: Member[] = [];
    while (members.length < 60) members.push(await insertMember(admin, gateway.origin));
    const [leaving, staying] = [members.slice(0, 50), members.slice(50)];

    const [earlier, kept] = await Promise.all(
      [leaving, staying].map((each) => Promise.all(each.map(holdStream))),
    );
    if (!earlier || !kept) throw new Error('nothing was opened');
    for (const each of [...earlier, ...kept]) each.release();
    for (const each of [...earlier, ...kept]) expect([101, 200]).toContain(await each.status);

    // One half of the streams asks right before the sign-outs, the other right behind them.
    const opening = await Promise.all(
      leaving.map((member, index) => holdStream(member, index + 1)),
    );
    const ending = await Promise.all(leaving.map(holdSignOut));
    for (const each of opening.slice(0, 25)) each.release();
    for (const each of ending) each.release();
    for (const each of opening.slice(25)) each.release();
    const statuses = await Promise.all(ending.map(({ status }) => status));
    expect(statuses).toEqual(leaving.map(() => 204));
    const late = await Promise.all(leaving.map(holdStream));
    for (const each of late) each.release();

    for (const each of late) expect(await each.status).toBe(401);
    for (const each of opening) expect([101, 200, 401]).toContain(await each.status);
    // Three seconds, and what a loaded machine takes to ask about all of them.
    vi.advanceTimersByTime(3_000);
    const isStillOpen = () => [...earlier, ...opening].filter((each) => each.isOpen()).length;
    await expect.poll(isStillOpen).toBe(0);
    await expect.poll(() => streaming.size).toBe(staying.length);
    for (const each of kept) expect(each.isOpen()).toBe(true);
    const events = kept.filter((_, index) => index % 2 === 0);
    const before = events.map((each) => each.received());
    await expect
      .poll(() => events.every((each, index) => each.received() > (before[index] ?? 0)))
      .toBe(true);
    for (const each of [...kept, ...late, ...ending]) each.destroy();
  });

  /** In turn events and WebSockets, of which each kind is on both gateways. */
  function holdStream({ browser }: Member, index: number): Promise<HeldRequest> {
    const { origin } = index % 4 < 2 ? gateway : other;
    if (index % 2 === 0) {
      return holdRequest(origin, 'GET', '/events', {
        ...browser.cookieHeader(),
        connection: 'close',
      });
    }
    return holdRequest(origin, 'GET', '/live', { ...browser.ownHeaders(), ...HANDSHAKE, origin });
  }

  function holdSignOut({ browser }: Member): Promise<HeldRequest> {
    return holdRequest(gateway.origin, 'POST', '/sallyport/api/sign-out', {
      ...browser.ownHeaders(),
      'content-type': 'application/json',
      'content-length': '0',
    });
  }

  test('goes on for fifteen seconds while the database does not answer, and no longer', async () => {
    const { upstream, database } = gateway;
    const proxy = await startWireProxy(database.url);
    const on = { upstream, database: { ...database, url: proxy.url } };
    const alone = await startTestGateway(FILE, {}, on);
    stopWatch();
    const headers = { ...bob.browser.cookieHeader(), connection: 'close' };
    const held = await holdRequest(alone.origin, 'GET', '/events', headers);
    held.release();
    expect(await held.status).toBe(200);
    for (let seconds = 0; seconds < 30; seconds += 3) {
      proxy.clear();
      vi.advanceTimersByTime(3_000);
      await expect.poll(() => proxy.count('Sync')).toBeGreaterThan(0);
      await expect.poll(() => proxy.unanswered).toBe(0);
      // What the watch was answered is read by the time that this is answered behind it.
      const session = await ask(alone.origin, '/sallyport/api/session', { headers });
      expect(session.status).toBe(200);
    }
    expect(held.isOpen()).toBe(true);
    let answerAgain = () => {};
    proxy.held = new Promise<void>((resolve) => (answerAgain = resolve));
    vi.advanceTimersByTime(12_000);
    await sleep(300);
    expect(held.isOpen()).toBe(true);
    vi.advanceTimersByTime(3_000);
    await expect.poll(held.isOpen).toBe(false);
    vi.useRealTimers();
    answerAgain();
    proxy.held = null;
    await alone.close();
    await proxy.close();
  });

  test('a WebSocket needs our own origin and a session, and another route takes none [CWE-1385]', async () => {
    const own = bob.browser.ownHeaders();
    const { cookie: _, ...nobody } = own;
    expect(await upgrade('/live', { ...own, origin: 'https://evil.example' })).toEqual({
      status: 403,
    });
    expect(await upgrade('/live', { ...own, 'sec-fetch-site': 'cross-site' })).toEqual({
      status: 403,
    });
    expect(await upgrade('/live', nobody)).toEqual({ status: 401 });
    expect(await upgrade('/events', own)).toEqual({ status: 400 });
    expect(await upgrade('/live', { ...own, upgrade: 'h2c' })).toEqual({ status: 400 });
    const passed = await upgrade('/live', own);
    expect('socket' in passed).toBe(true);
    if ('socket' in passed) passed.socket.destroy();
  });

  test('a WebSocket that the upstream refuses is answered with its answer, and the connection ends', async () => {
    const before = gateway.upstream.upgrade;
    const refusals: Readonly<Record<string, string>> = {
      '/live?forbidden':
        'HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: 12\r\nSet-Cookie: a=b\r\n' +
        'Cache-Control: public\r\n\r\n{"no":"way"}',
      '/live?chunked':
        'HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfull\r\n0\r\n\r\n',
      '/live?hinted':
        'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n',
      '/live?large': `HTTP/1.1 403 Forbidden\r\nContent-Length: 70000\r\n\r\n${'x'.repeat(70_000)}`,
      '/live?short': 'HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nx',
    };
    gateway.upstream.upgrade = ({ url = '' }, socket) => socket.end(refusals[url]);
    const asked = (query: string) =>
      ask(gateway.origin, `/live?${query}`, {
        headers: { ...bob.browser.ownHeaders(), ...HANDSHAKE },
      });
    const forbidden = await asked('forbidden');
    expect([forbidden.status, forbidden.text]).toEqual([403, '{"no":"way"}']);
    expect(forbidden.headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'no-store',
      connection: 'close',
    });
    expect(forbidden.setCookies).toEqual([]);
    const chunked = await asked('chunked');
    expect([chunked.status, chunked.text]).toEqual([503, 'full']);
    expect((await asked('hinted')).status).toBe(404);
    for (const wrong of ['large', 'short']) {
      expect((await asked(wrong)).json()).toMatchObject({ code: 'upstream-failed' });
    }
    const headers = { ...bob.browser.ownHeaders(), ...HANDSHAKE };
    const held = await holdRequest(gateway.origin, 'GET', '/live?forbidden', headers);
    held.release();
    expect(await held.status).toBe(403);
    await expect.poll(held.isOpen).toBe(false);
    gateway.upstream.upgrade = before;
    const passed = await upgrade('/live', bob.browser.ownHeaders());
    expect('socket' in passed).toBe(true);
    if ('socket' in passed) passed.socket.destroy();
  });

  test('come no faster than the client takes them', async () => {
    let written = 0;
    const before = gateway.upstream.answer;
    gateway.upstream.answer = (request, answer, recorded) => {
      if (request.url !== '/large') return before(request, answer, recorded);
      const chunk = Buffer.alloc(65_536);
      const write = () => {
        while (written < 400_000_000) {
          written += chunk.length;
          if (!answer.write(chunk)) return void answer.once('drain', write);
        }
        answer.end();
      };
      answer.on('error', () => {});
      write();
    };
    const answer = await open('/large', bob.browser.cookieHeader());
    answer.pause();
    // The kernel keeps tens of megabytes between two processes; then nothing moves any more.
    let seen = -1;
    await expect
      .poll(
        () => {
          const stands = seen === written;
          seen = written;
          return stands;
        },
        { interval: 300 },
      )
      .toBe(true);
    expect(written).toBeLessThan(200_000_000);
    answer.destroy();
    gateway.upstream.answer = before;
  });
});

test('forwarded headers count from configured peers only [R-81] [R-82] [ASVS 4.1.3] [ASVS 15.3.4]', async () => {
  const { requests } = gateway.upstream;
  const headers = {
    'x-forwarded-for': '203.0.113.9, 198.51.100.7',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'gopher',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  };
  for (const [through, address, traceparent] of [
    [gateway, '127.0.0.1', undefined],
    [other, '198.51.100.7', headers.traceparent],
  ] as const) {
    requests.length = 0;
    expect((await ask(through.origin, '/open', { headers })).status).toBe(200);
    const arrived = requests.find(({ target }) => target === '/open');
    expect(arrived?.headers['x-forwarded-for']).toBe(address);
    expect(arrived?.headers['x-forwarded-host']).toBe(new URL(through.origin).host);
    expect(arrived?.headers['x-forwarded-proto']).toBe('http');
    expect(arrived?.headers['traceparent']).toBe(traceparent);
  }
});

describe('what its operator sees', () => {
  const operator = (path: string, host?: string) =>
    ask(`http://127.0.0.1:${gateway.operatorPort}`, path, host ? { headers: { host } } : {});

  test('is counted by routes, and logged by id without secrets [CWE-532]', async () => {
    const answer = await bob.browser.get('/slow/secret-of-a-path?token=secret-of-a-query');
    const id = answer.headers['x-request-id'];
    const refused = await ask(gateway.origin, '/slow/7');
    const refusedId = (refused.json() as { instance: string }).instance.slice('urn:uuid:'.length);
    const accessLines = () =>
      gateway
        .log()
        .split('\n')
        .filter((line) => line.includes('"access"'))
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const ids = () => accessLines().map((line) => line['id']);
    await expect.poll(ids).toEqual(expect.arrayContaining([id, refusedId]));
    const lines = accessLines();
    expect(lines.find((line) => line['id'] === id)).toMatchObject({
      method: 'GET',
      route: '/slow/:id',
      status: 200,
      identity: bob.identityId,
      tenant: bob.tenantId,
    });
    expect(lines.find((line) => line['id'] === refusedId)).toMatchObject({
      status: 401,
      refusal: 'not-signed-in',
      identity: null,
    });
    expect(gateway.log()).not.toMatch(/secret-of-a|__Host-/);
    const { text } = await operator('/metrics');
    expect(text).toContain(
      'sallyport_gateway_requests_total{method="GET",route="/slow/:id",status="200"}',
    );
    expect(text).toContain('sallyport_gateway_refusals_total{code="not-signed-in"}');
    expect(text).not.toContain('secret-of-a');
  });

  test('is on loopback, under names of loopback [ASVS 13.4.5]', async () => {
    expect((await operator('/live')).status).toBe(200);
    expect((await operator('/metrics', 'evil.example')).status).toBe(421);
    expect((await operator('/elsewhere')).status).toBe(404);
    expect((await ask(gateway.origin, '/metrics')).status).toBe(404);
  });

  test('an upstream that is down is a 503 at once, until it is up again [ASVS 16.5.2]', async () => {
    await expect.poll(async () => (await operator('/ready')).status).toBe(200);
    const before = gateway.upstream.answer;
    gateway.upstream.answer = (_request, answer) => void answer.writeHead(500).end();
    await expect.poll(async () => (await operator('/ready')).status).toBe(503);
    const answer = await bob.browser.get('/slow/7');
    expect(answer.json()).toMatchObject({ code: 'upstream-unavailable' });
    expect(answer.headers['retry-after']).toBe('1');
    gateway.upstream.answer = before;
    await expect.poll(async () => (await operator('/ready')).status).toBe(200);
  });
});

test('each request is a span, which the upstream can hang its own below', async () => {
  const spans: { name: string; attributes: Attributes; ended: boolean }[] = [];
  const spanContext = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    traceFlags: 1,
  };
  const startSpan = (name: string) => {
    const seen = { name, attributes: {} as Attributes, ended: false };
    spans.push(seen);
    const span = {
      setAttributes: (more: Attributes) => void Object.assign(seen.attributes, more),
      setStatus: () => {},
      end: () => void (seen.ended = true),
      isRecording: () => true,
      spanContext: () => spanContext,
    };
    return span as unknown as Span;
  };
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan }) as unknown as Tracer });
  propagation.setGlobalPropagator({
    inject: (_context, carrier) => void Object.assign(carrier as object, { traceparent: 'ours' }),
    extract: (context) => context,
    fields: () => ['traceparent'],
  });
  try {
    const { upstream, database } = gateway;
    const traced = await startTestGateway(FILE, {}, { upstream, database });
    upstream.requests.length = 0;
    const answer = await ask(traced.origin, '/open?secret', { headers: { traceparent: 'theirs' } });
    await traced.close();
    const arrived = upstream.requests.find(({ target }) => target === '/open?secret');
    expect(arrived?.headers['traceparent']).toBe('ours');
    expect(spans.filter(({ name }) => name === 'GET /open')).toEqual([
      {
        name: 'GET /open',
        ended: true,
        attributes: {
          'http.request.method': 'GET',
          'http.route': '/open',
          'http.response.status_code': 200,
          'sallyport.request_id': answer.headers['x-request-id'],
        },
      },
    ]);
  } finally {
    trace.disable();
    propagation.disable();
  }
});

test('at its end it answers what is under way, and cuts the rest', async () => {
  const { upstream, database } = gateway;
  const file = FILE.replace('drainSeconds: 0.5', 'drainSeconds: 3');
  const ending = await startTestGateway(file, {}, { upstream, database });
  const browser = new Visitor(ending.origin);
  for (const [name, value] of bob.browser.cookies) browser.cookies.set(name, value);
  const before = upstream.answer;
  let answerSlowly = () => {};
  const held = new Promise<void>((resolve) => {
    upstream.answer = (request, answer, recorded) => {
      if (request.url !== '/slow/7') return before(request, answer, recorded);
      answerSlowly = () => answerEmpty(request, answer, recorded);
      resolve();
    };
  });
  const slow = browser.get('/slow/7');
  await held;
  const { hostname, port, host } = new URL(ending.origin);
  const stream = await new Promise<IncomingMessage>((resolve) => {
    const headers = { host, ...browser.cookieHeader() };
    httpGet({ hostname, port, path: '/events', headers, agent: false }, resolve);
  });
  const cut = ended(stream);
  const began = performance.now();
  const closing = ending.close();
  answerSlowly();
  expect((await slow).status).toBe(200);
  await closing;
  await cut;
  // Less than what it would give them unless told.
  expect(performance.now() - began).toBeLessThan(10_000);
  upstream.answer = before;
});
