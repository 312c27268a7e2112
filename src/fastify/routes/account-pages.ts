import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { parseDisplayName } from '../../core/display-name.ts';
import { confirmEmail } from '../../core/email-confirmation.ts';
import { signIn } from '../../core/sign-in.ts';
import { signUp } from '../../core/sign-up.ts';
import { updateOwnProfile } from '../../db/profiles.ts';
import { eventOfCurrentIdentity } from '../../db/security-events.ts';
import { deleteCurrentSession } from '../../db/sessions.ts';
import type { FieldError } from '../../http/problem.ts';
import { ASSET_HEADERS, PAGE_HEADERS } from '../../http/security-headers.ts';
import { accountPage } from '../../pages/account.tsx';
import { assets } from '../../pages/assets.ts';
import {
  emailConfirmationPage,
  emailConfirmedPage,
  invalidLinkPage,
} from '../../pages/email-confirmation.tsx';
import { homePage } from '../../pages/home.tsx';
import { signedOutPage } from '../../pages/problem.tsx';
import { signInPage } from '../../pages/sign-in.tsx';
import { checkMailPage, signUpPage } from '../../pages/sign-up.tsx';
import { english as texts } from '../../pages/texts.ts';
import { refuse } from '../refusals.ts';
import { text } from '../schemas.ts';
import {
  csrfTokenFor,
  endBrowserSession,
  startBrowserSession,
  visitorFormToken,
} from '../session-cookies.ts';

const publicPage = { access: 'public', page: true } as const;
const publicForm = { ...publicPage, bodyType: 'form' } as const;
const ownPage = { access: 'signed-in', page: true } as const;
const ownForm = { ...ownPage, bodyType: 'form' } as const;

/** The account as pages: forms and links, no script needed. */
export function accountPages(server: FastifyInstance, core: Core): void {
  visitorPages(server, core);
  ownPages(server);
  for (const asset of assets) {
    server.get(asset.path, { access: 'public', schema: { hide: true } }, async (_request, reply) =>
      reply.headers(ASSET_HEADERS).type(asset.contentType).send(asset.body),
    );
  }
}

function visitorPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get('/', { ...publicPage, schema: { hide: true } }, async (request, reply) =>
    sendPage(reply, homePage(texts, { signedIn: request.sessionSecret !== null })),
  );

  app.get('/sign-up', { ...publicPage, schema: { hide: true } }, async (request, reply) =>
    sendPage(reply, signUpPage(texts, { csrfToken: visitorFormToken(request, reply), errors: [] })),
  );

  app.post(
    '/sign-up',
    {
      ...publicForm,
      schema: {
        hide: true,
        body: z.strictObject({ _csrf: text, email: text, password: text, displayName: text }),
      },
    },
    async (request, reply) => {
      const { email, password, displayName } = request.body;
      const outcome = await signUp(core, { email, password, displayName });
      if (outcome === 'check-mail') return sendPage(reply, checkMailPage(texts, { email }));
      const csrfToken = visitorFormToken(request, reply);
      const values = { csrfToken, email, displayName, errors: outcome.problems };
      return sendPage(reply.code(400), signUpPage(texts, values));
    },
  );

  app.get(
    '/confirm-email',
    { ...publicPage, schema: { hide: true, querystring: z.object({ token: text.default('') }) } },
    async (request, reply) => {
      const csrfToken = visitorFormToken(request, reply);
      const { token } = request.query;
      return sendPage(reply, emailConfirmationPage(texts, { csrfToken, token }));
    },
  );

  app.post(
    '/confirm-email',
    { ...publicForm, schema: { hide: true, body: z.strictObject({ _csrf: text, token: text }) } },
    async (request, reply) => {
      const outcome = await confirmEmail(core, request.body.token);
      return outcome === 'confirmed'
        ? sendPage(reply, emailConfirmedPage(texts))
        : sendPage(reply.code(400), invalidLinkPage(texts));
    },
  );

  app.get('/sign-in', { ...publicPage, schema: { hide: true } }, async (request, reply) =>
    sendPage(
      reply,
      signInPage(texts, { csrfToken: visitorFormToken(request, reply), failed: false }),
    ),
  );

  app.post(
    '/sign-in',
    {
      ...publicForm,
      schema: {
        hide: true,
        body: z.strictObject({ _csrf: text, email: text, password: text }),
      },
    },
    async (request, reply) => {
      const { email, password } = request.body;
      const outcome = await signIn(core, { email, password }, request.sessionSecret);
      if (outcome === 'wrong-credentials') {
        const csrfToken = visitorFormToken(request, reply);
        return sendPage(reply.code(401), signInPage(texts, { csrfToken, email, failed: true }));
      }
      startBrowserSession(reply, outcome);
      return reply.redirect('/account', 303);
    },
  );
}

function ownPages(server: FastifyInstance): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const profileForm = z.strictObject({ _csrf: text, displayName: text });

  app.get(
    '/account',
    {
      ...ownPage,
      schema: { hide: true, querystring: z.object({ notice: z.literal('saved').optional() }) },
    },
    async (request, reply) => sendAccountPage(request, reply, request.query.notice, []),
  );

  app.post(
    '/account',
    {
      ...ownForm,
      load: ({ body }) => {
        const parsed = parseDisplayName((body as z.output<typeof profileForm>).displayName);
        return 'problem' in parsed ? {} : { profile: updateOwnProfile(parsed.displayName) };
      },
      schema: { hide: true, body: profileForm },
    },
    async (request, reply) => {
      const parsed = parseDisplayName(request.body.displayName);
      if (!('problem' in parsed)) return reply.redirect('/account?notice=saved', 303);
      const errors = [{ field: 'displayName', reason: parsed.problem }];
      return sendAccountPage(request, reply.code(400), undefined, errors);
    },
  );

  // Signing out is never a GET: its form stands on the account's page.
  app.get('/sign-out', { ...publicPage, schema: { hide: true } }, async (_request, reply) =>
    reply.redirect('/account', 303),
  );

  app.post(
    '/sign-out',
    {
      ...ownForm,
      role: 'sallyport_identity',
      load: () => ({
        event: eventOfCurrentIdentity('signed-out'),
        session: deleteCurrentSession(),
      }),
      schema: { hide: true, body: z.strictObject({ _csrf: text }) },
    },
    async (request, reply) => {
      if (request.loaded['session']?.rowCount !== 1) return refuse('not-signed-in', request, reply);
      endBrowserSession(reply);
      return sendPage(reply, signedOutPage(texts));
    },
  );
}

function sendAccountPage(
  request: FastifyRequest,
  reply: FastifyReply,
  notice: 'saved' | undefined,
  errors: readonly FieldError[],
): FastifyReply {
  const { principal } = request;
  if (!principal) return refuse('not-signed-in', request, reply);
  const page = accountPage(texts, {
    csrfToken: csrfTokenFor(request),
    displayName: principal.displayName,
    email: principal.email,
    authenticatedAt: principal.authenticatedAt,
    expiresAt: principal.expiresAt,
    errors,
    ...(notice ? { notice } : {}),
  });
  return sendPage(reply, page);
}

function sendPage(reply: FastifyReply, html: string): FastifyReply {
  return reply.headers(PAGE_HEADERS).type('text/html; charset=utf-8').send(html);
}
