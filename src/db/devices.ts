import { sql } from 'kysely';
import type { Tx } from './transaction.ts';

/** A browser is forgotten so long after the sign-in that made it known. */
const REMEMBERED = sql<Date>`now() + INTERVAL '400 days'`;

/** Of one person's browsers the newest so many are remembered. */
const DEVICES_MAX = 20;

/** Whether this identity has signed in before in the browser that holds this secret. */
export async function isDevice(tx: Tx, identityId: string, secretDigest: string): Promise<boolean> {
  const row = await tx
    .selectFrom('sallyport.devices')
    .where('identity_id', '=', identityId)
    .where('secret_digest', '=', secretDigest)
    .where('expires_at', '>', sql<Date>`now()`)
    .select('identity_id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Whether any browser of this identity is remembered. */
export async function hasDevice(tx: Tx, identityId: string): Promise<boolean> {
  const row = await tx
    .selectFrom('sallyport.devices')
    .where('identity_id', '=', identityId)
    .select('identity_id')
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

export async function insertDevice(tx: Tx, identityId: string, secretDigest: string) {
  await tx
    .insertInto('sallyport.devices')
    .values({ identity_id: identityId, secret_digest: secretDigest, expires_at: REMEMBERED })
    .execute();
}

/** The browser gets another secret, and whoever else has signed in there keeps it. */
export async function replaceDeviceSecret(tx: Tx, replaced: string, by: string): Promise<void> {
  await tx
    .updateTable('sallyport.devices')
    .set({ secret_digest: by })
    .where('secret_digest', '=', replaced)
    .execute();
}

/** Forgets the oldest, beyond what is remembered of one person. */
export async function deleteOldestDevices(tx: Tx, identityId: string): Promise<void> {
  const kept = tx
    .selectFrom('sallyport.devices')
    .where('identity_id', '=', identityId)
    .orderBy('created_at', 'desc')
    .limit(DEVICES_MAX)
    .select('secret_digest');
  await tx
    .deleteFrom('sallyport.devices')
    .where('identity_id', '=', identityId)
    .where('secret_digest', 'not in', kept)
    .execute();
}

/** Forgets the browsers of an identity, all or all but the one of this secret. */
export async function deleteDevices(
  tx: Tx,
  identityId: string,
  except: string | null,
): Promise<void> {
  let query = tx.deleteFrom('sallyport.devices').where('identity_id', '=', identityId);
  if (except !== null) query = query.where('secret_digest', '!=', except);
  await query.execute();
}
