import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ownDeletion } from '../../db/identities.ts';
import { deleteOwnOtherSessions, deleteOwnSession, ownSessions } from '../../db/sessions.ts';
import { signedOutPage } from '../../pages/problem.tsx';
import { endOthersPage, endSessionPage, type Session } from '../../pages/session-end.tsx';
import { sessionsPage } from '../../pages/sessions.tsx';
import { loadedBy, principalOf } from '../access.ts';
import { callerOf } from '../caller.ts';
import { mounted } from '../mount.ts';
import { sendPage, textsFor } from '../reader.ts';
import { refuse } from '../refusals.ts';
import { text } from '../schemas.ts';
import { csrfTokenFor, endBrowserSession } from '../session-cookies.ts';
import { accountValues, FORM, NO_FIELDS, noticeOf, PAGE } from './account-page.ts';
import { FRESH } from './own-account-api.ts';

/**
 * The own sessions. A form that is sent with too old a proof, or signed out, leads through that
 * proof to a page which asks once more for the same: what was meant is not lost, and nothing ends
 * by a GET.
 */
export function sessionPages(server: FastifyInstance): void {
  listPage(server);
  endOne(server);
  endOthers(server);
}

function listPage(server: FastifyInstance): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  app.get(
    '/account/sessions',
    {
      ...PAGE,
      load: () => ({ deletion: ownDeletion, sessions: ownSessions }),
      schema: { hide: true, querystring: noticeOf('session-ended', 'sessions-ended') },
    },
    async (request, reply) => {
      const sessions = sessionsOf(request);
      const values = { ...accountValues(request), sessions, notice: request.query.notice };
      return sendPage(reply, sessionsPage(textsFor(request), values));
    },
  );
}

function endOne(server: FastifyInstance): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const form = z.strictObject({ _csrf: text, id: z.uuid().toLowerCase() });

  app.get(
    '/account/sessions/end',
    {
      ...PAGE,
      access: FRESH,
      load: () => ({ sessions: ownSessions }),
      schema: { hide: true, querystring: z.object({ id: text.default('') }) },
    },
    async (request, reply) => {
      const session = sessionsOf(request).find(({ id }) => id === request.query.id);
      // It has ended by itself meanwhile, or is nobody's or somebody else's.
      if (!session) return reply.redirect(mounted(request, '/account/sessions'), 303);
      const values = { csrfToken: csrfTokenFor(request), session };
      return sendPage(reply, endSessionPage(textsFor(request), values));
    },
  );

  app.post(
    '/account/sessions/end',
    {
      ...FORM,
      access: FRESH,
      role: 'sallyport_identity',
      load: (_db, request) => ({
        session: deleteOwnSession(request.body.id, callerOf(request)),
      }),
      returnTo: ({ body }) => {
        const { id } = (body ?? {}) as Partial<z.output<typeof form>>;
        return id === undefined ? '/account/sessions' : `/account/sessions/end?id=${id}`;
      },
      schema: { hide: true, body: form },
    },
    async (request, reply) => {
      if (request.loaded['session']?.rowCount !== 1) return refuse('not-found', request, reply);
      if (request.body.id !== principalOf(request).sessionId)
        return reply.redirect(mounted(request, '/account/sessions?notice=session-ended'), 303);
      endBrowserSession(reply);
      return sendPage(reply, signedOutPage(textsFor(request)));
    },
  );
}

function endOthers(server: FastifyInstance): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  app.get(
    '/account/sessions/end-others',
    { ...PAGE, access: FRESH, schema: { hide: true } },
    async (request, reply) => {
      const values = { csrfToken: csrfTokenFor(request) };
      return sendPage(reply, endOthersPage(textsFor(request), values));
    },
  );

  app.post(
    '/account/sessions/end-others',
    {
      ...FORM,
      access: FRESH,
      role: 'sallyport_identity',
      load: (_db, request) => ({ sessions: deleteOwnOtherSessions(callerOf(request)) }),
      schema: { hide: true, body: NO_FIELDS },
    },
    async (request, reply) =>
      reply.redirect(mounted(request, '/account/sessions?notice=sessions-ended'), 303),
  );
}

function sessionsOf(request: FastifyRequest): readonly Session[] {
  return (loadedBy(request, 'sessions')?.rows ?? []) as unknown as readonly Session[];
}
