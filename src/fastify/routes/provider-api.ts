import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { unlinkProvider } from '../../core/provider-links.ts';
import type { ProviderPurpose } from '../../db/provider-flows.ts';
import { ownProviderLinks } from '../../db/provider-links.ts';
import { authorityOf, principalOf } from '../access.ts';
import { refuse } from '../refusals.ts';
import { instant, refusals, text } from '../schemas.ts';
import { FRESH } from './own-account-api.ts';
import { depart, linkedOf, providersOf } from './provider-visits.ts';

const choice = z.strictObject({
  provider: text.describe('its `id`'),
  returnTo: text.describe('a path of ours to go on to afterwards').optional(),
});

const departure = z.object({
  url: z.string().describe('open it in this very browser; it comes back to a page of ours'),
});

/**
 * Accounts at external providers, as JSON. A visit begins here and ends on a page, which the
 * provider sends the browser back to.
 */
export function providerApi(server: FastifyInstance, core: Core, origin: () => string): void {
  listRoutes(server, core);
  visitRoutes(server, core, origin);
  unlinkRoute(server, core);
}

function listRoutes(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/api/providers',
    {
      access: 'public',
      schema: {
        summary: 'With which providers one can sign in',
        response: {
          200: z.object({ providers: z.array(z.object({ id: z.string(), name: z.string() })) }),
          ...refusals(),
        },
      },
    },
    async (_request, reply) => reply.send({ providers: providersOf(core) }),
  );

  app.get(
    '/api/account/providers',
    {
      access: 'signed-in',
      role: 'sallyport_identity',
      load: () => ({ links: ownProviderLinks }),
      schema: {
        summary: 'The accounts elsewhere that you can sign in with',
        response: {
          200: z.object({
            providers: z.array(
              z.object({
                id: z.uuid(),
                issuer: z.string(),
                name: z.string().nullable().describe('null where it is not offered any more'),
                address: z.string().describe('that the provider had proved when it was linked'),
                createdAt: instant,
                lastUsedAt: instant.nullable(),
              }),
            ),
          }),
          ...refusals(),
        },
      },
    },
    async (request, reply) =>
      reply.send({
        providers: linkedOf(core, request).map((link) => ({
          ...link,
          createdAt: link.createdAt.toISOString(),
          lastUsedAt: link.lastUsedAt?.toISOString() ?? null,
        })),
      }),
  );
}

function visitRoutes(server: FastifyInstance, core: Core, origin: () => string): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const visits = [
    ['/api/sign-in/provider', 'public', 'sign-in', 'Begin a sign-in with a provider'],
    ['/api/account/providers', FRESH, 'link', 'Begin to link an account elsewhere to yours'],
    [
      '/api/re-authentication/provider',
      'signed-in',
      're-authentication',
      'Begin to prove again who is at the browser, by a provider',
    ],
  ] as const satisfies readonly (readonly [string, unknown, ProviderPurpose, string])[];

  for (const [path, access, purpose, summary] of visits) {
    app.post(
      path,
      {
        access,
        bodyType: 'json',
        mainOriginOnly: true,
        schema: {
          summary,
          body: choice,
          response: {
            200: departure,
            ...refusals('not-found', 'provider-unreachable', 'too-many-attempts'),
          },
        },
      },
      async (request, reply) => {
        const { provider, returnTo } = request.body;
        const sessionId = purpose === 'sign-in' ? null : principalOf(request).sessionId;
        const visit = { provider, purpose, sessionId, returnTo };
        const outcome = await depart(core, request, reply, origin(), visit);
        if (typeof outcome === 'string') return refuse(outcome, request, reply);
        return reply.send({ url: outcome.url });
      },
    );
  }
}

function unlinkRoute(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  app.delete(
    '/api/account/providers/:id',
    {
      access: FRESH,
      bodyType: 'json',
      schema: {
        summary: 'Unlink an account elsewhere; nobody signs in here with it any more',
        params: z.object({ id: z.uuid().toLowerCase() }),
        response: { 204: z.undefined(), ...refusals('not-found', 'last-way-in') },
      },
    },
    async (request, reply) => {
      const outcome = await unlinkProvider(core, authorityOf(request), request.params.id);
      if (outcome === 'unlinked') return reply.code(204).send();
      return refuse(typeof outcome === 'object' ? outcome.refusal : outcome, request, reply);
    },
  );
}
