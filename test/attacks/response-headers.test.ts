import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, type Ask, ask, fieldValue, Visitor } from '../support/client.ts';
import { newcomer, newPerson } from '../support/people.ts';
import { startRecordedServer } from './routes.ts';

const server = await startRecordedServer();
afterAll(() => server.close());
const { origin } = server;

/** One answer of every kind that there is, with the status that makes it one. */
type Kind = readonly [status: number, page: boolean, answer: () => Promise<Answer>];

let browser: Visitor;
beforeAll(async () => {
  ({ browser } = await newcomer(origin));
});

const json = { 'content-type': 'application/json' };
const evil = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };

const get = (path: string, headers: NonNullable<Ask['headers']> = {}) =>
  ask(origin, path, { headers });
const own = (path: string) => get(path, browser.cookieHeader());
const post = (path: string, headers: NonNullable<Ask['headers']>, body = '{}') =>
  ask(origin, path, { method: 'POST', headers, body });
const signIn = (body: object) => new Visitor(origin).send('POST', '/api/sign-in', body);

const kinds: Readonly<Record<string, Kind>> = {
  'a page': [200, true, () => get('/')],
  'a form': [200, true, () => get('/sign-in')],
  'an own page': [200, true, () => own('/account')],
  'data of a session': [200, false, () => own('/api/session')],
  'data for anybody': [200, false, () => get('/openapi.json')],
  'a probe': [200, false, () => get('/health')],
  'the development mailbox': [200, false, () => get('/development/mailbox.json')],
  'nothing to say': [
    204,
    false,
    async () => (await newcomer(origin)).browser.send('POST', '/api/sign-out'),
  ],
  'something accepted': [
    202,
    false,
    () => new Visitor(origin).send('POST', '/api/sign-up', newPerson()),
  ],
  'a redirect to sign-in': [303, false, () => get('/account')],
  'a redirect from a link': [303, false, () => get('/sign-out')],
  'a refused body': [400, false, () => signIn({ email: 1 })],
  'a broken body': [400, false, () => post('/api/sign-in', json, '{')],
  'conflicting cookies': [
    400,
    false,
    () => get('/api/session', { cookie: '__Host-session=a; __Host-session=b' }),
  ],
  'conflicting cookies, on a page': [
    400,
    true,
    () => get('/sign-in', { cookie: '__Host-session=a; __Host-session=b' }),
  ],
  'a target that is none': [400, false, () => get('x')],
  'a malformed escape': [400, false, () => get('/%zz')],
  'a malformed escape, for a person': [400, true, () => get('/%zz', { accept: 'text/html' })],
  'no session': [401, false, () => get('/api/session')],
  'a wrong password': [401, false, () => signIn({ email: 'a@example.com', password: 'wrong' })],
  'another origin': [403, false, () => post('/api/sign-in', { ...json, ...evil })],
  'another origin, on a page': [403, true, () => post('/sign-in', evil)],
  'a form without its cookie': [
    403,
    true,
    () => new Visitor(origin).submit('/sign-in', { _csrf: '', email: '', password: '' }),
  ],
  'no route': [404, false, () => get('/nowhere')],
  'no route, for a person': [404, true, () => get('/nowhere', { accept: 'text/html' })],
  'no such method': [405, false, () => get('/api/sign-in')],
  'no such method, for a person': [405, true, () => get('/api/sign-in', { accept: 'text/html' })],
  OPTIONS: [405, false, () => ask(origin, '/api/session', { method: 'OPTIONS' })],
  HEAD: [200, true, () => ask(origin, '/', { method: 'HEAD' })],
  'too much': [413, false, () => post('/api/sign-in', json, `"${'x'.repeat(20_000)}"`)],
  'a foreign type': [415, false, () => post('/api/sign-in', { 'content-type': 'text/plain' })],
  'a foreign type, on a page': [
    415,
    true,
    () => post('/sign-in', { 'content-type': 'text/plain' }),
  ],
  'a foreign host': [421, false, () => get('/api/session', { host: 'evil.example' })],
  'a header too large': [431, false, () => get('/', { cookie: 'x'.repeat(20_000) })],
};

/** The first word of each directive that matters, as the answer has it. */
function policyOf({ headers }: Answer): string {
  return String(headers['content-security-policy']);
}

describe.each(Object.entries(kinds))('%s', (_, [status, page, answerIt]) => {
  test(`(${status}) is kept by no cache, framed by no page, sniffed by no browser [R-86] [CWE-524] [CWE-693] [CWE-1021] [ASVS 3.4.3] [ASVS 3.4.4] [ASVS 3.4.6] [ASVS 14.3.2] [ASVS 3.4.5] [ASVS 4.1.1]`, async () => {
    const answer = await answerIt();
    expect(answer.status).toBe(status);
    const { headers } = answer;
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['cross-origin-resource-policy']).toBe('same-origin');
    expect(headers['referrer-policy']).toBe(page ? 'same-origin' : 'no-referrer');
    expect(headers.vary).toMatch(/Cookie/);
    expect(headers.vary).toMatch(/Origin/);
    expect(policyOf(answer)).toMatch(/default-src 'none'/);
    expect(policyOf(answer)).toMatch(/frame-ancestors 'none'/);
    expect(policyOf(answer)).not.toMatch(/unsafe|\*|data:|http/);
    expect(policyOf(answer).includes('sandbox')).toBe(!page);
    expect(headers['strict-transport-security']).toBeUndefined();
    expect(headers['x-powered-by'] ?? headers['server']).toBeUndefined();
    // JSON is UTF-8 by definition, and problem+json knows no parameter (RFC 8259 11, RFC 9457).
    const problemOrJson = /^application\/(problem\+json|json; charset=utf-8)$/;
    const type = page ? /^text\/html; charset=utf-8$/ : problemOrJson;
    expect(headers['content-type'] ?? '').toMatch(
      answer.text === '' ? /^(?:text\/html; charset=utf-8)?$/ : type,
    );
  });
});

describe('a fault of ours', () => {
  test('has the same headers, and says nothing of what it was [CWE-209] [ASVS 16.5.1]', async () => {
    await server.admin.query('ALTER TABLE sallyport.profiles RENAME TO profiles_gone');
    const data = await own('/api/account/profile');
    const page = await own('/account');
    await server.admin.query('ALTER TABLE sallyport.profiles_gone RENAME TO profiles');
    expect([data.status, page.status]).toEqual([500, 500]);
    expect(Object.keys(data.json()).toSorted()).toEqual([
      'code',
      'instance',
      'status',
      'title',
      'type',
    ]);
    for (const answer of [data, page]) {
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(policyOf(answer)).toMatch(/frame-ancestors 'none'/);
      expect(answer.text).not.toMatch(/profiles|sallyport\.|relation|42P01|\.ts\b|at /);
    }
    expect((await own('/api/account/profile')).status).toBe(200);
  });

  test('bytes that are no request get an answer with the same headers [CWE-693]', async () => {
    const { hostname, port } = new URL(origin);
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect({ host: hostname, port: Number(port) });
      let all = '';
      socket.on('data', (chunk: Buffer) => (all += chunk.toString('latin1')));
      socket.on('close', () => resolve(all));
      socket.on('error', reject);
      socket.write('<html> not a request\r\n\r\n');
    });
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text).toContain("frame-ancestors 'none'");
    expect(text).toContain('cache-control: no-store');
    expect(text).toContain('x-content-type-options: nosniff');
  });
});

describe('what everybody may have', () => {
  test('a style sheet may be cached, and runs nothing when opened [ASVS 3.4.4]', async () => {
    const [path = ''] = /\/assets\/[^"]+\.css/.exec((await get('/')).text) ?? [];
    const answer = await get(path);
    expect([answer.status, answer.headers['cache-control']]).toEqual([
      200,
      'public, max-age=31536000, immutable',
    ]);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(policyOf(answer)).toContain('sandbox');
    expect(answer.setCookies).toEqual([]);
  });

  test('a page shows its own token, and no other answer shows one to a visitor', async () => {
    const page = await get('/sign-in');
    expect(fieldValue(page.text, '_csrf')).not.toBe('');
    for (const path of ['/', '/api/session', '/openapi.json', '/nowhere']) {
      expect((await get(path)).text, path).not.toMatch(/[A-Za-z0-9_-]{86}/);
    }
  });
});
