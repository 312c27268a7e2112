import swagger from '@fastify/swagger';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { isSafeMethod } from '../http/request-head.ts';
import type { OriginPolicy } from '../http/origin.ts';

/** Describes the routes that are registered behind it, for /openapi.json and the documentation. */
export async function addOpenApi(
  app: FastifyInstance,
  options: { readonly version: string; readonly policy: OriginPolicy },
): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Sallyport',
        version: options.version,
        description:
          'Sign-in, sessions and the own account. A request that changes something and carries a ' +
          'cookie sends X-CSRF-Token. Every refusal is application/problem+json with a stable code.',
      },
      servers: [{ url: options.policy.origin }],
      components: {
        securitySchemes: {
          session: { type: 'apiKey', in: 'cookie', name: '__Host-session' },
          synchronizerToken: { type: 'apiKey', in: 'header', name: 'X-CSRF-Token' },
        },
      },
    },
    transform: (described) => {
      const { schema, url } = jsonSchemaTransform(described);
      return { schema: { ...schema, ...conditionsOf(described.route) }, url };
    },
  });
}

/** What a request to the route must bring, in the words of the OpenAPI document. */
function conditionsOf({ config, method }: RouteOptions) {
  const access = config?.access;
  if (access === undefined || access === 'public') return { security: [] };
  const unsafe = ![method].flat().every(isSafeMethod);
  const security = [unsafe ? { session: [], synchronizerToken: [] } : { session: [] }];
  if (typeof access !== 'object' || !access.stepUp) return { security };
  const minutes = access.stepUp.withinSeconds / 60;
  const description = `Asks for a password proved in the last ${minutes} minutes, else step-up-required.`;
  return { security, description };
}
