import type { FastifyRequest } from 'fastify';
import { deviceDigestOf, parseSecret } from '../core/secret.ts';
import { describeUserAgent } from '../core/user-agent.ts';
import type { Caller } from '../db/security-events.ts';
import { DEVICE_COOKIE, parseCookies, readCookie } from '../http/cookies.ts';
import { languageOf } from './reader.ts';

/** Who sends the request, and from where: for the security event log, and to count guesses by. */
export function callerOf(request: FastifyRequest): Caller {
  const { address, network } = request.source;
  return {
    requestId: request.id,
    address,
    network,
    ...describeUserAgent(request.headers['user-agent']),
    language: languageOf(request),
    deviceDigest: readDeviceDigest(request),
    identityId: request.principal?.identityId ?? null,
    sessionId: request.principal?.sessionId ?? null,
  };
}

function readDeviceDigest(request: FastifyRequest): string | null {
  const reading = readCookie(parseCookies(request.raw), DEVICE_COOKIE);
  const secret = reading.kind === 'present' ? parseSecret(reading.value) : null;
  return secret && deviceDigestOf(secret);
}
