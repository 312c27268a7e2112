import { type FastifyReply, type FastifyRequest, type FastifyError } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { CompromisedPasswordError } from '../core/leaked-password.ts';
import { HashingBusyError } from '../core/password-hashing.ts';
import { TooManyAttemptsError } from '../core/too-many-attempts.ts';
import {
  DatabaseUnavailableError,
  RefusedError,
  RequestOverError,
  SafeMethodError,
  TooMuchContentionError,
  UnknownOutcomeError,
  UnscopedQueryError,
} from '../db/errors.ts';
import { bearerChallenge } from '../http/authorization.ts';
import {
  type FieldError,
  problem,
  type ProblemCode,
  PROBLEMS,
  stepUpChallenge,
} from '../http/problem.ts';
import { landingPage } from '../pages/landing.tsx';
import { problemPage } from '../pages/problem.tsx';
import { bearerRefusalOf } from './bearer.ts';
import { mounted } from './mount.ts';
import { sendPage, textsFor } from './reader.ts';
import { KeyTakenError, replay } from './replay.ts';

/** With what the request was refused; null as long as it was not. */
export const REFUSED = Symbol('sallyport.refused');

declare module 'fastify' {
  interface FastifyRequest {
    [REFUSED]: ProblemCode | null;
  }
}

/** Beside `tenant-not-selected`: what there is to choose from. */
export interface TenantChoices {
  readonly tenants: readonly {
    readonly id: string;
    readonly slug: string;
    readonly name: string;
  }[];
}

/**
 * Answers with a problem: a page where the route is a page's, else application/problem+json.
 * Neither says more than the code, and both carry the request's id, under which `sallyport why` has
 * the reason.
 */
export function refuse(
  code: ProblemCode,
  request: FastifyRequest,
  reply: FastifyReply,
  errors?: readonly FieldError[],
  choices?: TenantChoices,
): FastifyReply {
  const { status } = PROBLEMS[code];
  if (status === 503 || code === 'idempotency-key-in-use') reply.header('retry-after', '1');
  const refusal = bearerRefusalOf(code, request);
  if (refusal) reply.header('www-authenticate', bearerChallenge(refusal));
  if (isPage(request)) {
    const texts = textsFor(request);
    if (code === 'not-signed-in' && isLanding(request)) {
      return sendPage(reply, landingPage(texts, { path: request.url }));
    }
    if (code === 'not-signed-in') return reply.redirect(asking('/sign-in', request), 303);
    if (code === 'tenant-proof-required')
      return reply.redirect(`${asking('/re-authenticate', request)}&tenant=`, 303);
    if (code === 'step-up-required' || code === 'second-factor-required')
      return reply.redirect(asking('/re-authenticate', request), 303);
    if (code === 'second-factor-missing' || code === 'tenant-factor-missing') {
      const there = `/account/authenticators?notice=${code}`;
      return reply.redirect(mounted(request, there), 303);
    }
    request[REFUSED] = code;
    return sendPage(
      reply.code(status),
      problemPage(texts, { status, code, requestId: request.id }),
    );
  }
  request[REFUSED] = code;
  const stepUp = challengeFor(code, request);
  if (stepUp) reply.header('www-authenticate', stepUp.header);
  return reply
    .code(status)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send({ ...problem(code, request.id, errors, stepUp?.members), ...choices });
}

/** What the route asks for, for a client to satisfy and send the same again (RFC 9470). */
function challengeFor(code: ProblemCode, request: FastifyRequest) {
  const { access } = request.routeOptions.config;
  if (code !== 'step-up-required' && code !== 'second-factor-required') return null;
  if (typeof access !== 'object' || !access.stepUp) return null;
  return stepUpChallenge(code, access.stepUp.withinSeconds);
}

/**
 * A browser that comes from another site, or from a mail, leaves the Strict cookie at home: before
 * anybody is taken for signed out, the page navigates once to itself, which is same-origin and
 * brings the cookie along. That second request says so, so there is no third (RFC 6265bis 8.8.2).
 */
function isLanding(request: FastifyRequest): boolean {
  return request.sessionSecret === null && comesFromElsewhere(request);
}

/** Whether a page was opened from another site, so that the Strict cookies stayed at home. */
export function comesFromElsewhere(request: FastifyRequest): boolean {
  const site = request.headers['sec-fetch-site'];
  return request.method === 'GET' && (site === 'cross-site' || site === 'same-site');
}

/** A page that asks for a proof, and then leads back to where the person was. */
function asking(page: '/sign-in' | '/re-authenticate', request: FastifyRequest): string {
  return `${mounted(request, page)}?return_to=${encodeURIComponent(backTo(request))}`;
}

/** Where the person was: this page, or the one on which the form stands that they have sent. */
export function backTo(request: FastifyRequest): string {
  return request.method === 'GET' ? request.url : formOf(request);
}

function formOf(request: FastifyRequest): string {
  const { url, config } = request.routeOptions;
  const { returnTo, account } = config;
  const form = typeof returnTo === 'function' ? returnTo(request) : returnTo;
  if (form === undefined) return url ?? '/';
  return account ? mounted(request, form) : form;
}

/** What does not exist is a page to whoever asked for one: a person who mistyped an address. */
function isPage(request: FastifyRequest): boolean {
  const { page, access } = request.routeOptions.config;
  if (access !== undefined) return page === true;
  return request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');
}

/** The one place where an error becomes an answer. What is not known here is a fault of ours. */
export function answerError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = fieldErrors(error.validation, request.body);
    return refuse('invalid-fields', request, reply, errors);
  }
  return answerWith(codeOf(error), error, request, reply);
}

/**
 * Answers what the database refused or could not do, in an app whose other errors are not ours to
 * answer. Null for those.
 */
export function answerKnownError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply | null {
  if (error instanceof KeyTakenError) {
    const { verdict } = error;
    return typeof verdict === 'string' ? refuse(verdict, request, reply) : replay(verdict, reply);
  }
  if (!KNOWN.some((known) => error instanceof known)) return null;
  return answerWith(codeOf(error as Error), error as Error, request, reply);
}

const KNOWN = [
  CompromisedPasswordError,
  DatabaseUnavailableError,
  HashingBusyError,
  RefusedError,
  RequestOverError,
  SafeMethodError,
  TooManyAttemptsError,
  TooMuchContentionError,
  UnknownOutcomeError,
  UnscopedQueryError,
];

function answerWith(
  code: ProblemCode,
  error: Error,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (PROBLEMS[code].status >= 500) {
    request.log[code === 'internal' ? 'error' : 'warn']({ err: error, code }, 'request failed');
  }
  if (error instanceof TooManyAttemptsError) {
    reply.header('retry-after', String(error.retryAfterSeconds));
  }
  return refuse(code, request, reply);
}

function codeOf(error: Error & { code?: string; statusCode?: number }): ProblemCode {
  if (error instanceof RefusedError) return error.refusal;
  if (error instanceof DatabaseUnavailableError) return 'database-unavailable';
  if (error instanceof UnknownOutcomeError) return 'outcome-unknown';
  if (error instanceof TooManyAttemptsError) return 'too-many-attempts';
  if (error instanceof CompromisedPasswordError) return 'password-compromised';
  if (error instanceof HashingBusyError || error instanceof TooMuchContentionError) return 'busy';
  if (!error.code?.startsWith('FST_')) return 'internal';
  const byStatus: Readonly<Record<number, ProblemCode>> = {
    400: 'malformed-request',
    404: 'not-found',
    408: 'request-timeout',
    413: 'body-too-large',
    414: 'malformed-request',
    415: 'unsupported-media-type',
    431: 'header-too-large',
  };
  return byStatus[error.statusCode ?? 500] ?? 'internal';
}

interface SchemaIssue {
  readonly keyword?: string;
  readonly instancePath?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** A stable reason a field; an issue on the body as a whole names the fields that are not ours. */
function fieldErrors(issues: readonly SchemaIssue[], body: unknown): readonly FieldError[] {
  return issues.flatMap((issue): FieldError[] => {
    const field = issue.instancePath?.slice(1) ?? '';
    const keys = issue.params?.['keys'];
    if (issue.keyword === 'unrecognized_keys' && Array.isArray(keys)) {
      return keys.map((key) => ({ field: String(key), reason: 'unknown-field' }));
    }
    const own = issue.params?.['params'] as { readonly reason?: string } | undefined;
    if (own?.reason) return [{ field, reason: own.reason }];
    if (issue.keyword === 'too_big') return [{ field, reason: 'too-long' }];
    if (issue.keyword === 'too_small') return [{ field, reason: 'required' }];
    const missing = typeof body === 'object' && body !== null && !Object.hasOwn(body, field);
    return [{ field, reason: missing ? 'required' : 'not-text' }];
  });
}
