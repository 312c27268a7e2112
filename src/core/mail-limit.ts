import { spendBudgets } from '../db/budgets.ts';
import type { Tx } from '../db/transaction.ts';
import { digestOf } from './secret.ts';

/** Mails an hour to one address that anybody can have sent; notices to an owner are not counted. */
const MAILS_AN_HOUR = { quota: 5, seconds: 3_600, secondsMax: 3_600 };

/**
 * Whether this recipient may get one more mail that a stranger asked for. Counted before it is
 * queued, in the same transaction, so that parallel requests cannot pass together; the answer to
 * the request is the same either way (CWE-799, CWE-204).
 */
export async function mayMail(tx: Tx, folded: string): Promise<boolean> {
  const budget = { kind: 'mail', digest: digestOf(`mail ${folded}`), ...MAILS_AN_HOUR };
  return (await spendBudgets(tx, [budget])).length === 1;
}
