import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { createApiKey, KEY_DAYS_MAX, revokeApiKey } from '../../core/api-keys.ts';
import type { Core } from '../../core/core.ts';
import { tenantApiKeys } from '../../db/bearer-credentials.ts';
import { authorityOf } from '../access.ts';
import { refuse } from '../refusals.ts';
import { instant, refusals, text } from '../schemas.ts';
import { FRESH } from './own-account-api.ts';

export const READ_KEYS = { permission: 'keys:read' } as const;
export const WRITE_KEYS = { permission: 'keys:write', ...FRESH } as const;
/** Permissions that a key may be given; nothing has so many. */
const PERMISSIONS_MAX = 200;

const key = z.object({
  id: z.uuid(),
  title: z.string(),
  hint: z.string().describe('the first four characters behind the prefix'),
  permissions: z.array(z.string()),
  createdAt: instant,
  expiresAt: instant,
});

const listedKey = key.extend({
  maker: z.string().describe('the display name of whoever made it'),
  own: z.boolean(),
  lastUsedAt: instant.nullable().describe('exact to about a minute'),
});

/** The API of the tenant's API keys, for people: a key reaches none of these routes. */
export function keyApi(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/api/keys',
    {
      access: READ_KEYS,
      role: 'sallyport_identity',
      load: () => ({ keys: tenantApiKeys }),
      schema: {
        summary: 'The API keys of the tenant',
        response: { 200: z.array(listedKey), ...refusals() },
      },
    },
    async (request) => request.loaded['keys']?.rows.map(listedKeyView) ?? [],
  );

  app.post(
    '/api/keys',
    {
      access: WRITE_KEYS,
      bodyType: 'json',
      schema: {
        summary: 'Make an API key for the tenant that you are in; it is shown this once',
        body: z.strictObject({
          title: text.meta({ minLength: 1, maxLength: 100, examples: ['Nightly import'] }),
          permissions: z
            .array(text)
            .max(PERMISSIONS_MAX)
            .default([])
            .describe('some of your own, without keys:...')
            .meta({ examples: [['invoices:read']] }),
          expiresInDays: z.int().min(1).max(KEY_DAYS_MAX).default(90),
        }),
        response: { 201: key.extend({ key: z.string() }), ...refusals() },
      },
    },
    async (request, reply) => {
      const outcome = await createApiKey(core, authorityOf(request), request.body);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      if ('problem' in outcome) return refuse('invalid-fields', request, reply, [outcome.problem]);
      const made = outcome.key;
      return reply.code(201).send({
        id: made.id,
        title: made.title,
        hint: made.hint,
        permissions: [...made.permissions],
        createdAt: made.createdAt.toISOString(),
        expiresAt: made.expiresAt.toISOString(),
        key: outcome.text,
      });
    },
  );

  app.delete(
    '/api/keys/:id',
    {
      access: WRITE_KEYS,
      bodyType: 'json',
      schema: {
        summary: 'Revoke an API key of the tenant, whoever made it',
        params: z.object({ id: z.uuid().toLowerCase() }),
        response: { 204: z.undefined(), ...refusals('not-found') },
      },
    },
    async (request, reply) => {
      const outcome = await revokeApiKey(core, authorityOf(request), request.params.id);
      if (outcome === 'not-found') return refuse('not-found', request, reply);
      if (outcome !== 'revoked') return refuse(outcome.refusal, request, reply);
      return reply.code(204).send();
    },
  );
}

function listedKeyView(row: Readonly<Record<string, unknown>>): z.input<typeof listedKey> {
  return {
    id: String(row['id']),
    title: String(row['title']),
    hint: String(row['hint']),
    permissions: row['permissions'] as string[],
    createdAt: (row['createdAt'] as Date).toISOString(),
    expiresAt: (row['expiresAt'] as Date).toISOString(),
    maker: String(row['maker']),
    own: row['own'] === true,
    lastUsedAt: (row['lastUsedAt'] as Date | null)?.toISOString() ?? null,
  };
}
