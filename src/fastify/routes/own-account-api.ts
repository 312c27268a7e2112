import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { requestDeletion } from '../../core/account-deletion.ts';
import type { Core } from '../../core/core.ts';
import { requestEmailChange, revertEmailChange } from '../../core/email-change.ts';
import { reauthenticate } from '../../core/reauthentication.ts';
import { keepOwnIdentity } from '../../db/identities.ts';
import { deleteOwnOtherSessions, deleteOwnSession, ownSessions } from '../../db/sessions.ts';
import { authorityOf } from '../access.ts';
import { callerOf } from '../caller.ts';
import { languageOf } from '../reader.ts';
import { refuse } from '../refusals.ts';
import { csrfToken, emailAddress, instant, refusals, text } from '../schemas.ts';
import { endBrowserSession, startBrowserSession } from '../session-cookies.ts';

/**
 * What an account's most sensitive changes ask for: a proof in the last five minutes, with a second
 * factor of whoever has one.
 */
export const FRESH = { stepUp: { withinSeconds: 300 } } as const;

/** The JSON API of a person's own sessions, address, password and account. */
export function ownAccountApi(server: FastifyInstance, core: Core): void {
  sessionRoutes(server);
  credentialRoutes(server, core);
  lifetimeRoutes(server, core);
}

export const ownSession = z.object({
  id: z.uuid(),
  browser: z.string().nullable(),
  system: z.string().nullable(),
  createdAt: instant,
  lastSeenAt: instant.describe('exact to about a minute'),
  current: z.boolean(),
});

function sessionRoutes(server: FastifyInstance): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/api/sessions',
    {
      access: 'signed-in',
      role: 'sallyport_identity',
      load: () => ({ sessions: ownSessions }),
      schema: {
        summary: 'Your sessions',
        response: { 200: z.array(ownSession), ...refusals() },
      },
    },
    async (request) => request.loaded['sessions']?.rows.map(sessionRow) ?? [],
  );

  app.delete(
    '/api/sessions/:id',
    {
      access: FRESH,
      bodyType: 'json',
      role: 'sallyport_identity',
      load: (_db, request) => ({
        session: deleteOwnSession(request.params.id, callerOf(request)),
      }),
      schema: {
        summary: 'End one of your sessions',
        params: z.object({ id: z.uuid().toLowerCase() }),
        response: { 204: z.undefined(), ...refusals('not-found') },
      },
    },
    async (request, reply) => {
      if (request.loaded['session']?.rowCount !== 1) return refuse('not-found', request, reply);
      if (request.params.id === request.principal?.sessionId) endBrowserSession(reply);
      return reply.code(204).send();
    },
  );

  app.delete(
    '/api/sessions',
    {
      access: FRESH,
      bodyType: 'json',
      role: 'sallyport_identity',
      load: (_db, request) => ({
        sessions: deleteOwnOtherSessions(callerOf(request)),
      }),
      schema: {
        summary: 'End all of your sessions but this one',
        response: { 204: z.undefined(), ...refusals() },
      },
    },
    async (_request, reply) => reply.code(204).send(),
  );
}

function credentialRoutes(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.post(
    '/api/re-authentication',
    {
      access: 'signed-in',
      bodyType: 'json',
      schema: {
        summary: 'Prove again who is at the browser; the session gets a new secret',
        body: z.strictObject({
          password: text,
          code: text
            .describe('of the authenticator app, or a recovery code, of whoever has one')
            .optional(),
        }),
        response: {
          200: z.object({ csrfToken }),
          ...refusals('wrong-credentials', 'too-many-attempts'),
        },
      },
    },
    async (request, reply) => {
      const outcome = await reauthenticate(core, authorityOf(request), request.body);
      if (outcome === 'wrong-credentials') return refuse('wrong-credentials', request, reply);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      return reply.send({ csrfToken: startBrowserSession(reply, outcome) });
    },
  );

  app.post(
    '/api/account/change-email',
    {
      access: FRESH,
      bodyType: 'json',
      schema: {
        summary: 'Change the address; a link mailed to the new one proves it',
        body: z.strictObject({ email: emailAddress.meta({ examples: ['ada@example.org'] }) }),
        response: {
          202: z.object({ status: z.literal('check-mail') }),
          ...refusals(),
        },
      },
    },
    async (request, reply) => {
      const { email } = request.body;
      const language = languageOf(request);
      const outcome = await requestEmailChange(core, authorityOf(request), email, language);
      if (outcome === 'requested') return reply.code(202).send({ status: 'check-mail' });
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      const errors = [{ field: 'email', reason: outcome.problem }];
      return refuse('invalid-fields', request, reply, errors);
    },
  );

  app.post(
    '/api/email-reversions',
    {
      access: 'public',
      bodyType: 'json',
      schema: {
        summary: 'Get the old address back with the token that was mailed there, once',
        body: z.strictObject({ token: text }),
        response: {
          200: z.object({ status: z.literal('reverted') }),
          ...refusals('invalid-token'),
        },
      },
    },
    async (request, reply) => {
      const outcome = await revertEmailChange(core, request.body.token, callerOf(request));
      if (outcome === 'invalid') return refuse('invalid-token', request, reply);
      return reply.send({ status: outcome });
    },
  );
}

function lifetimeRoutes(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.post(
    '/api/account/delete',
    {
      access: FRESH,
      bodyType: 'json',
      schema: {
        summary: 'Delete the account after a grace period; all sessions end now',
        body: z.strictObject({}).nullish(),
        response: { 202: z.object({ deletesAt: instant }), ...refusals('last-owner') },
      },
    },
    async (request, reply) => {
      const outcome = await requestDeletion(core, authorityOf(request), languageOf(request));
      if (outcome === 'last-owner') return refuse(outcome, request, reply);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      endBrowserSession(reply);
      return reply.code(202).send({ deletesAt: outcome.deletesAt.toISOString() });
    },
  );

  app.post(
    '/api/account/keep',
    {
      access: 'signed-in',
      bodyType: 'json',
      role: 'sallyport_identity',
      load: (_db, request) => ({ identity: keepOwnIdentity(callerOf(request)) }),
      schema: {
        summary: 'Call a deletion off within its grace period',
        body: z.strictObject({}).nullish(),
        response: { 204: z.undefined(), ...refusals() },
      },
    },
    async (_request, reply) => reply.code(204).send(),
  );
}

export function sessionRow(row: Readonly<Record<string, unknown>>): z.input<typeof ownSession> {
  return {
    id: String(row['id']),
    browser: row['browser'] as string | null,
    system: row['system'] as string | null,
    createdAt: (row['createdAt'] as Date).toISOString(),
    lastSeenAt: (row['lastSeenAt'] as Date).toISOString(),
    current: row['current'] === true,
  };
}
