import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { requestEmailChange } from '../../core/email-change.ts';
import { changePassword, removePassword } from '../../core/password-change.ts';
import { ownEmailChange } from '../../db/email-changes.ts';
import { ownDeletion } from '../../db/identities.ts';
import { ownPassword } from '../../db/passwords.ts';
import { eventOfCurrentIdentity } from '../../db/security-events.ts';
import { deleteCurrentSession } from '../../db/sessions.ts';
import type { FieldError } from '../../http/problem.ts';
import { emailPage } from '../../pages/email-change.tsx';
import { passwordPage, removePasswordPage } from '../../pages/password.tsx';
import { signedOutPage } from '../../pages/problem.tsx';
import { authorityOf, loadedBy } from '../access.ts';
import { callerOf } from '../caller.ts';
import { mounted } from '../mount.ts';
import { languageOf, sendPage, textsFor } from '../reader.ts';
import { refuse } from '../refusals.ts';
import { text } from '../schemas.ts';
import { csrfTokenFor, endBrowserSession, startBrowserSession } from '../session-cookies.ts';
import { accountValues, FORM, NO_FIELDS, noticeOf, PAGE } from './account-page.ts';
import { FRESH } from './own-account-api.ts';
import { reauthenticationPages } from './reauthentication-pages.ts';

/** The pages of what proves a person: address, password, proving again, signing out. */
export function credentialPages(server: FastifyInstance, core: Core, origin: () => string): void {
  emailPages(server, core);
  passwordPages(server, core);
  reauthenticationPages(server, core, origin);
  signOutPages(server);
}

function emailPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const load = () => ({ deletion: ownDeletion, change: ownEmailChange });
  const pageOf = (request: FastifyRequest, more: { value?: string; errors: FieldError[] }) => {
    const pending = loadedBy(request, 'change')?.rows[0] as
      | { address: string; expiresAt: Date }
      | undefined;
    return { ...accountValues(request), pending, ...more };
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
        return reply.redirect(mounted(request, '/account/email?notice=email-requested'), 303);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      const errors = [{ field: 'email', reason: outcome.problem }];
      const values = pageOf(request, { value: email, errors });
      return sendPage(reply.code(400), emailPage(textsFor(request), values));
    },
  );
}

function passwordPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const load = () => ({ deletion: ownDeletion, password: ownPassword });
  const pageOf = (request: FastifyRequest) => ({
    ...accountValues(request),
    hasPassword: loadedBy(request, 'password')?.rowCount === 1,
  });

  app.get(
    '/account/password',
    {
      ...PAGE,
      access: FRESH,
      load,
      schema: { hide: true, querystring: noticeOf('password-changed', 'password-removed') },
    },
    async (request, reply) => {
      const values = { ...pageOf(request), notice: request.query.notice, errors: [] };
      return sendPage(reply, passwordPage(textsFor(request), values));
    },
  );

  app.post(
    '/account/password',
    {
      ...FORM,
      access: FRESH,
      load,
      role: 'sallyport_identity',
      schema: {
        hide: true,
        body: z.strictObject({ _csrf: text, currentPassword: text.optional(), newPassword: text }),
      },
    },
    async (request, reply) => {
      const { currentPassword, newPassword } = request.body;
      const input = { currentPassword, newPassword };
      const outcome = await changePassword(core, authorityOf(request), input, languageOf(request));
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      if ('problem' in outcome) {
        const values = { ...pageOf(request), errors: [outcome.problem] };
        return sendPage(reply.code(400), passwordPage(textsFor(request), values));
      }
      startBrowserSession(reply, outcome);
      return reply.redirect(mounted(request, '/account/password?notice=password-changed'), 303);
    },
  );

  const REMOVAL = '/account/password/remove';
  app.get(REMOVAL, { ...PAGE, access: FRESH, schema: { hide: true } }, async (request, reply) =>
    sendPage(reply, removePasswordPage(textsFor(request), { csrfToken: csrfTokenFor(request) })),
  );

  app.post(
    REMOVAL,
    { ...FORM, access: FRESH, schema: { hide: true, body: NO_FIELDS } },
    async (request, reply) => {
      const outcome = await removePassword(core, authorityOf(request));
      if (outcome === 'last-way-in')
        return reply.redirect(mounted(request, '/account/authenticators?notice=last-way-in'), 303);
      if (typeof outcome === 'string') return refuse(outcome, request, reply);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      startBrowserSession(reply, outcome);
      return reply.redirect(mounted(request, '/account/password?notice=password-removed'), 303);
    },
  );
}

function signOutPages(server: FastifyInstance): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  // Signing out is never a GET: its form stands on the account's pages.
  app.get(
    '/sign-out',
    { access: 'public', page: true, schema: { hide: true } },
    async (request, reply) => reply.redirect(mounted(request, '/account'), 303),
  );

  app.post(
    '/sign-out',
    {
      ...FORM,
      role: 'sallyport_identity',
      load: (_db, request) => ({
        event: eventOfCurrentIdentity('signed-out', callerOf(request)),
        session: deleteCurrentSession(),
      }),
      schema: { hide: true, body: NO_FIELDS },
    },
    async (request: FastifyRequest, reply: FastifyReply) => {
      if (loadedBy(request, 'session')?.rowCount !== 1)
        return refuse('not-signed-in', request, reply);
      endBrowserSession(reply);
      return sendPage(reply, signedOutPage(textsFor(request)));
    },
  );
}
