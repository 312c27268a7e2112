import type { FastifyContextConfig, FastifyRequest } from 'fastify';
import { parseApiKey } from '../core/api-key.ts';
import type { Core } from '../core/core.ts';
import { IssuerUnreachableError } from '../core/external-issuers.ts';
import { admitExternalToken } from '../core/external-tokens.ts';
import { bearerProofOf, proofOf, type Secret, tokenProofOf } from '../core/secret.ts';
import {
  type Authorized,
  type Principal,
  type Requirement,
  runAuthorized,
} from '../db/authorization.ts';
import { type BearerRefusal, readAuthorization } from '../http/authorization.ts';
import type { ProblemCode } from '../http/problem.ts';
import { isSafeMethod } from '../http/request-head.ts';

/** The bearer credential that the request presents; null where it presents none. */
export const BEARER = Symbol('sallyport.bearer');

/** What the database is asked with. */
export interface PresentedBearer {
  readonly proof: string;
  /** A token of somebody else, which may have to be verified; null for a key of ours. */
  readonly token: string | null;
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
export function noteBearer(
  request: FastifyRequest,
  config: FastifyContextConfig,
): ProblemCode | null {
  const reading = readAuthorization(request.raw);
  if (reading.kind === 'none') return null;
  if (reading.kind === 'malformed') return 'malformed-authorization';
  if (!takesBearer(config)) return 'bearer-not-accepted';
  const { token } = reading;
  const key = parseApiKey(token);
  if (!key && !isToken(token)) return 'not-signed-in';
  request[BEARER] = key
    ? { proof: bearerProofOf(key), token: null }
    : { proof: tokenProofOf(token), token };
  return null;
}

/** Three parts, as a JSON Web Token that is signed has; the rest is for whoever verifies it. */
function isToken(text: string): boolean {
  return text.split('.').length === 3;
}

/**
 * Runs the decision, and once more where it knew nothing of a token that turns out to be right: a
 * verified token is made known to the database, which then decides as on every other credential.
 */
export async function admitting(
  core: Core,
  request: FastifyRequest,
  run: () => Promise<Authorized>,
): Promise<Authorized> {
  const first = await run();
  const token = request[BEARER]?.token ?? null;
  if (token === null || !('refusal' in first) || first.refusal !== 'not-signed-in') return first;
  try {
    return (await admitExternalToken(core, token)) ? await run() : first;
  } catch (error) {
    if (!(error instanceof IssuerUnreachableError)) throw error;
    // It fails closed, and its operator should know; the client learns nothing of our network.
    request.log.warn({ err: error }, 'a token could not be verified');
    return first;
  }
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
  request: FastifyRequest,
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
  const token = await admitting(core, request, () => decided(bearer.proof, true));
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
