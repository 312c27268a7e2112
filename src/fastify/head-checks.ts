import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyContextConfig, FastifyRequest } from 'fastify';
import { parseContentType } from '../http/content-type.ts';
import {
  type Cookies,
  hasSallyportCookie,
  isRepeated,
  parseCookies,
  PRESESSION_COOKIE,
  SESSION_COOKIE,
  SIGN_IN_COOKIE,
  SYNCHRONIZER_COOKIE,
} from '../http/cookies.ts';
import { checkForwardable } from '../http/forwardable.ts';
import { checkHost, type HostPolicy, tenantOfHost } from '../http/host.ts';
import { checkOrigin, checkVisitorOrigin, type OriginPolicy } from '../http/origin.ts';
import type { ProblemCode } from '../http/problem.ts';
import { headerValues, isSafeMethod, type RequestHead } from '../http/request-head.ts';
import type { TrustedProxies } from '../http/source.ts';
import type { TenantHeaderPolicy } from '../http/tenant-header.ts';
import { originPolicyOf } from '../http/tenant-selection.ts';

export interface GatePolicy extends OriginPolicy, HostPolicy, TenantHeaderPolicy {
  /** Whose word on where a request comes from is taken. */
  readonly trustedProxies: TrustedProxies;
  /** Whether requests are handed on, so that another server must read them as we do. */
  readonly forwards?: true;
}

/** What a check finds: that it has nothing to say about the request, no objection, or a reason. */
export type HeadVerdict = 'not needed' | 'passed' | { readonly reason: string };

/** What is judged: a request without its body, and what the route that it has reached declares. */
export interface Head {
  readonly raw: IncomingMessage;
  readonly cookies: Cookies;
  readonly config: FastifyContextConfig;
}

/** Reads it once for all checks: Fastify makes the route's options anew each time they are read. */
export function headOf({ raw, routeOptions }: FastifyRequest): Head {
  return { raw, cookies: parseCookies(raw), config: routeOptions.config };
}

interface HeadCheck {
  readonly name: string;
  /** What the client is told where the check refuses. */
  readonly code: ProblemCode;
  readonly judge: (head: Head, policy: GatePolicy) => HeadVerdict;
}

export const COOKIES = [
  SESSION_COOKIE,
  SYNCHRONIZER_COOKIE,
  PRESESSION_COOKIE,
  SIGN_IN_COOKIE,
] as const;

/**
 * What can be judged before the body is read. In the order of cost, and each check by itself: the
 * origin check does not depend on the content type, nor the content type on the origin. The
 * first that refuses decides; `sallyport why` shows what each would have said.
 */
export const HEAD_CHECKS: readonly HeadCheck[] = [
  {
    name: 'target',
    code: 'malformed-request',
    // An absolute-form target names a second host, beside the Host header (RFC 9112 3.2.2).
    judge: ({ raw }) => (raw.url?.startsWith('/') ? 'passed' : { reason: 'not a path' }),
  },
  {
    name: 'bytes',
    code: 'ambiguous-request',
    judge({ raw, config }, { forwards }) {
      if (!forwards) return 'not needed';
      // What follows an upgrade is no request any more: it is taken where it is asked for only.
      if (isUpgrade(raw) && !config.tunnels) return { reason: 'an upgrade' };
      return verdictOf(checkForwardable(raw) ?? (isUnclear(raw) ? 'behind an unclear end' : null));
    },
  },
  {
    name: 'host',
    code: 'foreign-host',
    judge({ raw, config }, policy) {
      if (config.anyHost) return 'not needed';
      return verdictOf(checkHost(raw, policy));
    },
  },
  {
    name: 'main origin',
    code: 'main-origin-only',
    judge({ raw, config }, policy) {
      if (!config.mainOriginOnly) return 'not needed';
      return tenantOfHost(raw, policy) === null ? 'passed' : { reason: "asked on a tenant's host" };
    },
  },
  {
    name: 'cookies',
    code: 'duplicate-cookie',
    judge({ cookies }) {
      // Which of two the browser means is a guess, and one may be an attacker's (R-24, CWE-384).
      const repeated = COOKIES.filter((name) => isRepeated(cookies, name));
      return repeated.length > 0 ? { reason: `${repeated.join(', ')} repeated` } : 'passed';
    },
  },
  {
    name: 'origin',
    code: 'foreign-origin',
    judge({ raw, cookies }, policy) {
      // What is upgraded is no longer a request whose answer others cannot read (CWE-1385).
      if (isSafeMethod(raw.method) && !isUpgrade(raw)) return 'not needed';
      const check = hasSallyportCookie(cookies) ? checkOrigin : checkVisitorOrigin;
      return verdictOf(check(raw, originPolicyOf(raw, policy)));
    },
  },
  {
    name: 'content type',
    code: 'unsupported-media-type',
    judge({ raw, config: { bodyType } }) {
      // No route: the answer is 404 or 405, and no body will be read.
      if (bodyType === undefined || isSafeMethod(raw.method)) return 'not needed';
      // The token's header, without which nothing passes, is what a form cannot send.
      if (bodyType === 'any') return 'not needed';
      const type = parseContentType(raw);
      if (type === 'none' && isEmptyDelete(raw)) return 'passed';
      return type === bodyType ? 'passed' : { reason: `${type} where ${bodyType} is taken` };
    },
  },
];

/**
 * Notes that where a request ended is anybody's guess, and so what begins behind it: nothing more
 * is taken on its connection, also of what has arrived already (CWE-444).
 */
export function leaveUnclear({ socket }: IncomingMessage): void {
  unclear.add(socket);
}

const unclear = new WeakSet<Socket>();

function isUnclear({ socket }: IncomingMessage): boolean {
  return unclear.has(socket);
}

/** The problem of the first check that refuses; null where none does. */
export function judgeHead(head: Head, policy: GatePolicy): ProblemCode | null {
  const failed = HEAD_CHECKS.find(({ judge }) => typeof judge(head, policy) === 'object');
  return failed?.code ?? null;
}

/** Whether another protocol is asked for on the connection (RFC 9110 7.8). */
export function isUpgrade(head: RequestHead): boolean {
  return headerValues(head, 'upgrade').length > 0;
}

function verdictOf(rejection: string | null): HeadVerdict {
  return rejection === null ? 'passed' : { reason: rejection };
}

/**
 * A DELETE without a body has no content whose type could be named. No form can send one, and a
 * foreign script only after a preflight, so nothing rests on the type here (Fetch, CORS-preflight).
 */
function isEmptyDelete({ method, rawHeaders }: IncomingMessage): boolean {
  if (method !== 'DELETE' || headerValues({ rawHeaders }, 'transfer-encoding').length > 0)
    return false;
  return headerValues({ rawHeaders }, 'content-length').every((length) => length === '0');
}
