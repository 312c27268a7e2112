import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import type { FirstPasskey } from '../../core/first-passkey.ts';
import { invitedPasskeyOptions, signUpInvited } from '../../core/invitation-acceptance.ts';
import { confirmWithPasskey, openSignUpOptions, readOpenSignUp } from '../../core/open-sign-up.ts';
import type { Secret } from '../../core/secret.ts';
import type { SignedIn } from '../../core/session-start.ts';
import { readPresessionSecret } from '../access.ts';
import { callerOf } from '../caller.ts';
import { refuse } from '../refusals.ts';
import { csrfToken, newDisplayName, refusals, session, sessionView, text } from '../schemas.ts';
import { startBrowserSession, visitorForm } from '../session-cookies.ts';
import { ceremonyOptions, credential } from './passkeys-api.ts';

const LINK = z.strictObject({ token: text });
const OPTIONS = {
  200: z.object({ options: ceremonyOptions, csrfToken }),
  ...refusals('invalid-token'),
};
const OPENED = z.object({
  session,
  csrfToken,
  recoveryCodes: z.array(z.string()).describe('not shown again'),
});

/** Accounts that begin with a passkey, behind a mailed link; as JSON. */
export function firstPasskeyApi(server: FastifyInstance, core: Core, origin: () => string): void {
  confirmationRoutes(server, core, origin);
  invitationRoutes(server, core, origin);
}

function confirmationRoutes(server: FastifyInstance, core: Core, origin: () => string): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.post(
    '/api/email-confirmations/passkey-options',
    {
      mainOriginOnly: true,
      access: 'public',
      bodyType: 'json',
      schema: {
        summary: 'What the browser makes the passkey of a sign-up without a password with',
        body: LINK,
        response: OPTIONS,
      },
    },
    async (request, reply) => {
      const open = await readOpenSignUp(core, request.body.token);
      if (!open) return refuse('invalid-token', request, reply);
      return await sendOptions(request, reply, (presession) =>
        openSignUpOptions(core, open, presession, { origin: origin() }, new Date()),
      );
    },
  );

  app.post(
    '/api/email-confirmations/with-passkey',
    {
      mainOriginOnly: true,
      access: 'public',
      bodyType: 'json',
      schema: {
        summary: 'Prove the address of a sign-up without a password, and open it with a passkey',
        body: LINK.extend({ response: credential, name: newDisplayName.optional() }),
        response: { 200: OPENED, ...refusals('invalid-token') },
      },
    },
    async (request, reply) => {
      const { token, response, name = '' } = request.body;
      const outcome = await confirmFrom(core, origin(), request, { token, response, name });
      if (typeof outcome === 'string') return refuse('invalid-token', request, reply);
      return reply.send(opened(reply, outcome));
    },
  );
}

function invitationRoutes(server: FastifyInstance, core: Core, origin: () => string): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.post(
    '/api/invited-sign-ups/passkey-options',
    {
      mainOriginOnly: true,
      access: 'public',
      bodyType: 'json',
      schema: {
        summary: 'What the browser of somebody invited makes their first passkey with',
        body: LINK,
        response: OPTIONS,
      },
    },
    async (request, reply) =>
      await sendOptions(request, reply, (presession) =>
        invitedPasskeyOptions(
          core,
          request.body.token,
          presession,
          { origin: origin() },
          new Date(),
        ),
      ),
  );

  app.post(
    '/api/invited-sign-ups/with-passkey',
    {
      mainOriginOnly: true,
      access: 'public',
      bodyType: 'json',
      schema: {
        summary: 'Sign up with a passkey and join the tenant of an invitation in one',
        body: LINK.extend({ displayName: newDisplayName, response: credential }),
        response: { 200: OPENED, ...refusals('invalid-token', 'account-exists') },
      },
    },
    async (request, reply) => {
      const outcome = await joinFrom(core, origin(), request, request.body);
      if (outcome === 'sign-in-first') return refuse('account-exists', request, reply);
      if (typeof outcome === 'string') return refuse('invalid-token', request, reply);
      if ('problems' in outcome) return refuse('invalid-fields', request, reply, outcome.problems);
      return reply.send(opened(reply, outcome));
    },
  );
}

/** The options, and the cookie of the browser that they are for. */
async function sendOptions(
  request: FastifyRequest,
  reply: FastifyReply,
  optionsFor: (presession: Secret) => Promise<object | null>,
) {
  const visitor = visitorForm(request, reply);
  const options = await optionsFor(visitor.secret);
  if (!options) return refuse('invalid-token', request, reply);
  return reply.send({ options: { ...options }, csrfToken: visitor.csrfToken });
}

function opened(
  reply: FastifyReply,
  outcome: SignedIn & { readonly recoveryCodes: readonly string[] | null },
) {
  return {
    session: sessionView(outcome.session),
    csrfToken: startBrowserSession(reply, outcome),
    recoveryCodes: [...(outcome.recoveryCodes ?? [])],
  };
}

/** Judges the passkey that this visitor's browser has made behind the link of their sign-up. */
export async function confirmFrom(
  core: Core,
  origin: string,
  request: FastifyRequest,
  input: { readonly token: string; readonly response: unknown; readonly name: string },
) {
  const passkey = passkeyFrom(origin, request, input.response);
  if (!passkey) return 'refused' as const;
  const browser = { previous: request.sessionSecret, caller: callerOf(request) };
  return await confirmWithPasskey(core, input.token, { ...passkey, name: input.name }, browser);
}

/** The same behind the link of an invitation. */
export async function joinFrom(
  core: Core,
  origin: string,
  request: FastifyRequest,
  input: { readonly token: string; readonly displayName: string; readonly response: unknown },
) {
  const { token, displayName } = input;
  const passkey = passkeyFrom(origin, request, input.response);
  if (!passkey) return 'refused' as const;
  const invited = { token, displayName, credential: { passkey } };
  return await signUpInvited(core, invited, request.sessionSecret, callerOf(request));
}

function passkeyFrom(
  origin: string,
  request: FastifyRequest,
  response: unknown,
): Omit<FirstPasskey, 'name'> | null {
  const presession = readPresessionSecret(request);
  return presession && { response, presession, relyingParty: { origin } };
}
