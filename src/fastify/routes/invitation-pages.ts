import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { listInvitations } from '../../core/invitation-list.ts';
import {
  invite,
  type InvitationInput,
  resendInvitation,
  withdrawInvitation,
} from '../../core/invitations.ts';
import type { FieldError } from '../../http/problem.ts';
import { invitationsPage } from '../../pages/invitations.tsx';
import { authorityOf, principalOf, readerOf } from '../access.ts';
import { mounted } from '../mount.ts';
import { languageOf, sendPage, textsFor } from '../reader.ts';
import { refuse } from '../refusals.ts';
import { text } from '../schemas.ts';
import { csrfTokenFor } from '../session-cookies.ts';
import { noticeOf, PAGE } from './account-page.ts';
import { INVITATIONS_ON_PAGE, READ_INVITATIONS, WRITE_INVITATIONS } from './invitations-api.ts';
import { mayGiveRole, rolesOf, withRoles } from './roles-api.ts';
import { TENANT_FORM } from './tenant-pages.ts';

const WRITING = {
  ...TENANT_FORM,
  access: WRITE_INVITATIONS,
  returnTo: '/tenant/invitations',
} as const;

/** The invitations of a tenant as pages. */
export function invitationPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const notices = noticeOf('invited', 'invitation-withdrawn');

  app.get(
    '/tenant/invitations',
    {
      ...PAGE,
      access: READ_INVITATIONS,
      ...withRoles,
      schema: { hide: true, querystring: notices.extend({ cursor: text.optional() }) },
    },
    async (request, reply) => sendInvitations(core, request, reply, request.query),
  );

  app.post(
    '/tenant/invitations',
    {
      ...WRITING,
      ...withRoles,
      schema: { hide: true, body: z.strictObject({ _csrf: text, email: text, role: text }) },
    },
    async (request, reply) => {
      const { email, role } = request.body;
      const made = { email, role };
      const outcome = await invite(core, authorityOf(request), [made], languageOf(request));
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      if ('problem' in outcome) return refuse(outcome.problem, request, reply);
      if ('problems' in outcome) {
        const typed = { made, errors: outcome.problems };
        return sendInvitations(core, request, reply.code(400), typed);
      }
      return reply.redirect(mounted(request, '/tenant/invitations?notice=invited'), 303);
    },
  );

  const form = z.strictObject({ _csrf: text, id: z.uuid().toLowerCase() });
  app.post(
    '/tenant/invitations/resend',
    { ...WRITING, schema: { hide: true, body: form } },
    async (request, reply) => {
      const { id } = request.body;
      const language = languageOf(request);
      const outcome = await resendInvitation(core, authorityOf(request), id, language);
      if (outcome === 'sent') {
        return reply.redirect(mounted(request, '/tenant/invitations?notice=invited'), 303);
      }
      return refuse('refusal' in outcome ? outcome.refusal : outcome.problem, request, reply);
    },
  );

  app.post(
    '/tenant/invitations/withdraw',
    { ...WRITING, schema: { hide: true, body: form } },
    async (request, reply) => {
      const outcome = await withdrawInvitation(core, authorityOf(request), request.body.id);
      if (outcome === 'withdrawn') {
        const path = '/tenant/invitations?notice=invitation-withdrawn';
        return reply.redirect(mounted(request, path), 303);
      }
      return refuse('refusal' in outcome ? outcome.refusal : outcome.problem, request, reply);
    },
  );
}

async function sendInvitations(
  core: Core,
  request: FastifyRequest,
  reply: FastifyReply,
  shown: {
    readonly cursor?: string | undefined;
    readonly notice?: 'invited' | 'invitation-withdrawn' | undefined;
    readonly made?: InvitationInput;
    readonly errors?: readonly FieldError[];
  },
): Promise<FastifyReply> {
  const query = { cursor: shown.cursor, limit: INVITATIONS_ON_PAGE };
  const page = await listInvitations(core, readerOf(request), query);
  // A cursor from another day or another tenant: the list begins anew.
  if (page === 'malformed-cursor') {
    return reply.redirect(mounted(request, '/tenant/invitations'), 303);
  }
  if ('refusal' in page) return refuse(page.refusal, request, reply);
  const permissions = principalOf(request).permissions ?? [];
  const values = {
    csrfToken: csrfTokenFor(request),
    notice: shown.notice,
    invitations: page.rows,
    next: page.next === null ? null : `/tenant/invitations?cursor=${page.next}`,
    mayWrite: permissions.includes(WRITE_INVITATIONS.permission),
    roles: rolesOf(request).filter((each) => mayGiveRole(request, each)),
    made: shown.made,
    errors: shown.errors ?? [],
  };
  return sendPage(reply, invitationsPage(textsFor(request), values));
}
