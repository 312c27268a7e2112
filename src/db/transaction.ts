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
 * Runs the callback in one transaction, SERIALIZABLE unless said, and commits it. On a
 * serialization failure, at any statement or at COMMIT, the whole callback runs again: it may have
 * no effect but SQL.
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
  isolation: 'SERIALIZABLE' | 'READ COMMITTED' = 'SERIALIZABLE',
): Promise<T> {
  const begin = { sql: `BEGIN ISOLATION LEVEL ${isolation}`, parameters: [] };
  const attempt = async () =>
    await pool.withClient(async (client) => {
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
  return await retrySerializationFailures(attempt, (retries) => pool.inTurn(retries));
}

/**
 * Runs the work until it does not end in a serialization failure, with capped, jittered backoff. It
 * takes a connection for each attempt, and none while it waits: contention on one row would else
 * use the pool up and keep those from working who have nothing to do with it (CWE-400).
 * @throws TooMuchContentionError after the last attempt.
 */
export async function retrySerializationFailures<T>(
  work: () => Promise<T>,
  inTurn: <U>(retries: () => Promise<U>) => Promise<U> = async (retries) => await retries(),
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isSerializationFailure(error)) throw error;
  }
  return await inTurn(async () => {
    for (let attempt = 2; ; attempt++) {
      const pause = Math.min(
        BACKOFF_FIRST_MILLISECONDS * 2 ** (attempt - 1),
        BACKOFF_MAX_MILLISECONDS,
      );
      await sleep(randomInt(pause / 2, pause + 1));
      try {
        return await work();
      } catch (error) {
        if (!isSerializationFailure(error)) throw error;
        if (attempt < ATTEMPTS_MAX) continue;
        throw new TooMuchContentionError('serialization failures', { cause: error });
      }
    }
  });
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
