import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { KEY_SET_SECONDS, publishedKeySet } from '../../core/signing-keys.ts';
import { refusals } from '../schemas.ts';

/** The keys with which others verify what we sign. */
export function keySetRoute(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const key = z.object({
    kty: z.literal('OKP'),
    crv: z.literal('Ed25519'),
    x: z.string(),
    kid: z.string(),
    alg: z.literal('EdDSA'),
    use: z.literal('sig'),
  });
  app.get(
    '/.well-known/jwks.json',
    {
      access: 'public',
      schema: {
        summary: 'The keys that verify what Sallyport signs (RFC 7517)',
        response: { 200: z.object({ keys: z.array(key) }), ...refusals() },
      },
    },
    async (_request, reply) => {
      const { keys } = await publishedKeySet(core);
      // The same for everybody, and public: the one JSON answer that may be kept.
      reply.header('cache-control', `public, max-age=${KEY_SET_SECONDS}`);
      return reply.send({ keys: keys as z.infer<typeof key>[] });
    },
  );
}
