import { findMemberships } from '../db/memberships.ts';
import { insertSecurityEvent } from '../db/security-events.ts';
import {
  deleteTeamMember,
  findTeamMembers,
  type TeamRole,
  upsertTeamMember,
} from '../db/team-members.ts';
import {
  countTeams,
  deleteTeam,
  findTeam,
  insertTeam,
  type Team,
  updateTeam,
} from '../db/teams.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { type DisplayNameProblem, parseDisplayName } from './display-name.ts';
import { runInTenant } from './membership.ts';
import { parseSlug, type SlugProblem, slugOf } from './tenant-slug.ts';

/** What is wrong with a field of the form. */
export type TeamProblem =
  | { readonly field: 'name'; readonly reason: DisplayNameProblem }
  | { readonly field: 'slug'; readonly reason: SlugProblem | 'too-many-teams' };

/** A place in a team, or with null none: they are taken out of it. */
export interface TeamMemberChange {
  readonly id: string;
  readonly role: TeamRole | null;
}

type Answer<T> =
  | T
  | 'not-found'
  | { readonly problems: readonly [TeamProblem, ...TeamProblem[]] }
  | Refused;

const TEAMS_MAX = 2_000;
/** How often a slug that was made of the name is tried with something random behind it. */
const SLUG_TRIES = 5;

/** Makes a team of the request's tenant. It has no members yet. */
export async function createTeam(
  core: Core,
  authority: Authority,
  input: { readonly name: string; readonly slug?: string | undefined },
): Promise<Exclude<Answer<{ readonly team: Team }>, 'not-found'>> {
  const parsed = parseTeam(input);
  if ('problems' in parsed) return parsed;
  const outcome = await runInTenant(core, authority, async (tx, { tenantId }) => {
    if ((await countTeams(tx, tenantId)) >= TEAMS_MAX) return one('slug', 'too-many-teams');
    for (let tried = 0; tried < SLUG_TRIES; tried++) {
      const slug = parsed.slug ?? slugOf(parsed.name, 'team', tried > 0);
      const id = await insertTeam(tx, tenantId, { slug, name: parsed.name });
      if (id !== undefined) {
        await insertSecurityEvent(tx, noted(authority, tenantId, 'team-created', id));
        return { team: { id, slug, name: parsed.name } };
      }
      if (parsed.slug !== null) break;
    }
    return one('slug', 'slug-taken');
  });
  return 'refusal' in outcome ? outcome : outcome.result;
}

/** Gives a team another name, another slug, or both; what is left out stays. */
export async function changeTeam(
  core: Core,
  authority: Authority,
  slug: string,
  change: { readonly name?: string | undefined; readonly slug?: string | undefined },
): Promise<Answer<{ readonly team: Team }>> {
  const outcome = await runInTenant(core, authority, async (tx, { tenantId }) => {
    const team = await findTeam(tx, tenantId, slug);
    if (!team) return 'not-found';
    const parsed = parseTeam({ name: change.name ?? team.name, slug: change.slug ?? team.slug });
    if ('problems' in parsed) return parsed;
    const next = { id: team.id, name: parsed.name, slug: parsed.slug ?? team.slug };
    if (!(await updateTeam(tx, tenantId, next))) return one('slug', 'slug-taken');
    await insertSecurityEvent(tx, noted(authority, tenantId, 'team-changed', team.id));
    return { team: next };
  });
  return 'refusal' in outcome ? outcome : outcome.result;
}

/** Deletes a team; its members stay members of the tenant. */
export async function removeTeam(
  core: Core,
  authority: Authority,
  slug: string,
): Promise<'deleted' | 'not-found' | Refused> {
  const outcome = await runInTenant(core, authority, async (tx, { tenantId }) => {
    const team = await findTeam(tx, tenantId, slug);
    if (!team) return 'not-found';
    await deleteTeam(tx, tenantId, team.id);
    await insertSecurityEvent(tx, noted(authority, tenantId, 'team-deleted', team.id));
    return 'deleted';
  });
  return 'refusal' in outcome ? outcome : outcome.result;
}

/**
 * Gives members of the tenant a place in a team of it, another role there, or none, all of them or
 * nobody: one that is no member of the tenant, or to be taken out of a team that they are not in,
 * and nothing is written (CWE-639, R-90). Two changes of one member are one too many.
 */
export async function changeTeamMembers(
  core: Core,
  authority: Authority,
  slug: string,
  changes: readonly TeamMemberChange[],
): Promise<{ readonly changed: number } | 'not-found' | Refused> {
  const outcome = await runInTenant(core, authority, async (tx, { tenantId }) => {
    const team = await findTeam(tx, tenantId, slug);
    if (!team) return 'not-found';
    const ids = changes.map(({ id }) => id);
    const members = await findMemberships(tx, tenantId, ids);
    // Also where an id stands twice: which of the two changes would count is a guess.
    if (members.length !== changes.length) return 'not-found';
    const before = await findTeamMembers(tx, tenantId, team.id, ids);
    const roles = new Map(before.map(({ identityId, role }) => [identityId, role]));
    if (changes.some(({ id, role }) => role === null && !roles.has(id))) return 'not-found';
    for (const { id, role } of changes) {
      const was = roles.get(id) ?? null;
      if (role === was) continue;
      if (role === null) await deleteTeamMember(tx, tenantId, team.id, id);
      else await upsertTeamMember(tx, tenantId, team.id, { identityId: id, role });
      await insertSecurityEvent(tx, {
        kind: 'team-member-changed',
        identityId: id,
        tenantId,
        caller: authority.caller,
        details: { team: team.id, from: was ?? 'none', to: role ?? 'none' },
      });
    }
    return { changed: changes.length };
  });
  return 'refusal' in outcome ? outcome : outcome.result;
}

function noted(
  { caller, principal }: Authority,
  tenantId: string,
  kind: 'team-created' | 'team-changed' | 'team-deleted',
  team: string,
) {
  const { identityId } = principal;
  return { kind, identityId, tenantId, caller, details: { team } } as const;
}

function parseTeam(input: {
  readonly name: string;
  readonly slug?: string | undefined;
}): { readonly name: string; readonly slug: string | null } | ReturnType<typeof problemsOf> {
  const name = parseDisplayName(input.name);
  const slug = input.slug ? parseSlug(input.slug, 'team') : null;
  const problems: TeamProblem[] = [];
  if ('problem' in name) problems.push({ field: 'name', reason: name.problem });
  if (slug && 'problem' in slug) problems.push({ field: 'slug', reason: slug.problem });
  if ('problem' in name || (slug && 'problem' in slug)) return problemsOf(problems);
  return { name: name.displayName, slug: slug?.slug ?? null };
}

function problemsOf(problems: readonly TeamProblem[]) {
  return { problems: problems as readonly [TeamProblem, ...TeamProblem[]] };
}

function one(field: 'slug', reason: 'slug-taken' | 'too-many-teams') {
  return problemsOf([{ field, reason }]);
}
