import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { OWN_IDENTITY } from './first-wall.ts';
import type { Tx } from './transaction.ts';

/**
 * Whether a list of compromised passwords has been asked about this one: it is not in it, it is, or
 * nobody could be asked yet.
 */
export type LeakCheck = 'passed' | 'failed' | 'due';

export async function findPasswordHash(tx: Tx, identityId: string): Promise<string | undefined> {
  const row = await tx
    .selectFrom('sallyport.passwords')
    .where('identity_id', '=', identityId)
    .select('hash')
    .executeTakeFirst();
  return row?.hash;
}

/** One row where the request's own identity has a password. */
export const ownPassword: Statement = build
  .selectFrom('sallyport.passwords')
  .where('identity_id', '=', OWN_IDENTITY)
  .select('changed_at as changedAt')
  .compile();

/** Replaces the hash that was verified; false when it is no longer that one. */
export async function replacePasswordHash(
  tx: Tx,
  identityId: string,
  verified: string,
  next: { readonly hash: string; readonly leakCheck: LeakCheck },
): Promise<boolean> {
  const row = await tx
    .updateTable('sallyport.passwords')
    .set({ hash: next.hash, leak_check: next.leakCheck, changed_at: sql<Date>`now()` })
    .where('identity_id', '=', identityId)
    .where('hash', '=', verified)
    .returning('identity_id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Gives an identity without a password its first; false where it has one. */
export async function insertPasswordHash(
  tx: Tx,
  identityId: string,
  { hash, leakCheck }: { readonly hash: string; readonly leakCheck: LeakCheck },
): Promise<boolean> {
  const row = await tx
    .insertInto('sallyport.passwords')
    .values({ identity_id: identityId, hash, leak_check: leakCheck })
    .onConflict((conflict) => conflict.column('identity_id').doNothing())
    .returning('identity_id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Takes the identity's password away; false where it has none. */
export async function deletePasswordHash(tx: Tx, identityId: string): Promise<boolean> {
  const row = await tx
    .deleteFrom('sallyport.passwords')
    .where('identity_id', '=', identityId)
    .returning('identity_id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Notes what the list said of the password that was verified, unless it was replaced meanwhile. */
export async function noteLeakCheck(
  tx: Tx,
  identityId: string,
  verified: string,
  leakCheck: LeakCheck,
): Promise<void> {
  await tx
    .updateTable('sallyport.passwords')
    .set({ leak_check: leakCheck })
    .where('identity_id', '=', identityId)
    .where('hash', '=', verified)
    .execute();
}

/** Gives the identity a password, whether or not it has one. */
export async function setPasswordHash(
  tx: Tx,
  identityId: string,
  { hash, leakCheck }: { readonly hash: string; readonly leakCheck: LeakCheck },
): Promise<void> {
  const changed = { hash, leak_check: leakCheck, changed_at: sql<Date>`now()` };
  await tx
    .insertInto('sallyport.passwords')
    .values({ identity_id: identityId, ...changed })
    .onConflict((conflict) => conflict.column('identity_id').doUpdateSet(changed))
    .execute();
}
