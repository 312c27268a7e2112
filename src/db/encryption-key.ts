import type { Tx } from './transaction.ts';

/**
 * Notes the key's fingerprint at the first use, and in place of one of the keys that were in force
 * before it. @returns the fingerprint that the database knows.
 */
export async function noteKeyFingerprint(
  tx: Tx,
  fingerprint: string,
  previous: readonly string[] = [],
): Promise<string> {
  await tx
    .insertInto('sallyport.encryption_key')
    .values({ fingerprint })
    .onConflict((conflict) => conflict.column('singleton').doNothing())
    .execute();
  if (previous.length > 0) {
    await tx
      .updateTable('sallyport.encryption_key')
      .set({ fingerprint })
      .where('fingerprint', 'in', previous)
      .execute();
  }
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
