import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Core } from '../../src/core/core.ts';
import {
  type AdmittedGuess,
  forgetGuesses,
  type Guess,
  guessWithinBudget,
} from '../../src/core/guess-budget.ts';
import { HashingBusyError } from '../../src/core/password-hashing.ts';
import { digestOf } from '../../src/core/secret.ts';
import { TooManyAttemptsError } from '../../src/core/too-many-attempts.ts';
import { openManaged } from '../../src/server/databases.ts';
import { openTestCore, type TestCore } from '../support/cores.ts';
import { TEST_KEY } from '../support/test-key.ts';

// Ten wrong guesses at an account, a hundred from a network, 12,000 at the service; of one
// authenticator a hundred in a row, the last ten of them in browsers of the owner's alone.

let t: TestCore;
beforeAll(async () => {
  t = await openTestCore();
});
afterAll(() => t.close());

let networks = 0;
const newNetwork = () => `192.0.2.${networks++}`;
const newGuess = (more: Partial<Guess> = {}): Guess => ({
  factor: 'password',
  guessed: { identityId: randomUUID() },
  network: newNetwork(),
  deviceDigest: null,
  ...more,
});

/** Makes the guess; answers how it was admitted, or for how long it was not. */
async function make(
  guess: Guess,
  right = false,
  core: Core = t.core,
): Promise<AdmittedGuess | number> {
  try {
    return await guessWithinBudget(core, guess, async ({ open, last }) => ({
      right,
      outcome: { open, last },
    }));
  } catch (error) {
    if (error instanceof TooManyAttemptsError) return error.retryAfterSeconds;
    throw error;
  }
}

async function makeTimes(times: number, guess: () => Guess) {
  const outcomes: Array<AdmittedGuess | number> = [];
  for (let time = 0; time < times; time++) outcomes.push(await make(guess()));
  return outcomes;
}

const admitted = (outcomes: ReadonlyArray<AdmittedGuess | number>) =>
  outcomes.filter((outcome) => typeof outcome === 'object');

/** Lets the windows of this kind end. */
const pass = (kind: string) =>
  t.admin.query(
    `UPDATE sallyport.budgets SET expires_at = expires_at - (ends_at - now()), ends_at = now()
      WHERE kind = $1 AND ends_at > now()`,
    [kind],
  );

const spentOf = async (kind: string, of: string) => {
  const { rows } = await t.admin.query<{ spent: number; rounds: number }>(
    'SELECT spent, rounds FROM sallyport.budgets WHERE digest = $1',
    [digestOf(`${kind} ${of}`)],
  );
  return rows[0];
};

describe('200 guesses at the same moment [R-50] [CWE-307] [CWE-362]', () => {
  test('at one account: ten are made, on two processes together', async () => {
    const other = await openManaged(t.url, TEST_KEY);
    const cores = [t.core, { ...t.core, database: other }];
    const guessed = { identityId: randomUUID() };
    let made = 0;
    const outcomes = await Promise.allSettled(
      Array.from({ length: 200 }, (_, index) => {
        const guess = newGuess({ guessed, network: `198.51.100.${index}` });
        return guessWithinBudget(cores[index % 2] ?? t.core, guess, async () => {
          made++;
          return { right: false, outcome: 'wrong' };
        });
      }),
    );
    await other.close();
    expect(made).toBe(10);
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused).toHaveLength(190);
    for (const { reason } of refused) {
      expect(reason).toBeInstanceOf(TooManyAttemptsError);
      expect(reason.retryAfterSeconds).toBeGreaterThan(0);
      expect(reason.retryAfterSeconds).toBeLessThanOrEqual(65);
    }
    expect(await spentOf('account', `identity ${guessed.identityId}`)).toMatchObject({ spent: 10 });
  });

  test('from one network at as many accounts: a hundred are made', async () => {
    const network = newNetwork();
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, () => make(newGuess({ network }))),
    );
    expect(admitted(outcomes)).toHaveLength(100);
    expect(await spentOf('network', network)).toMatchObject({ spent: 100 });
  });

  test('right ones are all made: what they took is given back', async () => {
    const { guessed, network } = newGuess();
    for (let round = 0; round < 20; round++) {
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, () => make(newGuess({ guessed, network }), true)),
      );
      expect(admitted(outcomes)).toHaveLength(10);
    }
    expect(await spentOf('network', network)).toMatchObject({ spent: 0 });
  });
});

describe('a guess', () => {
  test('that is refused takes nothing of any budget', async () => {
    const guess = newGuess();
    await makeTimes(10, () => guess);
    expect(await make(guess)).toBeGreaterThan(0);
    expect(await spentOf('network', guess.network)).toMatchObject({ spent: 10 });
  });

  test('counts for the account whatever the factor and the network [R-51] [R-52] [R-53]', async () => {
    const guessed = { identityId: randomUUID() };
    const factors = ['password', 'one-time-password', 'recovery-code'] as const;
    const outcomes: Array<AdmittedGuess | number> = [];
    for (let time = 0; time < 12; time++) {
      const factor = factors[time % 3] ?? 'password';
      outcomes.push(await make(newGuess({ guessed, factor })));
    }
    expect(admitted(outcomes)).toHaveLength(10);
  });

  test('at an address that nobody has proved counts alike [R-57] [CWE-204]', async () => {
    const outcomes = await makeTimes(11, () =>
      newGuess({ guessed: { folded: 'nobody@example.com' } }),
    );
    expect(admitted(outcomes)).toHaveLength(10);
    expect(outcomes.at(-1)).toBeGreaterThan(0);
  });

  test('that was not made, because too many wait to be hashed, is given back', async () => {
    const guess = newGuess();
    const busy = () =>
      guessWithinBudget(t.core, guess, () => Promise.reject(new HashingBusyError('full')));
    for (let time = 0; time < 11; time++) await expect(busy()).rejects.toThrow(HashingBusyError);
    expect(admitted(await makeTimes(11, () => guess))).toHaveLength(10);
  });

  test('whose end nobody knows stays counted', async () => {
    const guess = newGuess();
    const lost = () =>
      guessWithinBudget(t.core, guess, () => Promise.reject(new Error('connection lost')));
    for (let time = 0; time < 10; time++) await expect(lost()).rejects.toThrow('connection lost');
    expect(await make(guess)).toBeGreaterThan(0);
  });

  test('that is right gives a network one guess back, and no more', async () => {
    const network = newNetwork();
    await makeTimes(99, () => newGuess({ network }));
    expect(await make(newGuess({ network }), true)).toBeTypeOf('object');
    expect(await make(newGuess({ network }))).toBeTypeOf('object');
    expect(await make(newGuess({ network }), true)).toBeGreaterThan(0);
  });

  test('that is right after its window has ended gives nothing to the next one', async () => {
    const guess = newGuess();
    await guessWithinBudget(t.core, guess, async () => {
      await pass('account');
      await makeTimes(10, () => guess);
      return { right: true, outcome: null };
    });
    expect(await make(guess)).toBeGreaterThan(0);
  });
});

describe('the next window', () => {
  test('is twice as long after each that was used up, an hour at most, then shorter again', async () => {
    const guess = newGuess();
    const waits: Array<AdmittedGuess | number> = [];
    const { identityId } = guess.guessed as { identityId: string };
    for (let window = 0; window < 8; window++) {
      await makeTimes(10, () => ({ ...guess, network: `203.0.113.${window}` }));
      waits.push(await make(guess));
      await pass('account');
    }
    const minutes = waits.map((wait) => (typeof wait === 'number' ? Math.ceil(wait / 60) : wait));
    expect(minutes).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    await make(guess);
    expect(await spentOf('account', `identity ${identityId}`)).toEqual({ spent: 1, rounds: 8 });
    await pass('account');
    await make(guess);
    expect(await spentOf('account', `identity ${identityId}`)).toEqual({ spent: 1, rounds: 7 });
    await t.admin.query('UPDATE sallyport.budgets SET ends_at = now(), expires_at = now()');
    await make(guess);
    expect(await spentOf('account', `identity ${identityId}`)).toEqual({ spent: 1, rounds: 0 });
  });
});

describe('100 failures of one authenticator in a row [ASVS 6.3.1]', () => {
  const deviceDigest = digestOf('a browser of the owner');

  /** Makes wrong guesses, each in a window of its own. */
  async function fail(times: number, guess: Guess) {
    const outcomes: Array<AdmittedGuess | number> = [];
    for (let time = 0; time < times; time++) {
      if (time % 10 === 0)
        await t.admin.query(`DELETE FROM sallyport.budgets WHERE kind <> 'authenticator'`);
      outcomes.push(await make(guess));
    }
    return outcomes;
  }

  test('close it: first for strangers, then for everybody; a new binding opens it', async () => {
    const guess = newGuess();
    const own = { ...guess, deviceDigest };
    const { identityId } = guess.guessed as { identityId: string };
    const byStrangers = await fail(95, guess);
    expect(
      byStrangers.slice(0, 89).filter((each) => typeof each === 'object' && each.open),
    ).toHaveLength(89);
    expect(byStrangers[89]).toEqual({ open: true, last: 'of-all' });
    for (const each of byStrangers.slice(90)) expect(each).toMatchObject({ open: false });

    const byOwner = await fail(12, own);
    for (const each of byOwner.slice(0, 9)) expect(each).toEqual({ open: true, last: null });
    expect(byOwner[9]).toEqual({ open: true, last: 'of-all' });
    for (const each of byOwner.slice(10)) expect(each).toMatchObject({ open: false });

    await t.core.database.transaction((tx) => forgetGuesses(tx, identityId, 'password'));
    expect(await make(guess)).toEqual({ open: true, last: null });
  });

  test('are counted for that one alone, and a right one ends the row', async () => {
    const guess = newGuess();
    await fail(90, guess);
    await fail(0, guess);
    await pass('account');
    expect(await make({ ...guess, factor: 'one-time-password' })).toMatchObject({ open: true });
    expect(await make({ ...guess, deviceDigest }, true)).toMatchObject({ open: true });
    await pass('account');
    expect(await make(guess)).toMatchObject({ open: true });
  });
});

describe('a browser where the owner has signed in before', () => {
  test('has a budget of its own, which strangers cannot use up [R-50] [CWE-645]', async () => {
    const guess = newGuess();
    const own = { ...guess, deviceDigest: digestOf('their browser') };
    await makeTimes(11, () => guess);
    expect(await make(guess)).toBeGreaterThan(0);
    expect(await make(own, true)).toMatchObject({ open: true });
    const outcomes = await makeTimes(11, () => own);
    expect(admitted(outcomes)).toHaveLength(10);
  });

  test('has none at another account', async () => {
    const deviceDigest = digestOf('one of two people');
    await makeTimes(10, () => newGuess({ deviceDigest, guessed: { folded: 'a@example.com' } }));
    expect(await make(newGuess({ deviceDigest }))).toBeTypeOf('object');
  });
});

test('the budget of the whole service ends guessing from everywhere [R-53]', async () => {
  await t.admin.query(`DELETE FROM sallyport.budgets WHERE kind = 'service'`);
  await makeTimes(60, () => newGuess());
  const { rowCount } = await t.admin.query(
    `UPDATE sallyport.budgets SET spent = quota WHERE kind = 'service'`,
  );
  expect(rowCount).toBeGreaterThan(8);
  expect(rowCount).toBeLessThanOrEqual(16);
  const outcomes = await makeTimes(60, () => newGuess());
  expect(admitted(outcomes).length).toBeLessThan(40);
  const device = newGuess({ deviceDigest: digestOf('a known browser') });
  expect(await make(device)).toBeTypeOf('object');
});
