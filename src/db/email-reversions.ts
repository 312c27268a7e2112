import { sql } from 'kysely';
import type { Tx } from './transaction.ts';

export interface EmailReversion {
  readonly identityId: string;
  readonly folded: string;
  readonly address: string;
}

/** A way back that was taken, and when it was opened. */
export interface TakenReversion extends EmailReversion {
  readonly createdAt: Date;
}

/** Keeps the way back to an address open for so many days. */
export async function insertEmailReversion(
  tx: Tx,
  reversion: EmailReversion,
  tokenDigest: string,
  days: number,
): Promise<void> {
  await tx
    .insertInto('sallyport.email_reversions')
    .values({
      token_digest: tokenDigest,
      identity_id: reversion.identityId,
      folded: reversion.folded,
      address: reversion.address,
      expires_at: sql<Date>`now() + ${`${days} days`}::INTERVAL`,
    })
    .execute();
}

/** Consumes the token in one statement; of parallel redemptions one gets the row. */
export async function consumeEmailReversion(
  tx: Tx,
  tokenDigest: string,
): Promise<TakenReversion | undefined> {
  return await tx
    .deleteFrom('sallyport.email_reversions')
    .where('token_digest', '=', tokenDigest)
    .where('expires_at', '>', sql<Date>`now()`)
    .returning(['identity_id as identityId', 'folded', 'address', 'created_at as createdAt'])
    .executeTakeFirst();
}

/**
 * Closes the ways back to addresses that came after this one: whoever had set those must not undo
 * what its owner has just undone.
 */
export async function deleteLaterReversions(tx: Tx, taken: TakenReversion): Promise<void> {
  await tx
    .deleteFrom('sallyport.email_reversions')
    .where('identity_id', '=', taken.identityId)
    .where('created_at', '>=', taken.createdAt)
    .execute();
}

/** Whose address this was, and may be again; undefined where nobody's. */
export async function findReservation(tx: Tx, folded: string): Promise<EmailReversion | undefined> {
  return await tx
    .selectFrom('sallyport.email_reversions')
    .where('folded', '=', folded)
    .where('expires_at', '>', sql<Date>`now()`)
    .select(['identity_id as identityId', 'folded', 'address'])
    .executeTakeFirst();
}
