import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { revertEmailChange } from '../../core/email-change.ts';
import { signInOptions } from '../../core/passkey-sign-in.ts';
import { signIn } from '../../core/sign-in.ts';
import { parseReturnTarget } from '../../http/return-target.ts';
import { ASSET_HEADERS } from '../../http/security-headers.ts';
import { assets } from '../../pages/assets.ts';
import { emailRevertedPage, emailRevertPage } from '../../pages/email-change.tsx';
import { invalidLinkPage } from '../../pages/email-confirmation.tsx';
import { signInPage } from '../../pages/sign-in.tsx';
import { callerOf } from '../caller.ts';
import { mounted } from '../mount.ts';
import { sendPage, textsFor } from '../reader.ts';
import { ceremonyText, text } from '../schemas.ts';
import {
  startBrowserSession,
  startBrowserSignIn,
  visitorForm,
  visitorFormToken,
} from '../session-cookies.ts';
import { signInFrom } from './passkey-sign-in-api.ts';
import { offeredBy } from './provider-visits.ts';
import { secondFactorPages, secondFactorPath } from './second-factor-pages.ts';
import { signUpPages } from './sign-up-pages.ts';

const PAGE = { access: 'public', page: true, schema: { hide: true } } as const;
const FORM = { access: 'public', page: true, bodyType: 'form' } as const;
const LINK = z.object({ token: text.default('') });
const LINK_FORM = z.strictObject({ _csrf: text, token: text });

/** The pages of somebody who is not signed in. A mailed link's GET only shows a button. */
export function visitorPages(server: FastifyInstance, core: Core, origin: () => string): void {
  signUpPages(server, core, origin);
  signInPages(server, core, origin);
  secondFactorPages(server, core, origin);
  revertPages(server, core);
  for (const asset of assets) {
    server.get(asset.path, { access: 'public', schema: { hide: true } }, async (_request, reply) =>
      reply.headers(ASSET_HEADERS).type(asset.contentType).send(asset.body),
    );
  }
}

function signInPages(server: FastifyInstance, core: Core, origin: () => string): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const targetOf = (given: string | undefined) =>
    given === undefined ? null : parseReturnTarget(given, origin());
  const signInQuery = z.object({
    return_to: text.optional(),
    over: z.literal('').optional().catch(undefined),
  });

  app.get(
    '/sign-in',
    { ...PAGE, schema: { hide: true, querystring: signInQuery } },
    async (request, reply) => {
      const over = request.query.over !== undefined;
      return await ask(request, reply, request.query.return_to, { failed: false, over });
    },
  );

  const signInForm = { _csrf: text, email: text, password: text, return_to: text.optional() };
  app.post(
    '/sign-in',
    { ...FORM, schema: { hide: true, body: z.strictObject(signInForm) } },
    async (request, reply) => {
      const { email, password, return_to: given } = request.body;
      const returnTo = targetOf(given);
      const input = { email, password };
      const { sessionSecret: previous } = request;
      const outcome = await signIn(core, input, previous, callerOf(request), returnTo);
      if (outcome === 'wrong-credentials')
        return await ask(request, reply.code(401), given, { email, failed: true });
      if ('flow' in outcome) {
        startBrowserSignIn(reply, outcome.flow);
        return reply.redirect(mounted(request, secondFactorPath(request, outcome.needed)), 303);
      }
      startBrowserSession(reply, outcome);
      return reply.redirect(returnTo ?? mounted(request, '/account'), 303);
    },
  );

  const passkeyForm = { _csrf: text, passkey: ceremonyText, return_to: text.optional() };
  app.post(
    '/sign-in/with-passkey',
    {
      ...FORM,
      mainOriginOnly: true,
      returnTo: '/sign-in',
      schema: { hide: true, body: z.strictObject(passkeyForm) },
    },
    async (request, reply) => {
      const { passkey, return_to: given } = request.body;
      const outcome = await signInFrom(core, origin(), request, passkey);
      if (outcome === 'wrong-credentials')
        return await ask(request, reply.code(401), given, { failed: true });
      startBrowserSession(reply, outcome);
      return reply.redirect(targetOf(given) ?? mounted(request, '/account'), 303);
    },
  );

  /** The page that offers a passkey and a password, each bound to the visitor's cookie. */
  async function ask(
    request: FastifyRequest,
    reply: FastifyReply,
    given: string | undefined,
    how: { readonly email?: string; readonly failed: boolean; readonly over?: boolean },
  ) {
    const { csrfToken, secret } = visitorForm(request, reply);
    const party = { origin: origin() };
    const passkeyOptions = await signInOptions(core, secret, party, new Date());
    const returnTo = targetOf(given);
    const providers = offeredBy(core, request);
    const values = {
      csrfToken,
      passkeyOptions,
      providers,
      ...how,
      ...(returnTo ? { returnTo } : {}),
    };
    return sendPage(reply, signInPage(textsFor(request), values));
  }
}

function revertPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/revert-email',
    { ...PAGE, schema: { hide: true, querystring: LINK } },
    async (request, reply) => {
      const values = { csrfToken: visitorFormToken(request, reply), token: request.query.token };
      return sendPage(reply, emailRevertPage(textsFor(request), values));
    },
  );

  app.post(
    '/revert-email',
    { ...FORM, schema: { hide: true, body: LINK_FORM } },
    async (request, reply) => {
      const texts = textsFor(request);
      const outcome = await revertEmailChange(core, request.body.token, callerOf(request));
      return outcome === 'reverted'
        ? sendPage(reply, emailRevertedPage(texts))
        : sendPage(reply.code(400), invalidLinkPage(texts));
    },
  );
}
