import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { maskToken, unmaskToken } from '../../src/http/synchronizer-token.ts';
import { fieldValue, Visitor } from '../support/client.ts';
import { newcomer, register, signedIn } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import {
  bodyOf,
  expectEffect,
  expectSuccess,
  formOf,
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

const guarded = server.unsafeRoutes.filter(
  (route) => !isPublic(route) || route.bodyType === 'form',
);
const json = server.unsafeRoutes.find(({ method }) => method === 'PATCH') as Route;

let other: Awaited<ReturnType<typeof newcomer>>;
let again: Visitor;
beforeAll(async () => {
  other = await newcomer(origin);
  again = await signedIn(origin, other.person);
});

/** The request with this in the one place of its token; null for nothing there. */
function withToken(request: Legitimate, token: string | null) {
  if (request.route.bodyType === 'json') return send(request, { 'x-csrf-token': token });
  const field: Record<string, string> = token === null ? {} : { _csrf: token };
  return send(request, {}, { body: formOf({ ...request.fields, ...field }) });
}

/** Spellings of one token that a lenient decoder takes for the same bytes, and parts of it. */
function misspelt(token: string): Record<string, string> {
  const raw = unmaskToken(token) ?? Buffer.alloc(0);
  const mask = randomBytes(32);
  const masked = (bytes: Buffer) => Buffer.concat([mask, bytes]).toString('base64url');
  // The last character of 64 bytes carries two bits: its successor decodes to the same ones.
  const successor = String.fromCharCode(token.charCodeAt(85) + 1);
  return {
    empty: '',
    'cut short': token.slice(0, -1),
    'with one character more': `${token}A`,
    'with padding': `${token}==`,
    'in base64': Buffer.from(token, 'base64url').toString('base64'),
    'in hex': Buffer.from(token, 'base64url').toString('hex'),
    'with another last character for the same bytes': token.slice(0, -1) + successor,
    'with a character that decoders skip': `${token.slice(0, 40)}.${token.slice(40)}`,
    'percent-encoded': `%${token.charCodeAt(0).toString(16)}${token.slice(1)}`,
    'the token unmasked': raw.toString('base64url'),
    'the token unmasked, in hex': raw.toString('hex'),
    'the digest of the token, as the database holds it': createHash('sha256')
      .update(raw)
      .digest('hex'),
    'the digest of the token, masked': maskToken(createHash('sha256').update(raw).digest(), mask),
    'the mask without the token': token.slice(0, 43),
    'nothing, masked': masked(mask),
    'the token beside its mask, not under it': masked(raw),
    'random bytes': randomBytes(64).toString('base64url'),
    'the word null': 'null',
    'the word undefined': 'undefined',
  };
}

describe.each(guarded.map((route) => [named(route), route] as const))('%s', (_, route) => {
  let request: Legitimate;
  beforeAll(async () => {
    request = await legitimate(origin, route);
  });

  test('refuses a token that is missing, misspelt, cut, unmasked or made up [R-13] [R-18] [CWE-352] [ASVS 3.5.1]', async () => {
    const spellings = shareOf(guarded, route, misspelt(request.token));
    const tried = await tryAll(server.admin, spellings, (token) => withToken(request, token));
    const refused = Object.keys(spellings).map((name) => [name, 403]);
    expect(tried).toEqual({ answers: Object.fromEntries(refused), changed: [] });

    const missing = await tryAll(server.admin, { missing: null }, (token) =>
      withToken(request, token),
    );
    // A form's schema names the field, and so refuses its absence before the database is asked.
    expect(missing).toEqual({
      answers: { missing: route.bodyType === 'json' ? 403 : 400 },
      changed: [],
    });
  });

  // The second place is how csurf fell: a token looked for in body, query and header in turn.
  test('refuses the right token in any place but the one of the route [R-13] [R-18] [CWE-352]', async () => {
    const { token, fields } = request;
    const wrong = route.bodyType === 'json' ? randomBytes(64).toString('base64url') : 'wrong';
    const bare: Headers = { 'x-csrf-token': null };
    const body = (changed: Record<string, string>) =>
      route.bodyType === 'json'
        ? JSON.stringify({ ...fields, ...changed })
        : formOf({ ...fields, _csrf: wrong, ...changed });
    const places: Record<string, readonly [Headers, { path?: string; body?: string }]> = {
      'a cookie alone': [
        { ...bare, cookie: withCookie(request, `__Host-csrf=${token}`) },
        { body: body({}) },
      ],
      'a cookie named like the field': [
        { ...bare, cookie: withCookie(request, `_csrf=${token}`) },
        { body: body({}) },
      ],
      'the query': [
        bare,
        { path: `${request.path}?_csrf=${token}&x-csrf-token=${token}`, body: body({}) },
      ],
      'another header': [
        { ...bare, 'x-xsrf-token': token, 'csrf-token': token },
        { body: body({}) },
      ],
      'the Authorization header': [
        { ...bare, authorization: `Bearer ${token}` },
        { body: body({}) },
      ],
      ...(route.bodyType === 'json'
        ? {
            'a field of the body': [bare, { body: body({ _csrf: token }) }],
            'the header, twice': [{ 'x-csrf-token': [token, token] }, {}],
            'the header, after a wrong one': [{ 'x-csrf-token': [wrong, token] }, {}],
          }
        : {
            'the header': [{ 'x-csrf-token': token }, { body: body({}) }],
            'the field, twice': [{}, { body: `${body({ _csrf: token })}&_csrf=${token}` }],
            'the field, after a wrong one': [{}, { body: `${body({})}&_csrf=${token}` }],
          }),
    };
    const attacks = shareOf(guarded, route, places);
    const tried = await tryAll(server.admin, attacks, ([headers, changed]) =>
      send(request, headers, changed),
    );
    expect(tried.changed).toEqual([]);
    // What the schema does not know or cannot take is refused as such, before the token is looked
    // at; a DELETE has no schema for its body, of which nothing is read.
    const bySchema = ['the field, twice', 'the field, after a wrong one'];
    if (route.method !== 'DELETE') bySchema.push('a field of the body');
    const expected = Object.keys(attacks).map((name) => [
      name,
      bySchema.includes(name) ? 400 : 403,
    ]);
    expect(tried.answers).toEqual(Object.fromEntries(expected));
  });

  test('refuses the token of anybody else, and of this browser before it signed in [R-13] [R-18] [CWE-352]', async () => {
    const visitor = new Visitor(origin);
    const visitorToken = fieldValue((await visitor.get('/sign-in')).text, '_csrf');
    const tokens = {
      "another person's session": other.browser.csrfToken ?? '',
      'another session of that person': again.csrfToken ?? '',
      "another visitor's": visitorToken,
    };
    const tried = await tryAll(server.admin, tokens, (token) => withToken(request, token));
    const refused = Object.keys(tokens).map((name) => [name, 403]);
    expect(tried).toEqual({ answers: Object.fromEntries(refused), changed: [] });

    // The visitor's cookie kept beside the session's does not bring its token back to life.
    const kept = {
      cookie: `${request.headers['cookie'] as string}; ${visitor.cookieHeader()['cookie']}`,
    };
    if (isPublic(route)) return;
    const before = await changedBy(server.admin, async () => {
      const body = bodyOf({ ...request, token: visitorToken });
      const headers = route.bodyType === 'json' ? { ...kept, 'x-csrf-token': visitorToken } : kept;
      expect((await send(request, headers, { body })).status).toBe(403);
    });
    expect(before).toEqual([]);
  });

  test('takes the token under any mask, in the one place of the route', async () => {
    const raw = unmaskToken(request.token) ?? Buffer.alloc(0);
    const changed = await changedBy(server.admin, async () =>
      expectSuccess(await withToken(request, maskToken(raw, randomBytes(32)))),
    );
    expectEffect(route, changed);
  });
});

function withCookie(request: Legitimate, cookie: string): string {
  const others = String(request.headers['cookie'])
    .split('; ')
    .filter((each) => !each.startsWith('__Host-csrf='));
  return [...others, cookie].join('; ');
}

describe('the life of a token', () => {
  test('each answer masks it afresh, and every mask stands for the same token [ASVS 3.5.1]', async () => {
    const { browser } = await newcomer(origin);
    const tokens: string[] = [browser.csrfToken ?? ''];
    for (let count = 0; count < 3; count += 1) {
      tokens.push((await browser.get('/api/session')).json().csrfToken as string);
      tokens.push(fieldValue((await browser.get('/account')).text, '_csrf'));
    }
    expect(new Set(tokens).size).toBe(tokens.length);
    expect(new Set(tokens.map((token) => unmaskToken(token)?.toString('hex'))).size).toBe(1);
    for (const [index, token] of tokens.entries()) {
      const body = { displayName: `Mask ${index}` };
      const answer = await browser.send('PATCH', '/api/account/profile', body, {
        'x-csrf-token': token,
      });
      expect([answer.status, answer.json()]).toEqual([200, body]);
    }
  });

  test('it ends with its session, and the next session has another one [R-13]', async () => {
    const person = await register(origin);
    const first = await signedIn(origin, person);
    const old = first.csrfToken ?? '';
    const copied = { ...first.ownHeaders() };
    expect((await first.send('POST', '/api/sign-out')).status).toBe(204);
    const second = await signedIn(origin, person);

    const changed = await changedBy(server.admin, async () => {
      const dead = await second.send('PATCH', json.path, { displayName: 'Dead' }, copied);
      expect(dead.status).toBe(401);
      const stale = await second.send(
        'PATCH',
        json.path,
        { displayName: 'Stale' },
        { 'x-csrf-token': old },
      );
      expect([stale.status, stale.json().code]).toEqual([403, 'synchronizer-token-mismatch']);
    });
    expect(changed).toEqual([]);
    expect((await second.send('PATCH', json.path, { displayName: 'Fresh' })).status).toBe(200);
  });

  // A sensitive change makes a new generation. The row decides, so no process can go on with the
  // old.
  test('a token of an earlier generation of the row is worthless at once [R-13]', async () => {
    const { browser } = await newcomer(origin);
    const old = browser.csrfToken ?? '';
    const { id } = (await browser.get('/api/session')).json().session as { id: string };
    await server.admin.query(
      `UPDATE sallyport.sessions SET synchronizer_generation = 2, synchronizer_digest = $2 WHERE id = $1`,
      [id, createHash('sha256').update(randomBytes(32)).digest('hex')],
    );
    const changed = await changedBy(server.admin, async () => {
      const patch = await browser.send(
        'PATCH',
        json.path,
        { displayName: 'Old' },
        { 'x-csrf-token': old },
      );
      expect(patch.status).toBe(403);
      expect((await browser.get('/api/session')).status).toBe(200);
    });
    expect(changed).toEqual([]);
  });
});
