import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { listMembers } from '../../core/member-list.ts';
import { changeTeam, changeTeamMembers, createTeam, removeTeam } from '../../core/team-changes.ts';
import { listTeamMembers, listTeams } from '../../core/team-list.ts';
import { TEAM_ROLES, type TeamRole } from '../../db/team-members.ts';
import { teamBySlug } from '../../db/teams.ts';
import type { FieldError } from '../../http/problem.ts';
import { deleteTeamPage, teamPage } from '../../pages/team.tsx';
import { teamsPage } from '../../pages/teams.tsx';
import { authorityOf, loadedBy, principalOf, readerOf } from '../access.ts';
import { mounted } from '../mount.ts';
import { permissionsOf } from '../permissions.ts';
import { sendPage, textsFor } from '../reader.ts';
import { refuse } from '../refusals.ts';
import { text } from '../schemas.ts';
import { csrfTokenFor } from '../session-cookies.ts';
import { noticeOf, PAGE } from './account-page.ts';
import { READ_MEMBERS } from './members-api.ts';
import { READ_TEAM, READ_TEAMS, TEAMS_ON_PAGE, WRITE_TEAM, WRITE_TEAMS } from './teams-api.ts';
import { TENANT_FORM } from './tenant-pages.ts';

const FOUND_MAX = 10;
const params = z.object({ team: text.regex(/^[\w-]{1,40}$/) });
const cursor = text.optional();
const fields = { _csrf: text, name: text, slug: text.default('') };

/** The teams of a tenant as pages. */
export function teamPages(server: FastifyInstance, core: Core): void {
  listPages(server, core);
  onePages(server, core);
  deletionPages(server, core);
}

interface Typed {
  readonly name: string;
  readonly slug: string;
}

function listPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/tenant/teams',
    {
      ...PAGE,
      access: READ_TEAMS,
      schema: { hide: true, querystring: noticeOf('team-deleted').extend({ cursor }) },
    },
    async (request, reply) => sendTeams(core, request, reply, request.query),
  );

  app.post(
    '/tenant/teams',
    {
      ...TENANT_FORM,
      access: WRITE_TEAMS,
      returnTo: '/tenant/teams',
      schema: { hide: true, body: z.strictObject(fields) },
    },
    async (request, reply) => {
      const { name, slug } = request.body;
      const outcome = await createTeam(core, authorityOf(request), { name, slug });
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      if ('problems' in outcome) {
        const typed = { made: { name, slug }, errors: outcome.problems };
        return sendTeams(core, request, reply.code(400), typed);
      }
      return reply.redirect(pathTo(request, outcome.team.slug, 'team-made'), 303);
    },
  );
}

function onePages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const notices = noticeOf('team-made', 'team-saved', 'team-member-changed');

  app.get(
    '/tenant/teams/:team',
    {
      ...PAGE,
      access: READ_TEAM,
      load: (_db, request) => ({ team: teamBySlug(request.params.team) }),
      schema: {
        hide: true,
        params,
        querystring: notices.extend({ cursor, search: text.default('') }),
      },
    },
    async (request, reply) => sendTeam(core, request, reply, request.query),
  );

  app.post(
    '/tenant/teams/:team',
    {
      ...TENANT_FORM,
      access: WRITE_TEAM,
      load: (_db, request) => ({ team: teamBySlug(request.params.team) }),
      returnTo: teamPath,
      schema: { hide: true, params, body: z.strictObject(fields) },
    },
    async (request, reply) => {
      const { name, slug } = request.body;
      const change = { name, ...(slug === '' ? {} : { slug }) };
      const outcome = await changeTeam(core, authorityOf(request), request.params.team, change);
      if (outcome === 'not-found') return refuse('not-found', request, reply);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      if ('problems' in outcome) {
        const typed = { changed: { name, slug }, errors: outcome.problems };
        return sendTeam(core, request, reply.code(400), typed);
      }
      return reply.redirect(pathTo(request, outcome.team.slug, 'team-saved'), 303);
    },
  );

  const form = z.strictObject({
    _csrf: text,
    id: z.uuid().toLowerCase(),
    role: z.enum([...TEAM_ROLES, 'none']),
  });
  app.post(
    '/tenant/teams/:team/members',
    {
      ...TENANT_FORM,
      access: WRITE_TEAM,
      returnTo: teamPath,
      schema: { hide: true, params, body: form },
    },
    async (request, reply) => {
      const { id, role } = request.body;
      const { team } = request.params;
      const change = { id, role: role === 'none' ? null : role };
      const outcome = await changeTeamMembers(core, authorityOf(request), team, [change]);
      if (outcome === 'not-found') return refuse('not-found', request, reply);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      return reply.redirect(pathTo(request, team, 'team-member-changed'), 303);
    },
  );
}

function deletionPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/tenant/teams/:team/delete',
    {
      ...PAGE,
      access: WRITE_TEAMS,
      load: (_db, request) => ({ team: teamBySlug(request.params.team) }),
      schema: { hide: true, params },
    },
    async (request, reply) => {
      const team = teamOf(request);
      if (!team) return refuse('not-found', request, reply);
      const values = { csrfToken: csrfTokenFor(request), team };
      return sendPage(reply, deleteTeamPage(textsFor(request), values));
    },
  );

  app.post(
    '/tenant/teams/:team/delete',
    {
      ...TENANT_FORM,
      access: WRITE_TEAMS,
      returnTo: teamPath,
      schema: { hide: true, params, body: z.strictObject({ _csrf: text }) },
    },
    async (request, reply) => {
      const outcome = await removeTeam(core, authorityOf(request), request.params.team);
      if (outcome === 'not-found') return refuse('not-found', request, reply);
      if (outcome !== 'deleted') return refuse(outcome.refusal, request, reply);
      return reply.redirect(mounted(request, '/tenant/teams?notice=team-deleted'), 303);
    },
  );
}

async function sendTeams(
  core: Core,
  request: FastifyRequest,
  reply: FastifyReply,
  shown: {
    readonly cursor?: string | undefined;
    readonly notice?: 'team-deleted' | undefined;
    readonly made?: Typed;
    readonly errors?: readonly FieldError[];
  },
): Promise<FastifyReply> {
  const query = { cursor: shown.cursor, limit: TEAMS_ON_PAGE };
  const page = await listTeams(core, readerOf(request), query);
  // A cursor from another day or another tenant: the list begins anew.
  if (page === 'malformed-cursor') return reply.redirect(mounted(request, '/tenant/teams'), 303);
  if ('refusal' in page) return refuse(page.refusal, request, reply);
  const values = {
    csrfToken: csrfTokenFor(request),
    notice: shown.notice,
    teams: page.rows,
    next: page.next === null ? null : `/tenant/teams?cursor=${page.next}`,
    mayWrite: permits(request, WRITE_TEAMS.permission),
    made: shown.made,
    errors: shown.errors ?? [],
  };
  return sendPage(reply, teamsPage(textsFor(request), values));
}

async function sendTeam(
  core: Core,
  request: FastifyRequest,
  reply: FastifyReply,
  shown: {
    readonly cursor?: string | undefined;
    readonly search?: string;
    readonly notice?: 'team-made' | 'team-saved' | 'team-member-changed' | undefined;
    readonly changed?: Typed;
    readonly errors?: readonly FieldError[];
  },
): Promise<FastifyReply> {
  const team = teamOf(request);
  if (!team) return refuse('not-found', request, reply);
  const reader = readerOf(request);
  const query = { cursor: shown.cursor, limit: TEAMS_ON_PAGE };
  const page = await listTeamMembers(core, reader, team.slug, query);
  if (page === 'malformed-cursor') return reply.redirect(pathTo(request, team.slug), 303);
  if ('refusal' in page) return refuse(page.refusal, request, reply);
  const { search = '' } = shown;
  const found = search === '' ? [] : await searchMembers(core, request, search);
  const inTeam = new Set(page.rows.map(({ id }) => id));
  const mayDelete = permits(request, WRITE_TEAMS.permission);
  const values = {
    csrfToken: csrfTokenFor(request),
    notice: shown.notice,
    team,
    members: page.rows,
    next: page.next === null ? null : `/tenant/teams/${team.slug}?cursor=${page.next}`,
    mayWrite: mayDelete || permitsInTeam(request, team.ownRole),
    mayDelete,
    search,
    found: found.filter(({ id }) => !inTeam.has(id)),
    changed: shown.changed,
    errors: shown.errors ?? [],
  };
  return sendPage(reply, teamPage(textsFor(request), values));
}

/** For whoever may see the members of the tenant: a search finds nobody else. */
async function searchMembers(core: Core, request: FastifyRequest, search: string) {
  if (!permits(request, READ_MEMBERS.permission)) return [];
  const reader = readerOf(request);
  const requirement = { ...reader.requirement, permission: READ_MEMBERS.permission };
  const page = await listMembers(core, { ...reader, requirement }, { search, limit: FOUND_MAX });
  return typeof page === 'object' && 'members' in page ? page.members : [];
}

interface LoadedTeam extends Typed {
  readonly ownRole: TeamRole | null;
}

function teamOf(request: FastifyRequest): LoadedTeam | undefined {
  return loadedBy(request, 'team')?.rows[0] as unknown as LoadedTeam | undefined;
}

/** What the page offers; whether it is permitted, the database decides when it is asked for. */
function permits(request: FastifyRequest, permission: string): boolean {
  return principalOf(request).permissions?.includes(permission) ?? false;
}

function permitsInTeam(request: FastifyRequest, role: TeamRole | null): boolean {
  const registered = permissionsOf(request.server).get(WRITE_TEAM.team.permission);
  return role !== null && registered?.teamRoles.includes(role) === true;
}

function teamPath({ params: given }: FastifyRequest): string {
  return `/tenant/teams/${encodeURIComponent((given as { readonly team: string }).team)}`;
}

function pathTo(request: FastifyRequest, slug: string, notice?: string): string {
  return mounted(request, `/tenant/teams/${slug}${notice ? `?notice=${notice}` : ''}`);
}
