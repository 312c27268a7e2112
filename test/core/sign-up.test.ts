import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { confirmEmail } from '../../src/core/email-confirmation.ts';
import { digestOf, parseSecret } from '../../src/core/secret.ts';
import { signUp as signUpIn, type SignUpInput } from '../../src/core/sign-up.ts';
import type { Core } from '../../src/core/core.ts';
import { caller } from '../support/callers.ts';
import { openTestCore, queuedMails, queuedToken, type TestCore } from '../support/cores.ts';
import { newPerson } from '../support/people.ts';
import { changedBy, rowsOf } from '../support/rows.ts';

let t: TestCore;
beforeAll(async () => {
  t = await openTestCore();
});
afterAll(() => t.close());

const signUp = (core: Core, input: SignUpInput) => signUpIn(core, input, 'en', caller);
const mailsTo = async (to: string) => (await queuedMails(t)).filter((mail) => mail.to === to);
const kinds = (mails: readonly { kind: string }[]) => mails.map(({ kind }) => kind);

async function signedUp(email: string) {
  const { rows } = await t.admin.query<Record<string, unknown>>(
    `SELECT *, extract(epoch FROM expires_at - created_at)::INT4 AS seconds
      FROM sallyport.sign_ups WHERE folded = $1`,
    [email],
  );
  return rows;
}

async function tokensOf(email: string) {
  const { rows } = await t.admin.query<Record<string, unknown>>(
    `SELECT *, extract(epoch FROM expires_at - created_at)::INT4 AS seconds
      FROM sallyport.one_time_tokens WHERE folded = $1`,
    [email],
  );
  return rows;
}

describe('a sign-up for an address that nobody has', () => {
  test('is noted, with one token and one mail, and makes no identity', async () => {
    const person = newPerson();
    const changed = await changedBy(t.admin, async () => {
      expect(await signUp(t.core, person)).toBe('check-mail');
    });
    expect(changed).toEqual(['one_time_tokens', 'outbox', 'security_events', 'sign_ups']);

    expect(await signedUp(person.email)).toMatchObject([
      {
        address: person.email,
        display_name: person.displayName,
        password_hash: expect.stringMatching(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/) as string,
        seconds: 24 * 3_600,
      },
    ]);
    const token = await queuedToken(t, person.email);
    expect(await tokensOf(person.email)).toMatchObject([
      {
        purpose: 'email-confirmation',
        digest: digestOf(parseSecret(token)?.bytes ?? ''),
        consumed_at: null,
        seconds: 24 * 3_600,
      },
    ]);
    expect(kinds(await mailsTo(person.email))).toEqual(['sign-up']);
  });

  test('replaces the one before it, its password and its token [R-43]', async () => {
    const person = newPerson();
    await signUp(t.core, { ...person, displayName: 'Somebody', password: 'eleven otters juggle' });
    const [first] = await signedUp(person.email);
    const firstToken = await queuedToken(t, person.email);
    await signUp(t.core, person);

    const [second, ...more] = await signedUp(person.email);
    expect(more).toEqual([]);
    expect(second).toMatchObject({ display_name: person.displayName });
    expect(second?.['password_hash']).not.toBe(first?.['password_hash']);
    const tokens = await tokensOf(person.email);
    expect(tokens).toHaveLength(1);
    expect(tokens[0]?.['digest']).not.toBe(digestOf(parseSecret(firstToken)?.bytes ?? ''));
    expect(kinds(await mailsTo(person.email))).toEqual(['sign-up', 'sign-up']);
  });

  test('is one for all spellings of the address, mailed as it was typed [R-47]', async () => {
    const person = newPerson();
    const shouted = person.email.toUpperCase().replace('EXAMPLE.COM', 'Example.COM');
    await signUp(t.core, person);
    await signUp(t.core, { ...person, email: ` ${shouted} ` });
    const mailed = shouted.replace('Example.COM', 'example.com');
    expect(await signedUp(person.email)).toMatchObject([{ address: mailed }]);
    expect(await tokensOf(person.email)).toHaveLength(1);
    expect(await mailsTo(mailed)).toHaveLength(1);
  });
});

describe('a sign-up for an address that has been proved', () => {
  test('mails its owner, and changes nothing of theirs [R-48]', async () => {
    const person = newPerson();
    await signUp(t.core, person);
    await confirmEmail(t.core, await queuedToken(t, person.email), caller);
    const stranger = { ...person, displayName: 'Eve', password: 'eleven otters juggle' };
    const changed = await changedBy(t.admin, async () => {
      expect(await signUp(t.core, stranger)).toBe('check-mail');
    });
    // A row that expires as it is made, and a token that nobody is sent: the same work as for an
    // address that nobody has (CWE-208).
    expect(changed).toEqual(['one_time_tokens', 'outbox', 'security_events', 'sign_ups']);
    expect(kinds(await mailsTo(person.email))).toEqual(['sign-up', 'existing-account']);
    expect(Object.keys((await mailsTo(person.email))[1] ?? {})).toEqual(['kind', 'to', 'language']);
  });
});

describe('more sign-ups for one address than it should get mails [CWE-799]', () => {
  test('with the same password change nothing: the last link goes on working', async () => {
    const person = newPerson();
    for (let mail = 0; mail < 5; mail++) await signUp(t.core, person);
    const token = await queuedToken(t, person.email);
    const changed = await changedBy(t.admin, async () => {
      expect(await signUp(t.core, { ...person, displayName: 'Mallory' })).toBe('check-mail');
    });
    expect(changed).toEqual([]);
    expect(await mailsTo(person.email)).toHaveLength(5);
    expect(await confirmEmail(t.core, token, caller)).toBe('signed-up');
  });

  // The owner's own sign-up is the sixth: the newest link in their mailbox is the stranger's.
  test('with another password leave no link that works by itself [R-43]', async () => {
    const owner = newPerson();
    const stranger = { ...owner, password: newPerson().password };
    for (let mail = 0; mail < 5; mail++) await signUp(t.core, stranger);
    const token = await queuedToken(t, owner.email);
    expect(await signUp(t.core, owner)).toBe('check-mail');
    expect(await mailsTo(owner.email)).toHaveLength(5);
    expect(await confirmEmail(t.core, token, caller)).toMatchObject({
      passwordProblem: 'required',
    });
    const known = { browser: null, session: null, password: owner.password };
    expect(await confirmEmail(t.core, token, caller, known)).toMatchObject({
      passwordProblem: 'wrong-password',
    });
    await t.admin.query('UPDATE sallyport.budgets SET ends_at = now()');
    await signUp(t.core, owner);
    expect(await confirmEmail(t.core, await queuedToken(t, owner.email), caller)).toBe('signed-up');
  });

  test('are mailed again when the hour is over', async () => {
    const person = newPerson();
    for (let mail = 0; mail < 6; mail++) await signUp(t.core, person);
    await t.admin.query('UPDATE sallyport.budgets SET ends_at = now()');
    await signUp(t.core, person);
    expect(await mailsTo(person.email)).toHaveLength(6);
  });
});

describe('a sign-up that cannot be', () => {
  const person = newPerson();

  test.each([
    ['email', 'malformed-address', { email: 'ada' }],
    ['email', 'invisible-characters', { email: 'a\u200bda@example.com' }],
    ['email', 'too-long', { email: `${'a'.repeat(65)}@example.com` }],
    ['displayName', 'required', { displayName: ' ' }],
    ['displayName', 'too-long', { displayName: 'a'.repeat(101) }],
    ['displayName', 'invisible-characters', { displayName: 'A\u202eda' }],
    ['password', 'password-too-short', { password: 'fourteen chars' }],
    ['password', 'password-too-long', { password: 'ab cd '.repeat(22) }],
    ['password', 'password-common', { password: 'password1234567' }],
    ['password', 'password-personal', { password: person.email }],
    ['password', 'password-repeated', { password: 'aaaaaaaaaaaaaaaa' }],
    ['password', 'password-sequence', { password: 'abcdefghijklmnopq' }],
  ])('says of %s: %s, and does nothing', async (field, reason, wrong) => {
    const changed = await changedBy(t.admin, async () => {
      expect(await signUp(t.core, { ...person, ...wrong })).toEqual({
        problems: [{ field, reason }],
      });
    });
    expect(changed).toEqual([]);
  });

  test('says all that is wrong at once', async () => {
    expect(await signUp(t.core, { email: '', password: '', displayName: '' })).toEqual({
      problems: [
        { field: 'email', reason: 'malformed-address' },
        { field: 'displayName', reason: 'required' },
        { field: 'password', reason: 'password-too-short' },
      ],
    });
  });

  test('says the same of a wrong password, whether or not the address has an owner', async () => {
    const owner = newPerson();
    await signUp(t.core, owner);
    await confirmEmail(t.core, await queuedToken(t, owner.email), caller);
    const before = await rowsOf(t.admin);
    const wrong = { ...owner, password: 'password1234567' };
    expect(await signUp(t.core, wrong)).toEqual(
      await signUp(t.core, { ...wrong, email: newPerson().email }),
    );
    expect(await rowsOf(t.admin)).toEqual(before);
  });
});
