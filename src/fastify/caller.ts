import type { FastifyRequest } from 'fastify';
import { describeUserAgent } from '../core/user-agent.ts';
import type { Caller } from '../db/security-events.ts';

/** Who sends the request, and from where: for the security event log, and to count guesses by. */
export function callerOf(request: FastifyRequest): Caller {
  const { address, network } = request.source;
  return {
    requestId: request.id,
    address,
    network,
    ...describeUserAgent(request.headers['user-agent']),
    identityId: request.principal?.identityId ?? null,
    sessionId: request.principal?.sessionId ?? null,
  };
}
