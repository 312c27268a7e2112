import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { reauthenticateWithPasskey, reauthenticationOptions } from '../../core/passkey-proof.ts';
import { signInOptions, signInWithPasskey } from '../../core/passkey-sign-in.ts';
import { secondFactorOptions } from '../../core/second-factor.ts';
import { authorityOf, readPresessionSecret, readSignInSecret, sessionSecretOf } from '../access.ts';
import { callerOf } from '../caller.ts';
import { refuse } from '../refusals.ts';
import { csrfToken, refusals, session, sessionView } from '../schemas.ts';
import { startBrowserSession, visitorForm } from '../session-cookies.ts';
import { ceremonyOptions, credential } from './passkeys-api.ts';
import { completeApi } from './second-factor-api.ts';

/** Passkeys in the place of a password, behind one, and to prove again who is there; as JSON. */
export function passkeySignInApi(server: FastifyInstance, core: Core, origin: () => string): void {
  firstFactorRoutes(server, core, origin);
  secondFactorRoutes(server, core, origin);
  reauthenticationRoutes(server, core, origin);
}

const NO_BODY = z.strictObject({}).nullish();
const WITH_OPTIONS = z.object({ options: ceremonyOptions });

function firstFactorRoutes(server: FastifyInstance, core: Core, origin: () => string): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.post(
    '/api/passkeys/sign-in-options',
    {
      mainOriginOnly: true,
      access: 'public',
      bodyType: 'json',
      schema: {
        summary: 'What the browser is asked for a passkey with',
        body: NO_BODY,
        response: { 200: WITH_OPTIONS.extend({ csrfToken }), ...refusals() },
      },
    },
    async (request, reply) => {
      const visitor = visitorForm(request, reply);
      const party = { origin: origin() };
      const options = await signInOptions(core, visitor.secret, party, new Date());
      return reply.send({ options: { ...options }, csrfToken: visitor.csrfToken });
    },
  );

  app.post(
    '/api/passkeys/sign-in',
    {
      mainOriginOnly: true,
      access: 'public',
      bodyType: 'json',
      schema: {
        summary: 'Sign in with a passkey alone; sets the session cookie',
        body: z.strictObject({ response: credential }),
        response: { 200: z.object({ session, csrfToken }), ...refusals('wrong-credentials') },
      },
    },
    async (request, reply) => {
      const outcome = await signInFrom(core, origin(), request, request.body.response);
      if (outcome === 'wrong-credentials') return refuse(outcome, request, reply);
      const token = startBrowserSession(reply, outcome);
      return reply.send({ session: sessionView(outcome.session), csrfToken: token });
    },
  );
}

/** Judges a passkey of this visitor's browser. */
export async function signInFrom(
  core: Core,
  origin: string,
  request: FastifyRequest,
  response: unknown,
) {
  const presession = readPresessionSecret(request);
  if (!presession) return 'wrong-credentials' as const;
  const browser = { previous: request.sessionSecret, caller: callerOf(request) };
  return await signInWithPasskey(core, presession, { origin }, response, browser);
}

function secondFactorRoutes(server: FastifyInstance, core: Core, origin: () => string): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.post(
    '/api/sign-in/passkey-options',
    {
      mainOriginOnly: true,
      access: 'public',
      bodyType: 'json',
      schema: {
        summary: 'What the browser is asked for a passkey of the sign-in under way with',
        body: NO_BODY,
        response: { 200: WITH_OPTIONS, ...refusals('sign-in-over') },
      },
    },
    async (request, reply) => {
      const flow = readSignInSecret(request);
      const party = { origin: origin() };
      const options = flow && (await secondFactorOptions(core, flow, party, new Date()));
      if (!options) return refuse('sign-in-over', request, reply);
      return reply.send({ options: { ...options } });
    },
  );

  app.post(
    '/api/sign-in/passkey',
    {
      mainOriginOnly: true,
      access: 'public',
      bodyType: 'json',
      schema: {
        summary: 'Complete a sign-in with a passkey',
        body: z.strictObject({ response: credential }),
        response: {
          200: z.object({ session, csrfToken }),
          ...refusals('wrong-credentials', 'sign-in-over'),
        },
      },
    },
    (request, reply) => {
      const { response } = request.body;
      const given = { method: 'passkey', response, relyingParty: { origin: origin() } } as const;
      return completeApi(core, request, reply, given);
    },
  );
}

function reauthenticationRoutes(server: FastifyInstance, core: Core, origin: () => string): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.post(
    '/api/re-authentication/passkey-options',
    {
      mainOriginOnly: true,
      access: 'signed-in',
      bodyType: 'json',
      schema: {
        summary: 'What the browser is asked for a passkey with, to prove again who is there',
        body: NO_BODY,
        response: { 200: WITH_OPTIONS, ...refusals('not-found') },
      },
    },
    async (request, reply) => {
      const party = { origin: origin() };
      const { principal } = authorityOf(request);
      const secret = sessionSecretOf(request);
      const options = await reauthenticationOptions(core, principal, secret, party, new Date());
      if (!options) return refuse('not-found', request, reply);
      return reply.send({ options: { ...options } });
    },
  );

  app.post(
    '/api/re-authentication/passkey',
    {
      mainOriginOnly: true,
      access: 'signed-in',
      bodyType: 'json',
      schema: {
        summary: 'Prove again who is at the browser, with a passkey; the session gets a new secret',
        body: z.strictObject({ response: credential }),
        response: { 200: z.object({ csrfToken }), ...refusals('wrong-credentials') },
      },
    },
    async (request, reply) => {
      const { response } = request.body;
      const outcome = await reauthenticateFrom(core, origin(), request, response);
      if (outcome === 'wrong-credentials') return refuse(outcome, request, reply);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      return reply.send({ csrfToken: startBrowserSession(reply, outcome) });
    },
  );
}

/** Judges a passkey of this session's browser. */
export async function reauthenticateFrom(
  core: Core,
  origin: string,
  request: FastifyRequest,
  response: unknown,
) {
  const authority = authorityOf(request);
  const secret = sessionSecretOf(request);
  return await reauthenticateWithPasskey(core, authority, secret, { origin }, response);
}
