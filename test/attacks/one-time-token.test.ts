import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { digestOf, parseSecret } from '../../src/core/secret.ts';
import { type PreparedRequest, sendAtOnce } from '../support/at-once.ts';
import { type Answer, ask, fieldValue, Visitor } from '../support/client.ts';
import { mailedToken, mailsTo, newcomer, newPerson, register } from '../support/people.ts';
import { changedBy, rowsOf } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const PARALLEL = 50;

const json = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  ({
    path,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  }) satisfies PreparedRequest;

const copies = <T>(make: (index: number) => T) =>
  Array.from({ length: PARALLEL }, (_, i) => make(i));

function tally(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** How many rows each table has gained or lost. */
async function rowsGained(act: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = await rowsOf(server.admin);
  await act();
  const after = await rowsOf(server.admin);
  const gained = Object.keys(after).map((table) => {
    const change = (after[table]?.length ?? 0) - (before[table]?.length ?? 0);
    return [table, change] as const;
  });
  return Object.fromEntries(gained.filter(([, change]) => change !== 0));
}

async function pending() {
  const person = newPerson();
  await new Visitor(server.origin).send('POST', '/api/sign-up', person);
  return { person, token: await mailedToken(server.origin, person.email) };
}

// So many at once take their time on a loaded machine.
describe('50 requests at the same moment', () => {
  test('redeem one token once: one identity, one address, one profile, one event [R-39] [CWE-362] [ASVS 15.4.2] [ASVS 2.3.4]', async () => {
    const { person, token } = await pending();
    let answers: readonly Answer[] = [];
    const gained = await rowsGained(async () => {
      const request = json('/api/email-confirmations', { token });
      answers = await sendAtOnce(
        server.origin,
        copies(() => request),
      );
    });
    expect(tally(answers)).toEqual({ 200: 1, 400: PARALLEL - 1 });
    const refused = answers.filter(({ status }) => status === 400).map((answer) => answer.json());
    for (const problem of refused) expect(problem).toMatchObject({ code: 'invalid-token' });
    expect(gained).toEqual({
      identities: 1,
      email_addresses: 1,
      passwords: 1,
      profiles: 1,
      security_events: 1,
      sign_ups: -1,
    });
    expect(
      (
        await new Visitor(server.origin).send('POST', '/api/sign-in', {
          email: person.email,
          password: person.password,
        })
      ).status,
    ).toBe(200);
  });

  test('redeem one token once also when half of them are forms [R-39]', async () => {
    const { token } = await pending();
    const visitor = new Visitor(server.origin);
    const page = await visitor.get(`/confirm-email?token=${token}`);
    const form: PreparedRequest = {
      path: '/confirm-email',
      headers: {
        ...visitor.cookieHeader(),
        origin: server.origin,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ _csrf: fieldValue(page.text, '_csrf'), token }).toString(),
    };
    const request = json('/api/email-confirmations', { token });
    let answers: readonly Answer[] = [];
    const gained = await rowsGained(async () => {
      answers = await sendAtOnce(
        server.origin,
        copies((index) => (index % 2 === 0 ? form : request)),
      );
    });
    expect(tally(answers)).toEqual({ 200: 1, 400: PARALLEL - 1 });
    expect(gained).toMatchObject({ identities: 1, email_addresses: 1, security_events: 1 });
  });

  // Each sign-up is answered 202, or 503 where too many passwords waited to be hashed.
  test('sign up one address: one sign-up, one token, and that one works [R-39] [R-43]', async () => {
    const person = newPerson();
    const displayName = (index: number) => `Ada ${index}`;
    const answers = await sendAtOnce(
      server.origin,
      copies((index) => json('/api/sign-up', { ...person, displayName: displayName(index) })),
    );
    const accepted = tally(answers)[202] ?? 0;
    expect(accepted).toBeGreaterThan(0);
    expect(accepted + (tally(answers)[503] ?? 0)).toBe(PARALLEL);

    const signUps = await server.admin.query<{ display_name: string }>(
      'SELECT display_name FROM sallyport.sign_ups WHERE folded = $1',
      [person.email],
    );
    expect(signUps.rows).toHaveLength(1);
    const tokens = await server.admin.query<{ digest: string }>(
      'SELECT digest FROM sallyport.one_time_tokens WHERE folded = $1',
      [person.email],
    );
    expect(tokens.rows).toHaveLength(1);

    const mails = await mailsTo(server.origin, person.email);
    // Five mails an hour to one address; the sign-ups beyond them change nothing.
    expect(mails).toHaveLength(Math.min(accepted, 5));
    const mailed = mails.map(
      ({ links }) => new URL(links[0] ?? '').searchParams.get('token') ?? '',
    );
    expect(new Set(mailed).size).toBe(mailed.length);
    const isLive = (token: string) =>
      digestOf(parseSecret(token)?.bytes ?? '') === tokens.rows[0]?.digest;
    const live = mailed.filter(isLive);
    expect(live).toHaveLength(1);

    for (const token of mailed.filter((each) => !isLive(each)).slice(0, 5)) {
      const path = '/api/email-confirmations';
      const dead = await new Visitor(server.origin).send('POST', path, { token });
      expect(dead.status).toBe(400);
    }
    const visitor = new Visitor(server.origin);
    const redeemed = await visitor.send('POST', '/api/email-confirmations', { token: live[0] });
    expect(redeemed.status).toBe(200);
    await visitor.send('POST', '/api/sign-in', {
      email: person.email,
      password: person.password,
    });
    // What was typed beside the token that works, and not a mixture of two sign-ups.
    expect((await visitor.get('/api/account/profile')).json()).toEqual({
      displayName: signUps.rows[0]?.display_name,
    });
  });

  // A 503 and a 429 say that nothing was checked; whoever gets one asks again.
  test('sign one person in: each gets a session of its own', async () => {
    const { email, password } = await register(server.origin);
    const request = json('/api/sign-in', { email, password });
    const accepted: Answer[] = [];
    const gained = await rowsGained(async () => {
      while (accepted.length < PARALLEL) {
        const answers = await sendAtOnce(
          server.origin,
          Array.from({ length: PARALLEL - accepted.length }, () => request),
        );
        for (const { status } of answers) expect([200, 429, 503]).toContain(status);
        accepted.push(...answers.filter(({ status }) => status === 200));
      }
    });
    // Each is a new browser to its owner: that is noted, and mailed a few times.
    expect(gained).toEqual({
      sessions: PARALLEL,
      session_activity: PARALLEL,
      budgets: expect.any(Number),
      devices: expect.any(Number),
      outbox: expect.any(Number),
      security_events: expect.any(Number),
    });
    const cookies = accepted.map(({ setCookies }) => setCookies[0]?.split(';')[0] ?? '');
    expect(new Set(cookies).size).toBe(PARALLEL);
    const answered = await Promise.all(
      cookies.map((cookie) => ask(server.origin, '/api/session', { headers: { cookie } })),
    );
    expect(tally(answered)).toEqual({ 200: PARALLEL });
  });

  test('end one session once', async () => {
    const { browser, person } = await newcomer(server.origin);
    const bystander = new Visitor(server.origin);
    await bystander.send('POST', '/api/sign-in', {
      email: person.email,
      password: person.password,
    });
    let answers: readonly Answer[] = [];
    const gained = await rowsGained(async () => {
      const request = json('/api/sign-out', {}, browser.ownHeaders());
      answers = await sendAtOnce(
        server.origin,
        copies(() => request),
      );
    });
    expect(tally(answers)).toEqual({ 204: 1, 401: PARALLEL - 1 });
    expect(gained).toEqual({ sessions: -1, session_activity: -1, security_events: 1 });
    expect((await browser.get('/api/session')).status).toBe(401);
    expect((await bystander.get('/api/session')).status).toBe(200);
  });

  // Two that share the lock on the session's row, and then each want it for themselves, wait for
  // each other until the database gives up on one; with eight connections that took minutes, in
  // which nobody could sign in. So they wait for the lock before they do anything.
  test('end one session without waiting for each other in a circle [CWE-833]', async ({ skip }) => {
    if (inject('engine') !== 'postgresql') skip('looks at who waits, as PostgreSQL shows it');
    const { browser } = await newcomer(server.origin);
    const holder = new pg.Client(server.url);
    await holder.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM sallyport.sessions FOR SHARE');
    const request = json('/api/sign-out', {}, browser.ownHeaders());
    const underWay = sendAtOnce(
      server.origin,
      copies(() => request),
    );
    const waiting = async () => {
      const { rows } = await server.admin.query<{ query: string }>(
        `SELECT query FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return rows.map(({ query }) => query);
    };
    await expect.poll(waiting).toHaveProperty('length', 8);
    for (const query of await waiting()) expect(query).toContain('require_for_write');
    await holder.query('COMMIT');
    await holder.end();
    expect(tally(await underWay)).toEqual({ 204: 1, 401: PARALLEL - 1 });
  });
});

describe('a token that does not work', () => {
  const redeem = (token: string) =>
    new Visitor(server.origin).send('POST', '/api/email-confirmations', { token });

  /** Everything that the client gets, but for the ids and the time of this one answer. */
  function visible(answer: Answer) {
    const headers = { ...answer.headers };
    delete headers.date;
    return { status: answer.status, headers, body: { ...answer.json(), instance: '' } as unknown };
  }

  const setExpiry = (email: string, expiry: string) =>
    server.admin.query(
      `UPDATE sallyport.one_time_tokens SET expires_at = ${expiry} WHERE folded = $1`,
      [email],
    );

  test('gets one answer, whatever is wrong with it, and does nothing [CWE-204]', async () => {
    const unknown = visible(await redeem('A'.repeat(43)));
    expect(unknown).toMatchObject({ status: 400, body: { code: 'invalid-token' } });

    const expired = await pending();
    await setExpiry(expired.person.email, 'now()');
    const replaced = await pending();
    await new Visitor(server.origin).send('POST', '/api/sign-up', replaced.person);
    const consumed = await pending();
    expect((await redeem(consumed.token)).status).toBe(200);
    const foreign = await pending();
    await server.admin.query(
      'ALTER TABLE sallyport.one_time_tokens DROP CONSTRAINT one_time_tokens_purpose',
    );
    await server.admin.query(
      `UPDATE sallyport.one_time_tokens SET purpose = 'password-recovery' WHERE folded = $1`,
      [foreign.person.email],
    );
    const good = await pending();
    const digest = digestOf(parseSecret(good.token)?.bytes ?? '');

    const wrong = {
      expired: expired.token,
      replaced: replaced.token,
      consumed: consumed.token,
      'of another purpose': foreign.token,
      empty: '',
      'cut short': good.token.slice(0, -1),
      'with a blank': ` ${good.token}`,
      'with padding': `${good.token}=`,
      'in another case': good.token.toUpperCase(),
      'the digest in the table': digest,
      'the digest as a token': Buffer.from(digest, 'hex').toString('base64url'),
      'a statement': `' OR digest = '${digest}' --`,
      'a NUL': `${good.token}\0`,
      long: 'A'.repeat(4_096),
    };
    const changed = await changedBy(server.admin, async () => {
      for (const [what, token] of Object.entries(wrong)) {
        expect(visible(await redeem(token)), what).toEqual(unknown);
      }
    });
    expect(changed).toEqual([]);

    expect((await redeem(good.token)).status).toBe(200);
    await setExpiry(expired.person.email, `now() + INTERVAL '1 minute'`);
    expect((await redeem(expired.token)).status).toBe(200);
  });

  test('is not spent by those who only look: GET, HEAD, OPTIONS and scanners [R-11] [trap 55]', async () => {
    const { token } = await pending();
    const changed = await changedBy(server.admin, async () => {
      for (const method of ['GET', 'HEAD', 'OPTIONS']) {
        for (const path of ['/confirm-email', '/api/email-confirmations']) {
          await ask(server.origin, `${path}?token=${token}`, { method });
        }
      }
      const page = await ask(server.origin, `/confirm-email?token=${token}`);
      expect(page.status).toBe(200);
      expect(page.text).toContain(token);
    });
    expect(changed).toEqual([]);
    expect((await redeem(token)).status).toBe(200);
  });
});
