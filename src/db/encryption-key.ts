import type { Tx } from './transaction.ts';

/**
 * Notes the key's fingerprint at the first use. @returns the fingerprint that the database knows.
 */
export async function noteKeyFingerprint(tx: Tx, fingerprint: string): Promise<string> {
  await tx
    .insertInto('sallyport.encryption_key')
    .values({ fingerprint })
    .onConflict((conflict) => conflict.column('singleton').doNothing())
    .execute();
  const row = await tx
    .selectFrom('sallyport.encryption_key')
    .select('fingerprint')
    .executeTakeFirstOrThrow();
  return row.fingerprint;
}

/** The fingerprint that the database knows, undefined before the first use. */
export async function findKeyFingerprint(tx: Tx): Promise<string | undefined> {
  const row = await tx
    .selectFrom('sallyport.encryption_key')
    .select('fingerprint')
    .executeTakeFirst();
  return row?.fingerprint;
}
