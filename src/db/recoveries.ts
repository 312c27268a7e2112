import { sql } from 'kysely';
import type { Tx } from './transaction.ts';

/** Whose password a token lets be chosen anew. */
export interface Recovery {
  readonly identityId: string;
  readonly email: string;
  readonly displayName: string;
}

/**
 * Notes the token that was mailed to this address, in place of an earlier one: the newest alone
 * works. An address without an identity gets a row like any other, which opens nothing.
 */
export async function replaceRecovery(
  tx: Tx,
  folded: string,
  identityId: string | null,
  tokenDigest: string,
  minutes: number,
): Promise<void> {
  const row = {
    identity_id: identityId,
    token_digest: tokenDigest,
    created_at: sql<Date>`now()`,
    expires_at: sql<Date>`now() + ${`${minutes} minutes`}::INTERVAL`,
  };
  await tx
    .insertInto('sallyport.recoveries')
    .values({ folded, ...row })
    .onConflict((conflict) => conflict.column('folded').doUpdateSet(row))
    .execute();
}

/**
 * Whom the token is for, while it works: its address must still be theirs, and they not disabled.
 */
export async function findRecovery(tx: Tx, tokenDigest: string): Promise<Recovery | undefined> {
  return await tx
    .selectFrom('sallyport.recoveries as r')
    .innerJoin('sallyport.email_addresses as e', (join) =>
      join.onRef('e.identity_id', '=', 'r.identity_id').onRef('e.folded', '=', 'r.folded'),
    )
    .innerJoin('sallyport.identities as i', 'i.id', 'r.identity_id')
    .innerJoin('sallyport.profiles as p', 'p.identity_id', 'i.id')
    .where('r.token_digest', '=', tokenDigest)
    .where('r.expires_at', '>', sql<Date>`now()`)
    .where('i.disabled_at', 'is', null)
    .select(['i.id as identityId', 'e.address as email', 'p.display_name as displayName'])
    .executeTakeFirst();
}

/** Consumes the token in one statement; of parallel redemptions one gets the row (R-39). */
export async function consumeRecovery(tx: Tx, tokenDigest: string): Promise<boolean> {
  const row = await tx
    .deleteFrom('sallyport.recoveries')
    .where('token_digest', '=', tokenDigest)
    .where('expires_at', '>', sql<Date>`now()`)
    .returning('folded')
    .executeTakeFirst();
  return row !== undefined;
}
