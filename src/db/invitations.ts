import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { OWN_TENANT } from './first-wall.ts';
import type { Tx } from './transaction.ts';

/** What an invitation is for; all that accepting it grants stands in its row. */
export interface Invitation {
  /** The id of an identity that is made with it and a passkey, too: no other will have it. */
  readonly id: string;
  readonly tenantId: string;
  readonly folded: string;
  readonly address: string;
  readonly role: string;
  readonly invitedBy: string;
}

const LIVE = sql<boolean>`expires_at > now()`;

/**
 * Keeps this invitation in place of an earlier one to the address, whose link is dead from then.
 * Where the new one is not mailed, the earlier one stays in force for what is granted now.
 */
export async function replaceInvitation(
  tx: Tx,
  invitation: Omit<Invitation, 'id'>,
  tokenDigest: string,
  mailed: boolean,
  days: number,
): Promise<void> {
  const link = {
    token_digest: tokenDigest,
    created_at: sql<Date>`now()`,
    expires_at: sql<Date>`now() + ${`${days} days`}::INTERVAL`,
  };
  const grant = {
    id: sql<string>`gen_random_uuid()`,
    address: invitation.address,
    role: invitation.role,
    invited_by: invitation.invitedBy,
  };
  await tx
    .insertInto('sallyport.invitations')
    .values({ tenant_id: invitation.tenantId, folded: invitation.folded, ...grant, ...link })
    .onConflict((conflict) =>
      conflict.columns(['tenant_id', 'folded']).doUpdateSet(mailed ? { ...grant, ...link } : grant),
    )
    .execute();
}

/** An invitation of the tenant that can still be accepted. */
export async function findInvitation(
  tx: Tx,
  tenantId: string,
  id: string,
): Promise<Invitation | undefined> {
  return await tx
    .selectFrom('sallyport.invitations')
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .where(LIVE)
    .select(COLUMNS)
    .executeTakeFirst();
}

/** The same, by the token that was mailed: for those who are in no tenant yet. */
export async function findInvitationByToken(
  tx: Tx,
  tokenDigest: string,
): Promise<Invitation | undefined> {
  return await tx
    .selectFrom('sallyport.invitations')
    .where('token_digest', '=', tokenDigest)
    .where(LIVE)
    .select(COLUMNS)
    .executeTakeFirst();
}

/**
 * Consumes the token, if it was mailed to this address, in one statement; of parallel redemptions
 * one gets the row (R-39, R-44).
 */
export async function consumeInvitation(
  tx: Tx,
  tokenDigest: string,
  folded: string,
): Promise<Invitation | undefined> {
  return await tx
    .deleteFrom('sallyport.invitations')
    .where('token_digest', '=', tokenDigest)
    .where('folded', '=', folded)
    .where(LIVE)
    .returning(COLUMNS)
    .executeTakeFirst();
}

/** @returns the invitation that was there; undefined where the tenant has none of that id. */
export async function deleteInvitation(
  tx: Tx,
  tenantId: string,
  id: string,
): Promise<Pick<Invitation, 'role'> | undefined> {
  return await tx
    .deleteFrom('sallyport.invitations')
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .returning('role')
    .executeTakeFirst();
}

/** How many invitations of the tenant wait to be accepted. */
export async function countInvitations(tx: Tx, tenantId: string): Promise<number> {
  const row = await tx
    .selectFrom('sallyport.invitations')
    .where('tenant_id', '=', tenantId)
    .where(LIVE)
    .select(sql<number>`count(*)::INT4`.as('n'))
    .executeTakeFirstOrThrow();
  return row.n;
}

/** An invitation as it stands in the list. */
export interface InvitationRow {
  readonly id: string;
  readonly email: string;
  readonly role: string;
  readonly folded: string;
  readonly invitedBy: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** The invitations of the request's own tenant that can still be accepted, behind an address. */
export function invitationsOfTenant(after: string | null, limit: number): Statement {
  let query = build
    .selectFrom('sallyport.invitations as i')
    .innerJoin('sallyport.profiles as p', 'p.identity_id', 'i.invited_by')
    .where('i.tenant_id', '=', OWN_TENANT)
    .where(sql<boolean>`i.expires_at > now()`)
    .select(['i.id', 'i.address as email', 'i.role', 'i.folded'])
    .select(['p.display_name as invitedBy', 'i.created_at as createdAt'])
    .select('i.expires_at as expiresAt')
    .orderBy('i.folded')
    .limit(limit);
  if (after !== null) query = query.where('i.folded', '>', after);
  return query.compile();
}

const COLUMNS = [
  'id',
  'tenant_id as tenantId',
  'folded',
  'address',
  'role',
  'invited_by as invitedBy',
] as const;
