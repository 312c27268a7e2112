import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { revokeTokens } from '../../core/external-tokens.ts';
import { ownExternalTokens, revokeOwnExternalToken } from '../../db/external-tokens.ts';
import { authorityOf } from '../access.ts';
import { refuse } from '../refusals.ts';
import { instant, refusals } from '../schemas.ts';

const externalToken = z.object({
  id: z.uuid(),
  issuer: z.string(),
  tenantId: z.uuid(),
  createdAt: instant.describe('when it was first used here'),
  expiresAt: instant.describe('when its issuer lets it expire'),
});

/**
 * The tokens of other issuers that stand for a person. Ending them asks for no fresh proof: whoever
 * fears for a token should not have to look for a password first.
 */
export function externalTokenApi(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/api/external-tokens',
    {
      access: 'signed-in',
      role: 'sallyport_identity',
      load: () => ({ tokens: ownExternalTokens }),
      schema: {
        summary: 'Tokens of other issuers that stood for you in the last minutes',
        response: { 200: z.array(externalToken), ...refusals() },
      },
    },
    async (request) => request.loaded['tokens']?.rows.map(tokenView) ?? [],
  );

  app.delete(
    '/api/external-tokens/:id',
    {
      access: 'signed-in',
      bodyType: 'json',
      role: 'sallyport_identity',
      load: (_db, request) => ({ token: revokeOwnExternalToken(request.params.id) }),
      schema: {
        summary: 'Refuse one of them, whatever its issuer says',
        params: z.object({ id: z.uuid().toLowerCase() }),
        response: { 204: z.undefined(), ...refusals('not-found') },
      },
    },
    async (request, reply) => {
      if (request.loaded['token']?.rowCount !== 1) return refuse('not-found', request, reply);
      return reply.code(204).send();
    },
  );

  app.delete(
    '/api/external-tokens',
    {
      access: 'signed-in',
      bodyType: 'json',
      schema: {
        summary: 'Refuse all that were issued until now, also those that were never used here',
        response: { 204: z.undefined(), ...refusals() },
      },
    },
    async (request, reply) => {
      const outcome = await revokeTokens(core, authorityOf(request));
      if (outcome !== 'revoked') return refuse(outcome.refusal, request, reply);
      return reply.code(204).send();
    },
  );
}

function tokenView(row: Readonly<Record<string, unknown>>): z.input<typeof externalToken> {
  return {
    id: String(row['id']),
    issuer: String(row['issuer']),
    tenantId: String(row['tenantId']),
    createdAt: (row['createdAt'] as Date).toISOString(),
    expiresAt: (row['expiresAt'] as Date).toISOString(),
  };
}
