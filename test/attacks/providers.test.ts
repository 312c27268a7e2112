// Signing in with an account elsewhere: real providers, each a process of its own.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { countRows, whoIs } from '../support/accounts.ts';
import { sendAtOnce } from '../support/at-once.ts';
import { setUpTotp } from '../support/authenticators.ts';
import { type Answer, fieldValue, Visitor } from '../support/client.ts';
import { mailsTo, newcomer, newPerson } from '../support/people.ts';
import {
  atProvider,
  backFrom,
  leaveToSignIn,
  linksOf,
  linkTo,
  openReturn,
  signInWith,
  stranger,
} from '../support/providers.ts';
import { type ProviderWorld, startProviderWorld } from '../support/provider-world.ts';
import { changedBy } from '../support/rows.ts';
import { FORM_TYPE } from './routes.ts';

let world: ProviderWorld;
let server: ProviderWorld['server'];
let acme: ProviderWorld['acme'];
let other: ProviderWorld['other'];

beforeAll(async () => {
  world = await startProviderWorld();
  ({ server, acme, other } = world);
});
afterAll(() => world.close());
afterEach(() => {
  acme.tamper = null;
});

const changed = (act: () => Promise<unknown>) => changedBy(server.admin, act);

/** What an answer says, and whether the browser is anything but a stranger afterwards. */
function said(browser: Visitor, { status, text }: Answer) {
  const [, title = ''] = /<h1>([^<]*)<\/h1>/.exec(text) ?? [];
  const names = ['__Host-session', '__Host-sign-in'];
  return { status, title, signedIn: names.some((name) => browser.cookies.has(name)) };
}

/** Nobody is signed in by it, whatever it says. */
const nobody = (status: number, title: string) => ({
  status,
  title: expect.stringContaining(title) as string,
  signedIn: false,
});

const START_AGAIN = { status: 303, location: '/sign-in?over', signedIn: false };
const ledTo = (browser: Visitor, { status, headers: { location } }: Answer) => ({
  status,
  location,
  signedIn: browser.cookies.has('__Host-session'),
});

const OVER = 'Sign in once more';
const REFUSED = 'The other site did not say who you are';

describe('an account at a provider', () => {
  test('makes a new one here, of the address that the provider has proved, and is the same person ever after [ASVS 10.3.3] [ASVS 10.5.2]', async () => {
    const account = stranger();
    const first = new Visitor(server.origin);
    expect((await signInWith(first, 'acme', account)).headers.location).toBe('/account');
    const { identity } = await whoIs(first);
    expect(identity.email).toBe(account.email);
    const { session } = (await first.get('/api/account/authenticators')).json();
    expect(session).toMatchObject({ aal: 1, amr: ['provider'] });
    const [mail] = await mailsTo(server.origin, account.email);
    expect(mail?.subject).toContain('was linked');

    // The address may change hands there; the subject does not.
    const again = new Visitor(server.origin);
    const renamed = { ...account, email: newPerson().email };
    expect((await signInWith(again, 'acme', renamed, '/account/sessions')).headers.location).toBe(
      '/account/sessions',
    );
    expect((await whoIs(again)).identity).toEqual(identity);
  });

  test('signs in to no account that has its address: nothing is linked without its owner [R-43] [CWE-287] [ASVS 10.3.3]', async () => {
    const { person } = await newcomer(server.origin);
    const browser = new Visitor(server.origin);
    const { path, fields } = await backFrom(browser, 'acme', {
      ...stranger(),
      email: person.email,
    });
    const tables = await changed(async () => {
      const answer = await browser.submit(path, fields);
      expect(said(browser, answer)).toEqual(
        nobody(409, 'There is an account with your address already'),
      );
    });
    expect(tables).toEqual(['provider_flows']);
  });

  test('with another subject of a linked address is somebody else [ASVS 10.3.3]', async () => {
    const account = stranger();
    await signInWith(new Visitor(server.origin), 'acme', account);
    const browser = new Visitor(server.origin);
    const answer = await signInWith(browser, 'acme', { ...account, sub: randomUUID() });
    expect(said(browser, answer)).toEqual(
      nobody(409, 'There is an account with your address already'),
    );
  });

  test.each([
    ['has not proved', { email_verified: false }],
    ['says "true" of', { email_verified: 'true' }],
    ['says nothing of', { email_verified: undefined }],
    ['writes as a list', { email: 'a@example.com, b@example.com' }],
  ])('makes none of an address that the provider %s [R-46] [CWE-287]', async (_, claims) => {
    const browser = new Visitor(server.origin);
    const back = await backFrom(browser, 'acme', { ...stranger(), ...claims });
    const tables = await changed(async () => {
      const answer = await browser.submit(back.path, back.fields);
      expect(said(browser, answer)).toEqual(nobody(403, 'has not made sure of your email address'));
    });
    expect(tables).toEqual(['provider_flows']);
  });

  test('leaves nothing of what somebody else had typed for its address [R-43]', async () => {
    const account = stranger();
    const attacker = { ...newPerson(), email: account.email };
    expect((await new Visitor(server.origin).send('POST', '/api/sign-up', attacker)).status).toBe(
      202,
    );
    await signInWith(new Visitor(server.origin), 'acme', account);
    const { email, password } = attacker;
    const answer = await new Visitor(server.origin).send('POST', '/api/sign-in', {
      email,
      password,
    });
    expect(answer.status).toBe(401);
    const left = `sign_ups WHERE address = $1`;
    expect(await countRows(server.admin, left, [account.email])).toBe(0);
  });

  test('of a disabled identity signs nobody in', async () => {
    const account = stranger();
    const browser = new Visitor(server.origin);
    await signInWith(browser, 'acme', account);
    const { identity } = await whoIs(browser);
    const sql = 'UPDATE sallyport.identities SET disabled_at = now() WHERE id = $1';
    await server.admin.query(sql, [identity.id]);
    const later = new Visitor(server.origin);
    expect(said(later, await signInWith(later, 'acme', account))).toEqual(
      nobody(401, 'That did not work'),
    );
  });

  test('is one factor: whoever has a second one is asked for it [R-26] [R-37] [ASVS 6.3.3]', async () => {
    const account = stranger();
    const browser = new Visitor(server.origin);
    await signInWith(browser, 'acme', account);
    await browser.get('/api/session');
    const { totp } = await setUpTotp(browser);

    const half = new Visitor(server.origin);
    const answer = await signInWith(half, 'acme', account, '/account/events');
    expect(answer.headers.location).toBe('/sign-in/second-factor');
    expect(half.cookies.has('__Host-session')).toBe(false);
    expect((await half.get('/api/session')).status).toBe(401);
    const page = await half.get('/sign-in/second-factor');
    const code = { _csrf: fieldValue(page.text, '_csrf'), code: totp.next() };
    const completed = await half.submit('/sign-in/second-factor', code);
    expect(completed.headers.location).toBe('/account/events');
    const { session } = (await half.get('/api/account/authenticators')).json();
    expect(session).toMatchObject({ aal: 2, amr: ['provider', 'totp'] });
  });

  test('that is unlinked ends what was begun with it, second factor or not [R-31]', async () => {
    const { browser } = await newcomer(server.origin);
    const account = stranger();
    await linkTo(browser, 'acme', account);
    const { totp } = await setUpTotp(browser);
    const half = new Visitor(server.origin);
    await signInWith(half, 'acme', account);
    const page = await half.get('/sign-in/second-factor');
    const [linked] = await linksOf(browser);
    const path = `/api/account/providers/${linked?.id}`;
    expect((await browser.send('DELETE', path)).status).toBe(204);
    const code = { _csrf: fieldValue(page.text, '_csrf'), code: totp.next() };
    const completed = await half.submit('/sign-in/second-factor', code);
    expect(completed.headers.location).toBe('/sign-in?over');
    expect(half.cookies.has('__Host-session')).toBe(false);
  });
});

describe('what a provider answers', () => {
  test('is nothing for a browser that was not sent there, and that one’s own visit goes on [R-14] [R-15] [ASVS 10.1.2] [CWE-352]', async () => {
    const attacker = await backFrom(new Visitor(server.origin), 'acme', stranger());
    const { search } = new URL(attacker.back);
    const victims = {
      'one without a visit': new Visitor(server.origin),
      'one with a visit of its own': new Visitor(server.origin),
    };
    const own = await leaveToSignIn(victims['one with a visit of its own'], 'acme');
    for (const victim of Object.values(victims)) {
      const tables = await changed(async () => {
        const page = await victim.get(`/sign-in/providers/acme/callback${search}`, {
          'sec-fetch-site': 'same-origin',
        });
        expect(ledTo(victim, page)).toEqual(START_AGAIN);
        // And the form itself, with the token of the victim's own page.
        const token = fieldValue((await victim.get('/sign-in')).text, '_csrf');
        const sent = await victim.submit(attacker.path, { ...attacker.fields, _csrf: token });
        expect(said(victim, sent)).toEqual(nobody(401, OVER));
      });
      expect(tables).toEqual([]);
    }
    // Controls: each visit is good in its own browser.
    const victim = victims['one with a visit of its own'];
    const mine = await openReturn(victim, await atProvider(own.url, stranger()));
    expect((await victim.submit(mine.path, mine.fields)).status).toBe(303);
    expect((await attacker.browser.submit(attacker.path, attacker.fields)).status).toBe(303);
  });

  test('counts once, also of fifty at the same moment [R-14] [R-29] [CWE-294] [CWE-362]', async () => {
    const { browser, path, fields } = await backFrom(
      new Visitor(server.origin),
      'acme',
      stranger(),
    );
    const request = {
      path,
      headers: {
        ...browser.cookieHeader(),
        origin: server.origin,
        'sec-fetch-site': 'same-origin',
        'content-type': FORM_TYPE,
      },
      body: new URLSearchParams(fields).toString(),
    };
    const before = await countRows(server.admin, 'sessions');
    const answers = await sendAtOnce(
      server.origin,
      Array.from({ length: 50 }, () => request),
    );
    expect(answers.filter(({ status }) => status === 303)).toHaveLength(1);
    expect(await countRows(server.admin, 'sessions')).toBe(before + 1);
    expect(said(browser, await browser.submit(path, fields))).toEqual(nobody(401, OVER));
  });

  test('is not opened by looking at it: the address changes nothing [R-11] [CWE-650]', async () => {
    const browser = new Visitor(server.origin);
    const { url } = await leaveToSignIn(browser, 'acme');
    const back = await atProvider(url, stranger());
    const tables = await changed(async () => {
      const { page } = await openReturn(browser, back);
      expect(page.status).toBe(200);
      // A browser that comes from the other site first opens the same address once more.
      const { pathname, search } = new URL(back);
      const landing = await browser.get(pathname + search, { 'sec-fetch-site': 'cross-site' });
      expect(landing.text).toContain('http-equiv="refresh" content="0"');
      expect(landing.setCookies).toEqual([]);
    });
    expect(tables).toEqual([]);
  });

  test('is nothing after ten minutes [CWE-613]', async () => {
    const { browser, path, fields } = await backFrom(
      new Visitor(server.origin),
      'acme',
      stranger(),
    );
    await server.admin.query(
      `UPDATE sallyport.provider_flows SET created_at = now() - INTERVAL '11 minutes', expires_at = now() - INTERVAL '1 minute'`,
    );
    const asked = acme.asked.length;
    expect(said(browser, await browser.submit(path, fields))).toEqual(nobody(401, OVER));
    expect(acme.asked).toHaveLength(asked);
  });

  test('is nothing at the address of another provider, and not with its issuer [R-14] [ASVS 10.2.2]', async () => {
    const visit = await backFrom(new Visitor(server.origin), 'acme', stranger());
    const { search } = new URL(visit.back);
    const tables = await changed(async () => {
      const there = await visit.browser.get(`/sign-in/providers/other/callback${search}`, {
        'sec-fetch-site': 'same-origin',
      });
      expect(ledTo(visit.browser, there)).toEqual(START_AGAIN);
      const form = '/sign-in/providers/other/callback';
      const sent = await visit.browser.submit(form, visit.fields);
      expect(said(visit.browser, sent)).toEqual(nobody(401, OVER));
    });
    expect(tables).toEqual([]);
    const asked = acme.asked.length;
    const mixed = { ...visit.fields, iss: other.issuer };
    expect(said(visit.browser, await visit.browser.submit(visit.path, mixed))).toEqual(
      nobody(401, REFUSED),
    );
    // The code has gone nowhere.
    expect(acme.asked).toHaveLength(asked);
    expect(other.asked.filter((path) => path.startsWith('/token'))).toEqual([]);
  });

  test('without its issuer is refused: this provider says it [R-14]', async () => {
    const { browser, path, fields } = await backFrom(
      new Visitor(server.origin),
      'acme',
      stranger(),
    );
    const { iss, ...without } = fields;
    expect(iss).toBe(acme.issuer);
    expect(said(browser, await browser.submit(path, without))).toEqual(nobody(401, REFUSED));
  });

  test('that it refuses leaves everything as it was, and can be tried again', async () => {
    const browser = new Visitor(server.origin);
    const { url } = await leaveToSignIn(browser, 'acme');
    const back = await atProvider(url, 'none');
    expect(back).toContain('error=access_denied');
    const { path, fields } = await openReturn(browser, back);
    const tables = await changed(async () => {
      expect(said(browser, await browser.submit(path, fields))).toEqual(nobody(401, REFUSED));
    });
    expect(tables).toEqual(['provider_flows']);
    expect((await signInWith(browser, 'acme', stranger())).status).toBe(303);
  });

  test('to somebody else, put into this browser’s own visit, is refused: the code is bound to its visit [R-15] [ASVS 10.2.1] [CWE-345]', async () => {
    const attacker = await backFrom(new Visitor(server.origin), 'acme', stranger());
    const victim = await backFrom(new Visitor(server.origin), 'acme', stranger());
    const injected = { ...victim.fields, code: attacker.fields['code'] ?? '' };
    expect(said(victim.browser, await victim.browser.submit(victim.path, injected))).toEqual(
      nobody(401, REFUSED),
    );
  });
});

describe('an ID token', () => {
  const parts = (token: string) => token.split('.') as [string, string, string];
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const decode = (part: string) =>
    JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;

  const FORGERIES: Readonly<Record<string, (token: string) => string>> = {
    'with another subject under the same signature': (token) => {
      const [header, payload, signature] = parts(token);
      return [header, encode({ ...decode(payload), sub: 'admin' }), signature].join('.');
    },
    'without a signature': (token) => {
      const [header, payload] = parts(token);
      return `${encode({ ...decode(header), alg: 'none' })}.${payload}.`;
    },
    'with an empty signature': (token) => {
      const [header, payload] = parts(token);
      return `${header}.${payload}.`;
    },
    'signed with a secret in place of a key': (token) => {
      const [header, payload, signature] = parts(token);
      return [encode({ ...decode(header), alg: 'HS256' }), payload, signature].join('.');
    },
    'of a key that is not the provider’s': (token) => {
      const [header, payload, signature] = parts(token);
      return [encode({ ...decode(header), kid: 'another' }), payload, signature].join('.');
    },
    'that is no token': () => 'a.b.c',
  };

  const answers = (change: (answer: { id_token: string }) => object) => {
    acme.tamper = (path, body) => {
      if (!path.startsWith('/token')) return body;
      return JSON.stringify(change(JSON.parse(body) as { id_token: string }));
    };
  };

  test.each(Object.entries(FORGERIES))(
    '%s signs nobody in [R-58] [R-61] [CWE-347] [ASVS 9.1.1] [ASVS 9.1.2]',
    async (_name, forge) => {
      const { browser, path, fields } = await backFrom(
        new Visitor(server.origin),
        'acme',
        stranger(),
      );
      answers((answer) => ({ ...answer, id_token: forge(answer.id_token) }));
      const tables = await changed(async () => {
        expect(said(browser, await browser.submit(path, fields))).toEqual(nobody(401, REFUSED));
      });
      expect(tables).toEqual(['provider_flows']);
    },
  );

  test('of another visit signs nobody in: its nonce is another [R-14] [R-62] [ASVS 10.5.1] [CWE-294]', async () => {
    let kept: unknown;
    const first = await backFrom(new Visitor(server.origin), 'acme', stranger());
    answers((answer) => (kept = answer));
    // Control: it is a good one, where it belongs.
    expect((await first.browser.submit(first.path, first.fields)).status).toBe(303);
    const second = await backFrom(new Visitor(server.origin), 'acme', stranger());
    answers(() => kept as object);
    const sent = await second.browser.submit(second.path, second.fields);
    expect(said(second.browser, sent)).toEqual(nobody(401, REFUSED));
  });

  test('that is missing signs nobody in', async () => {
    const { browser, path, fields } = await backFrom(
      new Visitor(server.origin),
      'acme',
      stranger(),
    );
    answers((answer) => ({ ...answer, id_token: undefined }));
    expect(said(browser, await browser.submit(path, fields))).toEqual(nobody(401, REFUSED));
  });

  test('and the answer about somebody else do not go together [CWE-345]', async () => {
    const { browser, path, fields } = await backFrom(
      new Visitor(server.origin),
      'acme',
      stranger(),
    );
    acme.tamper = (asked, body) =>
      asked.startsWith('/me') ? JSON.stringify({ ...stranger(), sub: 'another' }) : body;
    expect(said(browser, await browser.submit(path, fields))).toEqual(nobody(401, REFUSED));
  });
});

describe('a visit', () => {
  test('goes with PKCE, state and nonce, in a cookie of this browser alone, and none of them is stored [R-14] [ASVS 10.1.1] [ASVS 10.2.1]', async () => {
    const browser = new Visitor(server.origin);
    const { answer, url } = await leaveToSignIn(browser, 'acme');
    const query = Object.fromEntries(new URL(url).searchParams);
    expect(query).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      redirect_uri: `${server.origin}/sign-in/providers/acme/callback`,
      scope: 'openid email profile',
    });
    const cookie = answer.setCookies.find((line) => line.startsWith('__Host-flow='));
    expect(cookie).toMatch(/; Max-Age=600; Path=\/; Secure; HttpOnly; SameSite=Lax$/);
    const secret = browser.cookies.get('__Host-flow') ?? '';
    const { state = '', nonce = '', code_challenge: challenge = '' } = query;
    expect(new Set([state, nonce, challenge, secret]).size).toBe(4);
    const { rows } = await server.admin.query('SELECT * FROM sallyport.provider_flows');
    for (const value of [state, nonce, challenge, secret]) {
      expect(value).toMatch(/^[\w-]{43}$/);
      expect(JSON.stringify(rows)).not.toContain(value);
    }
    // The tokens of the provider reach neither browser nor database.
    const tokens: string[] = [];
    acme.tamper = (path, body) => {
      if (path.startsWith('/token')) {
        const given = JSON.parse(body) as Record<string, string>;
        tokens.push(given['access_token'] ?? '', given['id_token'] ?? '');
      }
      return body;
    };
    const { path, fields } = await openReturn(browser, await atProvider(url, stranger()));
    const done = await browser.submit(path, fields);
    expect(done.status).toBe(303);
    expect(tokens.filter((token) => token !== '')).toHaveLength(2);
    const links = await server.admin.query('SELECT * FROM sallyport.provider_links');
    for (const token of tokens) {
      expect(JSON.stringify([done.headers, links.rows])).not.toContain(token);
    }
  });

  test('leads back to a path of ours and nowhere else [R-87] [CWE-601]', async () => {
    const browser = new Visitor(server.origin);
    const answer = await signInWith(browser, 'acme', stranger(), 'https://evil.example/');
    expect(answer.headers.location).toBe('/account');
  });

  test('to a provider that is not configured is not begun', async () => {
    const { answer } = await leaveToSignIn(new Visitor(server.origin), 'nobody');
    expect(answer.status).toBe(404);
    expect(answer.setCookies.some((line) => line.startsWith('__Host-flow'))).toBe(false);
  });

  test('begins with a form of ours: no other site sends anybody away [CWE-352]', async () => {
    const browser = new Visitor(server.origin);
    const form = {
      _csrf: fieldValue((await browser.get('/sign-in')).text, '_csrf'),
      provider: 'acme',
    };
    const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    const tables = await changed(async () => {
      expect((await browser.submit('/sign-in/provider', form, foreign)).status).toBe(403);
      const stale = { ...form, _csrf: 'A'.repeat(86) };
      expect((await browser.submit('/sign-in/provider', stale)).status).toBe(403);
    });
    expect(tables).toEqual([]);
    expect((await browser.submit('/sign-in/provider', form)).status).toBe(200);
  });

  test('can be begun six hundred times an hour from one network [CWE-400] [CWE-799]', async () => {
    await leaveToSignIn(new Visitor(server.origin), 'acme');
    const budget = `UPDATE sallyport.budgets SET spent = $1 WHERE kind = 'provider-network'`;
    await server.admin.query(budget, [600]);
    const { answer } = await leaveToSignIn(new Visitor(server.origin), 'acme');
    expect(answer.status).toBe(429);
    await server.admin.query(budget, [0]);
    expect((await leaveToSignIn(new Visitor(server.origin), 'acme')).answer.status).toBe(200);
  });
});
