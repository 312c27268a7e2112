import type { Tx } from './transaction.ts';

export interface NewRole {
  readonly name: string;
  readonly title: string;
  readonly level: number;
  readonly builtIn: boolean;
  readonly permissions: readonly string[];
}

/** @returns whether it was made; false where the tenant has a role of this name. */
export async function insertRole(tx: Tx, tenantId: string, role: NewRole): Promise<boolean> {
  const { builtIn, ...rest } = role;
  const row = await tx
    .insertInto('sallyport.roles')
    .values({ tenant_id: tenantId, built_in: builtIn, ...rest })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'name']).doNothing())
    .returning('name')
    .executeTakeFirst();
  return row !== undefined;
}
