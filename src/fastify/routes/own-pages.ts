import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { DELETION_GRACE_DAYS, requestDeletion } from '../../core/account-deletion.ts';
import type { Core } from '../../core/core.ts';
import { parseDisplayName } from '../../core/display-name.ts';
import { requestEmailChange } from '../../core/email-change.ts';
import { changePassword } from '../../core/password-change.ts';
import { reauthenticate } from '../../core/reauthentication.ts';
import { ownEmailChange } from '../../db/email-changes.ts';
import { keepOwnIdentity, ownDeletion } from '../../db/identities.ts';
import { updateOwnProfile } from '../../db/profiles.ts';
import { eventOfCurrentIdentity, ownSecurityEvents } from '../../db/security-events.ts';
import {
  deleteCurrentSession,
  deleteOwnOtherSessions,
  deleteOwnSession,
  ownSessions,
} from '../../db/sessions.ts';
import type { FieldError } from '../../http/problem.ts';
import { parseReturnTarget } from '../../http/return-target.ts';
import { accountPage } from '../../pages/account.tsx';
import { dataPage, deletionRequestedPage } from '../../pages/data.tsx';
import { emailPage } from '../../pages/email-change.tsx';
import { passwordPage } from '../../pages/password.tsx';
import { signedOutPage } from '../../pages/problem.tsx';
import { reauthenticationPage } from '../../pages/reauthentication.tsx';
import { sessionsPage } from '../../pages/sessions.tsx';
import { authorityOf, principalOf } from '../access.ts';
import { languageOf, sendPage, textsFor } from '../reader.ts';
import { refuse } from '../refusals.ts';
import { text } from '../schemas.ts';
import { csrfTokenFor, endBrowserSession, startBrowserSession } from '../session-cookies.ts';
import { exportOf, FRESH } from './own-account-api.ts';

const PAGE = { access: 'signed-in', page: true, role: 'sallyport_identity' } as const;
const FORM = { access: 'signed-in', page: true, bodyType: 'form' } as const;
const withDeletion = { load: () => ({ deletion: ownDeletion }) };
const NO_FIELDS = z.strictObject({ _csrf: text });

/** The own account as pages: forms and links, no script needed. */
export function ownPages(server: FastifyInstance, core: Core, origin: () => string): void {
  profilePages(server);
  emailPages(server, core);
  passwordPages(server, core);
  sessionPages(server);
  dataPages(server, core);
  reauthenticationPages(server, core, origin);
  signOutPages(server);
}

/** What every page of the account is given. */
function common(request: FastifyRequest) {
  const { email, displayName } = principalOf(request);
  const deletesAt = request.loaded['deletion']?.rows[0]?.['deletesAt'] as Date | null | undefined;
  return {
    csrfToken: csrfTokenFor(request),
    email,
    displayName,
    deletesAt: deletesAt ?? undefined,
  };
}

/** A page's own notices, as they come back in its address. */
function noticeOf<const Notice extends string>(...notices: readonly [Notice, ...Notice[]]) {
  return z.object({ notice: z.enum(notices).optional().catch(undefined) });
}

function profilePages(server: FastifyInstance): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const form = z.strictObject({ _csrf: text, displayName: text });

  app.get(
    '/account',
    {
      ...PAGE,
      ...withDeletion,
      schema: { hide: true, querystring: noticeOf('saved', 'kept') },
    },
    async (request, reply) => {
      const values = { ...common(request), notice: request.query.notice, errors: [] };
      return sendPage(reply, accountPage(textsFor(request), values));
    },
  );

  app.post(
    '/account',
    {
      ...FORM,
      load: ({ body }) => {
        const parsed = parseDisplayName((body as z.output<typeof form>).displayName);
        return 'problem' in parsed ? {} : { profile: updateOwnProfile(parsed.displayName) };
      },
      schema: { hide: true, body: form },
    },
    async (request, reply) => {
      const parsed = parseDisplayName(request.body.displayName);
      if (!('problem' in parsed)) return reply.redirect('/account?notice=saved', 303);
      const errors = [{ field: 'displayName', reason: parsed.problem }];
      return sendPage(
        reply.code(400),
        accountPage(textsFor(request), { ...common(request), errors }),
      );
    },
  );

  app.post(
    '/account/keep',
    {
      ...FORM,
      role: 'sallyport_identity',
      load: () => ({ identity: keepOwnIdentity }),
      returnTo: '/account',
      schema: { hide: true, body: NO_FIELDS },
    },
    async (_request, reply) => reply.redirect('/account?notice=kept', 303),
  );
}

function emailPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const load = () => ({ deletion: ownDeletion, change: ownEmailChange });
  const pageOf = (request: FastifyRequest, more: { value?: string; errors: FieldError[] }) => {
    const pending = request.loaded['change']?.rows[0] as
      | { address: string; expiresAt: Date }
      | undefined;
    return { ...common(request), pending, ...more };
  };

  app.get(
    '/account/email',
    {
      ...PAGE,
      access: FRESH,
      load,
      schema: { hide: true, querystring: noticeOf('email-requested') },
    },
    async (request, reply) => {
      const values = { ...pageOf(request, { errors: [] }), notice: request.query.notice };
      return sendPage(reply, emailPage(textsFor(request), values));
    },
  );

  app.post(
    '/account/email',
    {
      ...FORM,
      access: FRESH,
      role: 'sallyport_identity',
      load,
      schema: { hide: true, body: z.strictObject({ _csrf: text, email: text }) },
    },
    async (request, reply) => {
      const { email } = request.body;
      const language = languageOf(request);
      const outcome = await requestEmailChange(core, authorityOf(request), email, language);
      if (outcome === 'requested')
        return reply.redirect('/account/email?notice=email-requested', 303);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      const errors = [{ field: 'email', reason: outcome.problem }];
      const values = pageOf(request, { value: email, errors });
      return sendPage(reply.code(400), emailPage(textsFor(request), values));
    },
  );
}

function passwordPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/account/password',
    {
      ...PAGE,
      ...withDeletion,
      schema: { hide: true, querystring: noticeOf('password-changed') },
    },
    async (request, reply) => {
      const values = { ...common(request), notice: request.query.notice, errors: [] };
      return sendPage(reply, passwordPage(textsFor(request), values));
    },
  );

  app.post(
    '/account/password',
    {
      ...FORM,
      ...withDeletion,
      role: 'sallyport_identity',
      schema: {
        hide: true,
        body: z.strictObject({ _csrf: text, currentPassword: text, newPassword: text }),
      },
    },
    async (request, reply) => {
      const { currentPassword, newPassword } = request.body;
      const input = { currentPassword, newPassword };
      const outcome = await changePassword(core, authorityOf(request), input, languageOf(request));
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      if ('problem' in outcome) {
        const values = { ...common(request), errors: [outcome.problem] };
        return sendPage(reply.code(400), passwordPage(textsFor(request), values));
      }
      startBrowserSession(reply, outcome);
      return reply.redirect('/account/password?notice=password-changed', 303);
    },
  );
}

function sessionPages(server: FastifyInstance): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/account/sessions',
    {
      ...PAGE,
      load: () => ({ deletion: ownDeletion, sessions: ownSessions }),
      schema: { hide: true, querystring: noticeOf('session-ended', 'sessions-ended') },
    },
    async (request, reply) => {
      const sessions = (request.loaded['sessions']?.rows ?? []) as unknown as Parameters<
        typeof sessionsPage
      >[1]['sessions'];
      const values = { ...common(request), sessions, notice: request.query.notice };
      return sendPage(reply, sessionsPage(textsFor(request), values));
    },
  );

  const form = z.strictObject({ _csrf: text, id: z.uuid() });
  app.post(
    '/account/sessions/end',
    {
      ...FORM,
      access: FRESH,
      role: 'sallyport_identity',
      load: ({ body }) => ({ session: deleteOwnSession((body as z.output<typeof form>).id) }),
      returnTo: '/account/sessions',
      schema: { hide: true, body: form },
    },
    async (request, reply) => {
      if (request.loaded['session']?.rowCount !== 1) return refuse('not-found', request, reply);
      return reply.redirect('/account/sessions?notice=session-ended', 303);
    },
  );

  app.post(
    '/account/sessions/end-others',
    {
      ...FORM,
      access: FRESH,
      role: 'sallyport_identity',
      load: () => ({ sessions: deleteOwnOtherSessions }),
      returnTo: '/account/sessions',
      schema: { hide: true, body: NO_FIELDS },
    },
    async (_request, reply) => reply.redirect('/account/sessions?notice=sessions-ended', 303),
  );
}

function dataPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const pageOf = (request: FastifyRequest, errors: readonly FieldError[]) =>
    dataPage(textsFor(request), { ...common(request), graceDays: DELETION_GRACE_DAYS, errors });

  app.get(
    '/account/data',
    { ...PAGE, ...withDeletion, schema: { hide: true } },
    async (request, reply) => sendPage(reply, pageOf(request, [])),
  );

  app.get(
    '/account/export',
    {
      ...PAGE,
      load: () => ({ deletion: ownDeletion, sessions: ownSessions, events: ownSecurityEvents }),
      schema: { hide: true },
    },
    async (request, reply) =>
      reply
        .header('content-disposition', 'attachment; filename="account.json"')
        .send(exportOf(request)),
  );

  app.post(
    '/account/delete',
    {
      ...FORM,
      ...withDeletion,
      access: FRESH,
      role: 'sallyport_identity',
      returnTo: '/account/data',
      schema: { hide: true, body: z.strictObject({ _csrf: text, confirm: text.optional() }) },
    },
    async (request, reply) => {
      if (request.body.confirm !== 'yes') {
        const errors = [{ field: 'confirm', reason: 'required' }];
        return sendPage(reply.code(400), pageOf(request, errors));
      }
      const outcome = await requestDeletion(core, authorityOf(request), languageOf(request));
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      endBrowserSession(reply);
      return sendPage(reply, deletionRequestedPage(textsFor(request), outcome));
    },
  );
}

function reauthenticationPages(server: FastifyInstance, core: Core, origin: () => string): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const targetOf = (given: string | undefined) =>
    parseReturnTarget(given ?? '/account', origin()) ?? '/account';

  app.get(
    '/re-authenticate',
    { ...PAGE, schema: { hide: true, querystring: z.object({ return_to: text.optional() }) } },
    async (request, reply) => {
      const returnTo = targetOf(request.query.return_to);
      const values = { ...common(request), returnTo, failed: false };
      return sendPage(reply, reauthenticationPage(textsFor(request), values));
    },
  );

  const form = z.strictObject({ _csrf: text, password: text, return_to: text.optional() });
  app.post(
    '/re-authenticate',
    { ...FORM, role: 'sallyport_identity', schema: { hide: true, body: form } },
    async (request, reply) => {
      const returnTo = targetOf(request.body.return_to);
      const outcome = await reauthenticate(core, authorityOf(request), request.body.password);
      if (outcome === 'wrong-credentials') {
        const values = { ...common(request), returnTo, failed: true };
        return sendPage(reply.code(401), reauthenticationPage(textsFor(request), values));
      }
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      startBrowserSession(reply, outcome);
      return reply.redirect(returnTo, 303);
    },
  );
}

function signOutPages(server: FastifyInstance): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  // Signing out is never a GET: its form stands on the account's pages.
  app.get(
    '/sign-out',
    { access: 'public', page: true, schema: { hide: true } },
    async (_request, reply) => reply.redirect('/account', 303),
  );

  app.post(
    '/sign-out',
    {
      ...FORM,
      role: 'sallyport_identity',
      load: () => ({
        event: eventOfCurrentIdentity('signed-out'),
        session: deleteCurrentSession(),
      }),
      schema: { hide: true, body: NO_FIELDS },
    },
    async (request: FastifyRequest, reply: FastifyReply) => {
      if (request.loaded['session']?.rowCount !== 1) return refuse('not-signed-in', request, reply);
      endBrowserSession(reply);
      return sendPage(reply, signedOutPage(textsFor(request)));
    },
  );
}
