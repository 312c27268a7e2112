// What a shared cache before the gateway keeps, and for whom: nginx, once as it obeys the headers
// of what it gets, and once as many are set up, which keeps whatever has the name of a file.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, ask } from '../support/client.ts';
import { claimsOf, startTestGateway, type TestGateway } from '../support/gateways.ts';
import { type Nginx, noNginx, runNginx } from '../support/nginx.ts';
import { insertMember, type Member } from '../support/plugin-apps.ts';
import { freePort } from '../support/ports.ts';

const FILE = `
routes:
  - { method: GET, path: '/mine', access: signed-in }
  - { method: GET, path: '/mine/{id:int}', access: signed-in }
  - { method: GET, path: '/style.css', access: public }
`;

/** What the upstream asks caches for. */
const KEPT = { 'cache-control': 'public, max-age=600' };

describe.skipIf(noNginx)(`behind a caching proxy ${noNginx || ''} [R-86] [CWE-524]`, () => {
  let gateway: TestGateway;
  let nginx: Nginx;
  let obeying: string;
  let byName: string;
  let ada: Member;
  let bob: Member;
  let wishes: Readonly<Record<string, string>>;

  beforeAll(async () => {
    gateway = await startTestGateway(FILE);
    const [one, other] = [await freePort(), await freePort()];
    const { host, port } = new URL(gateway.origin);
    const pass = `proxy_pass http://127.0.0.1:${port}; proxy_set_header Host ${host};
      add_header X-Cache $upstream_cache_status always;`;
    nginx = await runNginx(
      other,
      (folder) => `
        proxy_cache_path ${folder}/obeying keys_zone=obeying:1m;
        proxy_cache_path ${folder}/by-name keys_zone=by-name:1m;
        server { listen 127.0.0.1:${one}; location / { proxy_cache obeying; ${pass} } }
        server {
          listen 127.0.0.1:${other};
          location / { ${pass} }
          location ~ [.](css|js|png)$ {
            proxy_cache by-name; proxy_cache_valid 200 10m;
            proxy_ignore_headers Cache-Control Expires Set-Cookie Vary; ${pass}
          }
        }`,
    );
    obeying = `http://localhost:${one}`;
    byName = `http://localhost:${other}`;
    ada = await insertMember(gateway.database.admin, gateway.origin);
    bob = await insertMember(gateway.database.admin, gateway.origin);
    gateway.upstream.answer = (_request, answer, recorded) => {
      for (const [name, value] of Object.entries(wishes)) answer.setHeader(name, value);
      const { sub = null } = claimsOf(recorded);
      answer.end(JSON.stringify({ sub, host: recorded.headers['x-forwarded-host'] }));
    };
  });
  beforeEach(() => {
    gateway.upstream.requests.length = 0;
    wishes = KEPT;
  });
  afterAll(async () => {
    await nginx.stop();
    await gateway.close();
  });

  const as = ({ browser }: Member, origin: string, path: string) =>
    ask(origin, path, { headers: browser.cookieHeader() });
  const cached = ({ headers }: Answer) => headers['x-cache'];

  test('what is public is kept, and given to everybody', async () => {
    const first = await ask(obeying, '/style.css');
    const second = await ask(obeying, '/style.css');
    expect([first.status, cached(first)]).toEqual([200, 'MISS']);
    expect([second.status, cached(second), second.text]).toEqual([200, 'HIT', first.text]);
    expect(gateway.upstream.requests).toHaveLength(1);
    expect(JSON.parse(second.text)).toMatchObject({ sub: null });
  });

  test('nobody puts anything of their own into what is kept', async () => {
    const headers = { 'x-forwarded-host': 'evil.example', 'x-original-url': '/mine' };
    await ask(obeying, '/style.css?poisoned', { headers });
    const { text, headers: answered } = await ask(obeying, '/style.css?poisoned');
    expect(answered['x-cache']).toBe('HIT');
    expect(text).not.toContain('evil.example');
    expect(JSON.parse(text)).toMatchObject({ sub: null, host: new URL(gateway.origin).host });
  });

  test.each([
    ['nothing', {}],
    ['that it may be kept', KEPT],
    ['it to this proxy alone', { ...KEPT, 'x-accel-expires': '600' }],
    [
      'it to this proxy alone, and is private',
      { 'cache-control': 'private', 'x-accel-expires': '600' },
    ],
    ['it in the old way', { expires: new Date(Date.now() + 600_000).toUTCString() }],
  ])('what is of somebody is kept for nobody where the upstream says %s', async (name, said) => {
    wishes = said;
    const path = `/mine?${encodeURIComponent(name)}`;
    for (const [member, origin] of [ada, ada, bob].map((each) => [each, obeying] as const)) {
      const answer = await as(member, origin, path);
      expect([answer.status, cached(answer)]).toEqual([200, 'MISS']);
      expect(answer.json()).toMatchObject({ sub: member.identityId });
    }
    expect((await ask(obeying, path)).status).toBe(401);
    expect(gateway.upstream.requests).toHaveLength(3);
    expect((await as(ada, obeying, path)).json()).toMatchObject({ sub: ada.identityId });
  });

  test('what speaks to caches alone does not leave with what is of somebody', async () => {
    wishes = {
      ...KEPT,
      'CDN-Cache-Control': 'max-age=600',
      'Cloudflare-CDN-Cache-Control': 'max-age=600',
      'Surrogate-Control': 'max-age=600',
      'X-Accel-Expires': '600',
    };
    const { headers } = await as(ada, gateway.origin, '/mine');
    expect(headers['cache-control']).toBe('no-store');
    expect(Object.keys(headers).join()).not.toMatch(/cdn|surrogate|accel/);
    expect((await ask(gateway.origin, '/style.css')).headers).toMatchObject({
      'cdn-cache-control': 'max-age=600',
      'surrogate-control': 'max-age=600',
    });
  });

  test('the pages of the account, their tokens and refusals are kept for nobody', async () => {
    for (const path of ['/sallyport/api/session', '/sallyport/account', '/sallyport/sign-in']) {
      const [first, second] = [await as(ada, obeying, path), await ask(obeying, path)];
      expect([cached(first), cached(second)]).toEqual(['MISS', 'MISS']);
      expect(second.text).not.toBe(first.text);
      expect(second.text).not.toContain(ada.identityId);
    }
    expect(gateway.upstream.requests).toEqual([]);
  });

  test.each([
    '/mine/x.css',
    '/mine/7.css',
    '/mine/7/x.css',
    '/mine.css',
    '/mine;x.css',
    '/mine%2Fx.css',
    '/mine%2fx.css',
    '/mine%3Bx.css',
    '/mine%3Fx.css',
    '/mine%23x.css',
    '/mine%00.css',
    '/mine%0A.css',
    '/mine/..%2Fmine.css',
    '/style.css/..%2F..%2Fmine.css',
    '/sallyport/api/session/x.css',
    '/sallyport/api/session;x.css',
    '/sallyport/account%2Fx.css',
  ])('a proxy that keeps files by name gets nothing of somebody as %s', async (path) => {
    const victim = await as(ada, byName, path);
    expect([400, 404]).toContain(victim.status);
    const attacker = await ask(byName, path);
    expect([400, 401, 404]).toContain(attacker.status);
    for (const { text } of [victim, attacker]) expect(text).not.toContain(ada.identityId);
    expect(gateway.upstream.requests).toEqual([]);
  });

  test('that proxy keeps what is public, and of whoever asks there is nothing in it', async () => {
    const first = await as(ada, byName, '/style.css');
    const second = await ask(byName, '/style.css');
    expect([cached(first), cached(second)]).toEqual(['MISS', 'HIT']);
    expect(JSON.parse(second.text)).toMatchObject({ sub: null });
    expect(second.setCookies).toEqual([]);
  });
});
