import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { acceptInvitation, signUpInvited } from '../../core/invitation-acceptance.ts';
import { listInvitations } from '../../core/invitation-list.ts';
import { invite, resendInvitation, withdrawInvitation } from '../../core/invitations.ts';
import type { OwnPermission } from '../../core/permissions.ts';
import { authorityOf, readerOf } from '../access.ts';
import { callerOf } from '../caller.ts';
import { languageOf } from '../reader.ts';
import { refuse } from '../refusals.ts';
import {
  csrfToken,
  emailAddress,
  instant,
  newDisplayName,
  newPassword,
  refusals,
  session,
  sessionView,
  text,
} from '../schemas.ts';
import { startBrowserSession } from '../session-cookies.ts';
import { refuseCursor } from './members-api.ts';

interface Asks {
  readonly permission: OwnPermission;
}

export const READ_INVITATIONS = { permission: 'invitations:read' } as const satisfies Asks;
export const WRITE_INVITATIONS = { permission: 'invitations:write' } as const satisfies Asks;

export const INVITATIONS_ON_PAGE = 50;
const INVITATIONS_AT_ONCE_MAX = 50;

const invitation = z.object({
  id: z.uuid(),
  email: z.string(),
  role: z.string(),
  invitedBy: z.string().describe('the name of whoever did'),
  createdAt: instant,
  expiresAt: instant,
});
const byId = z.object({ id: z.uuid().toLowerCase() });

/** The JSON API of invitations: for those who invite. */
export function invitationsApi(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/api/invitations',
    {
      access: READ_INVITATIONS,
      role: 'sallyport_identity',
      schema: {
        summary: 'The invitations of the tenant that wait to be accepted, a page at a time',
        querystring: z.object({
          cursor: text.optional().describe('`next` of the page before'),
          limit: z.coerce.number().int().min(1).max(100).default(INVITATIONS_ON_PAGE),
        }),
        response: {
          200: z.object({
            invitations: z.array(invitation),
            next: z.string().nullable().describe('the cursor of the next page; null on the last'),
          }),
          ...refusals(),
        },
      },
    },
    async (request, reply) => {
      const page = await listInvitations(core, readerOf(request), request.query);
      if (page === 'malformed-cursor') return refuseCursor(request, reply);
      if ('refusal' in page) return refuse(page.refusal, request, reply);
      const invitations = page.rows.map(({ id, email, role, invitedBy, createdAt, expiresAt }) => ({
        id,
        email,
        role,
        invitedBy,
        createdAt: createdAt.toISOString(),
        expiresAt: expiresAt.toISOString(),
      }));
      return reply.send({ invitations, next: page.next });
    },
  );

  app.post(
    '/api/invitations',
    {
      access: WRITE_INVITATIONS,
      bodyType: 'json',
      schema: {
        summary: 'Invite people by mail, all or nobody; the newest invitation replaces the older',
        body: z.strictObject({
          invitations: z
            .array(
              z.strictObject({
                email: emailAddress,
                role: text.describe('the name of a role of the tenant, no higher than your own'),
              }),
            )
            .min(1)
            .max(INVITATIONS_AT_ONCE_MAX),
        }),
        response: { 202: z.object({ invited: z.int() }), ...refusals('above-own-level') },
      },
    },
    async (request, reply) => {
      const { invitations } = request.body;
      const outcome = await invite(core, authorityOf(request), invitations, languageOf(request));
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      if ('problem' in outcome) return refuse(outcome.problem, request, reply);
      if ('problems' in outcome) return refuse('invalid-fields', request, reply, outcome.problems);
      return reply.code(202).send(outcome);
    },
  );

  app.post(
    '/api/invitations/:id/mail',
    {
      access: WRITE_INVITATIONS,
      bodyType: 'json',
      schema: {
        summary: 'Mail an invitation anew, with a new link and a new week',
        params: byId,
        body: z.strictObject({}).nullish(),
        response: { 202: z.undefined(), ...refusals('not-found', 'above-own-level') },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const language = languageOf(request);
      const outcome = await resendInvitation(core, authorityOf(request), id, language);
      if (outcome === 'sent') return reply.code(202).send();
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      return refuse(outcome.problem, request, reply);
    },
  );

  app.delete(
    '/api/invitations/:id',
    {
      access: WRITE_INVITATIONS,
      bodyType: 'json',
      schema: {
        summary: 'Take an invitation back',
        params: byId,
        response: { 204: z.undefined(), ...refusals('not-found', 'above-own-level') },
      },
    },
    async (request, reply) => {
      const outcome = await withdrawInvitation(core, authorityOf(request), request.params.id);
      if (outcome === 'withdrawn') return reply.code(204).send();
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      return refuse(outcome.problem, request, reply);
    },
  );

  invited(server, core);
}

/** For those who were invited. */
function invited(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.post(
    '/api/invitation-acceptances',
    {
      access: 'signed-in',
      bodyType: 'json',
      schema: {
        summary: 'Join the tenant of an invitation that was mailed to your address, once',
        body: z.strictObject({ token: text }),
        response: { 200: z.object({ csrfToken }), ...refusals('invalid-token') },
      },
    },
    async (request, reply) => {
      const outcome = await acceptInvitation(core, authorityOf(request), request.body.token);
      if (outcome === 'invalid') return refuse('invalid-token', request, reply);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      return reply.send({ csrfToken: startBrowserSession(reply, outcome.session) });
    },
  );

  app.post(
    '/api/invited-sign-ups',
    {
      access: 'public',
      bodyType: 'json',
      schema: {
        summary: 'Sign up and join the tenant of an invitation in one; sets the session cookie',
        body: z.strictObject({ token: text, displayName: newDisplayName, password: newPassword }),
        response: {
          200: z.object({ session, csrfToken }),
          ...refusals('invalid-token', 'account-exists'),
        },
      },
    },
    async (request, reply) => {
      const { token: link, displayName, password } = request.body;
      const input = { token: link, displayName, credential: { password } };
      const caller = callerOf(request);
      const outcome = await signUpInvited(core, input, request.sessionSecret, caller);
      if (outcome === 'invalid' || outcome === 'refused')
        return refuse('invalid-token', request, reply);
      if (outcome === 'sign-in-first') return refuse('account-exists', request, reply);
      if ('problems' in outcome) return refuse('invalid-fields', request, reply, outcome.problems);
      const token = startBrowserSession(reply, outcome);
      return reply.send({ session: sessionView(outcome.session), csrfToken: token });
    },
  );
}
