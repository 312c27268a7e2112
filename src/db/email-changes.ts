import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { OWN_IDENTITY } from './first-wall.ts';
import type { Tx } from './transaction.ts';

export interface EmailChange {
  readonly identityId: string;
  readonly oldFolded: string;
  readonly folded: string;
  readonly address: string;
}

/** Makes this the identity's only change under way; an earlier one's link is dead. */
export async function replaceEmailChange(
  tx: Tx,
  change: EmailChange,
  tokenDigest: string,
  hours: number,
): Promise<void> {
  const row = {
    token_digest: tokenDigest,
    old_folded: change.oldFolded,
    folded: change.folded,
    address: change.address,
    created_at: sql<Date>`now()`,
    expires_at: sql<Date>`now() + ${`${hours} hours`}::INTERVAL`,
  };
  await tx
    .insertInto('sallyport.email_changes')
    .values({ identity_id: change.identityId, ...row })
    .onConflict((conflict) => conflict.column('identity_id').doUpdateSet(row))
    .execute();
}

/**
 * Consumes the change's token in one statement; of parallel redemptions one gets the row (R-39).
 */
export async function consumeEmailChange(
  tx: Tx,
  tokenDigest: string,
): Promise<EmailChange | undefined> {
  return await tx
    .deleteFrom('sallyport.email_changes')
    .where('token_digest', '=', tokenDigest)
    .where('expires_at', '>', sql<Date>`now()`)
    .returning(['identity_id as identityId', 'old_folded as oldFolded', 'folded', 'address'])
    .executeTakeFirst();
}

export async function deleteEmailChange(tx: Tx, identityId: string): Promise<void> {
  await tx.deleteFrom('sallyport.email_changes').where('identity_id', '=', identityId).execute();
}

/** The change under way of the request's own identity. */
export const ownEmailChange: Statement = build
  .selectFrom('sallyport.email_changes')
  .where('identity_id', '=', OWN_IDENTITY)
  .where('expires_at', '>', sql<Date>`now()`)
  .select(['address', 'expires_at as expiresAt'])
  .compile();
