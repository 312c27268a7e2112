import { randomInt } from 'node:crypto';
import {
  type Budget,
  deleteBudget,
  refundBudgets,
  secondsUntilAll,
  spendBudgets,
} from '../db/budgets.ts';
import type { Tx } from '../db/transaction.ts';
import type { Authority } from './authority.ts';
import type { Core } from './core.ts';
import { knownDevice } from './device.ts';
import { HashingBusyError } from './password-hashing.ts';
import { digestOf } from './secret.ts';
import { TooManyAttemptsError } from './too-many-attempts.ts';

/** What somebody proves by knowing or having it, and somebody else can guess. */
export type Factor = 'password' | 'one-time-password' | 'recovery-code';

/** Whose secret is guessed. */
export type Guessed =
  | { readonly identityId: string }
  /** Nobody has proved this address, in its folded form: counted all the same. */
  | { readonly folded: string };

/** One guess that somebody wants to make. Each field is one that was parsed or looked up. */
export interface Guess {
  readonly factor: Factor;
  /** Null for what has a limit of its own, and for what is no address at all. */
  readonly guessed: Guessed | null;
  /** The network that it comes from: http/source.ts. */
  readonly network: string;
  /** The digest of a browser where this very identity has signed in before; null elsewhere. */
  readonly deviceDigest: string | null;
}

/** A guess that may be made. */
export interface AdmittedGuess {
  /**
   * False after too many failures in a row: the authenticator counts no more until it is bound
   * anew. The guess is compared with nothing, takes as long, and is answered as a wrong one.
   */
  readonly open: boolean;
  /** Whether the owner should hear of it, if this one is wrong too. */
  readonly last: 'of-window' | 'of-all' | null;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const YEARS = 10 * 365 * 24 * HOUR;

/** Wrong guesses at an account a window, all factors together: ten at once, later ten an hour. */
const OF_ACCOUNT = { quota: 10, seconds: MINUTE, secondsMax: HOUR };

/** Wrong guesses from one network, at whatever accounts. A whole office is behind one address. */
const OF_NETWORK = { quota: 100, seconds: 10 * MINUTE, secondsMax: HOUR };

/** Wrong guesses at the whole service in ten minutes, from everywhere: 20 a second. */
const OF_ALL = { quota: 12_000, seconds: 10 * MINUTE, secondsMax: HOUR };

/** All share the last budget; so that they need not share one row, it is so many of them. */
const SHARDS = 16;

/**
 * NIST SP 800-63B-4 section 3.2.2: at most 100 failures in a row of one authenticator, which then
 * has to be bound anew. The last ten are kept for browsers where the owner has signed in before, so
 * that no stranger can use all of them up (ASVS 6.3.1).
 */
const FAILURES_MAX = { stranger: 90, owner: 100 };

/**
 * Lets the guess be made if there is budget for it, and takes that before anything is compared:
 * of any number of parallel guesses no more are looked at than the budget has. A right one
 * gets it back; a wrong one does not, and neither does one whose end nobody knows.
 *
 * The account's, the network's and the service's budget count, and on a browser where the owner has
 * signed in before one of that browser's alone: strangers cannot lock the owner out there.
 * Whatever the factor and the route, the budgets are the same (R-51, R-52; CWE-307).
 *
 * @throws TooManyAttemptsError when nothing is left; and what `make` throws.
 */
export async function guessWithinBudget<T>(
  core: Core,
  guess: Guess,
  make: (admitted: AdmittedGuess) => Promise<{ readonly right: boolean; readonly outcome: T }>,
): Promise<T> {
  const reserved = await reserve(core, guess);
  let made: { readonly right: boolean; readonly outcome: T };
  try {
    made = await make(reserved);
  } catch (error) {
    // Nothing was compared: this was no guess.
    if (error instanceof HashingBusyError) await refund(core, reserved, 'unmade');
    throw error;
  }
  if (made.right) await refund(core, reserved, 'right');
  return made.outcome;
}

/** The same for the password of whoever is signed in, which proves them once more. */
export async function guessOwnPassword<T>(
  core: Core,
  { principal, caller }: Authority,
  make: (admitted: AdmittedGuess) => Promise<{ readonly right: boolean; readonly outcome: T }>,
): Promise<T> {
  const { identityId } = principal;
  const deviceDigest = await core.database.transaction((tx) => knownDevice(tx, identityId, caller));
  const { network } = caller;
  const guess = { factor: 'password', guessed: { identityId }, network, deviceDigest } as const;
  return await guessWithinBudget(core, guess, make);
}

/**
 * Forgets the failures of an authenticator that was bound anew, and the guesses at its account:
 * whoever did that has proved more than a guesser could.
 */
export async function forgetGuesses(tx: Tx, identityId: string, factor: Factor): Promise<void> {
  const guessed = { identityId };
  await deleteBudget(tx, authenticatorBudget(guessed, factor, FAILURES_MAX.owner).digest);
  await deleteBudget(tx, accountBudget(guessed).digest);
}

interface Reserved extends AdmittedGuess {
  readonly taken: ReadonlyArray<{ readonly budget: Budget; readonly window: string }>;
  /** Undefined where there is none: nobody's address has no authenticator that could be closed. */
  readonly authenticator: Budget | undefined;
}

async function reserve(core: Core, guess: Guess): Promise<Reserved> {
  const { authenticator, limiting } = budgetsFor(guess);
  const all = authenticator ? [authenticator, ...limiting] : limiting;
  return await core.database.countingTransaction(async (tx) => {
    const spent = await spendBudgets(tx, all);
    const ofBudget = new Map(spent.map((each) => [each.digest, each]));
    if (!limiting.every(({ digest }) => ofBudget.has(digest))) {
      const digests = limiting.map(({ digest }) => digest);
      // Thrown, so that what was taken of the others is rolled back.
      throw new TooManyAttemptsError(Math.max(1, await secondsUntilAll(tx, digests)));
    }
    const taken = all.flatMap((budget) => {
      const found = ofBudget.get(budget.digest);
      return found ? [{ budget, window: found.window }] : [];
    });
    const usesUp = (budget: Budget | undefined) =>
      budget !== undefined && ofBudget.get(budget.digest)?.spent === budget.quota;
    const last = usesUp(authenticator)
      ? 'of-all'
      : guess.guessed && usesUp(limiting[0])
        ? 'of-window'
        : null;
    const open = authenticator === undefined || ofBudget.has(authenticator.digest);
    return { open, last, taken, authenticator };
  });
}

/**
 * A refund that fails leaves one guess counted that was right, and takes nothing back of what the
 * right one has done: it is no error of the operation.
 */
async function refund(core: Core, reserved: Reserved, why: 'right' | 'unmade'): Promise<void> {
  const { taken, authenticator } = reserved;
  const work = core.database.countingTransaction(async (tx) => {
    if (why === 'unmade' || !authenticator) return await refundBudgets(tx, taken);
    // A right one ends the failures in a row. Of the other budgets it gets only its own one back:
    // who signs in to an account of their own has no more guesses at another one for it.
    await deleteBudget(tx, authenticator.digest);
    return await refundBudgets(
      tx,
      taken.filter(({ budget }) => budget !== authenticator),
    );
  });
  await work.catch(() => {});
}

/** In the order in which their rows are locked: the one that most others want comes last. */
function budgetsFor({ factor, guessed, network, deviceDigest }: Guess) {
  const failures = deviceDigest === null ? FAILURES_MAX.stranger : FAILURES_MAX.owner;
  const authenticator =
    guessed && 'identityId' in guessed ? authenticatorBudget(guessed, factor, failures) : undefined;
  if (guessed && deviceDigest !== null) {
    const device = budgetOf('device', `${deviceDigest} ${nameOf(guessed)}`, OF_ACCOUNT);
    return { authenticator, limiting: [device] };
  }
  const ofShard = { ...OF_ALL, quota: OF_ALL.quota / SHARDS };
  return {
    authenticator,
    limiting: [
      ...(guessed ? [accountBudget(guessed)] : []),
      budgetOf('network', network, OF_NETWORK),
      budgetOf('service', String(randomInt(SHARDS)), ofShard),
    ],
  };
}

function accountBudget(guessed: Guessed): Budget {
  return budgetOf('account', nameOf(guessed), OF_ACCOUNT);
}

/** Counted for ten years, which is for ever: only success or a new binding begins anew. */
function authenticatorBudget(guessed: Guessed, factor: Factor, quota: number): Budget {
  const limits = { quota, seconds: YEARS, secondsMax: YEARS };
  return budgetOf('authenticator', `${factor} ${nameOf(guessed)}`, limits);
}

function nameOf(guessed: Guessed): string {
  return 'identityId' in guessed ? `identity ${guessed.identityId}` : `address ${guessed.folded}`;
}

function budgetOf(
  kind: string,
  of: string,
  limits: Pick<Budget, 'quota' | 'seconds' | 'secondsMax'>,
): Budget {
  return { kind, digest: digestOf(`${kind} ${of}`), ...limits };
}
