import type { FastifyContextConfig, FastifyRequest } from 'fastify';
import {
  type AccountPrincipal,
  type Principal,
  type PrincipalTeam,
  type Refusal,
  type Requirement,
  runAuthorized,
} from '../db/authorization.ts';
import type { StatementResult } from '../db/batch.ts';
import type { Caller } from '../db/security-events.ts';
import type { DoneRequest } from '../db/idempotency-keys.ts';
import type { Authority } from '../core/authority.ts';
import type { Core } from '../core/core.ts';
import type { KeptAnswer } from '../core/kept-answer.ts';
import type { Reader } from '../core/page.ts';
import type { Confirmer } from '../core/email-confirmation.ts';
import { parseSecret, proofOf, type Secret, selectionOf, visitorTokenOf } from '../core/secret.ts';
import {
  type Cookies,
  FLOW_COOKIE,
  parseCookies,
  PRESESSION_COOKIE,
  readCookie,
  SESSION_COOKIE,
  SIGN_IN_COOKIE,
} from '../http/cookies.ts';
import { newTransactionProof } from '../core/transaction-proof.ts';
import type { ProblemCode } from '../http/problem.ts';
import { isSafeMethod } from '../http/request-head.ts';
import { equalTokens } from '../http/synchronizer-token.ts';
import type { CompileLoad } from './application.ts';
import { callerOf } from './caller.ts';
import { admitting, BEARER, bearerRequirement, refuseTwoPrincipals } from './bearer.ts';
import type { Access } from './declaration.ts';
import { presentedDigest, presentedToken } from './presented-token.ts';
import { switcherQueries } from './switcher.ts';
import { commitOnce, KEYED, lookUpFor, verdictOn } from './keyed-request.ts';

export type { Access } from './declaration.ts';

/** What the request was held to, once it has met that. */
export const REQUIREMENT = Symbol('sallyport.requirement');

/** What the application that the request goes on to tells its database with; null where nothing. */
export const TRANSACTION_PROOF = Symbol('sallyport.transactionProof');

/** The slug that a routing proxy has named; null where the session says which tenant it is. */
export const NAMED_TENANT = Symbol('sallyport.namedTenant');

declare module 'fastify' {
  interface FastifyRequest {
    [NAMED_TENANT]: string | null;
    /** Who asks, as the database found it; null on a public route. */
    principal: Principal | null;
    /** The team that the route's access named, and the principal has the permission in. */
    team: PrincipalTeam | null;
    /** For an operation whose own transaction requires again what the request was held to. */
    authority: Authority | null;
    sessionSecret: Secret | null;
    [REQUIREMENT]: Requirement | null;
    [TRANSACTION_PROOF]: string | null;
  }
}

/** What a session cookie holds; null when there is none or it is not one of ours. */
export function readSessionSecret(cookies: Cookies): Secret | null {
  const reading = readCookie(cookies, SESSION_COOKIE);
  return reading.kind === 'present' ? parseSecret(reading.value) : null;
}

export function readPresessionSecret(request: FastifyRequest): Secret | null {
  const reading = readCookie(parseCookies(request.raw), PRESESSION_COOKIE);
  return reading.kind === 'present' ? parseSecret(reading.value) : null;
}

/** The secret of a sign-in that waits for its second factor; null where the browser has none. */
export function readSignInSecret(request: FastifyRequest): Secret | null {
  const reading = readCookie(parseCookies(request.raw), SIGN_IN_COOKIE);
  return reading.kind === 'present' ? parseSecret(reading.value) : null;
}

/** The secret of a visit to a provider that this browser has under way. */
export function readFlowSecret(request: FastifyRequest): Secret | null {
  const reading = readCookie(parseCookies(request.raw), FLOW_COOKIE);
  return reading.kind === 'present' ? parseSecret(reading.value) : null;
}

/** Who follows a mailed link, as far as the cookies of the request tell. */
export function confirmerOf(request: FastifyRequest): Confirmer {
  return { browser: readPresessionSecret(request), session: request.sessionSecret };
}

/**
 * The database's decision on the request, in one flush with the route's queries. A refusal comes
 * back as a problem's code, and an answer that was given before under the request's Idempotency-Key
 * as that; else the request carries its principal and what was loaded. `config` is what the route
 * declares, as the request has it.
 */
export async function authorize(
  core: Core,
  compileLoad: CompileLoad,
  request: FastifyRequest,
  config: FastifyContextConfig,
): Promise<ProblemCode | KeptAnswer | null> {
  const { access, databaseLogin } = config;
  const secret = request.sessionSecret;
  if (access === undefined || access === 'public') return await checkVisitor(core, request);
  const bearer = request[BEARER];
  if (!secret && !bearer) return 'not-signed-in';
  if (secret && bearer) {
    const rejection = await refuseTwoPrincipals(core, request, secret, bearer);
    if (rejection) return rejection;
  }

  const queries = [...compileLoad(config, request), ...switcherQueries(config)];
  const requirement = requirementOf(access, config, request);
  const statements = queries.map(({ statement }) => statement);
  const keyed = request[KEYED];
  const lookUp = keyed ? lookUpFor(request, keyed) : [];
  // What was done before is not done again: queries that change something wait for the look-up.
  const writing = keyed !== null && queries.some(({ changes }) => changes);
  const proof =
    databaseLogin === undefined ? null : newTransactionProof(requirement, databaseLogin);
  const first = [...lookUp, ...(writing ? [] : statements), ...(proof ? [proof.statement] : [])];
  const decide = () => runAuthorized(core.database, requirement, first);
  const authorized = bearer ? await admitting(core, request, decide) : await decide();
  if ('refusal' in authorized) return authorized.refusal satisfies Refusal & ProblemCode;
  request.principal = authorized.principal;
  request.team = authorized.team;
  request[REQUIREMENT] = requirement;
  request[TRANSACTION_PROOF] = proof?.text ?? null;
  if (hasAccount(authorized.principal)) {
    request.authority = new RequestAuthority(authorized.principal, requirement, request);
  }
  let results = authorized.results;
  if (keyed) {
    const done = results[1]?.rows[0] as DoneRequest | undefined;
    if (done) return verdictOn(core, request, done);
    results = results.slice(lookUp.length);
  }
  if (writing) {
    const outcome = await commitOnce(core, request, keyed, requirement, async (run) => {
      const answers: StatementResult[] = [];
      for (const statement of statements) answers.push(await run(statement));
      return answers;
    });
    if ('refusal' in outcome) return outcome.refusal;
    results = outcome.result;
  }
  const loaded: Record<string, unknown> = {};
  for (const [index, { name, read }] of queries.entries()) {
    const result = results[index];
    if (result) loaded[name] = read(result);
  }
  request.loaded = loaded;
  return null;
}

/**
 * A class for its getter: V8 would give each object literal that has one a map of its own, which
 * holds on to the whole request until the next full collection.
 */
class RequestAuthority implements Authority {
  readonly principal: AccountPrincipal;
  readonly requirement: Requirement;
  readonly #request: FastifyRequest;

  constructor(principal: AccountPrincipal, requirement: Requirement, request: FastifyRequest) {
    this.principal = principal;
    this.requirement = requirement;
    this.#request = request;
  }

  /** Made when it is asked for: most requests note nothing. */
  get caller(): Caller {
    return callerOf(this.#request);
  }
}

/** The authority of a request that the gate has let through to a route that is not public. */
export function authorityOf(request: FastifyRequest): Authority {
  if (!request.authority) throw new Error('the route is public and has no principal');
  return request.authority;
}

/** The secret of the session of a request that the gate has let through. */
export function sessionSecretOf(request: FastifyRequest): Secret {
  if (!request.sessionSecret) throw new Error('the route is public and has no session');
  return request.sessionSecret;
}

/** What each further statement of an authorized request is held to, as the request was. */
export function requirementFor(request: FastifyRequest): Requirement {
  const requirement = request[REQUIREMENT];
  if (!requirement) {
    throw new Error('nobody is authorized: the route is public, or this runs before the decision');
  }
  return requirement;
}

/** What a statement of the product's own `load` has answered. */
export function loadedBy(request: FastifyRequest, name: string): StatementResult | undefined {
  return request.loaded[name] as StatementResult | undefined;
}

/** Whose rows a list of the request's tenant is read for. */
export function readerOf(request: FastifyRequest): Reader {
  const tenantId = request.principal?.tenantId;
  if (!tenantId) throw new Error('a permission was met without a tenant');
  return { requirement: requirementFor(request), tenantId };
}

export function principalOf(request: FastifyRequest): AccountPrincipal {
  return authorityOf(request).principal;
}

function hasAccount(principal: Principal): principal is AccountPrincipal {
  return 'email' in principal && principal.email !== null;
}

function requirementOf(
  access: Exclude<Access, 'public'>,
  { role = 'sallyport_app', databaseLogin, account }: FastifyContextConfig,
  request: FastifyRequest,
): Requirement {
  const { permission, team, stepUp }: Exclude<Access, string> =
    access === 'signed-in' ? {} : access;
  const inTeam = team ? { team: { slug: teamIn(request, team.parameter), ...team } } : {};
  const bearer = request[BEARER];
  const named = request[NAMED_TENANT];
  if (bearer) {
    // It has one tenant, and is refused in another: no header moves it.
    const inTenant = named === null ? {} : { namedTenant: named };
    return { ...bearerRequirement(request, bearer, permission ?? null), ...inTenant, ...inTeam };
  }
  const secret = request.sessionSecret;
  if (!secret) throw new Error('the request has no credential');
  return {
    role: databaseLogin === undefined ? role : 'sallyport_identity',
    proof: proofOf(secret),
    permission: permission ?? null,
    ...inTeam,
    ...(named === null ? {} : { selection: selectionOf(secret, named) }),
    withAccount: account === true,
    ...(stepUp ? { stepUp } : {}),
    ...(isSafeMethod(request.method) ? {} : { synchronizerDigest: presentedDigest(request) }),
  };
}

function teamIn(request: FastifyRequest, parameter: string): string {
  const slug = (request.params as Readonly<Record<string, unknown>>)[parameter];
  // What is no slug is no team's, and some of it no text of a database (CWE-158).
  return typeof slug === 'string' && /^[\w-]{1,40}$/.test(slug) ? slug : '';
}

/**
 * The token of a public route that changes something, such as sign-in. A form must carry the token
 * bound to the browser's pre-session cookie (login CSRF, CWE-352). JSON cannot be sent by a foreign
 * form, and without a cookie there is nothing to ride on; but a cookie that is there must be
 * matched by its token, as everywhere, and one of a sign-in under way comes with a pre-session's. A
 * session cookie whose session has ended proves nothing and harms nothing: its owner must still be
 * able to sign in.
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
  const signingIn = readSignInSecret(request) !== null;
  if (signingIn && matchesPresession()) return null;
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
  if (presession === null && !signingIn) return null;
  return matchesPresession() ? null : 'synchronizer-token-mismatch';
}
