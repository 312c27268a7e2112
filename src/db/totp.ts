import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { OWN_IDENTITY } from './first-wall.ts';
import type { Tx } from './transaction.ts';

/** A secret as it is stored, and the time by the database's clock, in seconds since 1970. */
export interface TotpSecretRow {
  readonly secret: string;
  readonly nowSeconds: number;
}

const NOW_SECONDS = sql<number>`CAST(floor(extract(epoch FROM now())) AS FLOAT8)`;

export async function findTotp(
  tx: Tx,
  identityId: string,
): Promise<(TotpSecretRow & { readonly id: string }) | undefined> {
  return await tx
    .selectFrom('sallyport.totp_authenticators')
    .where('identity_id', '=', identityId)
    .select(['id', 'secret', NOW_SECONDS.as('nowSeconds')])
    .executeTakeFirst();
}

/**
 * Accepts a time step once: of any number of parallel uses of one code, or of an older one, one
 * gets true (ASVS 6.5.1, NIST SP 800-63B-4 3.1.4.2; CWE-294).
 */
export async function consumeTotpStep(tx: Tx, id: string, step: number): Promise<boolean> {
  const row = await tx
    .updateTable('sallyport.totp_authenticators')
    .set({ last_step: String(step), last_used_at: sql<Date>`now()` })
    .where('id', '=', id)
    .where('last_step', '<', String(step))
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** @returns its id; throws a unique violation where the identity has one. */
export async function insertTotp(
  tx: Tx,
  identityId: string,
  secret: string,
  step: number,
): Promise<string> {
  const { id } = await tx
    .insertInto('sallyport.totp_authenticators')
    .values({ identity_id: identityId, secret, last_step: String(step) })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

/** @returns the id of what was removed. */
export async function deleteTotp(tx: Tx, identityId: string): Promise<string | undefined> {
  const row = await tx
    .deleteFrom('sallyport.totp_authenticators')
    .where('identity_id', '=', identityId)
    .returning('id')
    .executeTakeFirst();
  return row?.id;
}

/** Begins an enrolment, in place of one that was not finished. */
export async function replaceTotpEnrolment(
  tx: Tx,
  enrolment: { readonly identityId: string; readonly sessionId: string; readonly secret: string },
): Promise<void> {
  await tx
    .insertInto('sallyport.totp_enrolments')
    .values({
      identity_id: enrolment.identityId,
      session_id: enrolment.sessionId,
      secret: enrolment.secret,
      expires_at: sql<Date>`now() + INTERVAL '10 minutes'`,
    })
    .onConflict((conflict) =>
      conflict.column('identity_id').doUpdateSet({
        session_id: sql<string>`excluded.session_id`,
        secret: sql<string>`excluded.secret`,
        created_at: sql<Date>`now()`,
        expires_at: sql<Date>`excluded.expires_at`,
      }),
    )
    .execute();
}

/** The enrolment that this session has begun and not finished. */
export async function findTotpEnrolment(
  tx: Tx,
  identityId: string,
  sessionId: string,
): Promise<TotpSecretRow | undefined> {
  return await tx
    .selectFrom('sallyport.totp_enrolments')
    .where('identity_id', '=', identityId)
    .where('session_id', '=', sessionId)
    .where('expires_at', '>', sql<Date>`now()`)
    .select(['secret', NOW_SECONDS.as('nowSeconds')])
    .executeTakeFirst();
}

/** Consumes exactly this enrolment, its expiry in the statement. */
export async function consumeTotpEnrolment(
  tx: Tx,
  identityId: string,
  secret: string,
): Promise<boolean> {
  const row = await tx
    .deleteFrom('sallyport.totp_enrolments')
    .where('identity_id', '=', identityId)
    .where('secret', '=', secret)
    .where('expires_at', '>', sql<Date>`now()`)
    .returning('identity_id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Secrets that were encrypted with another key than the one of this id. */
export async function findTotpOfOtherKeys(
  tx: Tx,
  keyId: string,
  limit: number,
): Promise<readonly { readonly identityId: string; readonly secret: string }[]> {
  return await tx
    .selectFrom('sallyport.totp_authenticators')
    .where('secret', 'not like', `${keyId}.%`)
    .select(['identity_id as identityId', 'secret'])
    .limit(limit)
    .execute();
}

/** The same secret in another encryption, unless it was replaced meanwhile. */
export async function replaceTotpSecret(
  tx: Tx,
  identityId: string,
  replaced: string,
  secret: string,
): Promise<void> {
  await tx
    .updateTable('sallyport.totp_authenticators')
    .set({ secret })
    .where('identity_id', '=', identityId)
    .where('secret', '=', replaced)
    .execute();
}

/** When the request's own identity set its authenticator app up, and used it last. */
export const ownTotp: Statement = build
  .selectFrom('sallyport.totp_authenticators')
  .where('identity_id', '=', OWN_IDENTITY)
  .select(['created_at as createdAt', 'last_used_at as lastUsedAt'])
  .compile();
