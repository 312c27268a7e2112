import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import {
  findPendingSignIn,
  secondFactorOptions,
  type SecondProof,
} from '../../core/second-factor.ts';
import type { SecondFactor } from '../../core/sign-in-flow.ts';
import { secondFactorPage } from '../../pages/second-factor.tsx';
import { readSignInSecret } from '../access.ts';
import { mounted } from '../mount.ts';
import { OTHER_HOSTS } from '../other-hosts.ts';
import { sendPage, textsFor } from '../reader.ts';
import { ceremonyText, text } from '../schemas.ts';
import { endBrowserSignIn, startBrowserSession, visitorFormToken } from '../session-cookies.ts';
import { completeFrom } from './second-factor-api.ts';

const PATHS: Readonly<Record<SecondFactor, string>> = {
  passkey: '/sign-in/passkey',
  totp: '/sign-in/second-factor',
  'recovery-code': '/sign-in/recovery-code',
};

/**
 * The page that asks for the second factor that the account has. On the host of a tenant, where no
 * passkey works, an authenticator app goes first; who has none is led to the main origin.
 */
export function secondFactorPath(request: FastifyRequest, needed: readonly SecondFactor[]): string {
  const [first = 'totp'] = needed;
  return PATHS[request[OTHER_HOSTS] && needed.includes('totp') ? 'totp' : first];
}

const PAGE = { access: 'public', page: true, schema: { hide: true } } as const;
const FORM = { access: 'public', page: true, bodyType: 'form' } as const;

/** The pages of a sign-in under way, for the browser that gave the password and no other. */
export function secondFactorPages(server: FastifyInstance, core: Core, origin: () => string): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const form = z.strictObject({ _csrf: text, code: text });
  const passkeyForm = z.strictObject({ _csrf: text, passkey: ceremonyText });

  for (const method of ['passkey', 'totp', 'recovery-code'] as const) {
    const hosts = method === 'passkey' ? ({ mainOriginOnly: true } as const) : {};
    app.get(PATHS[method], { ...PAGE, ...hosts }, async (request, reply) =>
      show(request, reply, method, false),
    );
  }

  for (const method of ['totp', 'recovery-code'] as const) {
    app.post(
      PATHS[method],
      { ...FORM, schema: { hide: true, body: form } },
      async (request, reply) => complete(request, reply, { method, code: request.body.code }),
    );
  }

  app.post(
    PATHS.passkey,
    { ...FORM, mainOriginOnly: true, schema: { hide: true, body: passkeyForm } },
    async (request, reply) => {
      const { passkey: response } = request.body;
      const relyingParty = { origin: origin() };
      return await complete(request, reply, { method: 'passkey', response, relyingParty });
    },
  );

  async function complete(request: FastifyRequest, reply: FastifyReply, given: SecondProof) {
    const outcome = await completeFrom(core, request, given);
    if (outcome === 'over') return startAgain(request, reply);
    if (outcome === 'wrong-code') return await show(request, reply.code(401), given.method, true);
    startBrowserSession(reply, outcome);
    endBrowserSignIn(reply);
    return reply.redirect(outcome.returnTo ?? mounted(request, '/account'), 303);
  }

  async function show(
    request: FastifyRequest,
    reply: FastifyReply,
    method: SecondFactor,
    failed: boolean,
  ) {
    const flow = readSignInSecret(request);
    const pending = flow && (await findPendingSignIn(core, flow));
    if (!flow || !pending?.needed.includes(method)) return startAgain(request, reply);
    const party = { origin: origin() };
    const options =
      method === 'passkey' ? await secondFactorOptions(core, flow, party, new Date()) : null;
    const csrfToken = visitorFormToken(request, reply);
    const values = { ...pending, csrfToken, method, options, failed };
    return sendPage(reply, secondFactorPage(textsFor(request), values));
  }

  function startAgain(request: FastifyRequest, reply: FastifyReply) {
    endBrowserSignIn(reply);
    return reply.redirect(mounted(request, '/sign-in?over'), 303);
  }
}
