import { sql } from 'kysely';
import type { Tx } from './transaction.ts';

export interface NewSigningKey {
  readonly kid: string;
  readonly publicJwk: string;
  /** Encrypted. */
  readonly privateKey: string;
}

/** The key that signs now; undefined where there is none. */
export async function findSigningKey(
  tx: Tx,
): Promise<{ readonly kid: string; readonly privateKey: string } | undefined> {
  const row = await tx
    .selectFrom('sallyport.signing_keys')
    .where('signs_from', '<=', sql<Date>`now()`)
    .where((is) => is.or([is('signs_until', 'is', null), is('signs_until', '>', sql<Date>`now()`)]))
    .where('private_key', 'is not', null)
    .select(['kid', sql<string>`private_key`.as('privateKey')])
    .orderBy('signs_from', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row;
}

/** Private keys that were encrypted with another key than the one of this id. */
export async function findSigningKeysOfOtherKeys(
  tx: Tx,
  keyId: string,
): Promise<readonly { readonly kid: string; readonly privateKey: string }[]> {
  return await tx
    .selectFrom('sallyport.signing_keys')
    .where('private_key', 'not like', `${keyId}.%`)
    .select(['kid', sql<string>`private_key`.as('privateKey')])
    .execute();
}

/** The same private key in another encryption. */
export async function replacePrivateKey(tx: Tx, kid: string, privateKey: string): Promise<void> {
  await tx
    .updateTable('sallyport.signing_keys')
    .set({ private_key: privateKey })
    .where('kid', '=', kid)
    .where('private_key', 'is not', null)
    .execute();
}

/** The public halves that whoever verifies should know, newest first. */
export async function findPublishedKeys(tx: Tx): Promise<readonly string[]> {
  const rows = await tx
    .selectFrom('sallyport.signing_keys')
    .where((is) =>
      is.or([is('published_until', 'is', null), is('published_until', '>', sql<Date>`now()`)]),
    )
    .select('public_jwk')
    .orderBy('signs_from', 'desc')
    .execute();
  return rows.map(({ public_jwk }) => public_jwk);
}

/** Whether there is a key that is younger than so many days, or that does not sign yet. */
export async function hasSigningKey(tx: Tx, daysMax: number): Promise<boolean> {
  const row = await tx
    .selectFrom('sallyport.signing_keys')
    .where('signs_until', 'is', null)
    .where('created_at', '>', sql<Date>`now() - ${daysMax} * INTERVAL '1 day'`)
    .select('kid')
    .executeTakeFirst();
  return row !== undefined;
}

/** Adds a key that signs from so many seconds on. @returns when that is. */
export async function insertSigningKey(
  tx: Tx,
  key: NewSigningKey,
  inSeconds: number,
): Promise<Date> {
  const row = await tx
    .insertInto('sallyport.signing_keys')
    .values({
      kid: key.kid,
      public_jwk: key.publicJwk,
      private_key: key.privateKey,
      signs_from: sql<Date>`now() + ${inSeconds} * INTERVAL '1 second'`,
    })
    .returning('signs_from')
    .executeTakeFirstOrThrow();
  return row.signs_from;
}

/** Has every key that still signs stop then, and stay published as long again as is said. */
export async function endSigningKeys(
  tx: Tx,
  inSeconds: number,
  publishedSeconds: number,
): Promise<number> {
  const end = sql<Date>`GREATEST(signs_from, now() + ${inSeconds} * INTERVAL '1 second')`;
  const rows = await tx
    .updateTable('sallyport.signing_keys')
    .set({
      signs_until: end,
      published_until: sql<Date>`${end} + ${publishedSeconds} * INTERVAL '1 second'`,
    })
    .where('signs_until', 'is', null)
    .returning('kid')
    .execute();
  return rows.length;
}

export async function deleteSigningKeys(tx: Tx): Promise<void> {
  await tx.deleteFrom('sallyport.signing_keys').execute();
}
