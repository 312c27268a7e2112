import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Core } from '../core/core.ts';
import { clearCookie } from '../http/cookies.ts';
import { corsHeaders, preflightHeaders } from '../http/cors.ts';
import type { ProblemCode } from '../http/problem.ts';
import { selectedTenant } from '../http/tenant-selection.ts';
import { API_HEADERS, transportSecurity } from '../http/security-headers.ts';
import {
  authorize,
  NAMED_TENANT,
  readSessionSecret,
  REQUIREMENT,
  TRANSACTION_PROOF,
} from './access.ts';
import { ANSWER, type CompileLoad } from './application.ts';
import { BEARER, noteBearer } from './bearer.ts';
import { requireDeclaration } from './declaration.ts';
import { PASSED } from './guarded-handler.ts';
import {
  COOKIES,
  type GatePolicy,
  headOf,
  isUpgrade,
  judgeHead,
  leaveUnclear,
} from './head-checks.ts';
import { noteKey } from './keyed-request.ts';
import { answerKnownError, refuse } from './refusals.ts';
import { OTHER_HOSTS, otherHostsOf } from './other-hosts.ts';
import { replay } from './replay.ts';
import { refuseUnselected } from './tenant-choice.ts';
import { addSource } from './source.ts';

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
  app.decorateRequest('team', null);
  app.decorateRequest('authority', null);
  app.decorateRequest('sessionSecret', null);
  addSource(app, policy.trustedProxies);
  app.decorateRequest('loaded');
  app.decorateRequest(PASSED, null);
  app.decorateRequest(REQUIREMENT, null);
  app.decorateRequest(TRANSACTION_PROOF, null);
  app.decorateRequest(BEARER, null);
  app.decorateRequest(NAMED_TENANT, null);
  app.decorateRequest(OTHER_HOSTS, null);

  app.addHook('onRoute', requireDeclaration);

  // With a callback, not a promise: each hop of a promise costs about what a check here does.
  app.addHook('onRequest', (request, reply, done) => {
    // An id that the client chose could hide its trace under another's: the app believes a header.
    if (app.initialConfig.requestIdHeader) request.id = randomUUID();
    const head = headOf(request);
    const { access } = head.config;
    if (isUpgrade(request.raw)) closeAfterAnswer(reply);
    reply.headers(headers);
    if (policy.trustedOrigins.length > 0) {
      reply.headers(corsHeaders(request.raw, policy.trustedOrigins));
    }
    request[NAMED_TENANT] = selectedTenant(request.raw, request.socket.remoteAddress, policy);
    request[OTHER_HOSTS] = otherHostsOf(request, policy);
    const rejection = judgeHead(head, policy) ?? noteKey(request, head.config);
    if (rejection) return void refuseHead(rejection, policy, request, reply);
    const preflight = preflightHeaders(request.raw, policy.trustedOrigins);
    if (preflight) return void reply.code(204).headers(preflight).send();
    request.sessionSecret = readSessionSecret(head.cookies);
    request[ANSWER] = reply.raw;
    // What has no route serves nobody; a route that was registered past us is a fault of ours.
    if (access === undefined && !request.is404) {
      return void refuse('internal', request, reply);
    }
    if (access !== undefined && access !== 'public') {
      const unknown = noteBearer(request, head.config);
      if (unknown) return void refuse(unknown, request, reply);
      if (!request.sessionSecret && !request[BEARER]) {
        return void refuse('not-signed-in', request, reply);
      }
    }
    done();
  });

  app.addHook('preHandler', async (request, reply) => {
    const { config } = request.routeOptions;
    try {
      const rejection = await authorize(core, compileLoad, request, config);
      if (rejection !== null && typeof rejection === 'object') return replay(rejection, reply);
      if (rejection === 'tenant-not-selected') return await refuseUnselected(core, request, reply);
      if (rejection) return refuse(rejection, request, reply);
      request[PASSED] = config.declared ?? null;
    } catch (error) {
      const answered = answerKnownError(error, request, reply);
      if (!answered) throw error;
      return answered;
    }
    return;
  });
}

/**
 * An upgrade that is answered, and not taken up, leaves a connection that nobody reads any more:
 * its other end could keep it for ever (CWE-772). One that is taken up has no such answer.
 */
function closeAfterAnswer(reply: FastifyReply): void {
  const { socket } = reply.raw;
  reply.raw.once('finish', () => socket?.destroySoon());
}

function refuseHead(
  code: ProblemCode,
  { origin }: GatePolicy,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (code === 'main-origin-only' && request.method === 'GET' && request.routeOptions.config.page)
    return reply.redirect(`${origin}${request.url}`, 303);
  if (code === 'duplicate-cookie')
    reply.header(
      'set-cookie',
      COOKIES.map((name) => clearCookie(name)),
    );
  if (code === 'ambiguous-request') {
    leaveUnclear(request.raw);
    reply.header('connection', 'close');
  }
  return refuse(code, request, reply);
}
