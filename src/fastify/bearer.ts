import type { FastifyContextConfig, FastifyRequest } from 'fastify';
import { parseApiKey } from '../core/api-key.ts';
import type { Core } from '../core/core.ts';
import { bearerProofOf, proofOf, type Secret } from '../core/secret.ts';
import { type Principal, type Requirement, runAuthorized } from '../db/authorization.ts';
import { type BearerRefusal, readAuthorization } from '../http/authorization.ts';
import type { ProblemCode } from '../http/problem.ts';
import { isSafeMethod } from '../http/request-head.ts';

/** The bearer credential that the request presents; null where it presents none. */
export const BEARER = Symbol('sallyport.bearer');

/** What is derived from the token, which is kept nowhere. */
export interface PresentedBearer {
  readonly proof: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    [BEARER]: PresentedBearer | null;
  }
}

/**
 * Whether a route takes a bearer credential in place of a session: the application's own do, unless
 * they say otherwise. The account's do not, nor does what asks for a fresh proof: a program has
 * nobody to ask, and what it could do there, such as make keys, would outlive it.
 */
export function takesBearer({
  access,
  account,
  page,
  bearer,
}: Pick<FastifyContextConfig, 'access' | 'account' | 'page' | 'bearer'>): boolean {
  if (access === undefined || access === 'public' || account || page) return false;
  return bearer !== false && (access === 'signed-in' || access.stepUp === undefined);
}

/**
 * Reads the Authorization header of a request that must say who it is. What is no token of a form
 * that we take is refused like one that is not known, without a round trip.
 */
export function noteBearer(request: FastifyRequest): ProblemCode | null {
  const reading = readAuthorization(request.raw);
  if (reading.kind === 'none') return null;
  if (reading.kind === 'malformed') return 'malformed-authorization';
  if (!takesBearer(request.routeOptions.config)) return 'bearer-not-accepted';
  const key = parseApiKey(reading.token);
  if (!key) return 'not-signed-in';
  request[BEARER] = { proof: bearerProofOf(key) };
  return null;
}

/**
 * What a request with a bearer credential is held to. It carries nothing that a site could ride.
 */
export function bearerRequirement(
  request: FastifyRequest,
  bearer: PresentedBearer,
  permission: string | null,
): Requirement {
  return {
    role: 'sallyport_app',
    proof: bearer.proof,
    permission,
    bearer: true,
    ...(isSafeMethod(request.method) ? {} : { synchronizerDigest: null }),
  };
}

/**
 * A request with a session's cookie and a bearer credential is one principal's or nobody's: which
 * of two somebody means is a guess, and one may be another's (CWE-436). A cookie whose session has
 * ended is nobody's. Both are decided before anything of the request is done.
 */
export async function refuseTwoPrincipals(
  core: Core,
  session: Secret,
  bearer: PresentedBearer,
): Promise<ProblemCode | null> {
  const decided = async (proof: string, isBearer: boolean) => {
    const requirement = { role: 'sallyport_app', proof, permission: null } as const;
    return await runAuthorized(
      core.database,
      isBearer ? { ...requirement, bearer: true } : requirement,
      [],
    );
  };
  const cookie = await decided(proofOf(session), false);
  if ('refusal' in cookie) return null;
  const token = await decided(bearer.proof, true);
  if ('refusal' in token) return token.refusal;
  return isSame(cookie.principal, token.principal) ? null : 'two-principals';
}

function isSame(a: Principal, b: Principal): boolean {
  return a.identityId === b.identityId && a.tenantId === b.tenantId;
}

/** Why a refused request is challenged for a bearer credential; null where none is taken. */
export function bearerRefusalOf(code: ProblemCode, request: FastifyRequest): BearerRefusal | null {
  if (code === 'malformed-authorization') return 'malformed';
  if (!takesBearer(request.routeOptions.config)) return null;
  const presented = request.headers.authorization !== undefined;
  if (code === 'not-signed-in') return presented ? 'refused' : 'no-credential';
  return code === 'forbidden' && request[BEARER] ? 'forbidden' : null;
}
