import { describe, expect, test } from 'vitest';
import { digestOf, newSecret } from '../../src/core/secret.ts';
import { countRows, whoIs } from '../support/accounts.ts';
import { fieldValue, type Visitor } from '../support/client.ts';
import {
  confirm,
  confirmToken,
  ownerOf,
  requestChange,
  revert,
  revertToken,
  startEmailChangeServer,
} from '../support/email-changes.ts';
import { newcomer, newPerson, signedIn } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';

const server = await startEmailChangeServer();
const { origin, admin } = server;

const fresh = () => newPerson('New').email;

const statusOf = async (browser: Visitor) => (await browser.get('/api/session')).status;

/** Somebody whose change waits for its link, signed in in two browsers. */
async function underWay() {
  const { person, browser } = await newcomer(origin);
  const other = await signedIn(origin, person);
  const { identity } = await whoIs(browser);
  const email = fresh();
  expect((await requestChange(browser, email)).status).toBe(202);
  return { person, browser, other, identity, email, token: await confirmToken(origin, email) };
}

describe('a confirmed change of address', () => {
  test('ends every other session, and not the one in whose browser the link was followed [ASVS 7.4.3]', async () => {
    const { browser, other, email, token } = await underWay();
    const bystander = await newcomer(origin);
    expect((await confirm(browser, token)).status).toBe(200);
    expect((await whoIs(browser)).identity.email).toBe(email);
    expect([await statusOf(other), await statusOf(bystander.browser)]).toEqual([401, 200]);
  });

  test('does so too when it is confirmed on its page [ASVS 7.4.3]', async () => {
    const { browser, other, identity, email, token } = await underWay();
    const page = await browser.get(`/confirm-email?token=${token}`);
    const form = { _csrf: fieldValue(page.text, '_csrf'), token };
    expect((await browser.submit('/confirm-email', form)).status).toBe(200);
    expect(await ownerOf(server, email)).toBe(identity.id);
    expect([await statusOf(browser), await statusOf(other)]).toEqual([200, 401]);
  });

  test('ends every session when the link was followed where nobody is signed in', async () => {
    const { browser, other, token } = await underWay();
    expect((await confirm(origin, token)).status).toBe(200);
    expect([await statusOf(browser), await statusOf(other)]).toEqual([401, 401]);
  });

  test('ends every session when the link was followed where somebody else is signed in, and none of theirs', async () => {
    const { browser, other, token } = await underWay();
    const friend = await newcomer(origin, 'Friend');
    expect((await confirm(friend.browser, token)).status).toBe(200);
    expect(await Promise.all([browser, other, friend.browser].map(statusOf))).toEqual([
      401, 401, 200,
    ]);
  });

  test('ends no session where it is refused', async () => {
    const { browser, other, token } = await underWay();
    await admin.query('UPDATE sallyport.email_changes SET expires_at = now()');
    const changed = await changedBy(admin, async () => {
      expect((await confirm(browser, token)).status).toBe(400);
    });
    expect(changed).toEqual([]);
    expect([await statusOf(browser), await statusOf(other)]).toEqual([200, 200]);
  });

  test('voids what was mailed to the old address and to the new one, and to no other', async () => {
    const { person, browser, email, token } = await underWay();
    const third = fresh();
    await mailTokens(person.email, email, third);
    expect((await confirm(browser, token)).status).toBe(200);
    expect(await tokensOf(person.email, email, third)).toEqual([third]);
  });
});

describe('a change of address whose identity must not have one', () => {
  test('is void for a disabled identity, and stays so when that is enabled again [ASVS 7.4.2] [CWE-863]', async () => {
    const { person, identity, email, token } = await underWay();
    const disable = (when: string) =>
      admin.query(`UPDATE sallyport.identities SET disabled_at = ${when} WHERE id = $1`, [
        identity.id,
      ]);
    await disable('now()');
    const changed = await changedBy(admin, async () => {
      const answer = await confirm(origin, token);
      expect([answer.status, answer.json().code]).toEqual([400, 'invalid-token']);
    });
    expect(changed).toEqual(['email_changes']);
    await disable('NULL');
    expect((await confirm(origin, token)).status).toBe(400);
    expect([await ownerOf(server, email), await ownerOf(server, person.email)]).toEqual([
      undefined,
      identity.id,
    ]);
  });

  test('is refused for a deleted identity, and the address is free [ASVS 7.4.2]', async () => {
    const { identity, email, token } = await underWay();
    await admin.query('DELETE FROM sallyport.identities WHERE id = $1', [identity.id]);
    const changed = await changedBy(admin, async () => {
      expect((await confirm(origin, token)).status).toBe(400);
    });
    expect(changed).toEqual([]);
    expect(await ownerOf(server, email)).toBeUndefined();
  });

  test('is void once the deletion of the account has been asked for', async () => {
    const { person, browser, identity, email, token } = await underWay();
    expect((await browser.send('POST', '/api/account/delete')).status).toBe(202);
    const changed = await changedBy(admin, async () => {
      expect((await confirm(origin, token)).status).toBe(400);
    });
    expect(changed).toEqual([]);
    expect([await ownerOf(server, email), await ownerOf(server, person.email)]).toEqual([
      undefined,
      identity.id,
    ]);
  });

  // Whoever moved the account to their own address may have got it disabled after that.
  test('can be taken back all the same: the way back is its owner’s, and voids what was mailed since', async () => {
    const { person, browser, identity, email, token } = await underWay();
    const wayBack = await revertToken(origin, person.email);
    expect((await confirm(browser, token)).status).toBe(200);
    await admin.query('UPDATE sallyport.identities SET disabled_at = now() WHERE id = $1', [
      identity.id,
    ]);
    await mailTokens(email);
    expect((await revert(origin, wayBack)).status).toBe(200);
    expect(await ownerOf(server, person.email)).toBe(identity.id);
    expect(await tokensOf(email)).toEqual([]);
    expect(await countRows(admin, 'sessions WHERE identity_id = $1', [identity.id])).toBe(0);
  });
});

/** Leaves a one-time token for each address, as if it had been mailed there. */
async function mailTokens(...folded: readonly string[]): Promise<void> {
  for (const each of folded) {
    await admin.query(
      `INSERT INTO sallyport.one_time_tokens (purpose, digest, folded, expires_at)
        VALUES ('email-confirmation', $1, $2, now() + INTERVAL '1 hour')`,
      [digestOf(newSecret().bytes), each],
    );
  }
}

/** Those of the addresses for which a token still works. */
async function tokensOf(...folded: readonly string[]): Promise<readonly string[]> {
  const { rows } = await admin.query<{ folded: string }>(
    `SELECT folded FROM sallyport.one_time_tokens
      WHERE folded = ANY ($1) AND consumed_at IS NULL AND expires_at > now()`,
    [folded],
  );
  return rows.map((row) => row.folded);
}
