import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { resendConfirmation } from '../../core/confirmation-resend.ts';
import type { Core } from '../../core/core.ts';
import { recoverPassword, recoveryAddress, requestRecovery } from '../../core/recovery.ts';
import type { FieldError } from '../../http/problem.ts';
import { landingPage } from '../../pages/landing.tsx';
import {
  forgotPasswordPage,
  invalidRecoveryPage,
  passwordRecoveredPage,
  recoveryMailedPage,
  resetPasswordPage,
} from '../../pages/recovery.tsx';
import { checkMailPage } from '../../pages/sign-up.tsx';
import { readPresessionSecret } from '../access.ts';
import { callerOf } from '../caller.ts';
import { sendPage, textsFor } from '../reader.ts';
import { comesFromElsewhere, refuse } from '../refusals.ts';
import { emailAddress, newPassword, refusals, text } from '../schemas.ts';
import { visitorFormToken } from '../session-cookies.ts';

const checkMail = z.object({ status: z.literal('check-mail') });

/** The JSON API of a forgotten password, and of a confirmation whose mail did not arrive. */
export function recoveryApi(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const JSON_BODY = { access: 'public', bodyType: 'json' } as const;

  app.post(
    '/api/confirmation-mails',
    {
      ...JSON_BODY,
      schema: {
        summary: 'Mail the link of a sign-up again',
        body: z.strictObject({ email: emailAddress }),
        response: { 202: checkMail, ...refusals('too-many-attempts') },
      },
    },
    async (request, reply) => {
      const browser = readPresessionSecret(request);
      const { email } = request.body;
      const outcome = await resendConfirmation(core, email, browser, callerOf(request));
      if (outcome === 'check-mail') return reply.code(202).send({ status: outcome });
      return refuse('invalid-fields', request, reply, outcome.problems);
    },
  );

  app.post(
    '/api/recoveries',
    {
      ...JSON_BODY,
      schema: {
        summary: 'Mail a link by which a forgotten password can be chosen anew',
        body: z.strictObject({ email: emailAddress }),
        response: { 202: checkMail, ...refusals('too-many-attempts') },
      },
    },
    async (request, reply) => {
      const outcome = await requestRecovery(core, request.body.email, callerOf(request));
      if (outcome === 'check-mail') return reply.code(202).send({ status: outcome });
      return refuse('invalid-fields', request, reply, outcome.problems);
    },
  );

  app.post(
    '/api/recoveries/confirmations',
    {
      ...JSON_BODY,
      schema: {
        summary: 'Choose a new password with the mailed token, once; ends all sessions',
        body: z.strictObject({ token: text, password: newPassword }),
        response: {
          200: z.object({ status: z.literal('recovered') }),
          ...refusals('invalid-token'),
        },
      },
    },
    async (request, reply) => {
      const outcome = await recoverPassword(core, request.body, callerOf(request));
      if (outcome === 'recovered') return reply.send({ status: outcome });
      if (outcome === 'invalid') return refuse('invalid-token', request, reply);
      return refuse('invalid-fields', request, reply, outcome.problems);
    },
  );
}

const PAGE = { access: 'public', page: true, schema: { hide: true } } as const;
const FORM = { access: 'public', page: true, bodyType: 'form' } as const;
const ADDRESS_FORM = { hide: true, body: z.strictObject({ _csrf: text, email: text }) } as const;

/** The same as pages. The mailed link's GET only shows a form. */
export function recoveryPages(server: FastifyInstance, core: Core): void {
  requestPages(server, core);
  const app = server.withTypeProvider<ZodTypeProvider>();
  const sendResetForm = async (
    token: string,
    errors: readonly FieldError[],
    request: FastifyRequest,
    reply: FastifyReply,
  ) => {
    const email = await recoveryAddress(core, token);
    const texts = textsFor(request);
    if (email === null) return sendPage(reply.code(400), invalidRecoveryPage(texts));
    const csrfToken = visitorFormToken(request, reply);
    return sendPage(reply, resetPasswordPage(texts, { csrfToken, token, email, errors }));
  };

  app.get(
    '/reset-password',
    { ...PAGE, schema: { hide: true, querystring: z.object({ token: text.default('') }) } },
    async (request, reply) => {
      // A Strict cookie that stayed at home, such as that of a sign-up, must not be replaced.
      if (readPresessionSecret(request) === null && comesFromElsewhere(request)) {
        return sendPage(reply, landingPage(textsFor(request), { path: request.url }));
      }
      return await sendResetForm(request.query.token, [], request, reply);
    },
  );

  app.post(
    '/reset-password',
    {
      ...FORM,
      schema: { hide: true, body: z.strictObject({ _csrf: text, token: text, password: text }) },
    },
    async (request, reply) => {
      const texts = textsFor(request);
      const { token, password } = request.body;
      const outcome = await recoverPassword(core, { token, password }, callerOf(request));
      if (outcome === 'recovered') return sendPage(reply, passwordRecoveredPage(texts));
      if (outcome === 'invalid') return sendPage(reply.code(400), invalidRecoveryPage(texts));
      return await sendResetForm(token, outcome.problems, request, reply.code(400));
    },
  );
}

function requestPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.post('/resend-confirmation', { ...FORM, schema: ADDRESS_FORM }, async (request, reply) => {
    const { email } = request.body;
    const browser = readPresessionSecret(request);
    const outcome = await resendConfirmation(core, email, browser, callerOf(request));
    if (outcome !== 'check-mail') return refuse('invalid-fields', request, reply, outcome.problems);
    const csrfToken = visitorFormToken(request, reply);
    return sendPage(reply, checkMailPage(textsFor(request), { csrfToken, email }));
  });

  app.get('/forgot-password', PAGE, async (request, reply) => {
    const csrfToken = visitorFormToken(request, reply);
    return sendPage(reply, forgotPasswordPage(textsFor(request), { csrfToken, errors: [] }));
  });

  app.post('/forgot-password', { ...FORM, schema: ADDRESS_FORM }, async (request, reply) => {
    const texts = textsFor(request);
    const { email } = request.body;
    const outcome = await requestRecovery(core, email, callerOf(request));
    if (outcome === 'check-mail') return sendPage(reply, recoveryMailedPage(texts, { email }));
    const csrfToken = visitorFormToken(request, reply);
    const values = { csrfToken, email, errors: outcome.problems };
    return sendPage(reply.code(400), forgotPasswordPage(texts, values));
  });
}
