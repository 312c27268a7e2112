import { describe, expect, test } from 'vitest';
import { countRows, whoIs } from '../support/accounts.ts';
import { type PreparedRequest, sendAtOnce } from '../support/at-once.ts';
import type { Answer, Visitor } from '../support/client.ts';
import {
  changeAddress,
  confirmToken,
  forgetMailLimits,
  linkedTokens,
  requestChange,
  startEmailChangeServer,
} from '../support/email-changes.ts';
import { newcomer, newPerson, signedIn } from '../support/people.ts';
import { changedTables, rowsOf } from '../support/rows.ts';

const server = await startEmailChangeServer();
const { origin } = server;

const PARALLEL = 50;
const fresh = (name = 'New') => newPerson(name).email;

const json = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  ({
    path,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  }) satisfies PreparedRequest;

const change = (browser: Visitor, email: string) =>
  json('/api/account/change-email', { email }, browser.ownHeaders());

const redeem = (token: string) => json('/api/email-confirmations', { token });

function tally(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** 503 says that nothing was done and to come back; nothing else but these may be answered. */
function expectOnly(answers: readonly Answer[], ...statuses: readonly number[]): void {
  for (const { status } of answers) expect([...statuses, 503]).toContain(status);
}

interface AddressRow {
  readonly folded: string;
  readonly address: string;
  readonly identity_id: string;
}

async function addresses(): Promise<readonly AddressRow[]> {
  const { rows } = await server.admin.query<AddressRow>(
    'SELECT folded, address, identity_id FROM sallyport.email_addresses',
  );
  return rows;
}

/** Every token that was ever mailed, by the address that it went to. */
const mailedTo = new Map<string, string>();

async function noteMails(...emails: readonly string[]): Promise<void> {
  for (const email of emails) {
    for (const token of await linkedTokens(origin, email, '/confirm-email')) {
      mailedTo.set(token, email);
    }
  }
}

/** Who has which address now, and by whose token: one that was mailed to exactly that address. */
async function expectProved(email: string, tokens: readonly string[]): Promise<void> {
  const owners = (await addresses()).filter(({ folded, address }) =>
    [folded, address].includes(email),
  );
  expect(owners).toMatchObject([{ folded: email, address: email }]);
  expect(tokens.map((token) => mailedTo.get(token))).toContain(email);
}

describe('50 requests at the same moment', () => {
  test('of one person for 50 addresses: one change is under way, and only its link works [R-38] [CWE-362]', async () => {
    const { person, browser } = await newcomer(origin);
    const { identity } = await whoIs(browser);
    const tabs = [browser, await signedIn(origin, person), await signedIn(origin, person)] as const;
    const emails = Array.from({ length: PARALLEL }, () => fresh());
    const answers = await sendAtOnce(
      origin,
      emails.map((email, index) => change(tabs[index % tabs.length] ?? browser, email)),
    );
    expectOnly(answers, 202);
    expect(
      await countRows(server.admin, 'email_changes WHERE identity_id = $1', [identity.id]),
    ).toBe(1);
    await noteMails(...emails);
    const mailed = [...mailedTo].filter(([, email]) => emails.includes(email));
    expect(mailed.length).toBeGreaterThan(0);
    expect(mailed.length).toBeLessThanOrEqual(5);

    const confirmed = await sendAtOnce(
      origin,
      mailed.map(([token]) => redeem(token)),
    );
    expect(tally(confirmed)[200]).toBe(1);
    expectOnly(confirmed, 200, 400);
    const index = confirmed.findIndex(({ status }) => status === 200);
    const [token, email] = mailed[index] ?? ['', ''];
    await expectProved(email, [token]);
    expect((await whoIs(await signedIn(origin, { ...person, email }))).identity.id).toBe(
      identity.id,
    );
    expect(
      await countRows(server.admin, 'email_addresses WHERE identity_id = $1', [identity.id]),
    ).toBe(1);
  });

  test('with one token: one success [R-39] [CWE-367]', async () => {
    const { browser } = await newcomer(origin);
    const email = fresh();
    await requestChange(browser, email);
    await noteMails(email);
    const token = await confirmToken(origin, email);
    const before = await rowsOf(server.admin);
    const answers = await sendAtOnce(
      origin,
      Array.from({ length: PARALLEL }, () => redeem(token)),
    );
    expect(tally(answers)).toEqual({ 200: 1, 400: PARALLEL - 1 });
    await expectProved(email, [token]);
    const after = await rowsOf(server.admin);
    expect(changedTables(before, after)).toEqual([
      'email_addresses',
      'email_changes',
      'one_time_tokens',
      'security_events',
      'session_activity',
      'sessions',
    ]);
    expect((after['security_events']?.length ?? 0) - (before['security_events']?.length ?? 0)).toBe(
      1,
    );
  });

  test('of a confirmation and of requests for other addresses: what was proved is what is set [R-38]', async () => {
    const { browser } = await newcomer(origin);
    const { identity } = await whoIs(browser);
    const [mine, victim] = [fresh('Mine'), fresh('Victim')];
    await requestChange(browser, mine);
    await noteMails(mine);
    const token = await confirmToken(origin, mine);
    const answers = await sendAtOnce(origin, [
      ...Array.from({ length: 3 }, () => change(browser, victim)),
      ...Array.from({ length: PARALLEL }, () => redeem(token)),
      ...Array.from({ length: 3 }, () => change(browser, victim)),
    ]);
    // 401 comes to a request behind the confirmation, which ends the session.
    expectOnly(answers, 200, 202, 400, 401);
    const rows = (await addresses()).filter((row) => row.identity_id === identity.id);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.address).not.toBe(victim);
    if (tally(answers)[200]) await expectProved(mine, [token]);
  });

  test('of 50 people for one address: one gets it, and has proved it [R-38] [CWE-362]', async () => {
    const people: Visitor[] = [];
    for (let count = 0; count < PARALLEL; count += 5) {
      const five = Array.from({ length: 5 }, () => newcomer(origin, 'Many'));
      people.push(...(await Promise.all(five)).map(({ browser }) => browser));
    }
    const email = fresh('Wanted');
    const asked = await sendAtOnce(
      origin,
      people.map((browser) => change(browser, email)),
    );
    expectOnly(asked, 202);
    // The limit lets five of them through; the others ask one by one, after an hour each.
    for (const browser of people) {
      await forgetMailLimits(server);
      expect((await requestChange(browser, email)).status).toBe(202);
    }
    await noteMails(email);
    const tokens = [...mailedTo].filter(([, to]) => to === email).map(([token]) => token);
    expect(tokens.length).toBeGreaterThanOrEqual(PARALLEL);
    const answers = await sendAtOnce(origin, tokens.map(redeem));
    expect(tally(answers)[200]).toBe(1);
    expectOnly(answers, 200, 400);
    await expectProved(email, tokens);
    // And only whoever got it has to sign in again.
    const sessions = await Promise.all(people.map((each) => each.get('/api/session')));
    expect(tally(sessions)).toEqual({ 200: PARALLEL - 1, 401: 1 });
  });

  test('of a change and a sign-up for one address: one owner, who proved it [R-38] [R-43]', async () => {
    for (let round = 0; round < 5; round++) {
      const { browser } = await newcomer(origin);
      const rival = newPerson('Rival');
      const { email } = rival;
      const requests = await sendAtOnce(origin, [
        change(browser, email),
        json('/api/sign-up', rival),
        change(browser, email),
        json('/api/sign-up', rival),
      ]);
      expectOnly(requests, 202);
      await noteMails(email);
      const tokens = [...mailedTo].filter(([, to]) => to === email).map(([token]) => token);
      const answers = await sendAtOnce(origin, [...tokens, ...tokens].map(redeem));
      expectOnly(answers, 200, 400);
      expect(tally(answers)[200]).toBe(1);
      await expectProved(email, tokens);
    }
  });
});

test('at the end no address stands beside another spelling of itself, and none has two owners', async () => {
  const { browser } = await newcomer(origin);
  await changeAddress(browser, fresh());
  const rows = await addresses();
  expect(new Set(rows.map(({ folded }) => folded)).size).toBe(rows.length);
  expect(new Set(rows.map(({ identity_id: id }) => id)).size).toBe(rows.length);
  for (const { folded, address } of rows) expect(address).toBe(folded);
});
