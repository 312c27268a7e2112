import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { activeNow, memberNow } from './bearer-credentials.ts';
import { build } from './dialect.ts';
import { OWN_IDENTITY } from './first-wall.ts';
import type { Tx } from './transaction.ts';

/** How a token says whose it is. */
export interface ExternalIdentity {
  readonly by: 'id' | 'email';
  readonly value: string;
}

/** A member of this tenant; undefined where that is nobody, or somebody who is not one. */
export async function findIdentityOf(
  tx: Tx,
  tenantId: string,
  { by, value }: ExternalIdentity,
): Promise<string | undefined> {
  const members = tx.selectFrom('sallyport.memberships as m').where('m.tenant_id', '=', tenantId);
  const found = {
    id: () => members.where('m.identity_id', '=', value),
    email: () =>
      members
        .innerJoin('sallyport.email_addresses as e', 'e.identity_id', 'm.identity_id')
        .where('e.folded', '=', value),
  }[by]();
  const row = await found.select('m.identity_id').executeTakeFirst();
  return row?.identity_id;
}

export interface NewExternalToken {
  readonly identityId: string;
  readonly issuer: string;
  readonly tokenId: string;
  readonly proofDigest: string;
  readonly permissions: readonly string[] | null;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

/** Makes the token known for a while, unless it was revoked. @returns whether it is known now. */
export async function insertExternalToken(
  tx: Tx,
  tenantId: string,
  token: NewExternalToken,
): Promise<boolean> {
  const ended = await tx
    .selectFrom('sallyport.token_revocations')
    .where('identity_id', '=', token.identityId)
    .where('issued_until', '>=', token.issuedAt)
    .select('identity_id')
    .executeTakeFirst();
  if (ended) return false;
  const known = {
    proof_digest: token.proofDigest,
    tenant_id: tenantId,
    identity_id: token.identityId,
    identity_active: activeNow(token.identityId),
    ...memberNow(tenantId, token.identityId),
    permissions: token.permissions && [...token.permissions],
    expires_at: sql<Date>`LEAST(${token.expiresAt}::TIMESTAMPTZ, now() + INTERVAL '5 minutes')`,
  };
  const row = await tx
    .insertInto('sallyport.bearer_credentials')
    .values({
      kind: 'external-token',
      title: token.issuer,
      hint: '',
      issuer: token.issuer,
      token_id: token.tokenId,
      token_expires_at: token.expiresAt,
      ...known,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['issuer', 'token_id'])
        .doUpdateSet(known)
        .where(sql<boolean>`bearer_credentials.revoked_at IS NULL`),
    )
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** The tokens of other issuers that stood for the request's own identity in the last minutes. */
export const ownExternalTokens: Statement = build
  .selectFrom('sallyport.bearer_credentials')
  .where('identity_id', '=', OWN_IDENTITY)
  .where('kind', '=', 'external-token')
  .where('revoked_at', 'is', null)
  .where('expires_at', '>', sql<Date>`now()`)
  .select(['id', 'issuer', 'tenant_id as tenantId', 'created_at as createdAt'])
  .select('token_expires_at as expiresAt')
  .orderBy('created_at', 'desc')
  .orderBy('id')
  .limit(500)
  .compile();

/** Remembers a token of the request's own identity as revoked until its issuer lets it expire. */
export function revokeOwnExternalToken(id: string): Statement {
  return build
    .updateTable('sallyport.bearer_credentials')
    .set({ revoked_at: sql<Date>`now()`, expires_at: sql<Date>`token_expires_at` })
    .where('identity_id', '=', OWN_IDENTITY)
    .where('kind', '=', 'external-token')
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .compile();
}

/**
 * Refuses every token that was issued until now, those that were never seen here too. A mark never
 * goes back, and what was revoked by itself stays so: a token may say that it was issued later than
 * now, as far as clocks may differ.
 */
export async function revokeExternalTokens(tx: Tx, identityId: string): Promise<void> {
  const issuedUntil = sql<Date>`GREATEST(token_revocations.issued_until, now())`;
  await tx
    .insertInto('sallyport.token_revocations')
    .values({ identity_id: identityId, issued_until: sql<Date>`now()` })
    .onConflict((conflict) =>
      conflict.column('identity_id').doUpdateSet({ issued_until: issuedUntil }),
    )
    .execute();
  await tx
    .deleteFrom('sallyport.bearer_credentials')
    .where('identity_id', '=', identityId)
    .where('kind', '=', 'external-token')
    .where('revoked_at', 'is', null)
    .execute();
}
