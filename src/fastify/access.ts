import type { FastifyRequest, RouteOptions } from 'fastify';
import {
  type AccountPrincipal,
  type Principal,
  type Refusal,
  type Requirement,
  runAuthorized,
} from '../db/authorization.ts';
import type { Statement, StatementResult } from '../db/batch.ts';
import type { Role } from '../db/database.ts';
import type { Authority } from '../core/authority.ts';
import type { Core } from '../core/core.ts';
import type { Confirmer } from '../core/email-confirmation.ts';
import { digestOf, parseSecret, proofOf, type Secret, visitorTokenOf } from '../core/secret.ts';
import { PRESESSION_COOKIE, readCookie, SESSION_COOKIE } from '../http/cookies.ts';
import type { ProblemCode } from '../http/problem.ts';
import { isSafeMethod } from '../http/request-head.ts';
import { equalTokens, readTokenHeader, unmaskToken } from '../http/synchronizer-token.ts';

/**
 * Who may call a route. Every route declares it or is refused at registration, so the table of
 * routes is the authorization document (ASVS 8.1.1, 8.2.1; CWE-306, CWE-862).
 */
export type Access =
  | 'public'
  | 'signed-in'
  | {
      readonly permission?: string;
      /** How long ago the person may have proved who they are (ASVS 7.5.1). */
      readonly stepUp?: { readonly withinSeconds: number };
    };

/** The queries of a `load` route by name; they run in the same flush as the authorization. */
export type Load = (request: FastifyRequest) => Readonly<Record<string, Statement>>;

declare module 'fastify' {
  interface RouteShorthandOptions {
    /** Who may call the route. */
    access?: Access;
    /**
     * Queries that run in one flush with the authorization, after the body was checked; the handler
     * finds their results in `request.loaded` and does not run where the request was refused. On an
     * unsafe method they may write.
     */
    load?: Load;
    /** The database role of `load`; sallyport_app unless said. */
    role?: Role;
    /** The one type that the route's body may have, and with it the one place of its token. */
    bodyType?: 'json' | 'form';
    /** Answered under any Host: for probes, which know only an address. */
    anyHost?: true;
    /** Answers a person in HTML, refusals too. */
    page?: true;
    /** The page on which a form stands whose own address has none. */
    returnTo?: string;
  }
  interface FastifyContextConfig {
    /** A route of the account's own, which may know its address and name. */
    account?: true;
    access?: Access;
    load?: Load | undefined;
    role?: Role | undefined;
    bodyType?: 'json' | 'form' | undefined;
    anyHost?: true | undefined;
    page?: true | undefined;
    returnTo?: string | undefined;
  }
  interface FastifyRequest {
    principal: Principal | null;
    loaded: Readonly<Record<string, StatementResult>>;
    /** For an operation whose own transaction requires again what the request was held to. */
    authority: Authority | null;
    sessionSecret: Secret | null;
  }
}

/**
 * Refuses a route that does not say who may call it, or whose body could arrive in two types, and
 * keeps what it declares on the route itself, where every hook finds it.
 * @throws Error at registration, so the process does not start.
 */
export function requireDeclaration(route: RouteOptions): void {
  const name = `${String(route.method)} ${route.url}`;
  const { access, load, role, bodyType, anyHost, page, returnTo } = route;
  if (access === undefined) {
    throw new Error(
      `${name} declares no access: add access: 'public', 'signed-in' or a permission`,
    );
  }
  const methods = Array.isArray(route.method) ? route.method : [route.method];
  if (!methods.every(isSafeMethod) && bodyType === undefined) {
    throw new Error(`${name} may change something but declares no bodyType: add 'json' or 'form'`);
  }
  route.config = { ...route.config, access, load, role, bodyType, anyHost, page, returnTo };
}

/** What a session cookie holds; null when there is none or it is not one of ours. */
export function readSessionSecret(request: FastifyRequest): Secret | null {
  const reading = readCookie(request.raw, SESSION_COOKIE);
  return reading.kind === 'present' ? parseSecret(reading.value) : null;
}

export function readPresessionSecret(request: FastifyRequest): Secret | null {
  const reading = readCookie(request.raw, PRESESSION_COOKIE);
  return reading.kind === 'present' ? parseSecret(reading.value) : null;
}

/** Who follows a mailed link, as far as the cookies of the request tell. */
export function confirmerOf(request: FastifyRequest): Confirmer {
  return { browser: readPresessionSecret(request), session: request.sessionSecret };
}

/**
 * The database's decision on the request, in one flush with the route's queries. A refusal comes
 * back as a problem's code; else the request carries its principal and what was loaded.
 */
export async function authorize(core: Core, request: FastifyRequest): Promise<ProblemCode | null> {
  const { access, load, role } = request.routeOptions.config;
  const secret = request.sessionSecret;
  if (access === undefined || access === 'public') return await checkVisitor(core, request);
  if (!secret) return 'not-signed-in';

  const queries = Object.entries(load?.(request) ?? {});
  const requirement = requirementOf(access, role ?? 'sallyport_app', secret, request);
  const statements = queries.map(([, statement]) => statement);
  const authorized = await runAuthorized(core.database, requirement, statements);
  if ('refusal' in authorized) return authorized.refusal satisfies Refusal & ProblemCode;
  request.principal = authorized.principal;
  if (hasAccount(authorized.principal)) {
    request.authority = { principal: authorized.principal, requirement };
  }
  request.loaded = Object.fromEntries(
    queries.flatMap(([name], index) => {
      const result = authorized.results[index];
      return result ? [[name, result]] : [];
    }),
  );
  return null;
}

/** The authority of a request that the gate has let through to a route that is not public. */
export function authorityOf(request: FastifyRequest): Authority {
  if (!request.authority) throw new Error('the route is public and has no principal');
  return request.authority;
}

export function principalOf(request: FastifyRequest): AccountPrincipal {
  return authorityOf(request).principal;
}

function hasAccount(principal: Principal): principal is AccountPrincipal {
  return 'email' in principal && principal.email !== null;
}

function requirementOf(
  access: Exclude<Access, 'public'>,
  role: Role,
  secret: Secret,
  request: FastifyRequest,
): Requirement {
  const { permission, stepUp } = access === 'signed-in' ? {} : access;
  return {
    role,
    proof: proofOf(secret),
    permission: permission ?? null,
    withAccount: request.routeOptions.config.account === true,
    ...(stepUp ? { freshSeconds: stepUp.withinSeconds } : {}),
    ...(isSafeMethod(request.method) ? {} : { synchronizerDigest: presentedDigest(request) }),
  };
}

/**
 * The token of a public route that changes something, such as sign-in. A form must carry the token
 * bound to the browser's pre-session cookie (login CSRF, CWE-352). JSON cannot be sent by a foreign
 * form, and without a cookie there is nothing to ride on; but a cookie that is there must be
 * matched by its token, as everywhere. A session cookie whose session has ended proves nothing and
 * harms nothing: its owner must still be able to sign in.
 */
async function checkVisitor(core: Core, request: FastifyRequest): Promise<ProblemCode | null> {
  // What has no route changes nothing: it is answered 404 or 405, to whomever.
  if (isSafeMethod(request.method) || !request.routeOptions.config.bodyType) return null;
  const presession = readPresessionSecret(request);
  const matchesPresession = () => {
    const token = presentedToken(request);
    return token !== null && presession !== null && equalTokens(token, visitorTokenOf(presession));
  };
  if (request.routeOptions.config.bodyType === 'form') {
    return matchesPresession() ? null : 'synchronizer-token-mismatch';
  }
  if (request.sessionSecret) {
    const current = await runAuthorized(
      core.database,
      {
        role: 'sallyport_identity',
        proof: proofOf(request.sessionSecret),
        permission: null,
        synchronizerDigest: presentedDigest(request),
      },
      [],
    );
    if (!('refusal' in current)) return null;
    if (current.refusal !== 'not-signed-in') return current.refusal;
  }
  return presession === null || matchesPresession() ? null : 'synchronizer-token-mismatch';
}

/** The digest by which the database compares: null where no well-formed token was presented. */
function presentedDigest(request: FastifyRequest): string | null {
  const token = presentedToken(request);
  return token && digestOf(token);
}

/**
 * The synchronizer token, from the one place that the route's body type allows: never from a second
 * one when the first is missing (CWE-352), and never from a cookie.
 */
function presentedToken(request: FastifyRequest): Buffer | null {
  if (request.routeOptions.config.bodyType === 'json') {
    const header = readTokenHeader(request.raw);
    return header === null ? null : unmaskToken(header);
  }
  const field = (request.body as Readonly<Record<string, unknown>> | undefined)?.['_csrf'];
  return typeof field === 'string' ? unmaskToken(field) : null;
}
