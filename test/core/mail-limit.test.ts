import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Core } from '../../src/core/core.ts';
import { requestEmailChange } from '../../src/core/email-change.ts';
import { confirmEmail } from '../../src/core/email-confirmation.ts';
import { createPasswordHasher } from '../../src/core/password-hashing.ts';
import { digestOf, parseSecret, proofOf, synchronizerTokenOf } from '../../src/core/secret.ts';
import { signIn } from '../../src/core/sign-in.ts';
import { signUp } from '../../src/core/sign-up.ts';
import { type AccountPrincipal, runAuthorized } from '../../src/db/authorization.ts';
import { TooMuchContentionError } from '../../src/db/errors.ts';
import { caller } from '../support/callers.ts';
import { openTestCore, queuedMails, queuedToken, type TestCore } from '../support/cores.ts';
import { newPerson, type Person } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';

// Anybody can have us send mail to anybody: five an hour to one address, and no more.
const MAX = 5;

let t: TestCore;
beforeAll(async () => {
  // Room for 50 sign-ups at once: they are to meet at the counter, not at the hasher.
  t = await openTestCore(createPasswordHasher({ queue: 100, waitMilliseconds: 60_000 }));
});
afterAll(() => t.close());

const mailsTo = async (to: string) => (await queuedMails(t)).filter((mail) => mail.to === to);

async function signUpTimes(times: number, person: Person, core: Core = t.core): Promise<void> {
  for (let count = 0; count < times; count++) {
    expect(await signUp(core, person, 'en', caller)).toBe('check-mail');
  }
}

/** What is counted for the recipient, and for how much longer. */
async function counted(recipient: string) {
  const { rows } = await t.admin.query<{ mails: number; minutes: number; ends_at: Date }>(
    `SELECT spent AS mails, ends_at, round(extract(epoch FROM ends_at - now()) / 60)::INT4 AS minutes
      FROM sallyport.budgets WHERE digest = $1`,
    [digestOf(`mail ${recipient}`)],
  );
  return rows[0];
}

/** Moves the end of the recipient's hour, as if so much time had gone by. */
const later = (recipient: string, interval: string) =>
  t.admin.query(`UPDATE sallyport.budgets SET ends_at = ends_at - $2::INTERVAL WHERE digest = $1`, [
    digestOf(`mail ${recipient}`),
    interval,
  ]);

async function registered(): Promise<Person> {
  const person = newPerson();
  await signUp(t.core, person, 'en', caller);
  expect(await confirmEmail(t.core, await queuedToken(t, person.email), caller)).toBe('signed-up');
  return person;
}

describe('the sixth sign-up within an hour for one address', () => {
  test('changes no row, and the last mailed link works [CWE-799]', async () => {
    const person = newPerson();
    await signUpTimes(MAX, person);
    const last = await queuedToken(t, person.email);
    for (let more = 0; more < 2; more++) {
      expect(await changedBy(t.admin, () => signUpTimes(1, person))).toEqual([]);
      expect(await counted(person.email)).toMatchObject({ mails: MAX });
    }
    expect(await mailsTo(person.email)).toHaveLength(MAX);
    expect(await confirmEmail(t.core, last, caller)).toBe('signed-up');
  });

  test('is answered as the first was, after the same work [CWE-204] [CWE-208]', async () => {
    let hashes = 0;
    const { passwords } = t.core;
    const hash = (password: string) => {
      hashes++;
      return passwords.hash(password);
    };
    const core = { ...t.core, passwords: { ...passwords, hash } };
    const person = newPerson();
    await signUpTimes(MAX + 1, person, core);
    expect(hashes).toBe(MAX + 1);
    const wrong = { ...person, password: 'short' };
    const problems = { problems: [{ field: 'password', reason: 'password-too-short' }] };
    expect(await changedBy(t.admin, () => signUp(core, wrong, 'en', caller))).toEqual([]);
    expect(await signUp(core, wrong, 'en', caller)).toEqual(problems);
  });

  test('is the sixth in any spelling, and in any language [R-47]', async () => {
    const person = newPerson();
    const shouted = { ...person, email: person.email.toUpperCase() };
    await signUpTimes(MAX - 1, person);
    await signUpTimes(1, shouted);
    for (const email of [person.email, shouted.email, ` ${person.email} `]) {
      for (const language of ['en', 'de'] as const) {
        const act = () => signUp(t.core, { ...person, email }, language, caller);
        expect(await changedBy(t.admin, act)).toEqual([]);
      }
    }
  });

  test('is none to another address, not even to one of the same domain', async () => {
    const person = newPerson();
    await signUpTimes(MAX + 1, person);
    const other = newPerson();
    await signUpTimes(1, other);
    expect(await mailsTo(other.email)).toHaveLength(1);
    expect(await counted(other.email)).toMatchObject({ mails: 1 });
    expect(await confirmEmail(t.core, await queuedToken(t, other.email), caller)).toBe('signed-up');
  });

  test('does not reach its owner either, where the address has one [CWE-799]', async () => {
    const owner = await registered();
    const stranger = { ...owner, password: 'eleven otters juggle' };
    await signUpTimes(MAX - 1, stranger);
    expect(await changedBy(t.admin, () => signUpTimes(1, stranger))).toEqual([]);
    const kinds = (await mailsTo(owner.email)).map(({ kind }) => kind);
    expect(kinds).toEqual([
      'sign-up',
      ...Array.from({ length: MAX - 1 }, () => 'existing-account'),
    ]);
  });
});

describe('the hour', () => {
  test('begins with the first mail, and asking more does not prolong it', async () => {
    const person = newPerson();
    await signUpTimes(1, person);
    const first = await counted(person.email);
    expect(first).toMatchObject({ mails: 1, minutes: 60 });
    await signUpTimes(MAX + 1, person);
    expect((await counted(person.email))?.ends_at).toEqual(first?.ends_at);
  });

  test("ends by the database's clock, and then begins anew with one", async () => {
    const person = newPerson();
    await signUpTimes(MAX + 1, person);
    await later(person.email, '59 minutes');
    await signUpTimes(1, person);
    expect(await mailsTo(person.email)).toHaveLength(MAX);
    await later(person.email, '1 minute');
    await signUpTimes(1, person);
    expect(await mailsTo(person.email)).toHaveLength(MAX + 1);
    expect(await counted(person.email)).toMatchObject({ mails: 1, minutes: 60 });
    expect(await confirmEmail(t.core, await queuedToken(t, person.email), caller)).toBe(
      'signed-up',
    );
  });

  test("does not end by the process's clock", async () => {
    const person = newPerson();
    await signUpTimes(MAX, person);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 24 * 3_600_000 });
    try {
      await signUpTimes(1, person);
    } finally {
      vi.useRealTimers();
    }
    expect(await mailsTo(person.email)).toHaveLength(MAX);
  });
});

describe('50 sign-ups of one address at the same moment', () => {
  test('come to five mails, and one link that works [CWE-799] [CWE-362]', async () => {
    const person = newPerson();
    const bystander = newPerson();
    const [outcomes] = await Promise.all([
      Promise.allSettled(
        Array.from({ length: 50 }, (_, index) =>
          signUp(t.core, { ...person, displayName: `Ada ${index}` }, 'en', caller),
        ),
      ),
      signUp(t.core, bystander, 'en', caller),
    ]);
    // So many meet at one row that the database may give up on some: they are told to try again.
    const failures = outcomes.filter((outcome) => outcome.status === 'rejected');
    for (const { reason } of failures) expect(reason).toBeInstanceOf(TooMuchContentionError);
    const accepted = outcomes.length - failures.length;
    expect(accepted).toBeGreaterThanOrEqual(MAX);
    expect(await counted(person.email)).toMatchObject({ mails: MAX });

    const mails = await mailsTo(person.email);
    expect(mails).toHaveLength(MAX);
    const { rows } = await t.admin.query<{ digest: string }>(
      'SELECT digest FROM sallyport.one_time_tokens WHERE folded = $1',
      [person.email],
    );
    expect(rows).toHaveLength(1);
    const results: string[] = [];
    for (const mail of mails) {
      if (mail.kind !== 'sign-up') throw new Error('a sign-up is mailed as one');
      const isLive = digestOf(parseSecret(mail.token)?.bytes ?? '') === rows[0]?.digest;
      const outcome = await confirmEmail(t.core, mail.token, caller);
      expect(outcome).toBe(isLive ? 'signed-up' : 'invalid');
      results.push(typeof outcome === 'string' ? outcome : outcome.passwordProblem);
    }
    expect(results.filter((outcome) => outcome === 'signed-up')).toHaveLength(1);
    expect(await mailsTo(bystander.email)).toHaveLength(1);
  });
});

describe('a change of address', () => {
  /** Asks on behalf of this person, as a request of theirs would. */
  async function asking(person: Person) {
    const signedIn = await signIn(t.core, person, null, caller);
    if (signedIn === 'wrong-credentials' || 'flow' in signedIn) throw new Error('these are right');
    const { secret, synchronizerGeneration } = signedIn;
    const requirement = {
      role: 'sallyport_identity',
      proof: proofOf(secret),
      permission: null,
      withAccount: true,
      synchronizerDigest: digestOf(synchronizerTokenOf(secret, synchronizerGeneration)),
    } as const;
    const authorized = await runAuthorized(t.core.database, requirement, []);
    if ('refusal' in authorized) throw new Error(authorized.refusal);
    const principal = authorized.principal as AccountPrincipal;
    const ask = async (email: string) => {
      const authority = { principal, requirement, caller };
      expect(await requestEmailChange(t.core, authority, email, 'en')).toBe('requested');
    };
    return { ask, identityId: principal.identityId };
  }

  test('counts for the new address together with sign-ups, whoever asks [CWE-799] [R-48]', async () => {
    const target = newPerson();
    await signUpTimes(MAX - 2, target);
    const one = await asking(await registered());
    const other = await asking(await registered());
    await one.ask(target.email);
    await other.ask(target.email);
    const third = await asking(await registered());
    const act = () => third.ask(target.email);
    expect(await changedBy(t.admin, act)).toEqual([]);
    expect(await changedBy(t.admin, () => signUpTimes(1, target))).toEqual([]);
    expect(await mailsTo(target.email)).toHaveLength(MAX);
  });

  test('is asked for five times an hour by one person, to whatever addresses [CWE-799]', async () => {
    const person = await registered();
    const { ask, identityId } = await asking(person);
    for (let count = 0; count < MAX; count++) await ask(newPerson().email);
    const target = newPerson();
    expect(await changedBy(t.admin, () => ask(target.email))).toEqual([]);
    expect(await mailsTo(target.email)).toEqual([]);
    const notices = (await mailsTo(person.email)).filter(
      ({ kind }) => kind === 'email-change-notice',
    );
    expect(notices).toHaveLength(MAX);

    await later(`of ${identityId}`, '1 hour');
    await ask(target.email);
    expect(await mailsTo(target.email)).toMatchObject([{ kind: 'email-change' }]);
  });
});
