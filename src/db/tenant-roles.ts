import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { OWN_IDENTITY, OWN_TENANT } from './first-wall.ts';
import type { Tx } from './transaction.ts';

export interface Role {
  readonly name: string;
  readonly title: string;
  readonly level: number;
  readonly builtIn: boolean;
  readonly permissions: readonly string[];
}

/** @returns whether it was made; false where the tenant has a role of this name. */
export async function insertRole(tx: Tx, tenantId: string, role: Role): Promise<boolean> {
  const { builtIn, ...rest } = role;
  const row = await tx
    .insertInto('sallyport.roles')
    .values({ tenant_id: tenantId, built_in: builtIn, ...rest })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'name']).doNothing())
    .returning('name')
    .executeTakeFirst();
  return row !== undefined;
}

/** Those of the roles that the tenant has. */
export async function findRoles(
  tx: Tx,
  tenantId: string,
  names: readonly string[],
): Promise<readonly Role[]> {
  return await tx
    .selectFrom('sallyport.roles')
    .where('tenant_id', '=', tenantId)
    .where(sql<boolean>`name = ANY (${names}::TEXT[])`)
    .select(['name', 'title', 'level', 'built_in as builtIn', 'permissions'])
    .execute();
}

export async function updateRole(
  tx: Tx,
  tenantId: string,
  { name, title, level, permissions }: Role,
): Promise<void> {
  await tx
    .updateTable('sallyport.roles')
    .set({ title, level, permissions })
    .where('tenant_id', '=', tenantId)
    .where('name', '=', name)
    .where('built_in', '=', false)
    .returning('name')
    .executeTakeFirstOrThrow();
}

/** @returns whether it was deleted; false where a member has it. */
export async function deleteUnusedRole(tx: Tx, tenantId: string, name: string): Promise<boolean> {
  const row = await tx
    .deleteFrom('sallyport.roles')
    .where('tenant_id', '=', tenantId)
    .where('name', '=', name)
    .where('built_in', '=', false)
    .where(
      sql<boolean>`NOT EXISTS (SELECT 1 FROM sallyport.memberships AS m
        WHERE m.tenant_id = ${tenantId}::UUID AND m.role = ${name}::TEXT)`,
    )
    .returning('name')
    .executeTakeFirst();
  return row !== undefined;
}

/** The roles of the request's own tenant, from the highest; at most so many have been made. */
export const rolesOfTenant: Statement = build
  .selectFrom('sallyport.roles')
  .where('tenant_id', '=', OWN_TENANT)
  .select(['name', 'title', 'level', 'built_in as builtIn', 'permissions'])
  .orderBy('level', 'desc')
  .orderBy('built_in', 'desc')
  .orderBy('name')
  .compile();

/** The role that the request's own identity has in its tenant. */
export const ownRole: Statement = build
  .selectFrom('sallyport.memberships as m')
  .innerJoin('sallyport.roles as r', (join) =>
    join.onRef('r.tenant_id', '=', 'm.tenant_id').onRef('r.name', '=', 'm.role'),
  )
  .where('m.tenant_id', '=', OWN_TENANT)
  .where('m.identity_id', '=', OWN_IDENTITY)
  .select(['r.name', 'r.level'])
  .compile();

export async function countRoles(tx: Tx, tenantId: string): Promise<number> {
  const row = await tx
    .selectFrom('sallyport.roles')
    .where('tenant_id', '=', tenantId)
    .select(sql<number>`count(*)::INT4`.as('n'))
    .executeTakeFirstOrThrow();
  return row.n;
}
