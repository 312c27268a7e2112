import { sql } from 'kysely';
import type { Tables } from './schema.ts';
import type { Tx } from './transaction.ts';

export type OneTimePurpose = Tables['sallyport.one_time_tokens']['purpose'];

/** Makes the token in place of an earlier one of its purpose, whose digest this is. */
export async function replaceOneTimeToken(
  tx: Tx,
  replaced: string | undefined,
  token: { readonly purpose: OneTimePurpose; readonly digest: string; readonly folded: string },
  hours: number,
): Promise<void> {
  if (replaced !== undefined) {
    await tx
      .deleteFrom('sallyport.one_time_tokens')
      .where('purpose', '=', token.purpose)
      .where('digest', '=', replaced)
      .execute();
  }
  await tx
    .insertInto('sallyport.one_time_tokens')
    .values({ ...token, expires_at: sql<Date>`now() + ${`${hours} hours`}::INTERVAL` })
    .execute();
}

/**
 * Consumes the token in one statement, purpose and expiry in its WHERE, so that of any number of
 * parallel redemptions one gets the address and the others undefined (R-39, CWE-294).
 */
export async function consumeOneTimeToken(
  tx: Tx,
  purpose: OneTimePurpose,
  digest: string,
): Promise<string | undefined> {
  const row = await tx
    .updateTable('sallyport.one_time_tokens')
    .set({ consumed_at: sql<Date>`now()` })
    .where('purpose', '=', purpose)
    .where('digest', '=', digest)
    .where('consumed_at', 'is', null)
    .where('expires_at', '>', sql<Date>`now()`)
    .returning('folded')
    .executeTakeFirst();
  return row?.folded;
}

/** Voids whatever was mailed to these addresses, of any purpose. */
export async function deleteOneTimeTokens(tx: Tx, folded: readonly string[]): Promise<void> {
  await tx.deleteFrom('sallyport.one_time_tokens').where('folded', 'in', folded).execute();
}
