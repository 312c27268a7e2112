import { sql } from 'kysely';
import type { Tx } from './transaction.ts';

/** So much of something within a window of time. */
export interface Budget {
  /** For those who operate the service; it says nothing of whom. */
  readonly kind: string;
  /** The digest of the kind and of who or what is counted. */
  readonly digest: string;
  readonly quota: number;
  /** How long a window lasts; twice as long after each that was used up. */
  readonly seconds: number;
  readonly secondsMax: number;
}

/** What was taken of a budget. */
export interface Spent {
  readonly digest: string;
  readonly spent: number;
  /** Which window it was taken of. */
  readonly window: string;
}

/**
 * Takes one of each budget that has one left, in one statement: whoever else wants the same row
 * waits for it, and then meets what was left. The rows are locked in the order given, which
 * must be the same for everybody. A transaction that finds a budget missing in the answer, and
 * needs them all, has to be rolled back.
 */
export async function spendBudgets(tx: Tx, budgets: readonly Budget[]): Promise<readonly Spent[]> {
  const rows = budgets.map(
    ({ kind, digest, quota, seconds, secondsMax }) =>
      sql`(${digest}::TEXT, ${kind}::TEXT, ${quota}::INT4, ${seconds}::INT4, ${secondsMax}::INT4, 1, 0,
        now() + ${seconds}::INT4 * INTERVAL '1 second',
        now() + (${seconds}::INT4 + ${secondsMax}::INT4) * INTERVAL '1 second')`,
  );
  const open = sql`b.ends_at > now()`;
  // A window that was used up makes the next one longer, any other one shorter again.
  const rounds = sql`CASE WHEN b.expires_at <= now() THEN 0 WHEN b.spent >= b.quota THEN LEAST(b.rounds + 1, 16) ELSE GREATEST(b.rounds - 1, 0) END`;
  const length = sql`LEAST(CAST(excluded.seconds AS INT8) << (${rounds}), excluded.seconds_max)`;
  const { rows: spent } = await sql<Spent>`
    INSERT INTO sallyport.budgets AS b (digest, kind, quota, seconds, seconds_max, spent, rounds, ends_at, expires_at)
    VALUES ${sql.join(rows)}
    ON CONFLICT (digest) DO UPDATE SET
      quota = excluded.quota,
      seconds = excluded.seconds,
      seconds_max = excluded.seconds_max,
      spent = CASE WHEN ${open} THEN b.spent + 1 ELSE 1 END,
      rounds = CASE WHEN ${open} THEN b.rounds ELSE ${rounds} END,
      ends_at = CASE WHEN ${open} THEN b.ends_at ELSE now() + ${length} * INTERVAL '1 second' END,
      expires_at = CASE WHEN ${open} THEN b.expires_at ELSE now() + (${length} + excluded.seconds_max) * INTERVAL '1 second' END
    WHERE NOT ${open} OR b.spent < excluded.quota
    RETURNING digest, spent, CAST(ends_at AS TEXT) AS window`.execute(tx);
  return spent;
}

/**
 * Gives back what was taken, to the windows that it was taken of; one that has ended gets nothing.
 * Locks rows in the order given, as spendBudgets does.
 */
export async function refundBudgets(
  tx: Tx,
  taken: ReadonlyArray<{ readonly budget: Budget; readonly window: string }>,
): Promise<void> {
  const rows = taken.map(
    ({ budget: { kind, digest, quota, seconds, secondsMax }, window }) =>
      sql`(${digest}::TEXT, ${kind}::TEXT, ${quota}::INT4, ${seconds}::INT4, ${secondsMax}::INT4, 0, 0,
        ${window}::TIMESTAMPTZ, ${window}::TIMESTAMPTZ)`,
  );
  await sql`
    INSERT INTO sallyport.budgets AS b (digest, kind, quota, seconds, seconds_max, spent, rounds, ends_at, expires_at)
    VALUES ${sql.join(rows)}
    ON CONFLICT (digest) DO UPDATE SET spent = b.spent - 1
    WHERE b.ends_at = excluded.ends_at AND b.spent > 0`.execute(tx);
}

/** How long it takes until each of these has something left; 0 where all have. */
export async function secondsUntilAll(tx: Tx, digests: readonly string[]): Promise<number> {
  const { seconds } = await tx
    .selectFrom('sallyport.budgets')
    .where('digest', 'in', digests)
    .where('ends_at', '>', sql<Date>`now()`)
    .whereRef('spent', '>=', 'quota')
    .select(
      sql<number>`CAST(COALESCE(CEIL(MAX(EXTRACT(EPOCH FROM ends_at - now()))), 0) AS INT4)`.as(
        'seconds',
      ),
    )
    .executeTakeFirstOrThrow();
  return seconds;
}

/** Forgets what was counted: the next one finds the whole budget. */
export async function deleteBudget(tx: Tx, digest: string): Promise<void> {
  await tx.deleteFrom('sallyport.budgets').where('digest', '=', digest).execute();
}
