import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { givePassword, newcomerWithTotp, signInHalfway } from '../support/authenticators.ts';
import { type Answer, ask, Visitor } from '../support/client.ts';
import { sendAtOnce } from '../support/at-once.ts';
import { countRows, whoIs } from '../support/accounts.ts';
import { newcomer } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import {
  FORM_TYPE,
  isPublic,
  JSON_TYPE,
  named,
  type RecordedServer,
  startRecordedServer,
  tryAll,
} from './routes.ts';

let server: RecordedServer;
beforeAll(async () => {
  server = await startRecordedServer();
});
afterAll(() => server.close());

const complete = (browser: Visitor, code: string) =>
  browser.send('POST', '/api/sign-in/totp', { code });
const codeOf = (answer: Answer) => (answer.json() as { code: string }).code;

describe('whoever has given the password and no more', () => {
  /** The secret of the sign-in, carried in every way in which a session's could be. */
  const carriers: Readonly<Record<string, (secret: string) => Record<string, string>>> = {
    'its own cookie': (secret) => ({ cookie: `__Host-sign-in=${secret}` }),
    'the cookie of a session': (secret) => ({ cookie: `__Host-session=${secret}` }),
    both: (secret) => ({ cookie: `__Host-sign-in=${secret}; __Host-session=${secret}` }),
    'a bearer token': (secret) => ({ authorization: `Bearer ${secret}` }),
  };

  test.each(Object.entries(carriers))(
    'reaches no route of a session with %s, and changes no row [R-26] [R-37] [ASVS 7.2.1] [CWE-287]',
    async (carrier, carry) => {
      const browser = new Visitor(server.origin);
      const { totp } = await signInHalfway(browser);
      const secret = browser.cookies.get('__Host-sign-in') ?? '';
      const routes = server.routes.filter((route) => !isPublic(route));
      expect(routes.length).toBeGreaterThan(40);
      const attempts = Object.fromEntries(routes.map((route) => [named(route), route]));
      const { answers, changed } = await tryAll(server.admin, attempts, async (route) => {
        const path = route.path.replaceAll(/:\w+/g, () => randomUUID());
        const token = browser.csrfToken ?? '';
        const form = route.bodyType === 'form';
        const answer = await ask(server.origin, path, {
          method: route.method,
          headers: {
            ...carry(secret),
            origin: server.origin,
            'sec-fetch-site': 'same-origin',
            'x-csrf-token': token,
            ...(route.bodyType ? { 'content-type': form ? FORM_TYPE : JSON_TYPE } : {}),
          },
          ...(route.bodyType ? { body: form ? `_csrf=${encodeURIComponent(token)}` : '{}' } : {}),
        });
        const tells = answer.status === 403 && !route.page && route.method !== 'HEAD';
        expect(tells ? codeOf(answer) : 'bearer-not-accepted', named(route)).toBe(
          'bearer-not-accepted',
        );
        return answer;
      });
      expect(changed).toEqual([]);
      // An unauthorized page leads to the sign-in; fields are judged before, and tell nothing.
      // What is for a person alone says so to any bearer token, before it looks at it.
      const untaken = carrier === 'a bearer token' ? 403 : 401;
      for (const [name, status] of Object.entries(answers)) {
        expect([303, 400, 401, untaken], name).toContain(status);
      }
      expect(answers['GET /api/sessions']).toBe(untaken);
      expect((await complete(browser, totp.next())).status).toBe(200);
    },
  );

  test('is led to the sign-in by every page of an account [ASVS 2.3.1]', async () => {
    const browser = new Visitor(server.origin);
    await signInHalfway(browser);
    const pages = server.routes.filter(
      (route) => route.page && route.method === 'GET' && !isPublic(route),
    );
    for (const { path } of pages) {
      const { status, headers } = await browser.get(path);
      expect([status, headers.location?.split('?')[0]], path).toEqual([303, '/sign-in']);
    }
  });
});

describe('the secret of a sign-in', () => {
  test('is what completes it: another browser with the same password and code does not [R-16] [R-40] [ASVS 6.6.2]', async () => {
    const browser = new Visitor(server.origin);
    const { totp } = await signInHalfway(browser);
    const attacker = new Visitor(server.origin);
    const changed = await changedBy(server.admin, async () => {
      expect(codeOf(await complete(attacker, totp.at(0)))).toBe('sign-in-over');
      await signInAs(attacker);
    });
    expect(changed).toEqual([]);
    expect((await complete(browser, totp.next())).status).toBe(200);

    /** A sign-in made up by whoever knows no secret. */
    async function signInAs(someone: Visitor) {
      someone.cookies.set('__Host-sign-in', Buffer.alloc(32, 7).toString('base64url'));
      expect(codeOf(await complete(someone, totp.at(0)))).toMatch(/^synchronizer-token-mismatch$/);
    }
  });

  test('completes it once: the cookie of a finished sign-in is nobody’s [R-40] [CWE-294]', async () => {
    const browser = new Visitor(server.origin);
    const { totp } = await signInHalfway(browser);
    const kept = new Visitor(server.origin);
    for (const [name, value] of browser.cookies) kept.cookies.set(name, value);
    kept.csrfToken = browser.csrfToken;
    expect((await complete(browser, totp.next())).status).toBe(200);
    const changed = await changedBy(server.admin, async () => {
      expect(codeOf(await complete(kept, totp.next()))).toBe('sign-in-over');
    });
    expect(changed).toEqual([]);
  });

  test('is worthless after five minutes, and nothing prolongs it [R-41] [ASVS 6.6.3]', async () => {
    const browser = new Visitor(server.origin);
    const { totp } = await signInHalfway(browser);
    await server.admin.query(
      `UPDATE sallyport.sign_in_flows SET expires_at = now() - INTERVAL '1 second'`,
    );
    expect((await browser.get('/sign-in/second-factor')).headers.location).toBe('/sign-in?over');
    const fresh = new Visitor(server.origin);
    for (const [name, value] of browser.cookies) fresh.cookies.set(name, value);
    expect(codeOf(await complete(browser, totp.next()))).toMatch(/over|mismatch/);
    expect(await countRows(server.admin, `sign_in_flows WHERE expires_at > now()`)).toBe(0);
  });

  test.each([
    ['the password was changed', `UPDATE sallyport.passwords SET hash = hash || 'x'`],
    ['the identity was disabled', `UPDATE sallyport.identities SET disabled_at = now()`],
    ['the second factor was removed', `DELETE FROM sallyport.totp_authenticators`],
  ])('is worthless once %s [R-37] [CWE-613]', async (_, change) => {
    const browser = new Visitor(server.origin);
    const someone = await signInHalfway(browser);
    const { identity } = await whoIs(someone.browser);
    const key = change.includes('identities') ? 'id' : 'identity_id';
    await server.admin.query(`${change} WHERE ${key} = $1`, [identity.id]);
    const before = await countRows(server.admin, 'sessions WHERE identity_id = $1', [identity.id]);
    expect(codeOf(await complete(browser, someone.totp.next()))).toBe('sign-in-over');
    expect(await countRows(server.admin, 'sessions WHERE identity_id = $1', [identity.id])).toBe(
      before,
    );
  });

  test('needs the form token of its own browser, and not one of before the password [R-13] [CWE-352]', async () => {
    const { person, totp } = await newcomerWithTotp(server.origin);
    const browser = new Visitor(server.origin);
    await browser.get('/sign-in');
    const early = browser.cookies.get('__Host-presession');
    await givePasswordIn(browser);
    expect(browser.cookies.get('__Host-presession')).not.toBe(early);
    const { csrfToken } = browser;
    browser.csrfToken = undefined;
    expect(codeOf(await complete(browser, totp.at(0)))).toBe('synchronizer-token-mismatch');
    browser.csrfToken = csrfToken;
    expect((await complete(browser, totp.next())).status).toBe(200);

    async function givePasswordIn(visitor: Visitor) {
      visitor.cookies.clear();
      await givePassword(visitor, person);
    }
  });
});

describe('a code', () => {
  test('is refused the second time, in whatever sign-in [ASVS 6.5.1] [NIST 3.1.4.2] [CWE-294]', async () => {
    const { person, totp } = await newcomerWithTotp(server.origin);
    const code = totp.next();
    const first = new Visitor(server.origin);
    await givePassword(first, person);
    expect((await complete(first, code)).status).toBe(200);
    const second = new Visitor(server.origin);
    await givePassword(second, person);
    expect(codeOf(await complete(second, code))).toBe('wrong-credentials');
    expect((await complete(second, totp.next())).status).toBe(200);
  });

  test('of another person is not taken', async () => {
    const browser = new Visitor(server.origin);
    const { totp } = await signInHalfway(browser);
    const other = await newcomerWithTotp(server.origin);
    expect(codeOf(await complete(browser, other.totp.next()))).toBe('wrong-credentials');
    expect((await complete(browser, totp.next())).status).toBe(200);
  });

  test('used fifty times at once, in ten sign-ins, signs in once [ASVS 6.5.1] [CWE-362]', async () => {
    const { person, totp, browser: own } = await newcomerWithTotp(server.origin);
    const { identity } = await whoIs(own);
    const browsers = Array.from({ length: 10 }, () => new Visitor(server.origin));
    for (const browser of browsers) await givePassword(browser, person);
    const count = () => countRows(server.admin, 'sessions WHERE identity_id = $1', [identity.id]);
    const before = await count();
    const code = totp.next();
    const requests = browsers.flatMap((browser) =>
      Array.from({ length: 5 }, () => ({
        path: '/api/sign-in/totp',
        headers: { ...browser.ownHeaders(), 'content-type': JSON_TYPE },
        body: JSON.stringify({ code }),
      })),
    );
    const answers = await sendAtOnce(server.origin, requests);
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    for (const status of statuses) expect([200, 401, 429, 503]).toContain(status);
    expect(await count()).toBe(before + 1);
  });
});

test('whoever has no second factor is not asked for one, and has no sign-in under way', async () => {
  const { browser } = await newcomer(server.origin);
  expect(browser.cookies.has('__Host-sign-in')).toBe(false);
  expect(codeOf(await complete(new Visitor(server.origin), '000000'))).toBe('sign-in-over');
});
