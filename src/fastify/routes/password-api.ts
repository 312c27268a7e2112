import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { changePassword, removePassword } from '../../core/password-change.ts';
import { authorityOf } from '../access.ts';
import { languageOf } from '../reader.ts';
import { refuse } from '../refusals.ts';
import { newPassword, refusals, text } from '../schemas.ts';
import { startBrowserSession } from '../session-cookies.ts';
import { FRESH } from './own-account-api.ts';

/** The JSON API of a person's own password: to change it, to have a first one, to have none. */
export function passwordApi(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.post(
    '/api/account/change-password',
    {
      access: FRESH,
      bodyType: 'json',
      schema: {
        summary: 'Change the password, and all other sessions end; or add the first one',
        body: z.strictObject({
          currentPassword: text.describe('left out where the account has none').optional(),
          newPassword,
        }),
        response: { 204: z.undefined(), ...refusals() },
      },
    },
    async (request, reply) => {
      const language = languageOf(request);
      const outcome = await changePassword(core, authorityOf(request), request.body, language);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      if ('problem' in outcome) return refuse('invalid-fields', request, reply, [outcome.problem]);
      startBrowserSession(reply, outcome);
      return reply.code(204).send();
    },
  );

  app.delete(
    '/api/account/password',
    {
      access: FRESH,
      bodyType: 'json',
      schema: {
        summary: 'Remove the password of an account that has a passkey; all other sessions end',
        response: { 204: z.undefined(), ...refusals('not-found', 'last-way-in') },
      },
    },
    async (request, reply) => {
      const outcome = await removePassword(core, authorityOf(request));
      if (typeof outcome === 'string') return refuse(outcome, request, reply);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      startBrowserSession(reply, outcome);
      return reply.code(204).send();
    },
  );
}
