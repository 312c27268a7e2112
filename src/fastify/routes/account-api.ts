import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { confirmEmail } from '../../core/email-confirmation.ts';
import { followOwnName } from '../../core/member-words.ts';
import { signIn } from '../../core/sign-in.ts';
import { signUp } from '../../core/sign-up.ts';
import { ownProfile, updateOwnProfile } from '../../db/profiles.ts';
import { eventOfCurrentIdentity } from '../../db/security-events.ts';
import { deleteCurrentSession } from '../../db/sessions.ts';
import { confirmerOf, principalOf, readPresessionSecret } from '../access.ts';
import { callerOf } from '../caller.ts';
import { languageOf } from '../reader.ts';
import { refuse } from '../refusals.ts';
import {
  csrfToken,
  displayName,
  emailAddress,
  identity,
  newDisplayName,
  newPassword,
  refusals,
  session,
  sessionView,
  text,
} from '../schemas.ts';
import { factorNeeded, signInUnderWay } from './second-factor-api.ts';
import { csrfTokenFor, endBrowserSession, startBrowserSession } from '../session-cookies.ts';

/** The JSON API of a person's own account. */
export function accountApi(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.post(
    '/api/sign-up',
    {
      mainOriginOnly: true,
      access: 'public',
      bodyType: 'json',
      schema: {
        summary: 'Sign up; a mailed link proves the address',
        body: z.strictObject({
          email: emailAddress,
          password: newPassword
            .describe('left out, a passkey is made, or a password chosen, behind the link')
            .optional(),
          displayName: newDisplayName,
        }),
        response: {
          202: z.object({ status: z.literal('check-mail') }),
          ...refusals('too-many-attempts'),
        },
      },
    },
    async (request, reply) => {
      const browser = readPresessionSecret(request);
      const caller = callerOf(request);
      const outcome = await signUp(core, request.body, languageOf(request), caller, browser);
      if (outcome !== 'check-mail')
        return refuse('invalid-fields', request, reply, outcome.problems);
      return reply.code(202).send({ status: outcome });
    },
  );

  app.post(
    '/api/email-confirmations',
    {
      access: 'public',
      bodyType: 'json',
      schema: {
        summary: 'Prove an address with the mailed token, once',
        body: z.strictObject({
          token: text,
          password: text
            .describe(
              'the one chosen at sign-up, where the token alone is not enough; a new one, where none was',
            )
            .optional(),
        }),
        response: {
          200: z.object({ status: z.literal('confirmed') }),
          ...refusals('invalid-token', 'too-many-attempts'),
        },
      },
    },
    async (request, reply) => {
      const { token, password } = request.body;
      const confirmer = { ...confirmerOf(request), password };
      const outcome = await confirmEmail(core, token, callerOf(request), confirmer);
      if (outcome === 'invalid') return refuse('invalid-token', request, reply);
      if (typeof outcome === 'object') {
        const errors = [{ field: 'password', reason: outcome.passwordProblem }];
        return refuse('invalid-fields', request, reply, errors);
      }
      return reply.send({ status: 'confirmed' });
    },
  );

  app.post(
    '/api/sign-in',
    {
      access: 'public',
      bodyType: 'json',
      schema: {
        summary: 'Sign in with a password; sets the session cookie, or asks for a second factor',
        body: z.strictObject({ email: text, password: text }),
        response: {
          200: z.object({ session, csrfToken }),
          202: factorNeeded,
          ...refusals('wrong-credentials', 'too-many-attempts'),
        },
      },
    },
    async (request, reply) => {
      const outcome = await signIn(core, request.body, request.sessionSecret, callerOf(request));
      if (outcome === 'wrong-credentials') return refuse('wrong-credentials', request, reply);
      if ('flow' in outcome) return reply.code(202).send(signInUnderWay(reply, outcome));
      const token = startBrowserSession(reply, outcome);
      return reply.send({ session: sessionView(outcome.session), csrfToken: token });
    },
  );

  app.get(
    '/api/session',
    {
      access: 'signed-in',
      schema: {
        summary: 'Who is signed in',
        response: { 200: z.object({ identity, session, csrfToken }), ...refusals() },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      return reply.send({
        identity: {
          id: principal.identityId,
          email: principal.email,
          displayName: principal.displayName,
        },
        session: sessionView({ ...principal, id: principal.sessionId }),
        csrfToken: csrfTokenFor(request),
      });
    },
  );

  app.post(
    '/api/sign-out',
    {
      access: 'signed-in',
      bodyType: 'json',
      role: 'sallyport_identity',
      load: (_db, request) => ({
        event: eventOfCurrentIdentity('signed-out', callerOf(request)),
        session: deleteCurrentSession(),
      }),
      schema: {
        summary: 'End the session',
        body: z.strictObject({}).nullish(),
        response: { 204: z.undefined(), ...refusals() },
      },
    },
    async (request, reply) => {
      if (request.loaded['session']?.rowCount !== 1) return refuse('not-signed-in', request, reply);
      endBrowserSession(reply);
      return reply.code(204).send();
    },
  );

  const profile = z.object({ displayName: z.string() });
  const profileChange = z.strictObject({ displayName });

  app.get(
    '/api/account/profile',
    {
      access: 'signed-in',
      load: () => ({ profile: ownProfile }),
      schema: { summary: 'Your profile', response: { 200: profile, ...refusals() } },
    },
    async (request, reply) => {
      const row = request.loaded['profile']?.rows[0];
      if (!row) return refuse('not-found', request, reply);
      return reply.send({ displayName: String(row['displayName']) });
    },
  );

  app.patch(
    '/api/account/profile',
    {
      access: 'signed-in',
      bodyType: 'json',
      load: (_db, { body }) => ({
        profile: updateOwnProfile(body.displayName),
        memberships: followOwnName(body.displayName),
      }),
      schema: {
        summary: 'Change your profile',
        body: profileChange,
        response: { 200: profile, ...refusals() },
      },
    },
    async (request, reply) => {
      const row = request.loaded['profile']?.rows[0];
      if (!row) return refuse('not-found', request, reply);
      return reply.send({ displayName: String(row['displayName']) });
    },
  );
}
