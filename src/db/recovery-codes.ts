import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { OWN_IDENTITY } from './first-wall.ts';
import type { Tx } from './transaction.ts';

/** Gives the identity this set of codes in place of every earlier one; none takes all away. */
export async function replaceRecoveryCodes(
  tx: Tx,
  identityId: string,
  digests: readonly string[],
): Promise<void> {
  await tx.deleteFrom('sallyport.recovery_codes').where('identity_id', '=', identityId).execute();
  if (digests.length === 0) return;
  await tx
    .insertInto('sallyport.recovery_codes')
    .values(digests.map((digest) => ({ identity_id: identityId, digest, used_at: null })))
    .execute();
}

/** Uses a code up, in one statement: of parallel uses one gets true (ASVS 6.5.1, CWE-294). */
export async function consumeRecoveryCode(
  tx: Tx,
  identityId: string,
  digest: string,
): Promise<boolean> {
  const row = await tx
    .updateTable('sallyport.recovery_codes')
    .set({ used_at: sql<Date>`now()` })
    .where('identity_id', '=', identityId)
    .where('digest', '=', digest)
    .where('used_at', 'is', null)
    .returning('digest')
    .executeTakeFirst();
  return row !== undefined;
}

export async function countRecoveryCodes(tx: Tx, identityId: string): Promise<number> {
  const { left } = await tx
    .selectFrom('sallyport.recovery_codes')
    .where('identity_id', '=', identityId)
    .where('used_at', 'is', null)
    .select(sql<number>`CAST(count(*) AS INT4)`.as('left'))
    .executeTakeFirstOrThrow();
  return left;
}

/** How many codes the request's own identity has left, and since when; no row where it has none. */
export const ownRecoveryCodes: Statement = build
  .selectFrom('sallyport.recovery_codes')
  .where('identity_id', '=', OWN_IDENTITY)
  .select(sql<number>`CAST(count(*) FILTER (WHERE used_at IS NULL) AS INT4)`.as('left'))
  .select(sql<Date | null>`max(created_at)`.as('createdAt'))
  .compile();
