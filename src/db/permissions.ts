import { sql } from 'kysely';
import type { Tx } from './transaction.ts';

/** Notes permissions and the roles that have each, also in a team; nothing where that is known. */
export async function upsertPermissions(
  tx: Tx,
  permissions: readonly {
    readonly name: string;
    readonly roles: readonly string[];
    readonly teamRoles: readonly string[];
  }[],
): Promise<void> {
  await tx
    .insertInto('sallyport.permissions')
    .values(
      permissions.map(({ name, roles, teamRoles }) => ({ name, roles, team_roles: teamRoles })),
    )
    .onConflict((conflict) =>
      conflict
        .column('name')
        .doUpdateSet({
          roles: sql<string[]>`excluded.roles`,
          team_roles: sql<string[]>`excluded.team_roles`,
        })
        .where(
          sql<boolean>`permissions.roles <> excluded.roles OR permissions.team_roles <> excluded.team_roles`,
        ),
    )
    .execute();
}

/** What a built-in role permits, in the order of names. */
export async function defaultPermissions(tx: Tx, role: string): Promise<readonly string[]> {
  const rows = await tx
    .selectFrom('sallyport.permissions')
    .where(sql<boolean>`${role} = ANY (roles)`)
    .select('name')
    .orderBy('name')
    .execute();
  return rows.map(({ name }) => name);
}

/**
 * Gives the built-in role of so many tenants at most the permissions that it should have, of any
 * tenant where it has others. @returns of how many.
 */
export async function refreshBuiltInRoles(
  tx: Tx,
  role: string,
  permissions: readonly string[],
  limit: number,
): Promise<number> {
  const { numUpdatedRows } = await tx
    .updateTable('sallyport.roles')
    .set({ permissions })
    .where('name', '=', role)
    .where('tenant_id', 'in', (from) =>
      from
        .selectFrom('sallyport.roles')
        .where('built_in', '=', true)
        .where('name', '=', role)
        .where(sql<boolean>`permissions <> ${permissions}::TEXT[]`)
        .select('tenant_id')
        .limit(limit),
    )
    .executeTakeFirstOrThrow();
  return Number(numUpdatedRows);
}
