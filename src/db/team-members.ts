import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { OWN_IDENTITY, OWN_TENANT } from './first-wall.ts';
import type { Tx } from './transaction.ts';

/** What somebody is in a team; which permissions that gives there, the declarations say. */
export const TEAM_ROLES = ['lead', 'member'] as const;

export type TeamRole = (typeof TEAM_ROLES)[number];

export interface TeamMember {
  readonly identityId: string;
  readonly role: TeamRole;
}

/** Makes somebody a member of the team, or gives a member of it another role there. */
export async function upsertTeamMember(
  tx: Tx,
  tenantId: string,
  teamId: string,
  member: TeamMember,
): Promise<void> {
  const { identityId, role } = member;
  await tx
    .insertInto('sallyport.team_members')
    .values({ tenant_id: tenantId, team_id: teamId, identity_id: identityId, role })
    .onConflict((conflict) =>
      conflict.columns(['tenant_id', 'team_id', 'identity_id']).doUpdateSet({ role }),
    )
    .execute();
}

export async function deleteTeamMember(
  tx: Tx,
  tenantId: string,
  teamId: string,
  identityId: string,
): Promise<void> {
  await tx
    .deleteFrom('sallyport.team_members')
    .where('tenant_id', '=', tenantId)
    .where('team_id', '=', teamId)
    .where('identity_id', '=', identityId)
    .returning('identity_id')
    .executeTakeFirstOrThrow();
}

/** Those of the identities that are members of the team; no word about the others. */
export async function findTeamMembers(
  tx: Tx,
  tenantId: string,
  teamId: string,
  identityIds: readonly string[],
): Promise<readonly TeamMember[]> {
  const rows = await tx
    .selectFrom('sallyport.team_members')
    .where('tenant_id', '=', tenantId)
    .where('team_id', '=', teamId)
    .where(sql<boolean>`identity_id = ANY (${identityIds}::UUID[])`)
    .select(['identity_id as identityId', 'role'])
    .execute();
  return rows;
}

/** The last row of the page before. */
export interface TeamMemberKey {
  readonly sortKey: string;
  readonly id: string;
}

/** The members of a team of the request's own tenant, by name, behind a row. */
export function membersOfTeam(slug: string, after: TeamMemberKey | null, limit: number): Statement {
  let query = build
    .selectFrom('sallyport.teams as t')
    .innerJoin('sallyport.team_members as m', (join) =>
      join.onRef('m.tenant_id', '=', 't.tenant_id').onRef('m.team_id', '=', 't.id'),
    )
    .innerJoin('sallyport.memberships as s', (join) =>
      join.onRef('s.tenant_id', '=', 'm.tenant_id').onRef('s.identity_id', '=', 'm.identity_id'),
    )
    .innerJoin('sallyport.profiles as p', 'p.identity_id', 'm.identity_id')
    .innerJoin('sallyport.email_addresses as e', 'e.identity_id', 'm.identity_id')
    .where('t.tenant_id', '=', OWN_TENANT)
    .where('t.slug', '=', slug)
    .select(['m.identity_id as id', 'p.display_name as displayName', 'e.address as email'])
    .select(['m.role', 'm.created_at as since', 's.sort_name as sortKey'])
    .select(sql<boolean>`m.identity_id = ${OWN_IDENTITY}`.as('own'))
    .orderBy('s.sort_name')
    .orderBy('m.identity_id')
    .limit(limit);
  if (after) {
    query = query.where(
      sql<boolean>`(s.sort_name, m.identity_id) > (${after.sortKey}::TEXT, ${after.id}::UUID)`,
    );
  }
  return query.compile();
}
