import type { FastifyRequest } from 'fastify';
import { readAuthorization } from '../http/authorization.ts';
import { parseCookies, readCookie, SESSION_COOKIE } from '../http/cookies.ts';
import type { ProblemCode } from '../http/problem.ts';
import { isSafeMethod } from '../http/request-head.ts';
import { NAMED_TENANT } from './access.ts';
import { presentsToken } from './presented-token.ts';
import type { Access } from './declaration.ts';
import { takesKey } from './keyed-request.ts';

/** What stands between the head and the operation. */
interface GateCheck {
  readonly name: string;
  /** What the client is told where it refuses. */
  readonly codes: readonly ProblemCode[];
  /** Whether the request is asked for it at all. */
  readonly needed: (request: FastifyRequest) => boolean;
  readonly reason: (request: FastifyRequest, code: ProblemCode) => string;
}

type Conditions = Exclude<Access, string>;

function conditionsOf(request: FastifyRequest): Conditions {
  const { access } = request.routeOptions.config;
  return typeof access === 'object' ? access : {};
}

function isPublic(request: FastifyRequest): boolean {
  return (request.routeOptions.config.access ?? 'public') === 'public';
}

function presentsBearer(request: FastifyRequest): boolean {
  return !isPublic(request) && readAuthorization(request.raw).kind !== 'none';
}

function isTenants(request: FastifyRequest): boolean {
  const { permission, team } = conditionsOf(request);
  return permission !== undefined || team !== undefined;
}

/** Where the tenant came from, for whoever wonders why it is not the session's. */
function whichTenant(request: FastifyRequest): string {
  const named = request[NAMED_TENANT];
  return named === null ? '' : ` in the tenant that the host or a proxy has named: ${named}`;
}

/**
 * In the order in which they are asked: by the process where it can know, else by the database, in
 * one statement. A check can refuse with a code that was none of the route's conditions: an
 * operation asks for a proof, too, where it depends on what is changed.
 */
export const GATE_CHECKS: readonly GateCheck[] = [
  {
    name: 'idempotency key',
    codes: [
      'idempotency-key-malformed',
      'idempotency-key-reused',
      'idempotency-key-in-use',
      'idempotency-answer-not-kept',
    ],
    needed: (request) =>
      takesKey([request.method], request.routeOptions.config) &&
      request.headers['idempotency-key'] !== undefined,
    reason: (_request, code) =>
      code === 'idempotency-key-malformed'
        ? 'not 1 to 255 visible characters, or two of them'
        : 'a request with this key was carried out before',
  },
  {
    name: 'bearer credential',
    codes: ['malformed-authorization', 'bearer-not-accepted', 'not-signed-in'],
    needed: presentsBearer,
    reason(_request, code) {
      if (code === 'malformed-authorization') return 'not one bearer token';
      if (code === 'bearer-not-accepted') return 'the route takes a session alone';
      return 'unknown, revoked, past its time, or not verified';
    },
  },
  {
    name: 'one principal',
    codes: ['two-principals'],
    needed: (request) => presentsBearer(request) && request.sessionSecret !== null,
    reason: () => "the cookie and the bearer credential are not the same person's in one tenant",
  },
  {
    name: 'session',
    codes: ['not-signed-in'],
    needed: (request) => !isPublic(request) && !presentsBearer(request),
    reason(request) {
      const { kind } = readCookie(parseCookies(request.raw), SESSION_COOKIE);
      return kind === 'present'
        ? 'the session of the cookie has ended, or there was none'
        : `session cookie ${kind}`;
    },
  },
  {
    name: 'tenant',
    codes: ['tenant-not-selected', 'tenant-deleted'],
    needed: isTenants,
    reason: (request, code) =>
      code === 'tenant-deleted'
        ? `it waits for its deletion${whichTenant(request)}`
        : 'the session is in none of the tenants of its person',
  },
  {
    name: 'tenant policy',
    codes: ['tenant-proof-required', 'tenant-factor-missing'],
    needed: isTenants,
    reason: (_request, code) =>
      code === 'tenant-factor-missing'
        ? 'the tenant asks for a factor that the account has not'
        : 'the session was not proved as the tenant asks',
  },
  {
    name: 'permission',
    codes: ['forbidden'],
    needed: (request) => conditionsOf(request).permission !== undefined,
    reason: (request) =>
      `needs ${conditionsOf(request).permission ?? 'a permission'}${whichTenant(request)}`,
  },
  {
    name: 'team',
    codes: ['not-found'],
    needed: (request) => conditionsOf(request).team !== undefined,
    reason: (request) =>
      `needs ${conditionsOf(request).team?.permission} in a team that there is${whichTenant(request)}`,
  },
  {
    name: 'synchronizer token',
    codes: ['synchronizer-token-mismatch'],
    needed: (request) =>
      request.routeOptions.config.bodyType !== undefined &&
      !isSafeMethod(request.method) &&
      !presentsBearer(request),
    reason: (request) =>
      presentsToken(request) ? "not this session's, or an older one" : 'none, or malformed',
  },
  {
    name: 'step-up',
    codes: ['step-up-required', 'second-factor-required', 'second-factor-missing'],
    needed: (request) => conditionsOf(request).stepUp !== undefined,
    reason(request, code) {
      if (code === 'second-factor-missing') return 'the account has no second factor';
      const { stepUp } = conditionsOf(request);
      const age = stepUp ? ` of the last ${stepUp.withinSeconds} seconds` : '';
      return code === 'second-factor-required'
        ? `needs a proof${age} of each factor that was set up`
        : `needs a proof${age}`;
    },
  },
  {
    name: 'limits',
    codes: ['too-many-attempts', 'password-compromised', 'too-many'],
    needed: () => false,
    reason(_request, code) {
      if (code === 'too-many-attempts') return 'a budget of guesses or of mails is used up';
      if (code === 'too-many') return 'there are as many as there may be';
      return 'the password is closed: after too many wrong guesses, or since others know it';
    },
  },
];

/**
 * Whether this check is the one that refused. What is missing behind a team that was found, or is
 * said to whoever is signed in, is the operation's to say.
 */
export function refuses(check: GateCheck, request: FastifyRequest, code: ProblemCode): boolean {
  if (!check.codes.includes(code)) return false;
  if (code === 'not-signed-in') return check.needed(request);
  return code !== 'not-found' || (check.needed(request) && request.team === null);
}
