import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, fieldValue, Visitor } from '../support/client.ts';
import { newcomer, register } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import { startRecordedServer } from './routes.ts';

const server = await startRecordedServer();
afterAll(() => server.close());
const { origin } = server;
const SESSION = '__Host-session';

const CLEARED = [
  '__Host-session=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict',
  '__Host-csrf=; Max-Age=0; Path=/; Secure; SameSite=Strict',
  '__Host-presession=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict',
  '__Host-sign-in=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict',
];

/** The attributes of a line, with what the cookie holds left out. */
function attributesOf(line: string): string {
  return line.replace(/^([^=]+)=[A-Za-z0-9_-]+;/, '$1=...;');
}

describe('the cookies that the product sets', () => {
  const started = [
    '__Host-session=...; Path=/; Secure; HttpOnly; SameSite=Strict',
    '__Host-csrf=...; Path=/; Secure; SameSite=Strict',
    '__Host-presession=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict',
    '__Host-device=...; Max-Age=34560000; Path=/; Secure; HttpOnly; SameSite=Strict',
  ];

  test('at sign-in have exactly these names and attributes [R-19] [R-24] [CWE-614] [CWE-1004] [CWE-1275] [ASVS 3.3.1] [ASVS 3.3.2] [ASVS 3.3.3] [ASVS 3.3.4]', async () => {
    const { email, password } = await register(origin);
    const byJson = await new Visitor(origin).send('POST', '/api/sign-in', { email, password });
    expect(byJson.setCookies.map(attributesOf)).toEqual(started);
    const browser = new Visitor(origin);
    const token = fieldValue((await browser.get('/sign-in')).text, '_csrf');
    const byForm = await browser.submit('/sign-in', { _csrf: token, email, password });
    expect(byForm.setCookies.map(attributesOf)).toEqual(started);
    // 256 bits of secret, and nothing of it in the cookie that scripts may read.
    const [session = '', csrf = ''] = byForm.setCookies.map((line) => /=([^;]*)/.exec(line)?.[1]);
    expect(Buffer.from(session, 'base64url')).toHaveLength(32);
    expect(csrf).not.toContain(session);
  });

  test.each(['/sign-in', '/sign-up', '/confirm-email'])(
    'for a visitor of %s are one [R-19]',
    async (path) => {
      const visitor = new Visitor(origin);
      const first = await visitor.get(path);
      expect(first.setCookies.map(attributesOf)).toEqual([
        '__Host-presession=...; Path=/; Secure; HttpOnly; SameSite=Strict',
      ]);
      expect((await visitor.get(path)).setCookies).toEqual([]);
    },
  );

  test('are taken away with the same attributes, or the browser would keep them [R-19]', async () => {
    const { browser } = await newcomer(origin);
    expect((await browser.send('POST', '/api/sign-out')).setCookies).toEqual(CLEARED);
    const second = await newcomer(origin);
    const form = { _csrf: second.browser.csrfToken ?? '' };
    expect((await second.browser.submit('/sign-out', form)).setCookies).toEqual(CLEARED);
  });

  test('come with no answer that is read: nothing hands a session out again [R-27]', async () => {
    const { browser } = await newcomer(origin);
    for (const path of ['/', '/account', '/api/session', '/api/account/profile', '/nowhere']) {
      expect((await browser.get(path)).setCookies, path).toEqual([]);
    }
  });
});

describe('a visitor', () => {
  // One who only looks must not cost rows, or a crawler fills the database.
  test('has no session row, nor any other, after every page was seen twice [CWE-770]', async () => {
    const visitor = new Visitor(origin);
    const paths = server.routes.filter(({ method }) => method === 'GET').map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['/', '/sign-in', '/sign-up', '/account']));
    const changed = await changedBy(server.admin, async () => {
      for (const path of [...paths, ...paths]) await visitor.get(path);
    });
    expect(changed).toEqual([]);
    expect([...visitor.cookies.keys()]).toEqual(['__Host-presession']);
    const controlled = await changedBy(server.admin, () => register(origin));
    expect(controlled).not.toEqual([]);
  });
});

describe('two cookies of one name', () => {
  let victim: Visitor;
  let attacker: Visitor;
  beforeAll(async () => {
    victim = (await newcomer(origin)).browser;
    attacker = (await newcomer(origin, 'Mallory')).browser;
  });

  const pair = (visitor: Visitor) => `${SESSION}=${visitor.cookies.get(SESSION)}`;
  const presession = () => `__Host-presession=${randomBytes(32).toString('base64url')}`;

  /** Cookie headers in which a name of ours comes twice, whichever is whose. */
  function doubled(): Record<string, string | string[]> {
    const mine = pair(victim);
    const planted = pair(attacker);
    return {
      'the planted one last': `${mine}; ${planted}`,
      'the planted one first': `${planted}; ${mine}`,
      'the same value twice': `${mine}; ${mine}`,
      'in two header lines': [mine, planted],
      'in two header lines, turned round': [planted, mine],
      'without the space': `${mine};${planted}`,
      'with a tab': `${mine};\t${planted}`,
      'the twin quoted': `${mine}; ${SESSION}="${attacker.cookies.get(SESSION)}"`,
      'the twin empty': `${mine}; ${SESSION}=`,
      'the twin malformed': `${SESSION}=x; ${mine}`,
      'the visitor cookie twice': `${mine}; ${presession()}; ${presession()}`,
      'the token cookie twice': `${mine}; __Host-csrf=a; __Host-csrf=b`,
    };
  }

  test.each([
    ['a read', 'GET', '/api/session'],
    ['a change', 'PATCH', '/api/account/profile'],
    ['a page', 'GET', '/account'],
    ['a public page', 'GET', '/sign-in'],
    ['the sign-in', 'POST', '/api/sign-in'],
  ])('are refused and cleared: %s [R-24] [CWE-384]', async (_, method, path) => {
    const changed = await changedBy(server.admin, async () => {
      for (const [name, cookie] of Object.entries(doubled())) {
        const headers = { ...victim.ownHeaders(), cookie, 'content-type': 'application/json' };
        const body = JSON.stringify({ displayName: 'Twin' });
        const answer = await ask(origin, path, {
          method,
          headers,
          ...(method === 'GET' ? {} : { body }),
        });
        expect([answer.status, answer.setCookies], name).toEqual([400, CLEARED]);
      }
    });
    expect(changed).toEqual([]);
    const { cookie = '' } = victim.cookieHeader();
    expect((await ask(origin, '/api/session', { headers: { cookie } })).status).toBe(200);
  });
});

describe('a cookie that only looks like ours', () => {
  let victim: Visitor;
  let attacker: Visitor;
  beforeAll(async () => {
    victim = (await newcomer(origin)).browser;
    attacker = (await newcomer(origin, 'Mallory')).browser;
  });

  /** What a subdomain can plant, because a browser does not know these by the __Host- prefix. */
  function lookalikes(secret: string): Record<string, string> {
    return {
      'without a name': `=${SESSION}=${secret}`,
      'without a name, spaced': ` = ${SESSION}=${secret}`,
      'a space after the name': `${SESSION} =${secret}`,
      'a space before the value': `${SESSION}= ${secret}`,
      'another case': `__host-session=${secret}`,
      'a misspelt prefix': `__Host_session=${secret}`,
      'the other prefix': `__Secure-session=${secret}`,
      'no prefix': `session=${secret}`,
      quoted: `${SESSION}="${secret}"`,
      'quoted by halves': `${SESSION}="${secret}`,
      'percent-encoded name': `__Host%2Dsession=${secret}`,
      'percent-encoded value': `${SESSION}=%${secret.charCodeAt(0).toString(16)}${secret.slice(1)}`,
      'a blank of Unicode before the name': `\u00A0${SESSION}=${secret}`,
      'a comma for a semicolon': `x=y, ${SESSION}=${secret}`,
      'inside another value': `x="${SESSION}=${secret}`,
      'in the words of RFC 2965': `$Version=1, ${SESSION}=${secret}`,
      padded: `${SESSION}=${secret}=`,
      'with a character more': `${SESSION}=${secret}A`,
      'with a character less': `${SESSION}=${secret.slice(0, -1)}`,
      'with another spelling of the same bytes': `${SESSION}=${respelt(secret)}`,
    };
  }

  test('signs nobody in by itself [R-19] [R-24] [CWE-565]', async () => {
    const secret = attacker.cookies.get(SESSION) ?? '';
    const changed = await changedBy(server.admin, async () => {
      for (const [name, cookie] of Object.entries(lookalikes(secret))) {
        const answer = await ask(origin, '/api/session', { headers: { cookie } });
        expect(answer.status, name).toBe(401);
      }
    });
    expect(changed).toEqual([]);
    const headers = { cookie: `${SESSION}=${secret}` };
    expect((await ask(origin, '/api/session', { headers })).status).toBe(200);
  });

  test('never takes the place of the real one beside it [R-19] [R-24] [CWE-384]', async () => {
    const secret = attacker.cookies.get(SESSION) ?? '';
    const own = `${SESSION}=${victim.cookies.get(SESSION)}`;
    const { id } = (await victim.get('/api/session')).json().identity as { id: string };
    for (const [name, planted] of Object.entries(lookalikes(secret))) {
      for (const cookie of [`${own}; ${planted}`, `${planted}; ${own}`]) {
        const answer = await ask(origin, '/api/session', { headers: { cookie } });
        const seen = answer.status === 200 ? answer.json().identity.id : answer.status;
        expect([id, 400, 401], name).toContain(seen);
      }
    }
  });

  // The last character carries two spare bits: a lenient decoder takes four spellings for one.
  function respelt(secret: string): string {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = alphabet.indexOf(secret.at(-1) ?? '');
    return secret.slice(0, -1) + (alphabet[last + 1] ?? '');
  }
});

describe('a cookie bomb', () => {
  test('is not searched, and not an error of ours [CWE-400]', async () => {
    const { browser } = await newcomer(origin);
    const { cookie } = browser.cookieHeader();
    const many = Array.from({ length: 200 }, (_, index) => `c${index}=x`).join('; ');
    const headers = [`${many}; ${cookie}`, `big=${'x'.repeat(9000)}; ${cookie}`];
    for (const bomb of headers) {
      expect((await ask(origin, '/api/session', { headers: { cookie: bomb } })).status).toBe(401);
    }
    const huge = { cookie: `big=${'x'.repeat(20_000)}; ${cookie}` };
    expect((await ask(origin, '/api/session', { headers: huge })).status).toBe(431);
    expect((await browser.get('/api/session')).status).toBe(200);
  });
});
