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
