import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Core } from '../core/core.ts';
import { parseContentType } from '../http/content-type.ts';
import {
  clearCookie,
  type Cookies,
  hasSallyportCookie,
  parseCookies,
  PRESESSION_COOKIE,
  readCookie,
  SESSION_COOKIE,
  SYNCHRONIZER_COOKIE,
} from '../http/cookies.ts';
import { corsHeaders, preflightHeaders } from '../http/cors.ts';
import { checkHost, type HostPolicy } from '../http/host.ts';
import { checkOrigin, checkVisitorOrigin, type OriginPolicy } from '../http/origin.ts';
import type { ProblemCode } from '../http/problem.ts';
import { headerValues, isSafeMethod, type RequestHead } from '../http/request-head.ts';
import { API_HEADERS, transportSecurity } from '../http/security-headers.ts';
import type { TrustedProxies } from '../http/source.ts';
import { authorize, readSessionSecret, REQUIREMENT } from './access.ts';
import { ANSWER, type CompileLoad } from './application.ts';
import { requireDeclaration } from './declaration.ts';
import { PASSED } from './guarded-handler.ts';
import { noteKey } from './keyed-request.ts';
import { answerKnownError, refuse } from './refusals.ts';
import { replay } from './replay.ts';
import { addSource } from './source.ts';

export interface GatePolicy extends OriginPolicy, HostPolicy {
  /** Whose word on where a request comes from is taken. */
  readonly trustedProxies: TrustedProxies;
}

const COOKIES = [SESSION_COOKIE, SYNCHRONIZER_COOKIE, PRESESSION_COOKIE] as const;

/**
 * Puts the gate before every route of the app: pages, API, errors, what does not exist, HEAD and
 * OPTIONS alike. What it decides hangs on the route object, never on a path.
 */
export function addGate(
  app: FastifyInstance,
  core: Core,
  policy: GatePolicy,
  compileLoad: CompileLoad,
): void {
  const headers = { ...API_HEADERS, ...transportSecurity(policy.origin) };
  app.decorateRequest('principal', null);
  app.decorateRequest('authority', null);
  app.decorateRequest('sessionSecret', null);
  addSource(app, policy.trustedProxies);
  app.decorateRequest('loaded');
  app.decorateRequest(PASSED, null);
  app.decorateRequest(REQUIREMENT, null);

  app.addHook('onRoute', requireDeclaration);

  app.addHook('onRequest', async (request, reply) => {
    // An id that the client chose could hide its trace under another's: the app believes a header.
    if (app.initialConfig.requestIdHeader) request.id = randomUUID();
    const cookies = parseCookies(request.raw);
    if (isUpgrade(request.raw)) closeAfterAnswer(reply);
    reply.headers({ ...headers, ...corsHeaders(request.raw, policy.trustedOrigins) });
    const rejection = judgeHead(request, cookies, policy) ?? noteKey(request);
    if (rejection) return refuseHead(rejection, request, reply);
    const preflight = preflightHeaders(request.raw, policy.trustedOrigins);
    if (preflight) return reply.code(204).headers(preflight).send();
    request.sessionSecret = readSessionSecret(cookies);
    request[ANSWER] = reply.raw;
    const { access } = request.routeOptions.config;
    // What has no route serves nobody; a route that was registered past us is a fault of ours.
    if (access === undefined && !request.is404) return refuse('internal', request, reply);
    if (access !== undefined && access !== 'public' && !request.sessionSecret) {
      return refuse('not-signed-in', request, reply);
    }
    return;
  });

  app.addHook('preHandler', async (request, reply) => {
    try {
      const rejection = await authorize(core, compileLoad, request);
      if (rejection !== null && typeof rejection === 'object') return replay(rejection, reply);
      if (rejection) return refuse(rejection, request, reply);
      request[PASSED] = request.routeOptions.config.declared ?? null;
    } catch (error) {
      const answered = answerKnownError(error, request, reply);
      if (!answered) throw error;
      return answered;
    }
    return;
  });
}

/** Whether another protocol is asked for on the connection (RFC 9110 7.8). */
function isUpgrade(head: RequestHead): boolean {
  return headerValues(head, 'upgrade').length > 0;
}

/**
 * What can be judged before the body is read. In the order of cost, and each check by itself: the
 * origin check does not depend on the content type, nor the content type on the origin.
 */
function judgeHead(
  request: FastifyRequest,
  cookies: Cookies,
  policy: GatePolicy,
): ProblemCode | null {
  const head = request.raw;
  const { anyHost, bodyType } = request.routeOptions.config;
  // An absolute-form target names a second host, beside the Host header (RFC 9112 3.2.2).
  if (!head.url?.startsWith('/')) return 'malformed-request';
  if (!anyHost && checkHost(head, policy)) return 'foreign-host';
  // Which of two the browser means is a guess, and one may be an attacker's (R-24, CWE-384).
  if (COOKIES.some((name) => readCookie(cookies, name).kind === 'repeated'))
    return 'duplicate-cookie';
  // What is upgraded is no longer a request whose answer other origins cannot read (CWE-1385).
  if (isSafeMethod(request.method) && !isUpgrade(head)) return null;
  const origin = hasSallyportCookie(cookies)
    ? checkOrigin(head, policy)
    : checkVisitorOrigin(head, policy);
  if (origin) return 'foreign-origin';
  // No route: the answer is 404 or 405, and no body will be read.
  if (bodyType === undefined) return null;
  const type = parseContentType(head);
  if (type === 'none' && isEmptyDelete(request)) return null;
  return type === bodyType ? null : 'unsupported-media-type';
}

/**
 * A DELETE without a body has no content whose type could be named. No form can send one, and a
 * foreign script only after a preflight, so nothing rests on the type here (Fetch, CORS-preflight).
 */
function isEmptyDelete(request: FastifyRequest): boolean {
  const { method, rawHeaders } = request.raw;
  if (method !== 'DELETE' || headerValues({ rawHeaders }, 'transfer-encoding').length > 0)
    return false;
  return headerValues({ rawHeaders }, 'content-length').every((length) => length === '0');
}

/**
 * An upgrade that is answered, and not taken up, leaves a connection that nobody reads any more:
 * its other end could keep it for ever (CWE-772). One that is taken up has no such answer.
 */
function closeAfterAnswer(reply: FastifyReply): void {
  const { socket } = reply.raw;
  reply.raw.once('finish', () => socket?.destroySoon());
}

function refuseHead(code: ProblemCode, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (code === 'duplicate-cookie')
    reply.header(
      'set-cookie',
      COOKIES.map((name) => clearCookie(name)),
    );
  return refuse(code, request, reply);
}
