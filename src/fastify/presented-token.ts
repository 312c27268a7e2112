import type { FastifyRequest } from 'fastify';
import { digestOf } from '../core/secret.ts';
import { readTokenHeader, unmaskToken } from '../http/synchronizer-token.ts';

/** Whether a well-formed token came in the place that the route's body type allows. */
export function presentsToken(request: FastifyRequest): boolean {
  return presentedToken(request) !== null;
}

/** The digest by which the database compares: null where no well-formed token was presented. */
export function presentedDigest(request: FastifyRequest): string | null {
  const token = presentedToken(request);
  return token && digestOf(token);
}

/**
 * The synchronizer token, from the one place that the route's body type allows: never from a second
 * one when the first is missing (CWE-352), and never from a cookie.
 */
export function presentedToken(request: FastifyRequest): Buffer | null {
  if (request.routeOptions.config.bodyType !== 'form') {
    const header = readTokenHeader(request.raw);
    return header === null ? null : unmaskToken(header);
  }
  const field = (request.body as Readonly<Record<string, unknown>> | undefined)?.['_csrf'];
  return typeof field === 'string' ? unmaskToken(field) : null;
}
