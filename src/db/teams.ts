import { type ExpressionBuilder, sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { OWN_IDENTITY, OWN_TENANT } from './first-wall.ts';
import type { Tables } from './schema.ts';
import type { Tx } from './transaction.ts';

export interface Team {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
}

/** @returns the team's id, undefined where another team of the tenant has the slug. */
export async function insertTeam(
  tx: Tx,
  tenantId: string,
  team: { readonly slug: string; readonly name: string },
): Promise<string | undefined> {
  const row = await tx
    .insertInto('sallyport.teams')
    .values({ tenant_id: tenantId, ...team })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'slug']).doNothing())
    .returning('id')
    .executeTakeFirst();
  return row?.id;
}

export async function findTeam(tx: Tx, tenantId: string, slug: string): Promise<Team | undefined> {
  return await tx
    .selectFrom('sallyport.teams')
    .where('tenant_id', '=', tenantId)
    .where('slug', '=', slug)
    .select(['id', 'slug', 'name'])
    .executeTakeFirst();
}

export async function countTeams(tx: Tx, tenantId: string): Promise<number> {
  const row = await tx
    .selectFrom('sallyport.teams')
    .where('tenant_id', '=', tenantId)
    .select(sql<number>`count(*)::INT4`.as('n'))
    .executeTakeFirstOrThrow();
  return row.n;
}

/** @returns whether it was changed; false where another team of the tenant has the slug. */
export async function updateTeam(tx: Tx, tenantId: string, team: Team): Promise<boolean> {
  const row = await tx
    .updateTable('sallyport.teams')
    .set({ slug: team.slug, name: team.name })
    .where('tenant_id', '=', tenantId)
    .where('id', '=', team.id)
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('sallyport.teams as o')
            .where('o.tenant_id', '=', tenantId)
            .where('o.slug', '=', team.slug)
            .where('o.id', '!=', team.id)
            .select('o.id'),
        ),
      ),
    )
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

export async function deleteTeam(tx: Tx, tenantId: string, teamId: string): Promise<void> {
  await tx
    .deleteFrom('sallyport.teams')
    .where('tenant_id', '=', tenantId)
    .where('id', '=', teamId)
    .returning('id')
    .executeTakeFirstOrThrow();
}

/**
 * The teams of the request's own tenant behind a slug, by slug, with how many members each has and
 * the role that the request's own identity has in it.
 */
export function teamsOfTenant(after: string | null, limit: number): Statement {
  let query = build
    .selectFrom('sallyport.teams as t')
    .where('t.tenant_id', '=', OWN_TENANT)
    .select(['t.id', 't.slug', 't.name', 't.created_at as createdAt'])
    .select((from) => [
      from
        .selectFrom('sallyport.team_members as c')
        .whereRef('c.tenant_id', '=', 't.tenant_id')
        .whereRef('c.team_id', '=', 't.id')
        .select(sql<number>`count(*)::INT4`.as('n'))
        .as('members'),
    ])
    .select(ownRoleIn)
    .orderBy('t.slug')
    .limit(limit);
  if (after !== null) query = query.where('t.slug', '>', after);
  return query.compile();
}

/** One team of the request's own tenant, with the role that its own identity has in it. */
export function teamBySlug(slug: string): Statement {
  return build
    .selectFrom('sallyport.teams as t')
    .where('t.tenant_id', '=', OWN_TENANT)
    .where('t.slug', '=', slug)
    .select(['t.id', 't.slug', 't.name'])
    .select(ownRoleIn)
    .compile();
}

type FromTeam = ExpressionBuilder<Tables & { t: Tables['sallyport.teams'] }, 't'>;

function ownRoleIn(from: FromTeam) {
  return from
    .selectFrom('sallyport.team_members as o')
    .whereRef('o.tenant_id', '=', 't.tenant_id')
    .whereRef('o.team_id', '=', 't.id')
    .where('o.identity_id', '=', OWN_IDENTITY)
    .select('o.role')
    .as('ownRole');
}
