import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { PING } from '../../db/database.ts';
import { mounted } from '../mount.ts';
import { openApiDocument } from '../openapi.ts';
import { refusals } from '../schemas.ts';

/** For those who run the process: is it alive, does it reach its database, what does it offer. */
export function operationRoutes(server: FastifyInstance, core: Core, origin: () => string): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const ok = z.object({ status: z.literal('ok') });

  app.get(
    '/health',
    {
      access: 'public',
      anyHost: true,
      schema: { summary: 'The process answers', response: { 200: ok } },
    },
    async () => ({ status: 'ok' as const }),
  );

  app.get(
    '/ready',
    {
      access: 'public',
      anyHost: true,
      schema: { summary: 'The database answers too', response: { 200: ok, ...refusals() } },
    },
    async () => {
      await core.database.batch({ role: 'sallyport_app', access: 'read' }, [PING]);
      return { status: 'ok' as const };
    },
  );

  app.get('/openapi.json', { access: 'public', schema: { hide: true } }, async (request, reply) =>
    reply.send(openApiDocument(server, origin(), mounted(request, ''))),
  );
}
