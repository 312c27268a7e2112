import type { Tx } from './transaction.ts';

export interface NewMembership {
  readonly tenantId: string;
  readonly identityId: string;
  readonly role: string;
  readonly sortName: string;
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
    })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'identity_id']).doNothing())
    .returning('identity_id')
    .executeTakeFirst();
  return row !== undefined;
}
