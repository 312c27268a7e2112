import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { requestFactorReset } from '../../core/factor-reset.ts';
import { changeMembers, type MemberChange } from '../../core/member-changes.ts';
import { COUNTED_MAX, findMember } from '../../core/member-list.ts';
import type { FieldError } from '../../http/problem.ts';
import { membersPage, removeMemberPage, resetMemberPage } from '../../pages/members.tsx';
import { authorityOf, principalOf, requirementFor } from '../access.ts';
import { mounted } from '../mount.ts';
import { languageOf, sendPage, textsFor } from '../reader.ts';
import { refuse } from '../refusals.ts';
import { text } from '../schemas.ts';
import { csrfTokenFor } from '../session-cookies.ts';
import { noticeOf, PAGE } from './account-page.ts';
import {
  memberQuery,
  membersFor,
  READ_MEMBERS,
  RECOVER_MEMBERS,
  WRITE_MEMBERS,
} from './members-api.ts';
import { mayGiveRole, ownLevel, rolesOf, withRoles } from './roles-api.ts';
import { TENANT_FORM } from './tenant-pages.ts';

type Query = z.output<typeof memberQuery>;

/** The members of a tenant as pages. */
export function memberPages(server: FastifyInstance, core: Core): void {
  listPages(server, core);
  removalPages(server, core);
  resetPages(server, core);
}

function listPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/tenant/members',
    {
      ...PAGE,
      access: READ_MEMBERS,
      ...withRoles,
      schema: {
        hide: true,
        querystring: memberQuery.extend(
          noticeOf('member-changed', 'member-removed', 'factor-reset').shape,
        ),
      },
    },
    async (request, reply) => sendMembers(core, request, reply, request.query, []),
  );

  app.post(
    '/tenant/members',
    {
      ...TENANT_FORM,
      access: WRITE_MEMBERS,
      ...withRoles,
      returnTo: '/tenant/members',
      schema: {
        hide: true,
        body: z.strictObject({ _csrf: text, id: z.uuid().toLowerCase(), role: text }),
      },
    },
    async (request, reply) => {
      const { id, role } = request.body;
      return changeOne(core, request, reply, { id, role }, 'member-changed');
    },
  );
}

function removalPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const id = z.uuid().toLowerCase();

  app.get(
    '/tenant/members/remove',
    {
      ...PAGE,
      access: WRITE_MEMBERS,
      schema: { hide: true, querystring: z.object({ id }) },
    },
    async (request, reply) => {
      const member = await findMember(core, requirementFor(request), request.query.id);
      if (!member) return refuse('not-found', request, reply);
      if ('refusal' in member) return refuse(member.refusal, request, reply);
      const values = { csrfToken: csrfTokenFor(request), member };
      return sendPage(reply, removeMemberPage(textsFor(request), values));
    },
  );

  app.post(
    '/tenant/members/remove',
    {
      ...TENANT_FORM,
      access: WRITE_MEMBERS,
      ...withRoles,
      returnTo: ({ body }) => {
        const { id: removed } = (body ?? {}) as { readonly id?: string };
        return removed === undefined ? '/tenant/members' : `/tenant/members/remove?id=${removed}`;
      },
      schema: { hide: true, body: z.strictObject({ _csrf: text, id }) },
    },
    async (request, reply) =>
      changeOne(core, request, reply, { id: request.body.id, role: null }, 'member-removed'),
  );
}

function resetPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const id = z.uuid().toLowerCase();
  const path = '/tenant/members/reset';

  app.get(
    path,
    { ...PAGE, access: RECOVER_MEMBERS, schema: { hide: true, querystring: z.object({ id }) } },
    async (request, reply) => {
      const member = await findMember(core, requirementFor(request), request.query.id);
      if (!member) return refuse('not-found', request, reply);
      if ('refusal' in member) return refuse(member.refusal, request, reply);
      const values = { csrfToken: csrfTokenFor(request), member };
      return sendPage(reply, resetMemberPage(textsFor(request), values));
    },
  );

  app.post(
    path,
    {
      ...TENANT_FORM,
      access: RECOVER_MEMBERS,
      returnTo: '/tenant/members',
      schema: { hide: true, body: z.strictObject({ _csrf: text, id }) },
    },
    async (request, reply) => {
      const language = languageOf(request);
      const authority = authorityOf(request);
      const outcome = await requestFactorReset(core, authority, request.body.id, language);
      if (typeof outcome === 'object') return refuse(outcome.refusal, request, reply);
      if (outcome !== 'mailed') return refuse(outcome, request, reply);
      return reply.redirect(mounted(request, '/tenant/members?notice=factor-reset'), 303);
    },
  );
}

async function changeOne(
  core: Core,
  request: FastifyRequest,
  reply: FastifyReply,
  change: MemberChange,
  notice: 'member-changed' | 'member-removed',
): Promise<FastifyReply> {
  const outcome = await changeMembers(core, authorityOf(request), [change]);
  if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
  if (!('problem' in outcome)) {
    return reply.redirect(mounted(request, `/tenant/members?notice=${notice}`), 303);
  }
  if (outcome.problem !== 'unknown-role') return refuse(outcome.problem, request, reply);
  const errors = [{ field: 'role', reason: outcome.problem }];
  return sendMembers(core, request, reply.code(400), {}, errors);
}

async function sendMembers(
  core: Core,
  request: FastifyRequest,
  reply: FastifyReply,
  query: Query & {
    readonly notice?: 'member-changed' | 'member-removed' | 'factor-reset' | undefined;
  },
  errors: readonly FieldError[],
): Promise<FastifyReply> {
  const { search = '', role, notice } = query;
  const page = await membersFor(core, request, query);
  // A cursor from another day or another tenant: the list begins anew.
  if (page === 'malformed-cursor') return reply.redirect(mounted(request, '/tenant/members'), 303);
  if ('refusal' in page) return refuse(page.refusal, request, reply);
  const permissions = principalOf(request).permissions ?? [];
  const values = {
    csrfToken: csrfTokenFor(request),
    notice,
    members: page.members,
    total: page.total,
    totalMax: COUNTED_MAX,
    search,
    next: page.next === null ? null : nextPath(page.next, search, role),
    roles: rolesOf(request).filter((each) => mayGiveRole(request, each)),
    mayReset: permissions.includes(RECOVER_MEMBERS.permission),
    mayWrite: permissions.includes(WRITE_MEMBERS.permission),
    levelMax: ownLevel(request),
    errors,
  };
  return sendPage(reply, membersPage(textsFor(request), values));
}

function nextPath(cursor: string, search: string, role: string | undefined): string {
  const query = new URLSearchParams({
    ...(search === '' ? {} : { search }),
    ...(role === undefined ? {} : { role }),
    cursor,
  });
  return `/tenant/members?${query.toString()}`;
}
