import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { completeSignIn, type SecondProof } from '../../core/second-factor.ts';
import type { FactorNeeded } from '../../core/first-factor.ts';
import { readSignInSecret } from '../access.ts';
import { callerOf } from '../caller.ts';
import { refuse } from '../refusals.ts';
import { csrfToken, instant, refusals, session, sessionView, text } from '../schemas.ts';
import { endBrowserSignIn, startBrowserSession, startBrowserSignIn } from '../session-cookies.ts';

/** The answer to a password that was right and is not enough. */
export const factorNeeded = z.object({
  status: z.literal('second-factor-needed'),
  needed: z
    .array(z.enum(['passkey', 'totp', 'recovery-code']))
    .describe('one of these, at the route of its name'),
  expiresAt: instant,
  csrfToken,
});

/** Hands the sign-in to the browser, which has no session yet. */
export function signInUnderWay(
  reply: FastifyReply,
  outcome: FactorNeeded,
): z.input<typeof factorNeeded> {
  return {
    status: 'second-factor-needed',
    needed: [...outcome.needed],
    expiresAt: outcome.expiresAt.toISOString(),
    csrfToken: startBrowserSignIn(reply, outcome.flow),
  };
}

/** All that a sign-in under way can reach, as JSON. */
export function secondFactorApi(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const schema = {
    body: z.strictObject({ code: text }),
    response: {
      200: z.object({ session, csrfToken }),
      ...refusals('wrong-credentials', 'sign-in-over'),
    },
  };

  app.post(
    '/api/sign-in/totp',
    {
      access: 'public',
      bodyType: 'json',
      schema: { ...schema, summary: 'Complete a sign-in with a code of the authenticator app' },
    },
    (request, reply) =>
      completeApi(core, request, reply, { method: 'totp', code: request.body.code }),
  );

  app.post(
    '/api/sign-in/recovery-code',
    {
      access: 'public',
      bodyType: 'json',
      schema: { ...schema, summary: 'Complete a sign-in with a recovery code, each once' },
    },
    (request, reply) =>
      completeApi(core, request, reply, { method: 'recovery-code', code: request.body.code }),
  );
}

/** Answers with the session that the second factor was still needed for. */
export async function completeApi(
  core: Core,
  request: FastifyRequest,
  reply: FastifyReply,
  given: SecondProof,
) {
  const outcome = await completeFrom(core, request, given);
  if (outcome === 'wrong-code') return refuse('wrong-credentials', request, reply);
  if (outcome === 'over') return refuse('sign-in-over', request, reply);
  const token = startBrowserSession(reply, outcome);
  endBrowserSignIn(reply);
  return reply.send({ session: sessionView(outcome.session), csrfToken: token });
}

/** Judges a second factor of the sign-in that the request's own browser has under way. */
export async function completeFrom(core: Core, request: FastifyRequest, given: SecondProof) {
  const flow = readSignInSecret(request);
  if (!flow) return 'over' as const;
  const browser = { previous: request.sessionSecret, caller: callerOf(request) };
  return await completeSignIn(core, flow, given, browser);
}
