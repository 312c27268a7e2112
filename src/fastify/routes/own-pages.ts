import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { DELETION_GRACE_DAYS, requestDeletion } from '../../core/account-deletion.ts';
import type { Core } from '../../core/core.ts';
import { parseDisplayName } from '../../core/display-name.ts';
import { keepOwnIdentity, ownDeletion } from '../../db/identities.ts';
import { updateOwnProfile } from '../../db/profiles.ts';
import { ownSecurityEvents } from '../../db/security-events.ts';
import { deleteOwnOtherSessions, deleteOwnSession, ownSessions } from '../../db/sessions.ts';
import type { FieldError } from '../../http/problem.ts';
import { accountPage } from '../../pages/account.tsx';
import { dataPage, deletionRequestedPage } from '../../pages/data.tsx';
import { sessionsPage } from '../../pages/sessions.tsx';
import { authorityOf } from '../access.ts';
import { languageOf, sendPage, textsFor } from '../reader.ts';
import { refuse } from '../refusals.ts';
import { text } from '../schemas.ts';
import { endBrowserSession } from '../session-cookies.ts';
import { accountValues, FORM, NO_FIELDS, noticeOf, PAGE, withDeletion } from './account-page.ts';
import { exportOf, FRESH } from './own-account-api.ts';

/** The own account as pages: forms and links, no script needed. */
export function ownPages(server: FastifyInstance, core: Core): void {
  profilePages(server);
  sessionPages(server);
  dataPages(server, core);
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
      const values = { ...accountValues(request), notice: request.query.notice, errors: [] };
      return sendPage(reply, accountPage(textsFor(request), values));
    },
  );

  app.post(
    '/account',
    {
      ...FORM,
      load: (_db, { body }) => {
        const parsed = parseDisplayName(body.displayName);
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
        accountPage(textsFor(request), { ...accountValues(request), errors }),
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
      const values = { ...accountValues(request), sessions, notice: request.query.notice };
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
      load: (_db, { body }) => ({ session: deleteOwnSession(body.id) }),
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
    dataPage(textsFor(request), {
      ...accountValues(request),
      graceDays: DELETION_GRACE_DAYS,
      errors,
    });

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
