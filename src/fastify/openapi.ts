import swagger from '@fastify/swagger';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { isSafeMethod } from '../http/request-head.ts';
import { type ProblemCode, PROBLEMS } from '../http/problem.ts';

/** Describes the routes that are registered behind it, for /openapi.json and the documentation. */
export async function addOpenApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Sallyport',
        version,
        description:
          'Sign-in, sessions and the own account. A request that changes something and carries a ' +
          'cookie sends X-CSRF-Token. Every refusal is application/problem+json with a stable code.',
      },
      components: {
        securitySchemes: {
          session: { type: 'apiKey', in: 'cookie', name: '__Host-session' },
          synchronizerToken: { type: 'apiKey', in: 'header', name: 'X-CSRF-Token' },
        },
      },
    },
  });
  // On the route and not here: an application's own document may describe these routes, too, and
  // does not know their kind of schema.
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, swaggerTransform: describe };
  });
}

/** The document as it is served: its addresses begin where the API is mounted. */
export function openApiDocument(app: FastifyInstance, origin: string, mount: string) {
  const document = app.swagger() as { readonly paths?: Readonly<Record<string, object>> };
  const paths = Object.entries(document.paths ?? {}).map(
    ([path, operations]) => [path.slice(mount.length), operations] as const,
  );
  // Said anew: with port 0 the origin is known only once the process listens.
  return { ...document, paths: Object.fromEntries(paths), servers: [{ url: origin + mount }] };
}

function describe(described: Parameters<typeof jsonSchemaTransform>[0]) {
  const { schema, url } = jsonSchemaTransform(described);
  const response = responsesOf(described.route, schema?.response);
  const { security, ...conditions } = conditionsOf(described.route);
  const known = 'openapiObject' in described && described.openapiObject.components?.securitySchemes;
  const secured = known && 'session' in known ? { security } : {};
  return { schema: { ...schema, ...response, ...conditions, ...secured }, url };
}

/** What a request to the route must bring, in the words of the OpenAPI document. */
function conditionsOf({ config, method }: RouteOptions) {
  const access = config?.access;
  if (access === undefined || access === 'public') return { security: [] };
  const unsafe = ![method].flat().every(isSafeMethod);
  const security = [unsafe ? { session: [], synchronizerToken: [] } : { session: [] }];
  if (typeof access !== 'object' || !access.stepUp) return { security };
  const minutes = access.stepUp.withinSeconds / 60;
  const description = `Asks for a proof in the last ${minutes} minutes, with a second factor of whoever has one, else step-up-required or second-factor-required.`;
  return { security, description };
}

interface ProblemJson {
  /** What the route declares by `refusals`; not JSON Schema, and taken out here. */
  readonly refuses?: readonly ProblemCode[];
  readonly properties?: Readonly<Record<string, object>>;
}

/** The answers of a route: as it has them, and each refusal with the codes that it can have. */
function responsesOf(route: RouteOptions, response: unknown) {
  const answers = Object.entries((response ?? {}) as Readonly<Record<string, ProblemJson>>);
  const declared = answers.flatMap(([, { refuses }]) => (refuses === undefined ? [] : [refuses]));
  const sample = answers.find(([, { refuses }]) => refuses !== undefined)?.[1];
  if (!sample) return {};
  const { refuses: _, properties, ...problem } = sample;
  const successes = answers.filter(([, { refuses }]) => refuses === undefined);
  const codes = [...new Set([...followingRefusals(route), ...declared.flat()])];
  const refusals = [...new Set(codes.map((code) => PROBLEMS[code].status))].map((status) => {
    const own = codes.filter((code) => PROBLEMS[code].status === status);
    const code = { ...properties?.['code'], enum: own };
    const schema = {
      ...problem,
      properties: { ...properties, status: { type: 'integer', const: status }, code },
    };
    const description = own.join(', ');
    return [status, { description, content: { 'application/problem+json': { schema } } }];
  });
  return { response: Object.fromEntries([...successes, ...refusals]) as Record<string, object> };
}

/** What a route can refuse because of what it declares. */
function followingRefusals({ config, method, schema }: RouteOptions): readonly ProblemCode[] {
  const access = config?.access ?? 'public';
  const { permission, team, stepUp } = typeof access === 'object' ? access : {};
  const unsafe = ![method].flat().every(isSafeMethod);
  const asksMore = unsafe || access !== 'public';
  return [
    ...(schema?.body || schema?.params || schema?.querystring ? ['invalid-fields' as const] : []),
    ...(access === 'public' ? [] : ['not-signed-in' as const]),
    ...(stepUp ? (['step-up-required', 'second-factor-required'] as const) : []),
    ...(stepUp?.aal === 2 ? ['second-factor-missing' as const] : []),
    ...(permission === undefined ? [] : ['forbidden' as const]),
    ...(permission === undefined && team === undefined ? [] : TENANT_REFUSALS),
    ...(team === undefined ? [] : ['not-found' as const]),
    ...(unsafe ? UNSAFE_REFUSALS : []),
    'database-unavailable',
    ...(asksMore ? ['busy' as const] : []),
    ...(unsafe ? ['outcome-unknown' as const] : []),
  ];
}

/** What a tenant asks of its members (decisions/041). */
const TENANT_REFUSALS = ['tenant-proof-required', 'tenant-factor-missing'] as const;

const UNSAFE_REFUSALS = [
  'foreign-origin',
  'synchronizer-token-mismatch',
  'unsupported-media-type',
] as const;
