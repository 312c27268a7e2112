import { sql } from 'kysely';
import type { Tx } from './transaction.ts';

export interface NewMembership {
  readonly tenantId: string;
  readonly identityId: string;
  readonly role: string;
  readonly sortName: string;
}

/** What the tenant asks of its members, to be copied into a new membership. */
function policyOf(tenantId: string) {
  return sql<string>`(SELECT t.policy FROM sallyport.tenants AS t WHERE t.id = ${tenantId})`;
}

/** @returns whether it was made; false where the identity is a member already. */
export async function insertMembership(tx: Tx, membership: NewMembership): Promise<boolean> {
  const row = await tx
    .insertInto('sallyport.memberships')
    .values({
      tenant_id: membership.tenantId,
      identity_id: membership.identityId,
      role: membership.role,
      sort_name: membership.sortName,
      tenant_policy: policyOf(membership.tenantId),
    })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'identity_id']).doNothing())
    .returning('identity_id')
    .executeTakeFirst();
  return row !== undefined;
}

/** A member of a tenant, and what their role is worth there. */
export interface Membership {
  readonly identityId: string;
  readonly role: string;
  readonly level: number;
  readonly permissions: readonly string[];
}

/** Those of the identities that are members of the tenant; no word about the others. */
export async function findMemberships(
  tx: Tx,
  tenantId: string,
  identityIds: readonly string[],
): Promise<readonly Membership[]> {
  return await tx
    .selectFrom('sallyport.memberships as m')
    .innerJoin('sallyport.roles as r', (join) =>
      join.onRef('r.tenant_id', '=', 'm.tenant_id').onRef('r.name', '=', 'm.role'),
    )
    .where('m.tenant_id', '=', tenantId)
    .where(sql<boolean>`m.identity_id = ANY (${identityIds}::UUID[])`)
    .select(['m.identity_id as identityId', 'm.role', 'r.level', 'r.permissions'])
    .execute();
}

/** Members with this role who can sign in, now and when all that is scheduled has been deleted. */
export async function findLasting(
  tx: Tx,
  tenantId: string,
  role: string,
): Promise<readonly string[]> {
  const rows = await tx
    .selectFrom('sallyport.memberships as m')
    .innerJoin('sallyport.identities as i', 'i.id', 'm.identity_id')
    .where('m.tenant_id', '=', tenantId)
    .where('m.role', '=', role)
    .where('i.disabled_at', 'is', null)
    .where('i.delete_after', 'is', null)
    .select('m.identity_id as id')
    .execute();
  return rows.map(({ id }) => id);
}

/** The addresses of all members with this role. */
export async function findAddresses(
  tx: Tx,
  tenantId: string,
  role: string,
): Promise<readonly string[]> {
  const rows = await tx
    .selectFrom('sallyport.memberships as m')
    .innerJoin('sallyport.email_addresses as a', 'a.identity_id', 'm.identity_id')
    .where('m.tenant_id', '=', tenantId)
    .where('m.role', '=', role)
    .select('a.address')
    .execute();
  return rows.map(({ address }) => address);
}

/** The tenants, but those that wait for their deletion, in which the identity has this role. */
export async function findTenantsWithRole(
  tx: Tx,
  identityId: string,
  role: string,
): Promise<readonly string[]> {
  const rows = await tx
    .selectFrom('sallyport.memberships as m')
    .innerJoin('sallyport.tenants as t', 't.id', 'm.tenant_id')
    .where('m.identity_id', '=', identityId)
    .where('m.role', '=', role)
    .where('t.delete_after', 'is', null)
    .select('m.tenant_id as id')
    .execute();
  return rows.map(({ id }) => id);
}

export async function updateMembershipRole(
  tx: Tx,
  tenantId: string,
  identityId: string,
  role: string,
): Promise<void> {
  await tx
    .updateTable('sallyport.memberships')
    .set({ role })
    .where('tenant_id', '=', tenantId)
    .where('identity_id', '=', identityId)
    .returning('identity_id')
    .executeTakeFirstOrThrow();
}

export async function deleteMembership(
  tx: Tx,
  tenantId: string,
  identityId: string,
): Promise<void> {
  await tx
    .deleteFrom('sallyport.memberships')
    .where('tenant_id', '=', tenantId)
    .where('identity_id', '=', identityId)
    .returning('identity_id')
    .executeTakeFirstOrThrow();
}
