import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { factorResetAddress, requestFactorReset, resetFactors } from '../../core/factor-reset.ts';
import type { FieldError } from '../../http/problem.ts';
import { landingPage } from '../../pages/landing.tsx';
import { factorsResetPage, invalidRecoveryPage, resetFactorsPage } from '../../pages/recovery.tsx';
import { authorityOf, readPresessionSecret } from '../access.ts';
import { callerOf } from '../caller.ts';
import { languageOf, sendPage, textsFor } from '../reader.ts';
import { comesFromElsewhere, refuse } from '../refusals.ts';
import { newPassword, refusals, text } from '../schemas.ts';
import { visitorFormToken } from '../session-cookies.ts';
import { RECOVER_MEMBERS } from './members-api.ts';

/** A lost second factor: an owner of the tenant lets it be replaced, its person does; as JSON. */
export function factorResetApi(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.post(
    '/api/members/:id/factor-resets',
    {
      access: RECOVER_MEMBERS,
      bodyType: 'json',
      schema: {
        summary: 'Mail a member a link by which a lost second factor can be replaced',
        params: z.object({ id: z.uuid().toLowerCase() }),
        body: z.strictObject({}).nullish(),
        response: {
          202: z.object({ status: z.literal('mailed') }),
          ...refusals('not-found', 'above-own-level'),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const language = languageOf(request);
      const outcome = await requestFactorReset(core, authorityOf(request), id, language);
      if (typeof outcome === 'object') return refuse(outcome.refusal, request, reply);
      if (outcome !== 'mailed') return refuse(outcome, request, reply);
      return reply.code(202).send({ status: outcome });
    },
  );

  app.post(
    '/api/factor-resets/confirmations',
    {
      access: 'public',
      bodyType: 'json',
      schema: {
        summary: 'Take all second factors away and choose a new password, with the mailed token',
        body: z.strictObject({ token: text, password: newPassword }),
        response: {
          200: z.object({ status: z.literal('reset') }),
          ...refusals('invalid-token'),
        },
      },
    },
    async (request, reply) => {
      const outcome = await resetFactors(core, request.body, callerOf(request));
      if (outcome === 'reset') return reply.send({ status: outcome });
      if (outcome === 'invalid') return refuse('invalid-token', request, reply);
      return refuse('invalid-fields', request, reply, outcome.problems);
    },
  );
}

/** Where the mailed link leads. Its GET only shows a form. */
export function factorResetPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const path = '/reset-factors';

  app.get(
    path,
    {
      access: 'public',
      page: true,
      schema: { hide: true, querystring: z.object({ token: text.default('') }) },
    },
    async (request, reply) => {
      // A Strict cookie that stayed at home must not be replaced.
      if (readPresessionSecret(request) === null && comesFromElsewhere(request)) {
        return sendPage(reply, landingPage(textsFor(request), { path: request.url }));
      }
      return await show(request, reply, request.query.token, []);
    },
  );

  const form = z.strictObject({ _csrf: text, token: text, password: text });
  app.post(
    path,
    { access: 'public', page: true, bodyType: 'form', schema: { hide: true, body: form } },
    async (request, reply) => {
      const { token, password } = request.body;
      const outcome = await resetFactors(core, { token, password }, callerOf(request));
      const texts = textsFor(request);
      if (outcome === 'reset') return sendPage(reply, factorsResetPage(texts));
      if (outcome === 'invalid') return sendPage(reply.code(400), invalidRecoveryPage(texts));
      return await show(request, reply.code(400), token, outcome.problems);
    },
  );

  async function show(
    request: FastifyRequest,
    reply: FastifyReply,
    token: string,
    errors: readonly FieldError[],
  ) {
    const email = await factorResetAddress(core, token);
    const texts = textsFor(request);
    if (email === null) return sendPage(reply.code(400), invalidRecoveryPage(texts));
    const csrfToken = visitorFormToken(request, reply);
    return sendPage(reply, resetFactorsPage(texts, { csrfToken, token, email, errors }));
  }
}
