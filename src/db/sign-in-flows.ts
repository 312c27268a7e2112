import { sql } from 'kysely';
import type { Tx } from './transaction.ts';

export interface SignInFlow {
  readonly identityId: string;
  /** Of the hash of the password that was proved; null where a provider's word was. */
  readonly passwordDigest: string | null;
  /** The account at a provider that was proved, whose end is the flow's. */
  readonly linkId: string | null;
  readonly returnTo: string | null;
  readonly expiresAt: Date;
}

/** Notes a sign-in whose first factor is proved, for five minutes. @returns until when. */
export async function insertSignInFlow(
  tx: Tx,
  digest: string,
  flow: Omit<SignInFlow, 'expiresAt'>,
): Promise<Date> {
  const row = await tx
    .insertInto('sallyport.sign_in_flows')
    .values({
      digest,
      identity_id: flow.identityId,
      password_digest: flow.passwordDigest,
      link_id: flow.linkId,
      return_to: flow.returnTo,
      expires_at: sql<Date>`now() + INTERVAL '5 minutes'`,
    })
    .returning('expires_at')
    .executeTakeFirstOrThrow();
  return row.expires_at;
}

const COLUMNS = [
  'identity_id as identityId',
  'password_digest as passwordDigest',
  'link_id as linkId',
  'return_to as returnTo',
  'expires_at as expiresAt',
] as const;

/** A sign-in under way that has a try left. */
export async function findSignInFlow(
  tx: Tx,
  digest: string,
  triesMax: number,
): Promise<SignInFlow | undefined> {
  return await tx
    .selectFrom('sallyport.sign_in_flows')
    .where('digest', '=', digest)
    .where('expires_at', '>', sql<Date>`now()`)
    .where('tries', '<', triesMax)
    .select(COLUMNS)
    .executeTakeFirst();
}

/** Counts a try before it is judged; undefined where there is no such flow, or no try left. */
export async function countSignInTry(
  tx: Tx,
  digest: string,
  triesMax: number,
): Promise<SignInFlow | undefined> {
  return await tx
    .updateTable('sallyport.sign_in_flows')
    .set({ tries: sql<number>`tries + 1` })
    .where('digest', '=', digest)
    .where('expires_at', '>', sql<Date>`now()`)
    .where('tries', '<', triesMax)
    .returning(COLUMNS)
    .executeTakeFirst();
}

/** Ends a sign-in under way; false where another request has done so. */
export async function deleteSignInFlow(tx: Tx, digest: string): Promise<boolean> {
  const row = await tx
    .deleteFrom('sallyport.sign_in_flows')
    .where('digest', '=', digest)
    .where('expires_at', '>', sql<Date>`now()`)
    .returning('digest')
    .executeTakeFirst();
  return row !== undefined;
}
