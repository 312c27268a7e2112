// The gate on a team's own app: whatever kind of route, and however the app was constructed.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import fastifyWebsocket from '@fastify/websocket';
import type { FastifyInstance, FastifyServerOptions, RouteOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accessTable, declareRoutes } from '../../src/fastify.ts';
import { ask, type Answer } from '../support/client.ts';
import type { TestDatabase } from '../support/databases.ts';
import {
  createInvoices,
  insertMember,
  type Member,
  optionsFor,
  type PluginApp,
  startPluginApp,
} from '../support/plugin-apps.ts';

const SIGNED_IN = { access: 'signed-in' } as const;
const folder = mkdtempSync(join(tmpdir(), 'sallyport-static-'));
const captured: RouteOptions[] = [];
const ran: string[] = [];
let database: TestDatabase;
let plain: PluginApp;
let member: Member;
let reader: Member;

beforeAll(async () => {
  writeFileSync(join(folder, 'report.txt'), 'figures');
  database = await createInvoices();
  plain = await startPluginApp(optionsFor(database), build);
  member = await insertMember(database.admin, plain.origin, { permissions: ['secret:read'] });
  reader = await insertMember(database.admin, plain.origin);
});

afterAll(async () => {
  await plain.close();
  await database.drop();
  rmSync(folder, { recursive: true });
});

/** Every kind of route that a team may have. */
async function build(app: FastifyInstance): Promise<void> {
  app.addHook('onRoute', (route) => void captured.push(route));
  await app.register(fastifyWebsocket);
  app.get('/open', { access: 'public' }, async () => 'open');
  app.get('/mine', SIGNED_IN, async () => ran.push('/mine'));
  app.get('/Secret/:id', { access: { permission: 'secret:read' } }, async () => ran.push('secret'));
  app.post('/mine', { ...SIGNED_IN, bodyType: 'json' }, async () => ran.push('POST /mine'));
  app.options('/mine', SIGNED_IN, async () => ran.push('OPTIONS /mine'));
  app.get('/broken', SIGNED_IN, async () => {
    throw new Error('it broke');
  });
  app.get('/cached', SIGNED_IN, async (_request, reply) =>
    reply.header('cache-control', 'public, max-age=600').send('x'),
  );
  app.get('/kept', SIGNED_IN, async (_request, reply) =>
    reply.header('cache-control', 'private, max-age=60').send('x'),
  );
  app.get('/live', { ...SIGNED_IN, websocket: true }, (socket: { send(text: string): void }) => {
    ran.push('/live');
    socket.send('hello');
  });
  await app.register(declareRoutes(SIGNED_IN, fastifyStatic), { root: folder, prefix: '/files' });
  await app.register(declareRoutes({ access: 'public' }, fastifyStatic), {
    root: folder,
    prefix: '/assets',
    decorateReply: false,
  });
  await app.register(
    async (child) => {
      child.get('/inner', SIGNED_IN, async () => ran.push('/inner'));
      await child.register(
        async (grandchild) => {
          grandchild.get('/', SIGNED_IN, async () => ran.push('/deep'));
        },
        { prefix: '/deep' },
      );
    },
    { prefix: '/v1' },
  );
}

/** What ran on behalf of the request, besides its answer. */
async function ranBy<T>(work: () => Promise<T>): Promise<{ answer: T; ran: string[] }> {
  ran.length = 0;
  const answer = await work();
  return { answer, ran: [...ran] };
}

describe('without a session [CWE-306]', () => {
  test('no route that is not public runs, whatever its kind; each public one answers [R-06]', async () => {
    const gets = accessTable(plain.app).filter(({ method }) => method === 'GET');
    expect(gets.length).toBeGreaterThan(30);
    for (const { url, access } of gets) {
      const path = url
        .replace(':id', '00000000-0000-4000-8000-000000000000')
        .replace('*', 'report.txt');
      const { answer, ran: handlers } = await ranBy(() => ask(plain.origin, path));
      const location = answer.headers.location ?? '';
      const refused = answer.status === 401 || location.startsWith('/sallyport/sign-in?return_to=');
      expect({ url, refused, handlers }).toEqual({
        url,
        refused: access !== 'public',
        handlers: [],
      });
    }
  });

  test.each([
    ['HEAD', '/mine'],
    ['OPTIONS', '/mine'],
    ['GET', '/v1/inner'],
    ['GET', '/v1/deep'],
    ['GET', '/v1/deep/'],
    ['GET', '/files/report.txt'],
    ['HEAD', '/files/report.txt'],
    ['GET', '/live'],
    ['GET', '/broken'],
    ['GET', '/Secret/1'],
  ])('%s %s is refused; with one it is not', async (method, path) => {
    const { answer, ran: handlers } = await ranBy(() => ask(plain.origin, path, { method }));
    expect(answer.status).toBe(401);
    expect(handlers).toEqual([]);
    const headers = member.browser.cookieHeader();
    const control = await ask(plain.origin, path, { method, headers });
    expect(control.status).not.toBe(401);
  });
});

describe('what has no route', () => {
  test('is judged like the rest: a foreign host, two cookies, a foreign origin [R-06]', async () => {
    const cookie = member.browser.cookieHeader();
    const asked = (options: Parameters<typeof ask>[2]) => ask(plain.origin, '/nowhere', options);
    expect((await asked({})).status).toBe(404);
    expect((await asked({ headers: { host: 'evil.example' } })).status).toBe(421);
    const twice = `${cookie['cookie']}; ${cookie['cookie']}`;
    expect((await asked({ headers: { cookie: twice } })).status).toBe(400);
    const foreign = { ...cookie, origin: 'https://evil.example' };
    expect((await asked({ method: 'POST', headers: foreign })).status).toBe(403);
  });

  test("keeps the app's own answer, with the headers of every answer", async () => {
    const answer = await ask(plain.origin, '/nowhere');
    expect(answer.json()).toMatchObject({ message: 'Route GET:/nowhere not found' });
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.headers['cache-control']).toBe('no-store');
  });
});

describe('a write', () => {
  const write = (headers: Record<string, string | string[]>) =>
    ranBy(() => ask(plain.origin, '/mine', { method: 'POST', headers, body: '{}' }));
  const type = { 'content-type': 'application/json' };

  test('from a foreign page does not run; from our own it does [CWE-352]', async () => {
    const own = member.browser.ownHeaders();
    const foreign = await write({
      ...own,
      ...type,
      origin: 'https://evil.example',
      'sec-fetch-site': 'cross-site',
    });
    expect(foreign).toMatchObject({ answer: { status: 403 }, ran: [] });
    expect(await write({ ...own, ...type })).toMatchObject({
      answer: { status: 200 },
      ran: ['POST /mine'],
    });
  });

  test('without its token, or with the token of another session, does not run [R-13]', async () => {
    const own = member.browser.ownHeaders();
    const { 'x-csrf-token': _, ...without } = own;
    expect(await write({ ...without, ...type })).toMatchObject({
      answer: { status: 403 },
      ran: [],
    });
    const other = { ...own, 'x-csrf-token': reader.browser.csrfToken ?? '' };
    expect(await write({ ...other, ...type })).toMatchObject({ answer: { status: 403 }, ran: [] });
  });

  test('in a type that a form can send does not run', async () => {
    const headers = { ...member.browser.ownHeaders(), 'content-type': 'text/plain' };
    expect(await write(headers)).toMatchObject({ answer: { status: 415 }, ran: [] });
  });
});

test('a permission is what the role has in the tenant, and not what another has [CWE-862]', async () => {
  const headers = (who: Member) => ({ headers: who.browser.cookieHeader() });
  const refused = await ranBy(() => ask(plain.origin, '/Secret/1', headers(reader)));
  expect(refused).toMatchObject({ answer: { status: 403 }, ran: [] });
  const allowed = await ranBy(() => ask(plain.origin, '/Secret/1', headers(member)));
  expect(allowed).toMatchObject({ answer: { status: 200 }, ran: ['secret'] });
});

test('a permission and a fresh proof are both asked for: neither stands for the other [R-75]', async () => {
  const access = { permission: 'secret:read', stepUp: { withinSeconds: 300 } } as const;
  const app = await startPluginApp(optionsFor(database), (own) => {
    own.get('/both', { access }, async () => ran.push('/both'));
  });
  const age = async (who: Member) => {
    await database.admin.query(
      `UPDATE sallyport.sessions SET authenticated_at = now() - INTERVAL '1 hour' WHERE id = $1`,
      [who.sessionId],
    );
    return who;
  };
  const may = { permissions: ['secret:read'] };
  const table: readonly (readonly [Member, number])[] = [
    [await insertMember(database.admin, app.origin, may), 200],
    [await age(await insertMember(database.admin, app.origin, may)), 401],
    [await insertMember(database.admin, app.origin), 403],
    [await age(await insertMember(database.admin, app.origin)), 403],
  ];
  for (const [who, status] of table) {
    const { answer, ran: handlers } = await ranBy(() => who.browser.get('/both'));
    expect([answer.status, handlers]).toEqual([status, status === 200 ? ['/both'] : []]);
  }
  await app.close();
});

describe('answers for one person reach no shared cache [R-86, CWE-524]', () => {
  const control = async (path: string) =>
    (await ask(plain.origin, path, { headers: member.browser.cookieHeader() })).headers;

  test('whatever the handler or a plugin for files has set', async () => {
    expect((await control('/cached'))['cache-control']).toBe('no-store');
    expect((await control('/files/report.txt'))['cache-control']).toBe('no-store');
    expect((await control('/mine'))['vary']).toContain('Cookie');
  });

  test('but the browser of that person, where the handler says private; and public files stay so', async () => {
    expect((await control('/kept'))['cache-control']).toBe('private, max-age=60');
    expect((await ask(plain.origin, '/assets/report.txt')).headers['cache-control']).toContain(
      'public',
    );
  });
});

describe('an upgrade [R-06, CWE-1385]', () => {
  const handshake = (headers: Record<string, string>) => upgrade(plain.origin, '/live', headers);

  test('from our own page, signed in, is let through', async () => {
    const { answer, ran: handlers } = await ranBy(() =>
      handshake({ ...member.browser.cookieHeader(), Origin: plain.origin }),
    );
    expect(answer).toContain('101 Switching Protocols');
    expect(handlers).toEqual(['/live']);
  });

  test.each<readonly [string, () => Record<string, string>]>([
    ['without a session', () => ({ Origin: plain.origin })],
    ['from a foreign page', () => ({ ...cookie(), Origin: 'https://evil.example' })],
    ['from a page of nobody', () => ({ ...cookie(), Origin: 'null' })],
    ['that does not say from where', () => cookie()],
    ['to another host', () => ({ ...cookie(), Origin: plain.origin, Host: 'evil.example' })],
  ])('%s is not', async (_what, headers) => {
    const { answer, ran: handlers } = await ranBy(() => handshake(headers()));
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d/);
    // The connection is gone, too: it is nobody's any more (CWE-772).
    expect(answer).toMatch(/closed$/);
    expect(handlers).toEqual([]);
  });

  function cookie(): Record<string, string> {
    return member.browser.cookieHeader();
  }
});

test('a handler that is called past the gate, or for another route, does not run [R-74]', async () => {
  const secret = captured.find(({ url, method }) => url === '/Secret/:id' && method === 'GET');
  const app = await startPluginApp(optionsFor(database), (own) => {
    own.get('/detour', SIGNED_IN, async (request, reply) => {
      await secret?.handler.call(own, request, reply);
      return 'came through';
    });
  });
  const { browser } = await insertMember(database.admin, app.origin);
  const { answer, ran: handlers } = await ranBy(() => browser.get('/detour'));
  await app.close();
  expect(answer.status).toBe(500);
  expect(handlers).toEqual([]);
});

describe('however the app was constructed [R-73, R-81]', () => {
  const VARIANTS = [
    '//mine',
    '/mine/',
    '/mine//',
    '/MINE',
    '/%6dine',
    '/mine;x',
    '/mine;x=1/..',
    '/./mine',
    '/open/../mine',
    '/open/%2e%2e/mine',
    '/mine?access=public',
    '/rewritten',
    '/v1//inner',
    '/V1/INNER',
    '/files//report.txt',
    '/files/%2e/report.txt',
  ];
  const constructions: readonly [string, FastifyServerOptions][] = [
    ['plainly', {}],
    [
      'with a lenient router',
      {
        routerOptions: {
          caseSensitive: false,
          ignoreTrailingSlash: true,
          ignoreDuplicateSlashes: true,
        },
      },
    ],
    [
      'with rewritten addresses',
      { rewriteUrl: ({ url = '/' }) => (url === '/rewritten' ? '/mine' : url) },
    ],
    [
      'behind a trusted proxy, with ids of the client',
      { trustProxy: true, requestIdHeader: 'x-request-id' },
    ],
    ['without HEAD', { exposeHeadRoutes: false }],
  ];

  test.each(constructions)(
    '%s: no variant of an address reaches a handler without a session',
    async (_how, constructed) => {
      const app = await startPluginApp(optionsFor(database), build, constructed);
      try {
        const { browser } = await insertMember(database.admin, app.origin);
        for (const path of VARIANTS) {
          for (const method of ['GET', 'HEAD']) {
            const { answer, ran: handlers } = await ranBy(() => ask(app.origin, path, { method }));
            expect([path, method, handlers]).toEqual([path, method, []]);
            expect([path, answer.status, answer.text.includes('figures')]).toEqual([
              path,
              expect.toSatisfy((status: number) => [400, 401, 404].includes(status)),
              false,
            ]);
          }
        }
        expect((await browser.get('/mine')).status).toBe(200);
        await refusesForwarded(app);
      } finally {
        await app.close();
      }
    },
  );

  /** What a client writes into Forwarded headers decides nothing. */
  async function refusesForwarded(app: PluginApp): Promise<void> {
    const { browser } = await insertMember(database.admin, app.origin);
    const forwarded = {
      'x-forwarded-host': new URL(app.origin).host,
      'x-forwarded-proto': 'https',
    };
    const foreign = await ask(app.origin, '/mine', {
      headers: { ...forwarded, host: 'evil.example' },
    });
    expect(foreign.status).toBe(421);
    const { answer, ran: handlers } = await ranBy<Answer>(() =>
      browser.send(
        'POST',
        '/mine',
        {},
        {
          ...forwarded,
          'x-forwarded-host': 'evil.example',
          origin: 'https://evil.example',
          'sec-fetch-site': 'cross-site',
        },
      ),
    );
    expect(answer.status).toBe(403);
    expect(handlers).toEqual([]);
  }
});

/** What comes back to a handshake, and `closed` where the server has closed the connection. */
function upgrade(origin: string, path: string, headers: Record<string, string>): Promise<string> {
  const { hostname, port, host } = new URL(origin);
  const lines = Object.entries({
    Host: host,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
    });
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (!text.includes(' 101 ')) return;
      resolve(text);
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('end', () => resolve(`${text}\nclosed`));
  });
}
