import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type RunningServer } from '../../src/server/server.ts';
import { ask, Visitor } from '../support/client.ts';
import { newcomer, signedIn } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer, testConfig } from '../support/servers.ts';

const server = await startTestServer();
const { origin } = server;
const SESSION = '__Host-session';

// The same browser seen by another process on the same database: what one has ended must be ended
// for the other's very next request, with no cache of authority between them.
let second: RunningServer;
beforeAll(async () => {
  second = await startServer(testConfig({ DATABASE_URL: server.url }));
});
afterAll(async () => {
  await second.close();
  await server.close();
});

/** This browser's requests, sent to the second process. */
function atSecond(browser: Visitor): Visitor {
  const moved = new Visitor(second.origin);
  for (const [name, value] of browser.cookies) moved.cookies.set(name, value);
  moved.csrfToken = browser.csrfToken;
  return moved;
}

/** Two reads and a write with a copy of the cookies, as a thief or a second tab would send them. */
async function statuses(copy: Visitor): Promise<readonly number[]> {
  const cookies = copy.cookieHeader();
  return [
    (await copy.get('/api/session', cookies)).status,
    (await copy.get('/account', cookies)).status,
    (await copy.send('PATCH', '/api/account/profile', { displayName: 'Copy' }, cookies)).status,
  ];
}

const ALIVE = [200, 200, 200];
const DEAD = [401, 303, 401];

describe('a session that was ended', () => {
  test('in one process is dead in the other at once, copies of its cookies with it [R-23] [R-27] [CWE-613] [ASVS 7.4.1]', async () => {
    const { browser } = await newcomer(origin);
    const copies = [atSecond(browser), atSecond(browser)] as const;
    expect(await statuses(copies[0])).toEqual(ALIVE);

    expect((await browser.send('POST', '/api/sign-out')).status).toBe(204);
    const changed = await changedBy(server.admin, async () => {
      expect(await statuses(copies[0])).toEqual(DEAD);
      expect(await statuses(copies[1])).toEqual(DEAD);
    });
    expect(changed).toEqual([]);
  });

  test('in the second process is dead in the first [R-27] [CWE-613]', async () => {
    const { browser } = await newcomer(origin);
    const away = atSecond(browser);
    const copy = new Visitor(origin);
    for (const [name, value] of browser.cookies) copy.cookies.set(name, value);
    copy.csrfToken = browser.csrfToken;
    expect(await statuses(copy)).toEqual(ALIVE);
    expect((await away.send('POST', '/api/sign-out')).status).toBe(204);
    expect(await statuses(copy)).toEqual(DEAD);
  });

  test('is never minted anew by a read, nor by a second sign-out [R-23] [R-27]', async () => {
    const { browser } = await newcomer(origin);
    const cookies = browser.cookieHeader();
    const headers = browser.ownHeaders();
    expect((await browser.send('POST', '/api/sign-out')).status).toBe(204);
    const changed = await changedBy(server.admin, async () => {
      const read = await ask(origin, '/api/session', { headers: cookies });
      expect([read.status, read.setCookies]).toEqual([401, []]);
      const again = await browser.send('POST', '/api/sign-out', undefined, headers);
      expect([again.status, again.setCookies]).toEqual([401, []]);
    });
    expect(changed).toEqual([]);
  });

  test('whose row an operator deleted is dead at the very next request [R-27] [ASVS 7.4.1]', async () => {
    const { browser, person } = await newcomer(origin);
    const elsewhere = await signedIn(origin, person);
    const { id } = (await browser.get('/api/session')).json().session as { id: string };
    await server.admin.query('DELETE FROM sallyport.sessions WHERE id = $1', [id]);
    expect(await statuses(browser)).toEqual(DEAD);
    expect(await statuses(atSecond(browser))).toEqual(DEAD);
    expect(await statuses(elsewhere)).toEqual(ALIVE);
  });
});

describe('an identity that was disabled', () => {
  test('is refused at the very next request by both processes, and cannot sign in [R-27] [CWE-613] [ASVS 7.4.2]', async () => {
    const { browser, person } = await newcomer(origin);
    const bystander = await newcomer(origin);
    const { id } = (await browser.get('/api/session')).json().identity as { id: string };
    const setDisabled = (value: string) =>
      server.admin.query(`UPDATE sallyport.identities SET disabled_at = ${value} WHERE id = $1`, [
        id,
      ]);
    expect(await statuses(atSecond(browser))).toEqual(ALIVE);

    await setDisabled('now()');
    const changed = await changedBy(server.admin, async () => {
      expect(await statuses(browser)).toEqual(DEAD);
      expect(await statuses(atSecond(browser))).toEqual(DEAD);
      expect(await statuses(bystander.browser)).toEqual(ALIVE);
    });
    expect(changed).toEqual(['profiles']);

    const { email, password } = person;
    const visitor = new Visitor(origin);
    const refused = await visitor.send('POST', '/api/sign-in', { email, password });
    const wrong = await visitor.send('POST', '/api/sign-in', { email, password: `${password}!` });
    expect([refused.status, refused.json().code]).toEqual([401, wrong.json().code]);
    expect(refused.setCookies).toEqual([]);

    await setDisabled('NULL');
    expect((await visitor.send('POST', '/api/sign-in', { email, password })).status).toBe(200);
  });
});

describe('what is stored or shown of a session', () => {
  // Whoever reads the table, a backup or an answer holds ids, digests and proofs, and no session.
  test('is no credential: neither id, proof nor digests serve as a cookie [R-27] [ASVS 7.2.2]', async () => {
    const { browser } = await newcomer(origin);
    const { id } = (await browser.get('/api/session')).json().session as { id: string };
    const { rows } = await server.admin.query<Record<string, string>>(
      'SELECT proof_digest, synchronizer_digest FROM sallyport.sessions WHERE id = $1',
      [id],
    );
    const secret = browser.cookies.get(SESSION) ?? '';
    const derived = `\0\0\0\x01${secret}sallyport proof`;
    const proof = createHash('sha256').update(derived).digest();
    expect(createHash('sha256').update(proof.toString('hex')).digest('hex')).toBe(
      rows[0]?.['proof_digest'],
    );
    const digests = Object.values(rows[0] ?? {});
    const values = [
      id,
      proof.toString('hex'),
      proof.toString('base64url'),
      ...digests,
      ...digests.map((digest) => Buffer.from(digest, 'hex').toString('base64url')),
      browser.csrfToken ?? '',
    ];
    const changed = await changedBy(server.admin, async () => {
      for (const value of values) {
        const headers = { cookie: `${SESSION}=${value}` };
        expect((await ask(origin, '/api/session', { headers })).status).toBe(401);
      }
    });
    expect(changed).toEqual([]);
    expect((await browser.get('/api/session')).status).toBe(200);
  });

  test("an id in a body, a query or a header ends and touches nobody else's session [R-27] [CWE-639]", async () => {
    const victim = await newcomer(origin);
    const { browser } = await newcomer(origin, 'Mallory');
    const { session, identity } = (await victim.browser.get('/api/session')).json() as {
      session: { id: string };
      identity: { id: string };
    };
    const ids = {
      id: session.id,
      session: session.id,
      sessionId: session.id,
      identityId: identity.id,
    };
    const query = new URLSearchParams(ids).toString();
    const headers = { 'x-session-id': session.id, 'x-identity-id': identity.id };
    const changed = await changedBy(server.admin, async () => {
      expect((await browser.send('POST', '/api/sign-out', ids)).status).toBe(400);
      const body = { displayName: 'Mallory', ...ids };
      expect((await browser.send('PATCH', '/api/account/profile', body)).status).toBe(400);
      const form = { _csrf: browser.csrfToken ?? '', ...ids };
      expect((await browser.submit('/sign-out', form)).status).toBe(400);
      const own = await browser.get(`/api/session?${query}`, headers);
      expect(own.json().session.id).not.toBe(session.id);
    });
    expect(changed).toEqual([]);

    // Where they are not refused they are not read: only the own session ends.
    const signOut = await browser.send('POST', `/api/sign-out?${query}`, undefined, headers);
    expect(signOut.status).toBe(204);
    expect((await victim.browser.get('/api/session')).status).toBe(200);
  });

  test('forged cookies of other names cause no write and lend no authority [R-27] [R-28] [CWE-565]', async () => {
    const victim = await newcomer(origin);
    const secret = victim.browser.cookies.get(SESSION) ?? '';
    const { id } = (await victim.browser.get('/api/session')).json().session as { id: string };
    const names = [
      'session',
      'sessionid',
      '__Secure-session',
      '__Host_session',
      'Host-session',
      '__Host-session-2',
      '__Host-session_multi-1',
      `__Host-session.${id}`,
      '__Host-sessions',
    ];
    const changed = await changedBy(server.admin, async () => {
      for (const name of names) {
        const visitor = new Visitor(origin);
        visitor.cookies.set(name, secret);
        visitor.csrfToken = victim.browser.csrfToken;
        expect(await statuses(visitor)).toEqual(DEAD);
        expect((await visitor.send('POST', '/api/sign-out')).status).toBe(401);
      }
    });
    expect(changed).toEqual([]);
    expect(await statuses(victim.browser)).toEqual(ALIVE);
  });
});
