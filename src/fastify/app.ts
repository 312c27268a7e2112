import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { fastify, type FastifyInstance, type FastifyServerOptions, LogController } from 'fastify';
import type { Core } from '../core/core.ts';
import { OWN_REGISTRY } from '../core/permissions.ts';
import { scopeTo } from '../db/scoping.ts';
import { problem, type ProblemCode, PROBLEMS } from '../http/problem.ts';
import { API_HEADERS, transportSecurity } from '../http/security-headers.ts';
import { addBodyParser } from './body-parser.ts';
import { errorRecord } from './error-record.ts';
import type { GatePolicy } from './head-checks.ts';
import { addNotFound } from './not-found.ts';
import { BODY_BYTES_MAX, gated, type GatedOptions } from './plugin.ts';
import { answerError } from './refusals.ts';
import { requestLog } from './request-log.ts';

export interface AppOptions extends Omit<GatedOptions, 'core' | 'mount' | 'scope' | 'permissions'> {
  readonly logger: Exclude<NonNullable<FastifyServerOptions['logger']>, boolean>;
}

const REQUEST_MILLISECONDS_MAX = 15_000;
/** Node.js ends what is late when it looks: each half a minute unless it is told (CWE-400). */
const LATE_CHECK_MILLISECONDS = 1_000;

/** The accounts service as a Fastify app of its own, not yet listening. */
export async function buildApp(core: Core, options: AppOptions): Promise<FastifyInstance> {
  const app = bareApp(options, { requestTimeout: REQUEST_MILLISECONDS_MAX });
  await app.register(gated, {
    ...options,
    core,
    mount: '',
    scope: NO_TABLES,
    permissions: OWN_REGISTRY,
  });
  return app;
}

/** An app with our limits, in which every error is a problem of ours; nothing guards it yet. */
export function bareApp(
  { logger, policy }: Pick<AppOptions, 'logger' | 'policy'>,
  server: Pick<FastifyServerOptions, 'requestTimeout' | 'routerOptions'>,
): FastifyInstance {
  const app = fastify({
    ...server,
    http: { connectionsCheckingInterval: LATE_CHECK_MILLISECONDS },
    logger: { ...logger, serializers: { err: (error) => errorRecord(error) } },
    childLoggerFactory: requestLog,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES_MAX,
    // Addresses in Forwarded headers are not believed: no peer has been configured.
    trustProxy: false,
    return503OnClosing: true,
    // A target that the router cannot decode is refused before any hook could set the headers.
    frameworkErrors: (error, request, reply) =>
      void answerError(error, request, reply.headers(refusalHeaders(policy))),
    clientErrorHandler: (error, socket) => answerClientError(error, socket, policy),
  });
  app.setErrorHandler(answerError);
  addBodyParser(app);
  addNotFound(app);
  return app;
}

/** The process has no application of its own in it, and so none of its tables. */
export const NO_TABLES = scopeTo({ tenant: new Set(), shared: new Set() });

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
