import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import type { OwnPermission } from '../../core/permissions.ts';
import {
  changeTeam,
  changeTeamMembers,
  createTeam,
  removeTeam,
  type TeamMemberChange,
} from '../../core/team-changes.ts';
import { listTeamMembers, listTeams, type TeamListing } from '../../core/team-list.ts';
import { TEAM_ROLES } from '../../db/team-members.ts';
import { teamBySlug } from '../../db/teams.ts';
import { authorityOf, loadedBy, readerOf } from '../access.ts';
import { refuse } from '../refusals.ts';
import { instant, newDisplayName, refusals, text } from '../schemas.ts';
import { refuseCursor } from './members-api.ts';

interface Asks {
  readonly permission: OwnPermission;
}

interface AsksInTeam {
  readonly team: { readonly parameter: 'team'; readonly permission: OwnPermission };
}

export const READ_TEAMS = { permission: 'teams:read' } as const satisfies Asks;
export const WRITE_TEAMS = { permission: 'teams:write' } as const satisfies Asks;
/** Who may do so in this one team: also whoever has a role in it that permits it. */
export const READ_TEAM = {
  team: { parameter: 'team', permission: 'teams:read' },
} as const satisfies AsksInTeam;
export const WRITE_TEAM = {
  team: { parameter: 'team', permission: 'teams:write' },
} as const satisfies AsksInTeam;

export const TEAMS_ON_PAGE = 50;
const CHANGES_MAX = 100;

const teamRole = z.enum(TEAM_ROLES);
const team = z.object({ id: z.uuid(), slug: z.string(), name: z.string() });
const listedTeam = team.extend({
  members: z.int(),
  ownRole: teamRole.nullable().describe('what you are in it; null where you are not'),
  createdAt: instant,
});
const teamMember = z.object({
  id: z.uuid(),
  displayName: z.string(),
  email: z.string(),
  role: teamRole,
  since: instant,
  own: z.boolean().describe('whether it is oneself'),
});

const slug = text.meta({
  minLength: 3,
  maxLength: 40,
  description: 'small letters, digits and inner hyphens; unique in the tenant',
});
const bySlug = z.object({ team: text.regex(/^[\w-]{1,40}$/) });
const cursor = text.optional().describe('`next` of the page before');
const limit = z.coerce.number().int().min(1).max(100).default(TEAMS_ON_PAGE);
const next = z.string().nullable().describe('the cursor of the next page; null on the last');
const changed = z.object({ changed: z.int() });

/** The JSON API of the teams of a tenant. */
export function teamsApi(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/api/teams',
    {
      access: READ_TEAMS,
      role: 'sallyport_identity',
      schema: {
        summary: 'The teams of the tenant by slug, a page at a time',
        querystring: z.object({ cursor, limit }),
        response: { 200: z.object({ teams: z.array(listedTeam), next }), ...refusals() },
      },
    },
    async (request, reply) => {
      const page = await listTeams(core, readerOf(request), request.query);
      if (page === 'malformed-cursor') return refuseCursor(request, reply);
      if ('refusal' in page) return refuse(page.refusal, request, reply);
      return reply.send({ teams: page.rows.map(viewOf), next: page.next });
    },
  );

  app.post(
    '/api/teams',
    {
      access: WRITE_TEAMS,
      bodyType: 'json',
      schema: {
        summary: 'Make a team',
        body: z.strictObject({
          name: newDisplayName,
          slug: slug.describe('made of the name where it is left out').optional(),
        }),
        response: { 201: team, ...refusals() },
      },
    },
    async (request, reply) => {
      const outcome = await createTeam(core, authorityOf(request), request.body);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      if ('problems' in outcome) return refuse('invalid-fields', request, reply, outcome.problems);
      return reply.code(201).send(outcome.team);
    },
  );

  oneTeam(server, core);
  teamMembers(server, core);
}

function oneTeam(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/api/teams/:team',
    {
      access: READ_TEAM,
      role: 'sallyport_identity',
      load: (_db, request) => ({ team: teamBySlug(request.params.team) }),
      schema: {
        summary: 'One team',
        params: bySlug,
        response: { 200: team, ...refusals('not-found') },
      },
    },
    async (request, reply) => {
      const row = loadedBy(request, 'team')?.rows[0];
      if (!row) return refuse('not-found', request, reply);
      return reply.send({
        id: String(row['id']),
        slug: String(row['slug']),
        name: String(row['name']),
      });
    },
  );

  app.patch(
    '/api/teams/:team',
    {
      access: WRITE_TEAM,
      bodyType: 'json',
      schema: {
        summary: 'Give a team another name or slug',
        params: bySlug,
        body: z.strictObject({ name: newDisplayName, slug }).partial(),
        response: { 200: team, ...refusals('not-found') },
      },
    },
    async (request, reply) => {
      const outcome = await changeTeam(
        core,
        authorityOf(request),
        request.params.team,
        request.body,
      );
      if (outcome === 'not-found') return refuse('not-found', request, reply);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      if ('problems' in outcome) return refuse('invalid-fields', request, reply, outcome.problems);
      return reply.send(outcome.team);
    },
  );

  app.delete(
    '/api/teams/:team',
    {
      access: WRITE_TEAMS,
      bodyType: 'json',
      schema: {
        summary: 'Delete a team; its members stay in the tenant',
        params: bySlug,
        response: { 204: z.undefined(), ...refusals('not-found') },
      },
    },
    async (request, reply) => {
      const outcome = await removeTeam(core, authorityOf(request), request.params.team);
      if (outcome === 'not-found') return refuse('not-found', request, reply);
      if (outcome !== 'deleted') return refuse(outcome.refusal, request, reply);
      return reply.code(204).send();
    },
  );
}

function teamMembers(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const writing = { access: WRITE_TEAM, bodyType: 'json' } as const;

  app.get(
    '/api/teams/:team/members',
    {
      access: READ_TEAM,
      role: 'sallyport_identity',
      schema: {
        summary: 'The members of a team by name, a page at a time',
        params: bySlug,
        querystring: z.object({ cursor, limit }),
        response: {
          200: z.object({ members: z.array(teamMember), next }),
          ...refusals('not-found'),
        },
      },
    },
    async (request, reply) => {
      const { team: of } = request.params;
      const page = await listTeamMembers(core, readerOf(request), of, request.query);
      if (page === 'malformed-cursor') return refuseCursor(request, reply);
      if ('refusal' in page) return refuse(page.refusal, request, reply);
      const members = page.rows.map(({ id, displayName, email, role, since, own }) => ({
        id,
        displayName,
        email,
        role,
        since: since.toISOString(),
        own,
      }));
      return reply.send({ members, next: page.next });
    },
  );

  app.patch(
    '/api/teams/:team/members',
    {
      ...writing,
      schema: {
        summary: 'Put members of the tenant into a team, change or take them out, all or none',
        params: bySlug,
        body: z.strictObject({
          changes: z
            .array(
              z.strictObject({
                id: z.uuid().toLowerCase(),
                role: teamRole.nullable().describe('null takes the member out of the team'),
              }),
            )
            .min(1)
            .max(CHANGES_MAX),
        }),
        response: { 200: changed, ...refusals('not-found') },
      },
    },
    async (request, reply) =>
      answerChanges(core, request, reply, request.params.team, request.body.changes),
  );

  app.put(
    '/api/teams/:team/members/:id',
    {
      ...writing,
      schema: {
        summary: 'Put a member of the tenant into a team, or give them another role there',
        params: bySlug.extend({ id: z.uuid().toLowerCase() }),
        body: z.strictObject({ role: teamRole }),
        response: { 200: changed, ...refusals('not-found') },
      },
    },
    async (request, reply) => {
      const { team: of, id } = request.params;
      return answerChanges(core, request, reply, of, [{ id, role: request.body.role }]);
    },
  );

  app.delete(
    '/api/teams/:team/members/:id',
    {
      ...writing,
      schema: {
        summary: 'Take a member out of a team',
        params: bySlug.extend({ id: z.uuid().toLowerCase() }),
        response: { 200: changed, ...refusals('not-found') },
      },
    },
    async (request, reply) => {
      const { team: of, id } = request.params;
      return answerChanges(core, request, reply, of, [{ id, role: null }]);
    },
  );
}

async function answerChanges(
  core: Core,
  request: FastifyRequest,
  reply: FastifyReply,
  of: string,
  changes: readonly TeamMemberChange[],
): Promise<FastifyReply> {
  const outcome = await changeTeamMembers(core, authorityOf(request), of, changes);
  if (outcome === 'not-found') return refuse('not-found', request, reply);
  if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
  return reply.send(outcome);
}

function viewOf({ createdAt, ...row }: TeamListing) {
  return { ...row, createdAt: createdAt.toISOString() };
}
