import { membersOfTeam, type TeamMemberKey, type TeamRole } from '../db/team-members.ts';
import { type Team, teamsOfTenant } from '../db/teams.ts';
import type { Core } from './core.ts';
import { type Page, type PageQuery, pageOf, type Reader } from './page.ts';

export interface TeamListing extends Team {
  readonly members: number;
  readonly ownRole: TeamRole | null;
  readonly createdAt: Date;
}

export interface TeamMemberListing {
  readonly id: string;
  readonly displayName: string;
  readonly email: string;
  readonly role: TeamRole;
  readonly since: Date;
  readonly own: boolean;
  readonly sortKey: string;
}

/** A page of the teams of the request's tenant, read behind the decision on the request. */
export async function listTeams(
  core: Core,
  reader: Reader,
  query: PageQuery,
): Promise<Page<TeamListing>> {
  return await pageOf(core, reader, 'teams', query, {
    statementFor: (after: string | null, limit) => teamsOfTenant(after, limit),
    keyOf: ({ slug }: TeamListing) => slug,
  });
}

/** The same of the members of one team. */
export async function listTeamMembers(
  core: Core,
  reader: Reader,
  slug: string,
  query: PageQuery,
): Promise<Page<TeamMemberListing>> {
  return await pageOf(core, reader, `team members ${slug}`, query, {
    statementFor: (after: TeamMemberKey | null, limit) => membersOfTeam(slug, after, limit),
    keyOf: ({ sortKey, id }: TeamMemberListing) => ({ sortKey, id }),
  });
}
