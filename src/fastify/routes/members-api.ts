import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { COUNTED_MAX, findMember, listMembers, type MemberQuery } from '../../core/member-list.ts';
import { changeMembers, type MemberChange } from '../../core/member-changes.ts';
import type { OwnPermission } from '../../core/permissions.ts';
import type { MemberRow } from '../../db/members.ts';
import { authorityOf, requirementFor } from '../access.ts';
import { refuse } from '../refusals.ts';
import { instant, refusals, text } from '../schemas.ts';
import { FRESH } from './own-account-api.ts';

/** Who may see the members of a tenant, and who may change them. */
export const READ_MEMBERS = { permission: 'members:read' } as const satisfies Asks;
export const WRITE_MEMBERS = { permission: 'members:write' } as const satisfies Asks;

/** Who may let a member replace a lost second factor: its owners, after a fresh proof. */
export const RECOVER_MEMBERS = { permission: 'members:recover', ...FRESH } as const satisfies Asks;

interface Asks {
  readonly permission: OwnPermission;
}

const CHANGES_MAX = 100;
export const MEMBERS_ON_PAGE = 50;

export const memberQuery = z.object({
  search: text.optional().describe('each word begins a word of the name or of the address'),
  role: text.optional(),
  cursor: text.optional().describe('`next` of the page before'),
});

const member = z.object({
  id: z.uuid(),
  displayName: z.string(),
  email: z.string(),
  role: z.string(),
  since: instant,
  own: z.boolean().describe('whether it is oneself'),
});

const byId = z.object({ id: z.uuid().toLowerCase() });
const role = text.meta({ minLength: 1, description: 'the name of a role of the tenant' });
const changed = z.object({ changed: z.int() });
const REFUSED = refusals('not-found', 'above-own-level', 'last-owner', 'step-up-required');

/** The JSON API of a tenant's members. */
export function membersApi(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/api/members',
    {
      access: READ_MEMBERS,
      role: 'sallyport_identity',
      schema: {
        summary: 'The members of the tenant, a page at a time',
        querystring: memberQuery.extend({
          limit: z.coerce.number().int().min(1).max(100).default(MEMBERS_ON_PAGE),
        }),
        response: {
          200: z.object({
            members: z.array(member),
            next: z.string().nullable().describe('the cursor of the next page; null on the last'),
            total: z.int().describe(`all members of the tenant; ${COUNTED_MAX} is that or more`),
          }),
          ...refusals(),
        },
      },
    },
    async (request, reply) => {
      const page = await membersFor(core, request, request.query);
      if (page === 'malformed-cursor') return refuseCursor(request, reply);
      if ('refusal' in page) return refuse(page.refusal, request, reply);
      const { next, total } = page;
      return reply.send({ members: page.members.map(memberRow), next, total });
    },
  );

  app.get(
    '/api/members/:id',
    {
      access: READ_MEMBERS,
      role: 'sallyport_identity',
      schema: {
        summary: 'One member of the tenant',
        params: byId,
        response: { 200: member, ...refusals('not-found') },
      },
    },
    async (request, reply) => {
      const found = await findMember(core, requirementFor(request), request.params.id);
      if (!found) return refuse('not-found', request, reply);
      if ('refusal' in found) return refuse(found.refusal, request, reply);
      return reply.send(memberRow(found));
    },
  );

  memberChanges(server, core);
}

function memberChanges(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const writing = { access: WRITE_MEMBERS, bodyType: 'json' } as const;

  app.patch(
    '/api/members/:id',
    {
      ...writing,
      schema: {
        summary: 'Give a member another role',
        description: 'To make somebody an owner or take that away asks for a fresh proof.',
        params: byId,
        body: z.strictObject({ role }),
        response: { 200: changed, ...REFUSED },
      },
    },
    async (request, reply) =>
      answerChanges(core, request, reply, [{ id: request.params.id, role: request.body.role }]),
  );

  app.delete(
    '/api/members/:id',
    {
      ...writing,
      schema: {
        summary: 'Remove a member',
        params: byId,
        response: { 200: changed, ...REFUSED },
      },
    },
    async (request, reply) =>
      answerChanges(core, request, reply, [{ id: request.params.id, role: null }]),
  );

  app.patch(
    '/api/members',
    {
      ...writing,
      schema: {
        summary: 'Change several members, all or none',
        body: z.strictObject({
          changes: z
            .array(
              z.strictObject({
                id: z.uuid().toLowerCase(),
                role: role.nullable().describe('null removes the member'),
              }),
            )
            .min(1)
            .max(CHANGES_MAX),
        }),
        response: { 200: changed, ...REFUSED },
      },
    },
    async (request, reply) => answerChanges(core, request, reply, request.body.changes),
  );
}

/** A page of the members of the tenant that the request was let through in. */
export async function membersFor(
  core: Core,
  request: FastifyRequest,
  query: Omit<MemberQuery, 'limit'> & { readonly limit?: number },
) {
  const tenantId = request.principal?.tenantId;
  if (!tenantId) throw new Error('a permission was met without a tenant');
  const requirement = requirementFor(request);
  return await listMembers(core, { requirement, tenantId }, { limit: MEMBERS_ON_PAGE, ...query });
}

export function refuseCursor(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const errors = [{ field: 'cursor', reason: 'malformed-cursor' }];
  return refuse('invalid-fields', request, reply, errors);
}

async function answerChanges(
  core: Core,
  request: FastifyRequest,
  reply: FastifyReply,
  changes: readonly MemberChange[],
): Promise<FastifyReply> {
  const outcome = await changeMembers(core, authorityOf(request), changes);
  if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
  if (!('problem' in outcome)) return reply.send(outcome);
  if (outcome.problem !== 'unknown-role') return refuse(outcome.problem, request, reply);
  const errors = [{ field: 'role', reason: outcome.problem }];
  return refuse('invalid-fields', request, reply, errors);
}

function memberRow({ id, displayName, email, role: name, since, own }: MemberRow) {
  return { id, displayName, email, role: name, since: since.toISOString(), own };
}
