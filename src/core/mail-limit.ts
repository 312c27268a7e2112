import { type Budget, secondsUntilAll, spendBudgets } from '../db/budgets.ts';
import type { Caller } from '../db/security-events.ts';
import type { Tx } from '../db/transaction.ts';
import type { Core } from './core.ts';
import { digestOf } from './secret.ts';
import { TooManyAttemptsError } from './too-many-attempts.ts';

const HOUR = 3_600;

/** Mails an hour to one address that anybody can have sent; notices to an owner are not counted. */
const MAILS_AN_HOUR = 5;

/** Mails an hour that one network can ask for, to whatever addresses. */
const ASKED_AN_HOUR = 300;

/** Notices a day to one person, of each kind that a stranger can bring about. */
const NOTICES_A_DAY = { 'new-device': 5, 'guesses-limited': 1, 'authenticator-closed': 1 };

/**
 * Whether this recipient may get one more mail that a stranger asked for. Counted before it is
 * queued, in the same transaction, so that parallel requests cannot pass together; the answer to
 * the request is the same either way (CWE-799, CWE-204).
 */
export async function mayMail(tx: Tx, recipient: string): Promise<boolean> {
  return await spend(tx, budgetOf('mail', recipient, MAILS_AN_HOUR, HOUR));
}

/** Whether this person may get one more notice of what strangers can bring about. */
export async function mayNotify(
  tx: Tx,
  notice: keyof typeof NOTICES_A_DAY,
  identityId: string,
): Promise<boolean> {
  const quota = NOTICES_A_DAY[notice];
  return await spend(tx, budgetOf('notice', `${notice} ${identityId}`, quota, 24 * HOUR));
}

/**
 * Counts a request that makes us mail somebody, or would if the address were another: nobody uses
 * us to write to whole lists (CWE-799).
 * @throws TooManyAttemptsError when the network has asked too often.
 */
export async function countMailRequest(core: Core, { network }: Caller): Promise<void> {
  const budget = budgetOf('mail-network', network, ASKED_AN_HOUR, HOUR);
  await core.database.countingTransaction(async (tx) => {
    if (await spend(tx, budget)) return;
    throw new TooManyAttemptsError(Math.max(1, await secondsUntilAll(tx, [budget.digest])));
  });
}

async function spend(tx: Tx, budget: Budget): Promise<boolean> {
  return (await spendBudgets(tx, [budget])).length === 1;
}

function budgetOf(kind: string, of: string, quota: number, seconds: number): Budget {
  return { kind, digest: digestOf(`${kind} ${of}`), quota, seconds, secondsMax: seconds };
}
