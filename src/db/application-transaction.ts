import { runBatch, type Statement, type StatementResult } from './batch.ts';
import type { Pool } from './pool.ts';
import { afterFailure, retrySerializationFailures } from './transaction.ts';

/** How a transaction of the application begins and ends on this engine. */
export interface TransactionFrame {
  /** BEGIN, the proof and the decision; they leave with the first statement. */
  readonly opening: readonly Statement[];
  /** COMMIT, and what leaves the connection as it was. */
  readonly closing: readonly Statement[];
}

/** One statement of the transaction. */
export type RunInTransaction = (statement: Statement) => Promise<StatementResult>;

/**
 * Runs the callback in one transaction, which its first statement opens: BEGIN, the proof, the
 * decision and that statement are one round trip. The whole callback runs again on a serialization
 * failure. After a statement that failed no other is sent, and nothing is committed, even if the
 * callback returns: on PostgreSQL the transaction is lost anyway, and a BEGIN that failed would
 * leave the next statement outside of any.
 *
 * @throws UnknownOutcomeError when the connection is lost, or 40003 comes, at COMMIT.
 * @throws DatabaseUnavailableError when it is lost before COMMIT was sent: nothing was committed.
 * @throws TooMuchContentionError when every attempt met a serialization failure.
 */
export async function runApplicationTransaction<T>(
  pool: Pool,
  frame: TransactionFrame,
  work: (run: RunInTransaction) => Promise<T>,
): Promise<T> {
  const attempt = async () =>
    await pool.withClient(async (client) => {
      const { opening, closing } = frame;
      let committing = false;
      let failure: { readonly error: unknown } | null = null;
      let over = false;
      let opened = false;
      let last: Promise<unknown> = Promise.resolve();

      const send = async (statement: Statement): Promise<StatementResult> => {
        if (failure) throw failure.error;
        const before = opened ? [] : opening;
        opened = true;
        try {
          const results = await runBatch(client, [...before, statement], { idleAfter: false });
          return results[before.length] as StatementResult;
        } catch (error) {
          failure = { error };
          throw error;
        }
      };
      const run: RunInTransaction = async (statement) => {
        if (over) throw new Error('the transaction is over: await its queries in the callback');
        const result = last.then(() => send(statement));
        last = result.catch(() => {});
        return await result;
      };

      try {
        const result = await work(run);
        over = true;
        await last;
        if (failure) throw (failure as { error: unknown }).error;
        if (!opened) return result;
        committing = true;
        const [committed] = await runBatch(client, closing, { idleAfter: false });
        // A COMMIT of a failed transaction answers ROLLBACK and no error: its tag decides.
        if (committed?.command !== 'COMMIT') {
          throw new Error(`COMMIT was answered with ${committed?.command}`);
        }
        return result;
      } catch (error) {
        over = true;
        await last;
        throw await afterFailure(client, error, committing);
      }
    });
  return await retrySerializationFailures(attempt, (retries) => pool.inTurn(retries));
}
