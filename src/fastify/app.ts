import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import swagger from '@fastify/swagger';
import {
  fastify,
  type FastifyInstance,
  type FastifyServerOptions,
  LogController,
  type RouteOptions,
} from 'fastify';
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
} from 'fastify-type-provider-zod';
import type { Core } from '../core/core.ts';
import { problem, type ProblemCode, PROBLEMS } from '../http/problem.ts';
import { isSafeMethod } from '../http/request-head.ts';
import { API_HEADERS, transportSecurity } from '../http/security-headers.ts';
import { addBodyParser } from './body-parser.ts';
import { errorRecord } from './error-record.ts';
import { addGate, type GatePolicy } from './gate.ts';
import { addLastSeen } from './last-seen.ts';
import { addNotFound } from './not-found.ts';
import { answerError } from './refusals.ts';
import { accountApi } from './routes/account-api.ts';
import { developmentRoutes, docsRoute, type MailboxEntry } from './routes/development.ts';
import { credentialPages } from './routes/credential-pages.ts';
import { operationRoutes } from './routes/operation.ts';
import { ownAccountApi } from './routes/own-account-api.ts';
import { ownPages } from './routes/own-pages.ts';
import { visitorPages } from './routes/visitor-pages.ts';

export interface AppOptions {
  readonly policy: GatePolicy;
  readonly version: string;
  readonly logger: Exclude<NonNullable<FastifyServerOptions['logger']>, boolean>;
  /** Whether the documentation is offered, from which requests can be tried. */
  readonly development?: boolean;
  /** The mails that wait, for /development/mailbox.json; absent outside development. */
  readonly mailbox?: () => Promise<readonly MailboxEntry[]>;
}

/** Bodies are names, addresses and passwords: nothing of ours is larger. */
const BODY_BYTES_MAX = 16_384;
const REQUEST_MILLISECONDS_MAX = 15_000;

/** The accounts service as a Fastify app, not yet listening. */
export async function buildApp(core: Core, options: AppOptions): Promise<FastifyInstance> {
  const app = fastify({
    logger: { ...options.logger, serializers: { err: (error) => errorRecord(error) } },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MILLISECONDS_MAX,
    // A request's id is ours: one that the client chose could hide its trace under another's.
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    // Addresses in Forwarded headers are not believed: no peer has been configured.
    trustProxy: false,
    return503OnClosing: true,
    // A target that the router cannot decode is refused before any hook could set the headers.
    frameworkErrors: (error, request, reply) =>
      void answerError(error, request, reply.headers(refusalHeaders(options.policy))),
    clientErrorHandler: (error, socket) => answerClientError(error, socket, options.policy),
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(answerError);
  addBodyParser(app);
  await addOpenApi(app, options);
  addNotFound(app);
  addGate(app, core, options.policy);
  addLastSeen(app, core);
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, account: true };
  });
  accountApi(app, core);
  ownAccountApi(app, core);
  const origin = () => options.policy.origin;
  visitorPages(app, core, origin);
  ownPages(app, core);
  credentialPages(app, core, origin);
  operationRoutes(app, core);
  if (options.development) docsRoute(app, options.policy);
  if (options.mailbox) developmentRoutes(app, options.mailbox);
  return app;
}

async function addOpenApi(app: FastifyInstance, options: AppOptions): Promise<void> {
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

/** Bytes that are no HTTP request get an answer too, by hand: there is no request to answer. */
function answerClientError(
  error: Error & { code?: string },
  socket: Socket,
  policy: GatePolicy,
): void {
  const codes: Readonly<Record<string, ProblemCode>> = {
    HPE_HEADER_OVERFLOW: 'header-too-large',
    ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
  };
  const code = codes[error.code ?? ''] ?? 'malformed-request';
  if (!socket.writable) return;
  const body = JSON.stringify(problem(code, randomUUID()));
  const headers = Object.entries({
    ...refusalHeaders(policy),
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${PROBLEMS[code].status} Refused\r\n${headers.join('')}\r\n${body}`);
}

function refusalHeaders({ origin }: GatePolicy): Readonly<Record<string, string>> {
  return { ...API_HEADERS, ...transportSecurity(origin) };
}
