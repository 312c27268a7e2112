import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { confirmEmail } from '../../core/email-confirmation.ts';
import { revertEmailChange } from '../../core/email-change.ts';
import { openSignUpOptions, readOpenSignUp } from '../../core/open-sign-up.ts';
import { signInOptions } from '../../core/passkey-sign-in.ts';
import { signIn } from '../../core/sign-in.ts';
import { signUp } from '../../core/sign-up.ts';
import { describeUserAgent } from '../../core/user-agent.ts';
import type { OpenSignUp } from '../../db/sign-ups.ts';
import type { FieldError } from '../../http/problem.ts';
import { parseReturnTarget } from '../../http/return-target.ts';
import { ASSET_HEADERS } from '../../http/security-headers.ts';
import { assets } from '../../pages/assets.ts';
import { recoveryCodesPage } from '../../pages/authenticators.tsx';
import { emailChangedPage, emailRevertedPage, emailRevertPage } from '../../pages/email-change.tsx';
import {
  emailConfirmationPage,
  emailConfirmedPage,
  invalidLinkPage,
} from '../../pages/email-confirmation.tsx';
import { firstPasskeyPage, passkeySignUpPage } from '../../pages/first-passkey.tsx';
import { homePage } from '../../pages/home.tsx';
import { landingPage } from '../../pages/landing.tsx';
import { deviceText } from '../../pages/session-end.tsx';
import { signInPage } from '../../pages/sign-in.tsx';
import { checkMailPage, signUpPage } from '../../pages/sign-up.tsx';
import { confirmerOf, readPresessionSecret } from '../access.ts';
import { callerOf } from '../caller.ts';
import { mounted } from '../mount.ts';
import { languageOf, sendPage, textsFor } from '../reader.ts';
import { comesFromElsewhere } from '../refusals.ts';
import { ceremonyText, text } from '../schemas.ts';
import {
  startBrowserSession,
  startBrowserSignIn,
  visitorForm,
  visitorFormToken,
} from '../session-cookies.ts';
import { confirmFrom } from './first-passkey-api.ts';
import { signInFrom } from './passkey-sign-in-api.ts';
import { secondFactorPages, secondFactorPath } from './second-factor-pages.ts';

const PAGE = { access: 'public', page: true, schema: { hide: true } } as const;
const FORM = { access: 'public', page: true, bodyType: 'form' } as const;
const LINK = z.object({ token: text.default('') });
const LINK_FORM = z.strictObject({ _csrf: text, token: text });

/** The pages of somebody who is not signed in. A mailed link's GET only shows a button. */
export function visitorPages(server: FastifyInstance, core: Core, origin: () => string): void {
  signUpPages(server, core);
  passkeySignUpPages(server, core);
  confirmationPages(server, core, origin);
  signInPages(server, core, origin);
  secondFactorPages(server, core, origin);
  revertPages(server, core);
  for (const asset of assets) {
    server.get(asset.path, { access: 'public', schema: { hide: true } }, async (_request, reply) =>
      reply.headers(ASSET_HEADERS).type(asset.contentType).send(asset.body),
    );
  }
}

function signUpPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get('/', PAGE, async (request, reply) =>
    sendPage(reply, homePage(textsFor(request), { signedIn: request.sessionSecret !== null })),
  );

  app.get('/sign-up', { ...PAGE, mainOriginOnly: true }, async (request, reply) => {
    const csrfToken = visitorFormToken(request, reply);
    return sendPage(reply, signUpPage(textsFor(request), { csrfToken, errors: [] }));
  });

  const signUpForm = { _csrf: text, email: text, password: text, displayName: text };
  app.post(
    '/sign-up',
    { ...FORM, mainOriginOnly: true, schema: { hide: true, body: z.strictObject(signUpForm) } },
    async (request, reply) => {
      const texts = textsFor(request);
      const { email, password, displayName } = request.body;
      const input = { email, password, displayName };
      const browser = readPresessionSecret(request);
      const caller = callerOf(request);
      const outcome = await signUp(core, input, languageOf(request), caller, browser);
      const csrfToken = visitorFormToken(request, reply);
      if (outcome === 'check-mail')
        return sendPage(reply, checkMailPage(texts, { csrfToken, email }));
      const values = { csrfToken, email, displayName, errors: outcome.problems };
      return sendPage(reply.code(400), signUpPage(texts, values));
    },
  );
}

function passkeySignUpPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const path = '/sign-up/with-passkey';

  app.get(path, PAGE, async (request, reply) => {
    const csrfToken = visitorFormToken(request, reply);
    return sendPage(reply, passkeySignUpPage(textsFor(request), { csrfToken, errors: [] }));
  });

  const form = z.strictObject({ _csrf: text, email: text, displayName: text });
  app.post(path, { ...FORM, schema: { hide: true, body: form } }, async (request, reply) => {
    const { email, displayName } = request.body;
    const browser = readPresessionSecret(request);
    const input = { email, displayName };
    const language = languageOf(request);
    const outcome = await signUp(core, input, language, callerOf(request), browser);
    const csrfToken = visitorFormToken(request, reply);
    const texts = textsFor(request);
    if (outcome === 'check-mail')
      return sendPage(reply, checkMailPage(texts, { csrfToken, email }));
    const values = { csrfToken, email, displayName, errors: outcome.problems };
    return sendPage(reply.code(400), passkeySignUpPage(texts, values));
  });
}

function confirmationPages(server: FastifyInstance, core: Core, origin: () => string): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/confirm-email',
    { ...PAGE, schema: { hide: true, querystring: LINK } },
    async (request, reply) => {
      // The browser that signed up is told by its Strict cookie, which must not be replaced here.
      if (readPresessionSecret(request) === null && comesFromElsewhere(request)) {
        return sendPage(reply, landingPage(textsFor(request), { path: request.url }));
      }
      const { token } = request.query;
      const open = await readOpenSignUp(core, token);
      if (open) return await askForPasskey(request, reply, token, open, {});
      const values = { csrfToken: visitorFormToken(request, reply), token };
      return sendPage(reply, emailConfirmationPage(textsFor(request), values));
    },
  );

  const passkeyForm = LINK_FORM.extend({ passkey: ceremonyText });
  app.post(
    '/confirm-email/with-passkey',
    { ...FORM, schema: { hide: true, body: passkeyForm } },
    async (request, reply) => {
      const texts = textsFor(request);
      const { token, passkey: response } = request.body;
      const name = deviceText(texts, describeUserAgent(request.headers['user-agent']));
      const outcome = await confirmFrom(core, origin(), request, { token, response, name });
      if (typeof outcome === 'object') {
        const csrfToken = startBrowserSession(reply, outcome);
        const values = { csrfToken, codes: outcome.recoveryCodes, added: 'passkey' } as const;
        return sendPage(reply, recoveryCodesPage(texts, values));
      }
      const open = await readOpenSignUp(core, token);
      if (!open) return sendPage(reply.code(400), invalidLinkPage(texts));
      return await askForPasskey(request, reply.code(400), token, open, { refused: true });
    },
  );

  const confirmationForm = LINK_FORM.extend({ password: text.optional() });
  app.post(
    '/confirm-email',
    { ...FORM, schema: { hide: true, body: confirmationForm } },
    async (request, reply) => {
      const texts = textsFor(request);
      const { token, password } = request.body;
      const confirmer = { ...confirmerOf(request), password };
      const outcome = await confirmEmail(core, token, callerOf(request), confirmer);
      if (outcome === 'invalid') return sendPage(reply.code(400), invalidLinkPage(texts));
      if (typeof outcome === 'object') {
        const open = await readOpenSignUp(core, token);
        const errors = [{ field: 'password', reason: outcome.passwordProblem }];
        if (open) return await askForPasskey(request, reply.code(400), token, open, { errors });
        const csrfToken = visitorFormToken(request, reply);
        const values = { csrfToken, token, asked: outcome };
        return sendPage(reply.code(400), emailConfirmationPage(texts, values));
      }
      return sendPage(
        reply,
        outcome === 'signed-up' ? emailConfirmedPage(texts) : emailChangedPage(texts),
      );
    },
  );

  /** The page that makes a passkey, or takes a password, for a sign-up that has none. */
  async function askForPasskey(
    request: FastifyRequest,
    reply: FastifyReply,
    token: string,
    open: OpenSignUp,
    { refused = false, errors = [] }: { refused?: boolean; errors?: readonly FieldError[] },
  ) {
    const { csrfToken, secret } = visitorForm(request, reply);
    const party = { origin: origin() };
    const options = await openSignUpOptions(core, open, secret, party, new Date());
    const { address } = open;
    const values = { csrfToken, token, address, options, refused, errors };
    return sendPage(reply, firstPasskeyPage(textsFor(request), values));
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
    const values = { csrfToken, passkeyOptions, ...how, ...(returnTo ? { returnTo } : {}) };
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
