import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { OWN_IDENTITY, OWN_TENANT } from './first-wall.ts';
import type { Tx } from './transaction.ts';

export interface NewApiKeyRow {
  readonly identityId: string;
  readonly proofDigest: string;
  readonly title: string;
  readonly hint: string;
  readonly permissions: readonly string[];
  readonly days: number;
}

/** A key, as those who may see the tenant's keys see it. */
export interface ApiKeyRow {
  readonly id: string;
  readonly title: string;
  readonly hint: string;
  readonly permissions: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** As the foreign key of a new credential asks for it; one of nobody active is dead. */
export function activeNow(identityId: string) {
  return sql<boolean>`(SELECT i.active FROM sallyport.identities AS i WHERE i.id = ${identityId}::UUID)`;
}

/** As the foreign key of a new credential asks for it of its membership. */
export function memberNow(tenantId: string, identityId: string) {
  const of = sql`FROM sallyport.memberships AS m
    WHERE m.tenant_id = ${tenantId}::UUID AND m.identity_id = ${identityId}::UUID`;
  return {
    member_role: sql<string>`(SELECT m.role ${of})`,
    member_kept: sql<boolean>`(SELECT m.tenant_kept ${of})`,
  };
}

export async function insertApiKey(
  tx: Tx,
  tenantId: string,
  key: NewApiKeyRow,
): Promise<ApiKeyRow> {
  const row = await tx
    .insertInto('sallyport.bearer_credentials')
    .values({
      kind: 'api-key',
      proof_digest: key.proofDigest,
      tenant_id: tenantId,
      identity_id: key.identityId,
      identity_active: activeNow(key.identityId),
      ...memberNow(tenantId, key.identityId),
      title: key.title,
      hint: key.hint,
      permissions: [...key.permissions],
      issuer: null,
      token_id: null,
      token_expires_at: null,
      expires_at: sql<Date>`now() + ${key.days} * INTERVAL '1 day'`,
    })
    .returning(['id', 'created_at', 'expires_at'])
    .executeTakeFirstOrThrow();
  const { title, hint, permissions } = key;
  return {
    id: row.id,
    title,
    hint,
    permissions,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}

/** How many keys somebody has in a tenant, those that have expired left out. */
export async function countApiKeys(tx: Tx, tenantId: string, identityId: string): Promise<number> {
  const row = await tx
    .selectFrom('sallyport.bearer_credentials')
    .where('tenant_id', '=', tenantId)
    .where('identity_id', '=', identityId)
    .where('kind', '=', 'api-key')
    .where('expires_at', '>', sql<Date>`now()`)
    .select(sql<string>`count(*)`.as('count'))
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** The keys of the request's own tenant, with their makers, newest first. */
export const tenantApiKeys: Statement = build
  .selectFrom('sallyport.bearer_credentials as b')
  .innerJoin('sallyport.profiles as p', 'p.identity_id', 'b.identity_id')
  .leftJoin('sallyport.bearer_activity as a', 'a.credential_id', 'b.id')
  .where('b.tenant_id', '=', OWN_TENANT)
  .where('b.kind', '=', 'api-key')
  .where('b.expires_at', '>', sql<Date>`now()`)
  .where(sql<boolean>`sallyport.has_permission('keys:read')`)
  .select(['b.id', 'b.title', 'b.hint', 'b.permissions', 'p.display_name as maker'])
  .select([
    'b.created_at as createdAt',
    'b.expires_at as expiresAt',
    'a.last_used_at as lastUsedAt',
  ])
  .select(sql<boolean>`b.identity_id = ${OWN_IDENTITY}`.as('own'))
  .orderBy('b.created_at', 'desc')
  .orderBy('b.id')
  .limit(500)
  .compile();

/** @returns whose it was, undefined where the tenant has no such credential. */
export async function deleteBearerCredential(
  tx: Tx,
  tenantId: string,
  id: string,
  kind: 'api-key' | 'external-token',
): Promise<string | undefined> {
  const row = await tx
    .deleteFrom('sallyport.bearer_credentials')
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .where('kind', '=', kind)
    .returning('identity_id')
    .executeTakeFirst();
  return row?.identity_id;
}

/** Moves "last used" on, unless another process has done so within half a minute. */
export function touchBearerCredential(id: string): Statement {
  return build
    .insertInto('sallyport.bearer_activity')
    .columns(['credential_id'])
    .expression((from) =>
      from.selectFrom('sallyport.bearer_credentials').where('id', '=', id).select('id'),
    )
    .onConflict((conflict) =>
      conflict
        .column('credential_id')
        .doUpdateSet({ last_used_at: sql<Date>`now()` })
        .where(sql<boolean>`bearer_activity.last_used_at < now() - INTERVAL '30 seconds'`),
    )
    .compile();
}
