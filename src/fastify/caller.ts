import type { FastifyRequest } from 'fastify';
import { describeUserAgent } from '../core/user-agent.ts';
import type { Caller } from '../db/security-events.ts';
import { canonicalAddress } from '../http/source-address.ts';

/**
 * Who sends the request, and from where, for the security event log. The address is the one that
 * Fastify's `request.ip` says: the connection's own, unless the app believes a proxy.
 */
export function callerOf(request: FastifyRequest): Caller {
  return {
    requestId: request.id,
    address: canonicalAddress(request.ip),
    ...describeUserAgent(request.headers['user-agent']),
    identityId: request.principal?.identityId ?? null,
    sessionId: request.principal?.sessionId ?? null,
  };
}
