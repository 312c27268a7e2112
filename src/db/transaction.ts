import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type pg from 'pg';
import { runBatch, runStatement, type Statement } from './batch.ts';
import { kyselyOn } from './dialect.ts';
import {
  DatabaseUnavailableError,
  isAmbiguous,
  isSerializationFailure,
  TooMuchContentionError,
  UnknownOutcomeError,
} from './errors.ts';
import { isConnectionLoss, leaveTransaction, type Pool } from './pool.ts';
import type { Tables } from './schema.ts';

/** A transaction in progress: what every function of db/ takes first. */
export type Tx = Kysely<Tables>;

/** With 25 ms doubled up to a second, the last of them comes about 8 s after the first. */
const ATTEMPTS_MAX = 12;
const BACKOFF_FIRST_MILLISECONDS = 25;
const BACKOFF_MAX_MILLISECONDS = 1_000;

/**
 * Runs the callback in one SERIALIZABLE transaction and commits it. On a serialization failure, at
 * any statement or at COMMIT, the whole callback runs again: it may have no effect but SQL.
 * https://www.cockroachlabs.com/docs/stable/transaction-retry-error-reference
 *
 * `opening` goes out in one flush with BEGIN, so that no statement runs without it.
 *
 * @throws UnknownOutcomeError when the connection is lost, or 40003 comes, at COMMIT.
 * @throws DatabaseUnavailableError when it is lost before COMMIT was sent: nothing was committed.
 * @throws TooMuchContentionError when every attempt met a serialization failure.
 */
export async function runTransaction<T>(
  pool: Pool,
  opening: readonly Statement[],
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  return await pool.withClient(async (client) => {
    const begin = { sql: 'BEGIN ISOLATION LEVEL SERIALIZABLE', parameters: [] };
    return await retrySerializationFailures(async () => {
      let committing = false;
      try {
        await runBatch(client, [begin, ...opening], { idleAfter: false });
        const result = await work(kyselyOn(client));
        committing = true;
        await commit(client);
        return result;
      } catch (error) {
        throw await afterFailure(client, error, committing);
      }
    });
  });
}

/**
 * Runs the work until it does not end in a serialization failure, with capped, jittered backoff.
 * @throws TooMuchContentionError after the last attempt.
 */
export async function retrySerializationFailures<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isSerializationFailure(error)) throw error;
      if (attempt === ATTEMPTS_MAX) {
        throw new TooMuchContentionError('serialization failures', { cause: error });
      }
      const ceiling = Math.min(BACKOFF_FIRST_MILLISECONDS * 2 ** attempt, BACKOFF_MAX_MILLISECONDS);
      await sleep(randomInt(ceiling / 2, ceiling + 1));
    }
  }
}

/** A COMMIT of a failed transaction answers ROLLBACK and no error: its tag decides. */
async function commit(client: pg.PoolClient): Promise<void> {
  const { command } = await runStatement(client, 'COMMIT');
  if (command !== 'COMMIT') throw new Error(`COMMIT was answered with ${command}`);
}

/** Leaves the failed transaction and says what its failure means. */
export async function afterFailure(
  client: pg.PoolClient,
  error: unknown,
  committing: boolean,
): Promise<unknown> {
  if (isAmbiguous(error)) return new UnknownOutcomeError('ambiguous commit', { cause: error });
  if (isConnectionLoss(client, error)) {
    return committing
      ? new UnknownOutcomeError('connection lost at COMMIT', { cause: error })
      : new DatabaseUnavailableError('connection lost', { cause: error });
  }
  await leaveTransaction(client);
  return error;
}
