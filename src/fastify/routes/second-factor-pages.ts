import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { findPendingSignIn } from '../../core/second-factor.ts';
import type { SecondFactor } from '../../core/sign-in-flow.ts';
import { secondFactorPage } from '../../pages/second-factor.tsx';
import { readSignInSecret } from '../access.ts';
import { mounted } from '../mount.ts';
import { sendPage, textsFor } from '../reader.ts';
import { text } from '../schemas.ts';
import { endBrowserSignIn, startBrowserSession, visitorFormToken } from '../session-cookies.ts';
import { completeFrom } from './second-factor-api.ts';

const PATHS: Readonly<Record<SecondFactor, string>> = {
  totp: '/sign-in/second-factor',
  'recovery-code': '/sign-in/recovery-code',
};

/** The page that asks for the second factor that the account has. */
export function secondFactorPath(needed: readonly SecondFactor[]): string {
  return PATHS[needed[0] ?? 'totp'];
}

/** The pages of a sign-in under way, for the browser that gave the password and no other. */
export function secondFactorPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const form = z.strictObject({ _csrf: text, code: text });

  for (const method of ['totp', 'recovery-code'] as const) {
    app.get(
      PATHS[method],
      { access: 'public', page: true, schema: { hide: true } },
      async (request, reply) => await ask(request, reply, method, false),
    );

    app.post(
      PATHS[method],
      { access: 'public', page: true, bodyType: 'form', schema: { hide: true, body: form } },
      async (request, reply) => {
        const outcome = await completeFrom(core, request, { method, code: request.body.code });
        if (outcome === 'over') return startAgain(request, reply);
        if (outcome === 'wrong-code') return await ask(request, reply.code(401), method, true);
        startBrowserSession(reply, outcome);
        endBrowserSignIn(reply);
        return reply.redirect(outcome.returnTo ?? mounted(request, '/account'), 303);
      },
    );
  }

  async function ask(
    request: FastifyRequest,
    reply: FastifyReply,
    method: SecondFactor,
    failed: boolean,
  ) {
    const flow = readSignInSecret(request);
    const pending = flow && (await findPendingSignIn(core, flow));
    if (!pending?.needed.includes(method)) return startAgain(request, reply);
    const values = { ...pending, csrfToken: visitorFormToken(request, reply), method, failed };
    return sendPage(reply, secondFactorPage(textsFor(request), values));
  }

  function startAgain(request: FastifyRequest, reply: FastifyReply) {
    endBrowserSignIn(reply);
    return reply.redirect(mounted(request, '/sign-in?over'), 303);
  }
}
