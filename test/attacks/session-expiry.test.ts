import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { idleFor } from '../support/accounts.ts';
import type { Answer, Visitor } from '../support/client.ts';
import { newcomer } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer } from '../support/servers.ts';

const server = await startTestServer();
afterAll(() => server.close());
afterEach(() => {
  vi.useRealTimers();
});
const { origin } = server;

async function signIn() {
  const { browser } = await newcomer(origin);
  const { id } = (await browser.get('/api/session')).json().session as { id: string };
  return { browser, id };
}

/** As if it had been started this long ago and used ever since. */
async function startedAgo(id: string, interval: string): Promise<void> {
  await server.admin.query(
    `UPDATE sallyport.sessions SET created_at = created_at - $2::INTERVAL,
        authenticated_at = authenticated_at - $2::INTERVAL, expires_at = expires_at - $2::INTERVAL
      WHERE id = $1`,
    [id, interval],
  );
}

/** Everything that a signed-in browser can do, and whether any of it changed a row. */
async function everyUse(browser: Visitor) {
  const cookie = browser.cookieHeader();
  const name = { displayName: 'X' };
  const token = { _csrf: browser.csrfToken ?? '' };
  const answers: Record<string, string> = {};
  const note = (use: string, { status, headers }: Answer) => {
    answers[use] = [status, headers.location].filter(Boolean).join(' ');
  };
  const changed = await changedBy(server.admin, async () => {
    note('session', await browser.get('/api/session', cookie));
    note('profile', await browser.get('/api/account/profile', cookie));
    note('page', await browser.get('/account', cookie));
    note('change', await browser.send('PATCH', '/api/account/profile', name, cookie));
    note('sign-out', await browser.send('POST', '/api/sign-out', undefined, cookie));
    note('form', await browser.submit('/account', { ...token, ...name }, cookie));
    note('sign-out form', await browser.submit('/sign-out', token, cookie));
  });
  return { answers, changed };
}

/** Refused everywhere, and nothing has moved the end of the session. */
const DEAD = {
  answers: {
    session: '401',
    profile: '401',
    page: '303 /sign-in?return_to=%2Faccount',
    change: '401',
    'sign-out': '401',
    form: '303 /sign-in?return_to=%2Faccount',
    'sign-out form': '303 /sign-in?return_to=%2Fsign-out',
  },
  changed: [],
};

describe('the inactivity limit of an hour', () => {
  test("ends the session by the database's clock, for every route, and nothing brings it back [R-22] [CWE-613] [ASVS 7.3.1]", async () => {
    const { browser, id } = await signIn();
    await idleFor(server.admin, id, '60 minutes');
    expect(await everyUse(browser)).toEqual(DEAD);
    expect(await everyUse(browser)).toEqual(DEAD);
  });

  test('a request after 59 minutes is let through and starts the hour anew', async () => {
    const { browser, id } = await signIn();
    await idleFor(server.admin, id, '59 minutes');
    expect((await browser.get('/api/session')).status).toBe(200);
    const noted = `SELECT 1 FROM sallyport.session_activity
      WHERE session_id = $1 AND last_seen_at > now() - INTERVAL '10 minutes'`;
    await expect.poll(async () => (await server.admin.query(noted, [id])).rowCount).toBe(1);
    expect((await browser.get('/api/session')).status).toBe(200);
  });

  test('each request is noted as activity, long before the session may be idle, to a minute or so', async () => {
    const { browser, id } = await signIn();
    const other = await signIn();
    const seenLongAgo = async (session: string) => {
      await server.admin.query(
        `WITH old AS (UPDATE sallyport.sessions SET created_at = created_at - INTERVAL '2 minutes',
            expires_at = expires_at - INTERVAL '2 minutes' WHERE id = $1)
          UPDATE sallyport.session_activity SET last_seen_at = now() - INTERVAL '2 minutes' WHERE session_id = $1`,
        [session],
      );
    };
    const isNoted = async (session: string) =>
      (
        await server.admin.query(
          `SELECT 1 FROM sallyport.session_activity
            WHERE session_id = $1 AND last_seen_at > now() - INTERVAL '1 minute'`,
          [session],
        )
      ).rowCount === 1;
    await seenLongAgo(id);
    expect((await browser.get('/api/session')).status).toBe(200);
    await expect.poll(async () => await isNoted(id)).toBe(true);
    // A moment later nothing is written again: what follows here is noted, and this is not.
    await seenLongAgo(id);
    await seenLongAgo(other.id);
    expect((await browser.get('/api/session')).status).toBe(200);
    expect((await other.browser.get('/api/session')).status).toBe(200);
    await expect.poll(async () => await isNoted(other.id)).toBe(true);
    expect(await isNoted(id)).toBe(false);
  });

  test('a request that is refused does not count as activity [R-22]', async () => {
    const { browser, id } = await signIn();
    await idleFor(server.admin, id, '59 minutes');
    const changed = await changedBy(server.admin, async () => {
      const evil = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
      const attack = await browser.send(
        'PATCH',
        '/api/account/profile',
        { displayName: 'X' },
        evil,
      );
      expect(attack.status).toBe(403);
      const wrong = { 'x-csrf-token': 'wrong' };
      const stale = await browser.send(
        'PATCH',
        '/api/account/profile',
        { displayName: 'X' },
        wrong,
      );
      expect(stale.status).toBe(403);
    });
    expect(changed).toEqual([]);
  });
});

describe('the absolute limit of twelve hours', () => {
  test('ends a session however busy it is [R-22] [CWE-613] [ASVS 7.3.2]', async () => {
    const { browser, id } = await signIn();
    await startedAgo(id, '12 hours');
    await idleFor(server.admin, id, '0 seconds');
    expect(await everyUse(browser)).toEqual(DEAD);
  });

  test('a minute before that it lives, and using it does not move the limit', async () => {
    const { browser, id } = await signIn();
    await startedAgo(id, '11 hours 59 minutes');
    const before = (await browser.get('/api/session')).json().session.expiresAt as string;
    await idleFor(server.admin, id, '5 minutes');
    const after = await browser.get('/api/session');
    expect([after.status, after.json().session.expiresAt]).toEqual([200, before]);
  });

  test('no row can be given a longer life, by whatever mistake [R-22]', async () => {
    const { id } = await signIn();
    const longer = server.admin.query(
      `UPDATE sallyport.sessions SET expires_at = created_at + INTERVAL '12 hours 1 second' WHERE id = $1`,
      [id],
    );
    await expect(longer).rejects.toMatchObject({ code: '23514' });
  });
});

describe('whose clock and whose word decide', () => {
  test("the process's clock does not: neither slow nor fast does it change an answer [R-22] [ASVS 7.3.1]", async () => {
    const alive = await signIn();
    const dead = await signIn();
    await idleFor(server.admin, dead.id, '61 minutes');
    for (const hours of [-24, 24]) {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + hours * 3_600_000 });
      expect((await alive.browser.get('/api/session')).status).toBe(200);
      expect((await dead.browser.get('/api/session')).status).toBe(401);
      vi.useRealTimers();
    }
  });

  // One product took the cookie's maxAge for the session's, and so never ended any.
  test('the cookie does not: it says nothing of an end, and what a client adds to it is nothing [R-22]', async () => {
    const { browser, id } = await signIn();
    const { cookie } = browser.cookieHeader();
    await idleFor(server.admin, id, '61 minutes');
    const prolonged = `${cookie}; Max-Age=86400; Expires=Fri, 31 Dec 2100 23:59:59 GMT`;
    expect((await browser.get('/api/session', { cookie: prolonged })).status).toBe(401);
    const fresh = await signIn();
    const added = { cookie: `${fresh.browser.cookieHeader()['cookie']}; Max-Age=0` };
    expect((await fresh.browser.get('/api/session', added)).status).toBe(200);
  });
});
