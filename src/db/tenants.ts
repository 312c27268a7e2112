import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { OWN_IDENTITY, OWN_TENANT } from './first-wall.ts';
import type { Tx } from './transaction.ts';

/** @returns the tenant's id, undefined where another tenant has the slug. */
export async function insertTenant(
  tx: Tx,
  tenant: { readonly slug: string; readonly name: string },
): Promise<string | undefined> {
  const row = await tx
    .insertInto('sallyport.tenants')
    .values({ ...tenant, delete_after: null })
    .onConflict((conflict) => conflict.column('slug').doNothing())
    .returning('id')
    .executeTakeFirst();
  return row?.id;
}

export async function findTenant(
  tx: Tx,
  tenantId: string,
): Promise<
  { readonly slug: string; readonly name: string; readonly deletesAt: Date | null } | undefined
> {
  return await tx
    .selectFrom('sallyport.tenants')
    .where('id', '=', tenantId)
    .select(['slug', 'name', 'delete_after as deletesAt'])
    .executeTakeFirst();
}

/** @returns whether it was changed; false where another tenant has the slug. */
export async function updateTenant(
  tx: Tx,
  tenant: { readonly id: string; readonly slug: string; readonly name: string },
): Promise<boolean> {
  const { id, slug, name } = tenant;
  const row = await tx
    .updateTable('sallyport.tenants')
    .set({ slug, name })
    .where('id', '=', id)
    .where(
      sql<boolean>`NOT EXISTS (SELECT 1 FROM sallyport.tenants AS o
        WHERE o.slug = ${slug}::TEXT AND o.id <> ${id}::UUID)`,
    )
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** The tenant is deleted by the sweeper after so many days. @returns when. */
export async function scheduleTenantDeletion(
  tx: Tx,
  tenantId: string,
  days: number,
): Promise<Date> {
  const row = await tx
    .updateTable('sallyport.tenants')
    .set({ delete_after: sql<Date>`now() + ${`${days} days`}::INTERVAL` })
    .where('id', '=', tenantId)
    .returning('delete_after')
    .executeTakeFirstOrThrow();
  if (!row.delete_after) throw new Error('the deletion was not scheduled');
  return row.delete_after;
}

/** Calls the deletion off, while its grace lasts. @returns whether there was one to call off. */
export async function restoreTenant(tx: Tx, tenantId: string): Promise<boolean> {
  const row = await tx
    .updateTable('sallyport.tenants')
    .set({ delete_after: null })
    .where('id', '=', tenantId)
    .where('delete_after', '>', sql<Date>`now()`)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** The request's own tenant. */
export const currentTenant: Statement = build
  .selectFrom('sallyport.tenants')
  .where('id', '=', OWN_TENANT)
  .select(['id', 'slug', 'name', 'created_at as createdAt'])
  .compile();

/**
 * The tenants of the request's own identity, those that wait for their deletion among them, with
 * its role in each and the one in which the request was made marked.
 */
export const ownTenants: Statement = build
  .selectFrom('sallyport.memberships as m')
  .innerJoin('sallyport.tenants as t', 't.id', 'm.tenant_id')
  .where('m.identity_id', '=', OWN_IDENTITY)
  .select(['t.id', 't.slug', 't.name', 'm.role', 't.delete_after as deletesAt'])
  .select(sql<boolean>`COALESCE(t.id = ${OWN_TENANT}, FALSE)`.as('active'))
  .orderBy('t.name')
  .orderBy('t.id')
  .compile();
