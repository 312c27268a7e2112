import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { confirmEmail } from '../../core/email-confirmation.ts';
import { openSignUpOptions, readOpenSignUp } from '../../core/open-sign-up.ts';
import { signUp } from '../../core/sign-up.ts';
import { describeUserAgent } from '../../core/user-agent.ts';
import type { OpenSignUp } from '../../db/sign-ups.ts';
import type { FieldError } from '../../http/problem.ts';
import { recoveryCodesPage } from '../../pages/authenticators.tsx';
import { emailChangedPage } from '../../pages/email-change.tsx';
import {
  emailConfirmationPage,
  emailConfirmedPage,
  invalidLinkPage,
} from '../../pages/email-confirmation.tsx';
import { firstPasskeyPage, passkeySignUpPage } from '../../pages/first-passkey.tsx';
import { homePage } from '../../pages/home.tsx';
import { landingPage } from '../../pages/landing.tsx';
import { deviceText } from '../../pages/session-end.tsx';
import { checkMailPage, signUpPage } from '../../pages/sign-up.tsx';
import { confirmerOf, readPresessionSecret } from '../access.ts';
import { callerOf } from '../caller.ts';
import { languageOf, sendPage, textsFor } from '../reader.ts';
import { comesFromElsewhere } from '../refusals.ts';
import { ceremonyText, text } from '../schemas.ts';
import { startBrowserSession, visitorForm, visitorFormToken } from '../session-cookies.ts';
import { confirmFrom } from './first-passkey-api.ts';
import { offeredBy } from './provider-visits.ts';

const PAGE = { access: 'public', page: true, schema: { hide: true } } as const;
const FORM = { access: 'public', page: true, bodyType: 'form' } as const;
const AT_MAIN = { mainOriginOnly: true } as const;
const LINK = z.object({ token: text.default('') });
const LINK_FORM = z.strictObject({ _csrf: text, token: text });

/** The pages of somebody new: signing up, and what a mailed link of that leads to. */
export function signUpPages(server: FastifyInstance, core: Core, origin: () => string): void {
  passwordSignUpPages(server, core);
  passkeySignUpPages(server, core);
  confirmationPages(server, core, origin);
}

function passwordSignUpPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get('/', PAGE, async (request, reply) =>
    sendPage(reply, homePage(textsFor(request), { signedIn: request.sessionSecret !== null })),
  );

  app.get('/sign-up', { ...PAGE, ...AT_MAIN }, async (request, reply) => {
    const csrfToken = visitorFormToken(request, reply);
    const providers = offeredBy(core, request);
    return sendPage(reply, signUpPage(textsFor(request), { csrfToken, errors: [], providers }));
  });

  const signUpForm = { _csrf: text, email: text, password: text, displayName: text };
  app.post(
    '/sign-up',
    { ...FORM, ...AT_MAIN, schema: { hide: true, body: z.strictObject(signUpForm) } },
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
      const providers = offeredBy(core, request);
      const values = { csrfToken, email, displayName, errors: outcome.problems, providers };
      return sendPage(reply.code(400), signUpPage(texts, values));
    },
  );
}

function passkeySignUpPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const path = '/sign-up/with-passkey';

  app.get(path, { ...PAGE, ...AT_MAIN }, async (request, reply) => {
    const csrfToken = visitorFormToken(request, reply);
    return sendPage(reply, passkeySignUpPage(textsFor(request), { csrfToken, errors: [] }));
  });

  const form = z.strictObject({ _csrf: text, email: text, displayName: text });
  const options = { ...FORM, ...AT_MAIN, schema: { hide: true, body: form } };
  app.post(path, options, async (request, reply) => {
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
    { ...PAGE, ...AT_MAIN, schema: { hide: true, querystring: LINK } },
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
    { ...FORM, ...AT_MAIN, schema: { hide: true, body: passkeyForm } },
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
