import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { confirmEmail } from '../../src/core/email-confirmation.ts';
import { digestOf, newSecret, parseSecret, secretText } from '../../src/core/secret.ts';
import { signUp } from '../../src/core/sign-up.ts';
import { caller } from '../support/callers.ts';
import { openTestCore, queuedToken, type TestCore } from '../support/cores.ts';
import { newPerson } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';

let t: TestCore;
beforeAll(async () => {
  t = await openTestCore();
});
afterAll(() => t.close());

async function pending() {
  const person = newPerson();
  await signUp(t.core, person, 'en', caller);
  return { person, token: await queuedToken(t, person.email) };
}

async function identitiesOf(email: string) {
  const { rows } = await t.admin.query<Record<string, unknown>>(
    `SELECT e.address, p.display_name, w.hash, i.disabled_at
      FROM sallyport.email_addresses AS e
      JOIN sallyport.identities AS i ON i.id = e.identity_id
      JOIN sallyport.profiles AS p ON p.identity_id = i.id
      JOIN sallyport.passwords AS w ON w.identity_id = i.id
      WHERE e.folded = $1`,
    [email],
  );
  return rows;
}

describe('the token of a sign-up', () => {
  test('proves the address: one identity of what was typed then, and the sign-up is gone', async () => {
    const { person, token } = await pending();
    const { rows } = await t.admin.query<{ password_hash: string }>(
      'SELECT password_hash FROM sallyport.sign_ups WHERE folded = $1',
      [person.email],
    );
    const changed = await changedBy(t.admin, async () => {
      expect(await confirmEmail(t.core, token, caller)).toBe('signed-up');
    });
    expect(changed).toEqual([
      'email_addresses',
      'identities',
      'one_time_tokens',
      'passwords',
      'profiles',
      'security_events',
      'sign_ups',
    ]);
    expect(await identitiesOf(person.email)).toEqual([
      {
        address: person.email,
        display_name: person.displayName,
        hash: rows[0]?.password_hash,
        disabled_at: null,
      },
    ]);
    const left = await t.admin.query('SELECT 1 FROM sallyport.sign_ups WHERE folded = $1', [
      person.email,
    ]);
    expect(left.rowCount).toBe(0);
  });

  test('does so once [CWE-294] [ASVS 6.5.1]', async () => {
    const { person, token } = await pending();
    expect(await confirmEmail(t.core, token, caller)).toBe('signed-up');
    const changed = await changedBy(t.admin, async () => {
      expect(await confirmEmail(t.core, token, caller)).toBe('invalid');
    });
    expect(changed).toEqual([]);
    expect(await identitiesOf(person.email)).toHaveLength(1);
  });
});

describe('a token is refused, and nothing happens, when', () => {
  const refused = { outcome: 'invalid', changed: [] };

  async function redeem(token: string) {
    let outcome: unknown = '';
    const changed = await changedBy(t.admin, async () => {
      outcome = await confirmEmail(t.core, token, caller);
    });
    return { outcome, changed };
  }

  test.each([
    ['it is empty', ''],
    ['it is no secret', 'token'],
    ['it has bytes behind it', `${'A'.repeat(43)}AAAA`],
    ['it holds a NUL', `${'A'.repeat(42)}\0`],
    ['nobody was given it', secretText(newSecret())],
  ])('%s', async (_what, token) => {
    expect(await redeem(token)).toEqual(refused);
  });

  test('it is the digest that a reader of the table would have [ASVS 11.5.1]', async () => {
    const { token } = await pending();
    const digest = digestOf(parseSecret(token)?.bytes ?? '');
    expect(await redeem(digest)).toEqual(refused);
    expect(await redeem(Buffer.from(digest, 'hex').toString('base64url'))).toEqual(refused);
  });

  test('it has expired, by the clock of the database', async () => {
    const { person, token } = await pending();
    const expire = `UPDATE sallyport.one_time_tokens SET expires_at = now() WHERE folded = $1`;
    await t.admin.query(expire, [person.email]);
    expect(await redeem(token)).toEqual(refused);
    const revive = `UPDATE sallyport.one_time_tokens
      SET expires_at = now() + INTERVAL '1 minute' WHERE folded = $1`;
    await t.admin.query(revive, [person.email]);
    expect(await confirmEmail(t.core, token, caller)).toBe('signed-up');
  });

  test('another sign-up for the address came after it', async () => {
    const { person, token } = await pending();
    await signUp(t.core, person, 'en', caller);
    expect(await redeem(token)).toEqual(refused);
    expect(await confirmEmail(t.core, await queuedToken(t, person.email), caller)).toBe(
      'signed-up',
    );
  });

  test('it was made for another purpose [R-68]', async () => {
    const { person, token } = await pending();
    await t.admin.query(
      `ALTER TABLE sallyport.one_time_tokens DROP CONSTRAINT one_time_tokens_purpose`,
    );
    const purpose = `UPDATE sallyport.one_time_tokens SET purpose = $1 WHERE folded = $2`;
    await t.admin.query(purpose, ['password-recovery', person.email]);
    expect(await redeem(token)).toEqual(refused);
    await t.admin.query(purpose, ['email-confirmation', person.email]);
    expect(await confirmEmail(t.core, token, caller)).toBe('signed-up');
  });
});

describe('a token that is good makes no second identity', () => {
  test('when the sign-up itself has expired', async () => {
    const { person, token } = await pending();
    await t.admin.query('UPDATE sallyport.sign_ups SET expires_at = now() WHERE folded = $1', [
      person.email,
    ]);
    expect(await confirmEmail(t.core, token, caller)).toBe('invalid');
    expect(await identitiesOf(person.email)).toEqual([]);
  });

  test('when somebody has proved the address meanwhile', async () => {
    const { person, token } = await pending();
    const other = await pending();
    await confirmEmail(t.core, other.token, caller);
    await t.admin.query('UPDATE sallyport.email_addresses SET folded = $1 WHERE folded = $2', [
      person.email,
      other.person.email,
    ]);
    const before = await identitiesOf(person.email);
    expect(await confirmEmail(t.core, token, caller)).toBe('invalid');
    expect(await identitiesOf(person.email)).toEqual(before);
    expect(before).toHaveLength(1);
  });
});
