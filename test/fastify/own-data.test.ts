import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SWEEP_STATEMENTS } from '../../src/db/sweep.ts';
import { countRows, whoIs } from '../support/accounts.ts';
import { ask, Visitor } from '../support/client.ts';
import { mailsTo, newcomer, register, signedIn } from '../support/people.ts';
import { changedBy, rowsOf } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const DAY = 24 * 3_600_000;

async function sweep(): Promise<void> {
  for (const { sql } of SWEEP_STATEMENTS) await server.admin.query(sql);
}

/** Lets the grace period of this identity end; all that lives for hours is over long before. */
async function endGrace(id: string): Promise<void> {
  await server.admin.query(
    `UPDATE sallyport.identities SET delete_after = now() - INTERVAL '1 second'
      WHERE id = $1 AND delete_after IS NOT NULL`,
    [id],
  );
  await server.admin.query(
    `UPDATE sallyport.one_time_tokens SET expires_at = now() - INTERVAL '13 days'`,
  );
}

async function deleteAccount(browser: Visitor) {
  const answer = await browser.send('POST', '/api/account/delete');
  expect(answer.status).toBe(202);
  return answer;
}

/** The tables in a row of which one of these texts stands. */
async function tracesOf(...texts: readonly string[]): Promise<readonly string[]> {
  const rows = await rowsOf(server.admin);
  return Object.entries(rows).flatMap(([table, lines]) =>
    lines.some((line) => texts.some((text) => line.includes(text))) ? [table] : [],
  );
}

describe('POST /api/account/delete', () => {
  test('says when, ends every session, tells the owner, and deletes nothing yet', async () => {
    const { person, browser } = await newcomer(server.origin);
    const other = await signedIn(server.origin, person);
    const bystander = await newcomer(server.origin, 'Grace');
    const { identity } = await whoIs(browser);
    const copied = browser.cookieHeader();

    const answer = await deleteAccount(browser);
    const { deletesAt } = answer.json() as { deletesAt: string };
    expect(Math.abs(Date.parse(deletesAt) - Date.now() - 14 * DAY)).toBeLessThan(60_000);
    expect(answer.headers['clear-site-data']).toBe('"cache", "storage"');
    expect([...browser.cookies.keys()]).toEqual(['__Host-device']);
    expect((await browser.get('/api/session', copied)).status).toBe(401);
    expect((await other.get('/api/session')).status).toBe(401);
    expect((await bystander.browser.get('/api/session')).status).toBe(200);

    const [mail] = await mailsTo(server.origin, person.email);
    expect(mail?.subject).toMatch(/delet/i);
    expect(mail?.links).toEqual([`${server.origin}/sign-in`]);
    await sweep();
    expect(await countRows(server.admin, 'identities WHERE id = $1', [identity.id])).toBe(1);
  });

  test('refuses a body with a field, so nobody believes that it chose something', async () => {
    const { browser } = await newcomer(server.origin);
    const changed = await changedBy(server.admin, async () => {
      for (const body of [{ identityId: '1' }, { graceDays: 0 }, ['x']]) {
        expect((await browser.send('POST', '/api/account/delete', body)).status).toBe(400);
      }
    });
    expect(changed).toEqual([]);
  });
});

describe('within the grace period', () => {
  test('the person signs in, keeps the account, and the sweeper leaves it alone', async () => {
    const { person, browser } = await newcomer(server.origin);
    const { identity } = await whoIs(browser);
    await deleteAccount(browser);
    const returned = await signedIn(server.origin, person);
    // Signing in alone is not a decision.
    const pending = (await returned.get('/api/account/export')).json();
    expect(pending.identity.deletesAt).not.toBeNull();
    expect((await returned.send('POST', '/api/account/keep')).status).toBe(204);
    expect((await returned.get('/api/account/export')).json().identity.deletesAt).toBeNull();

    await endGrace(identity.id);
    await sweep();
    expect((await returned.get('/api/session')).status).toBe(200);
    const changed = await changedBy(server.admin, async () => {
      expect((await returned.send('POST', '/api/account/keep')).status).toBe(204);
    });
    expect(changed).toEqual([]);
  });

  test("nobody keeps, or deletes, another's account [CWE-639] [ASVS 8.2.2]", async () => {
    const { browser } = await newcomer(server.origin);
    const { identity } = await whoIs(browser);
    await deleteAccount(browser);
    const mallory = await newcomer(server.origin, 'Mallory');
    const changed = await changedBy(server.admin, async () => {
      const query = `?id=${identity.id}&identityId=${identity.id}`;
      const kept = await mallory.browser.send('POST', `/api/account/keep${query}`);
      expect(kept.status).toBe(204);
      const body = { identityId: identity.id };
      expect((await mallory.browser.send('POST', '/api/account/keep', body)).status).toBe(400);
    });
    expect(changed).toEqual([]);
  });
});

describe('after the grace period', () => {
  test('nothing of the person is left but events without a name, and the address is free', async () => {
    const { person, browser } = await newcomer(server.origin);
    const bystander = await newcomer(server.origin, 'Grace');
    const { identity } = await whoIs(browser);
    await deleteAccount(browser);
    const late = await signedIn(server.origin, person);
    await endGrace(identity.id);
    await sweep();

    expect((await late.get('/api/session')).status).toBe(401);
    expect(await tracesOf(identity.id)).toEqual(['security_events']);
    expect(await tracesOf(person.email, person.displayName)).toEqual([]);
    for (const table of ['identities', 'email_addresses', 'passwords', 'profiles', 'sessions']) {
      const column = table === 'identities' ? 'id' : 'identity_id';
      expect(await countRows(server.admin, `${table} WHERE ${column} = $1`, [identity.id])).toBe(0);
    }
    expect((await bystander.browser.get('/api/session')).status).toBe(200);

    const { email, password } = person;
    const refused = await new Visitor(server.origin).send('POST', '/api/sign-in', {
      email,
      password,
    });
    expect(refused.status).toBe(401);
    await register(server.origin, person);
    const anew = await whoIs(await signedIn(server.origin, person));
    expect(anew.identity.id).not.toBe(identity.id);
    expect(anew.identity.email).toBe(person.email);
  });
});

describe('GET /api/account/export', () => {
  test("is a file with all of one's own data and nobody else's [CWE-639] [ASVS 8.2.2]", async () => {
    const { person, browser } = await newcomer(server.origin);
    const second = await signedIn(server.origin, person);
    const { browser: other, person: grace } = await newcomer(server.origin, 'Grace');
    const theirs = await whoIs(other);
    const own = await whoIs(browser);

    const answer = await browser.get('/api/account/export');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-disposition']).toMatch(/^attachment; filename="[\w.-]+\.json"$/);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.headers['cache-control']).toContain('no-store');
    const exported = answer.json();
    expect(exported.identity).toEqual({
      id: own.identity.id,
      email: person.email,
      displayName: person.displayName,
      deletesAt: null,
    });
    const sessionIds = exported.sessions.map(({ id }: { id: string }) => id) as string[];
    expect(sessionIds.toSorted()).toEqual(
      [own.session.id, (await whoIs(second)).session.id].toSorted(),
    );
    const kinds = exported.securityEvents.map(({ kind }: { kind: string }) => kind) as string[];
    expect(kinds.toSorted()).toEqual(['address-proved', 'device-added', 'signed-in', 'signed-in']);
    for (const foreign of [theirs.identity.id, theirs.session.id, grace.email, grace.displayName]) {
      expect(answer.text).not.toContain(foreign);
    }
    expect((await ask(server.origin, '/api/account/export')).status).toBe(401);
  });

  test('holds no secret: no hash, no digest, no token [ASVS 7.2.2] [CWE-522]', async () => {
    const { browser } = await newcomer(server.origin);
    await browser.send('POST', '/api/account/change-email', { email: 'new.address@example.com' });
    const { identity } = await whoIs(browser);
    const { text } = await browser.get('/api/account/export');
    expect(text).toContain(identity.id);
    const secrets = await server.admin.query<{ secret: string }>(
      `SELECT hash AS secret FROM sallyport.passwords
        UNION SELECT proof_digest FROM sallyport.sessions
        UNION SELECT synchronizer_digest FROM sallyport.sessions
        UNION SELECT token_digest FROM sallyport.email_changes
        UNION SELECT token_digest FROM sallyport.email_reversions
        UNION SELECT digest FROM sallyport.one_time_tokens`,
    );
    expect(secrets.rows.length).toBeGreaterThan(5);
    for (const { secret } of secrets.rows) expect(text).not.toContain(secret);
    for (const value of browser.cookies.values()) expect(text).not.toContain(value);
    expect(text).not.toMatch(/argon2|digest|hash|token|secret/i);
  });

  test('the page for people gives the same file', async () => {
    const { browser } = await newcomer(server.origin);
    const [api, page] = [
      await browser.get('/api/account/export'),
      await browser.get('/account/export'),
    ];
    expect(page.json()).toEqual(api.json());
    expect(page.headers['content-disposition']).toBe(api.headers['content-disposition']);
  });
});
