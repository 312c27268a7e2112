import { sql } from 'kysely';
import type { Tx } from './transaction.ts';

export interface SignUp {
  readonly folded: string;
  readonly address: string;
  readonly displayName: string;
  /** Null where whoever follows the link chooses a passkey, or a password, behind it. */
  readonly passwordHash: string | null;
}

/** Where a sign-up came from, and the link that was mailed for it. */
export interface SignUpOrigin {
  /** The digest of the browser's secret; empty where it came from no browser of ours. */
  readonly browserDigest: string;
  readonly tokenDigest: string;
  /** Whether a program may confirm with the token and nothing else. */
  readonly tokenSuffices: boolean;
}

export interface PendingSignUp extends SignUpOrigin {
  readonly address: string;
  /** Whether its password may still be tried. */
  readonly takesPassword: boolean;
}

/** A sign-up without a password: its account gets a first credential behind the link. */
export interface OpenSignUp extends Pick<SignUp, 'address' | 'displayName'> {
  /** The one that its identity will have: a passkey is made for it before it is there. */
  readonly identityId: string;
}

/** Wrong passwords beside one token; after them only the browser of the sign-up can confirm it. */
const PASSWORD_TRIES_MAX = 5;

const LIVE = sql<boolean>`expires_at > now()`;

/** Keeps this sign-up until the address is proved. */
export async function insertSignUp(
  tx: Tx,
  signUp: SignUp,
  origin: SignUpOrigin,
  hours: number,
): Promise<void> {
  await tx
    .insertInto('sallyport.sign_ups')
    .values({
      folded: signUp.folded,
      browser_digest: origin.browserDigest,
      token_digest: origin.tokenDigest,
      token_suffices: origin.tokenSuffices,
      address: signUp.address,
      display_name: signUp.displayName,
      password_hash: signUp.passwordHash,
      expires_at: sql<Date>`now() + ${`${hours} hours`}::INTERVAL`,
    })
    .execute();
}

/** The sign-up that came from there before and still can be confirmed; for how many hours more. */
export async function findEarlierSignUp(
  tx: Tx,
  folded: string,
  browserDigest: string,
): Promise<
  { readonly address: string; readonly tokenDigest: string; readonly hoursLeft: number } | undefined
> {
  return await tx
    .selectFrom('sallyport.sign_ups')
    .where('folded', '=', folded)
    .where('browser_digest', '=', browserDigest)
    .where('expires_at', '>', sql<Date>`now() + INTERVAL '1 hour'`)
    .select([
      'address',
      'token_digest as tokenDigest',
      sql<number>`CAST(FLOOR(EXTRACT(EPOCH FROM expires_at - now()) / 3600) AS INT4)`.as(
        'hoursLeft',
      ),
    ])
    .executeTakeFirst();
}

/** From now on the sign-up that came from there is confirmed by this token. */
export async function replaceSignUpToken(
  tx: Tx,
  folded: string,
  browserDigest: string,
  tokenDigest: string,
): Promise<void> {
  await tx
    .updateTable('sallyport.sign_ups')
    .set({ token_digest: tokenDigest })
    .where('folded', '=', folded)
    .where('browser_digest', '=', browserDigest)
    .where('expires_at', '>', sql<Date>`now() + INTERVAL '1 hour'`)
    .execute();
}

/** Takes away the sign-up that came from there before, if any. @returns its token's digest. */
export async function deleteEarlierSignUp(
  tx: Tx,
  folded: string,
  browserDigest: string,
): Promise<string | undefined> {
  const row = await tx
    .deleteFrom('sallyport.sign_ups')
    .where('folded', '=', folded)
    .where('browser_digest', '=', browserDigest)
    .returning('token_digest')
    .executeTakeFirst();
  return row?.token_digest;
}

/** Whether somebody has signed up for the address in a browser, and not proved it yet. */
export async function hasBrowserSignUp(tx: Tx, folded: string): Promise<boolean> {
  const row = await tx
    .selectFrom('sallyport.sign_ups')
    .where('folded', '=', folded)
    .where('browser_digest', '<>', '')
    .where(LIVE)
    .select('folded')
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** The hash of the password that a token for the address would activate by itself. */
export async function findSufficingHash(tx: Tx, folded: string): Promise<string | undefined> {
  const row = await tx
    .selectFrom('sallyport.sign_ups')
    .where('folded', '=', folded)
    .where('token_suffices', '=', true)
    .where('password_hash', 'is not', null)
    .where(LIVE)
    .select('password_hash')
    .executeTakeFirst();
  return row?.password_hash ?? undefined;
}

/** The sign-up of this token, where it has no password; undefined where there is no such one. */
export async function findOpenSignUp(tx: Tx, tokenDigest: string): Promise<OpenSignUp | undefined> {
  return await tx
    .selectFrom('sallyport.sign_ups')
    .where('token_digest', '=', tokenDigest)
    .where('password_hash', 'is', null)
    .where(LIVE)
    .select(['address', 'display_name as displayName', 'identity_id as identityId'])
    .executeTakeFirst();
}

/** From now on no sign-up for the address is confirmed with its token alone. */
export async function requireMoreThanToken(tx: Tx, folded: string): Promise<void> {
  await tx
    .updateTable('sallyport.sign_ups')
    .set({ token_suffices: false })
    .where('folded', '=', folded)
    .where('token_suffices', '=', true)
    .execute();
}

/** What confirming the sign-up of this token takes; undefined where there is no such sign-up. */
export async function findPendingSignUp(
  tx: Tx,
  tokenDigest: string,
): Promise<PendingSignUp | undefined> {
  const row = await tx
    .selectFrom('sallyport.sign_ups')
    .where('token_digest', '=', tokenDigest)
    .where(LIVE)
    .select(['address', 'browser_digest', 'token_suffices', 'password_tries'])
    .executeTakeFirst();
  return (
    row && {
      address: row.address,
      browserDigest: row.browser_digest,
      tokenDigest,
      tokenSuffices: row.token_suffices,
      takesPassword: row.password_tries < PASSWORD_TRIES_MAX,
    }
  );
}

/**
 * Counts one more try of a password beside this token, before the password is looked at: parallel
 * guesses cannot pass the limit together (R-50).
 * @returns the hash to try it on; undefined where there is none, or no try is left.
 */
export async function countPasswordTry(
  tx: Tx,
  tokenDigest: string,
): Promise<{ readonly address: string; readonly passwordHash: string } | undefined> {
  const row = await tx
    .updateTable('sallyport.sign_ups')
    .set({ password_tries: sql<number>`password_tries + 1` })
    .where('token_digest', '=', tokenDigest)
    .where('password_tries', '<', PASSWORD_TRIES_MAX)
    .where('password_hash', 'is not', null)
    .where(LIVE)
    .returning(['address', 'password_hash'])
    .executeTakeFirst();
  return row?.password_hash ? { address: row.address, passwordHash: row.password_hash } : undefined;
}

/** Takes the token's sign-up away; undefined when there is none that has not expired. */
export async function consumeSignUp(
  tx: Tx,
  tokenDigest: string,
): Promise<(SignUp & Pick<OpenSignUp, 'identityId'>) | undefined> {
  const row = await tx
    .deleteFrom('sallyport.sign_ups')
    .where('token_digest', '=', tokenDigest)
    .where(LIVE)
    .returning(['folded', 'address', 'display_name', 'password_hash', 'identity_id'])
    .executeTakeFirst();
  return (
    row && {
      identityId: row.identity_id,
      folded: row.folded,
      address: row.address,
      displayName: row.display_name,
      passwordHash: row.password_hash,
    }
  );
}

/** Nothing that anybody typed at sign-up outlives the first proof of the address (R-43). */
export async function deleteSignUps(tx: Tx, folded: string): Promise<void> {
  await tx.deleteFrom('sallyport.sign_ups').where('folded', '=', folded).execute();
}
