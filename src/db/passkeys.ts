import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { OWN_IDENTITY } from './first-wall.ts';
import type { Tx } from './transaction.ts';

/** What an assertion is verified with. */
export interface PasskeyRow {
  readonly id: string;
  readonly identityId: string;
  readonly credentialId: string;
  /** COSE, as base64url. */
  readonly publicKey: string;
  readonly signCount: number;
  readonly transports: readonly string[];
}

const COLUMNS = [
  'id',
  'identity_id as identityId',
  'credential_id as credentialId',
  'public_key as publicKey',
  'transports',
] as const;

const SIGN_COUNT = sql<number>`CAST(sign_count AS FLOAT8)`.as('signCount');

/** Credential ids are unique in all the world, so this one names its owner. */
export async function findPasskey(tx: Tx, credentialId: string): Promise<PasskeyRow | undefined> {
  return await tx
    .selectFrom('sallyport.passkeys')
    .where('credential_id', '=', credentialId)
    .select(COLUMNS)
    .select(SIGN_COUNT)
    .executeTakeFirst();
}

export async function findPasskeysOf(tx: Tx, identityId: string): Promise<readonly PasskeyRow[]> {
  return await tx
    .selectFrom('sallyport.passkeys')
    .where('identity_id', '=', identityId)
    .select(COLUMNS)
    .select(SIGN_COUNT)
    .orderBy('created_at')
    .execute();
}

export interface NewPasskey extends Omit<PasskeyRow, 'id'> {
  readonly name: string;
  readonly backedUp: boolean;
}

/** @returns its id; throws a unique violation where somebody has registered this credential. */
export async function insertPasskey(tx: Tx, passkey: NewPasskey): Promise<string> {
  const { id } = await tx
    .insertInto('sallyport.passkeys')
    .values({
      identity_id: passkey.identityId,
      credential_id: passkey.credentialId,
      public_key: passkey.publicKey,
      sign_count: String(passkey.signCount),
      transports: [...passkey.transports],
      backed_up: passkey.backedUp,
      name: passkey.name,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

/**
 * Notes the use of a passkey, unless it is gone. @returns whether its counter went on, which that
 * of a copy does not; one that never counts stays at zero (WebAuthn 6.1.1).
 */
export async function notePasskeyUse(
  tx: Tx,
  id: string,
  signCount: number,
  backedUp: boolean,
): Promise<'used' | 'counter-went-back' | 'gone'> {
  const row = await tx
    .selectFrom('sallyport.passkeys')
    .where('id', '=', id)
    .select(SIGN_COUNT)
    .forUpdate()
    .executeTakeFirst();
  if (!row) return 'gone';
  const went = signCount > row.signCount || (signCount === 0 && row.signCount === 0);
  await tx
    .updateTable('sallyport.passkeys')
    .set({
      sign_count: String(Math.max(signCount, row.signCount)),
      backed_up: backedUp,
      last_used_at: sql<Date>`now()`,
    })
    .where('id', '=', id)
    .execute();
  return went ? 'used' : 'counter-went-back';
}

/** Removes one of the identity's passkeys; false where it has no such one. */
export async function deletePasskey(tx: Tx, identityId: string, id: string): Promise<boolean> {
  const row = await tx
    .deleteFrom('sallyport.passkeys')
    .where('id', '=', id)
    .where('identity_id', '=', identityId)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Gives one of the request's own passkeys another name. */
export function renameOwnPasskey(id: string, name: string): Statement {
  return build
    .updateTable('sallyport.passkeys')
    .set({ name })
    .where('id', '=', id)
    .where('identity_id', '=', OWN_IDENTITY)
    .compile();
}

/** The passkeys of the request's own identity, the oldest first. */
export const ownPasskeys: Statement = build
  .selectFrom('sallyport.passkeys')
  .where('identity_id', '=', OWN_IDENTITY)
  .select(['id', 'name', 'backed_up as backedUp', 'created_at as createdAt'])
  .select('last_used_at as lastUsedAt')
  .orderBy('created_at')
  .compile();

/**
 * Uses a challenge up: false where it was used before, or was made more than five minutes ago by
 * the database's clock. Nothing is stored of challenges that nobody answers.
 */
export async function consumeChallenge(tx: Tx, digest: string, madeAt: Date): Promise<boolean> {
  const { rows } = await sql`INSERT INTO sallyport.passkey_challenges (digest, expires_at)
    SELECT ${digest}::TEXT, ${madeAt}::TIMESTAMPTZ + INTERVAL '10 minutes'
      WHERE ${madeAt}::TIMESTAMPTZ > now() - INTERVAL '5 minutes'
        AND ${madeAt}::TIMESTAMPTZ < now() + INTERVAL '1 minute'
    ON CONFLICT (digest) DO NOTHING RETURNING digest`.execute(tx);
  return rows.length === 1;
}
