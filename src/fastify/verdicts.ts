import type { FastifyRequest } from 'fastify';
import type { CheckVerdict, Decision } from '../db/refusals.ts';
import { parseCookies, readCookie, SESSION_COOKIE } from '../http/cookies.ts';
import { maskHead } from '../http/masked-head.ts';
import type { ProblemCode } from '../http/problem.ts';
import { isSafeMethod } from '../http/request-head.ts';
import { presentsToken } from './access.ts';
import { callerOf } from './caller.ts';
import { type GatePolicy, HEAD_CHECKS } from './head-checks.ts';

/** The database's checks, in its order, and the problem that each answers with. */
const DATABASE_CHECKS = [
  { name: 'session', code: 'not-signed-in' },
  { name: 'permission', code: 'forbidden' },
  { name: 'synchronizer token', code: 'synchronizer-token-mismatch' },
  { name: 'step-up', code: 'step-up-required' },
] as const satisfies ReadonlyArray<{ readonly name: string; readonly code: ProblemCode }>;

type DatabaseCheck = (typeof DATABASE_CHECKS)[number]['name'];

/**
 * Why the request was answered with this problem: what each check said, in the order in which they
 * are asked. Those of the head are asked once more, all of them; the database stops at the first
 * that refuses. What none of them refused, the operation itself did.
 */
export function decisionOn(
  request: FastifyRequest,
  code: ProblemCode,
  policy: GatePolicy,
): Decision {
  const { address, browser, system } = callerOf(request);
  return {
    request: maskHead(request.raw),
    from: { address, browser, system },
    route: request.routeOptions.url ?? null,
    access: accessOf(request),
    checks: verdictsOn(request, code, policy),
  };
}

function verdictsOn(
  request: FastifyRequest,
  code: ProblemCode,
  policy: GatePolicy,
): readonly CheckVerdict[] {
  const cookies = parseCookies(request.raw);
  const head = HEAD_CHECKS.map(({ name, judge }): CheckVerdict => {
    const verdict = judge(request, cookies, policy);
    return typeof verdict === 'object'
      ? { check: name, verdict: 'failed', reason: verdict.reason }
      : { check: name, verdict, reason: '' };
  });
  let refused = head.some(({ verdict }) => verdict === 'failed');
  const database = DATABASE_CHECKS.map(({ name, code: its }): CheckVerdict => {
    const needed = isNeeded(request, name);
    if (!needed && its !== code) return { check: name, verdict: 'not needed', reason: '' };
    if (refused) return { check: name, verdict: 'not reached', reason: '' };
    if (its !== code) return { check: name, verdict: 'passed', reason: '' };
    refused = true;
    return { check: name, verdict: 'failed', reason: reasonOf(request, name) };
  });
  const operation: CheckVerdict = refused
    ? { check: 'operation', verdict: 'not reached', reason: '' }
    : { check: 'operation', verdict: 'failed', reason: code };
  return [...head, ...database, operation];
}

function isNeeded(request: FastifyRequest, check: DatabaseCheck): boolean {
  const { access = 'public', bodyType } = request.routeOptions.config;
  const { permission, stepUp } = typeof access === 'object' ? access : {};
  switch (check) {
    case 'session':
      return access !== 'public';
    case 'permission':
      return permission !== undefined;
    case 'synchronizer token':
      return bodyType !== undefined && !isSafeMethod(request.method);
    case 'step-up':
      return stepUp !== undefined;
  }
}

function reasonOf(request: FastifyRequest, check: DatabaseCheck): string {
  const { access } = request.routeOptions.config;
  const { permission, stepUp } = typeof access === 'object' ? access : {};
  switch (check) {
    case 'session': {
      const { kind } = readCookie(parseCookies(request.raw), SESSION_COOKIE);
      return kind === 'present'
        ? 'the session of the cookie has ended, or there was none'
        : `session cookie ${kind}`;
    }
    case 'permission':
      return `needs ${permission ?? 'a permission'}`;
    case 'synchronizer token':
      return presentsToken(request) ? "not this session's, or an older one" : 'none, or malformed';
    case 'step-up':
      return `needs a proof of the last ${stepUp?.withinSeconds ?? 0} seconds`;
  }
}

function accessOf(request: FastifyRequest): string | null {
  const { access } = request.routeOptions.config;
  if (access === undefined || typeof access === 'string') return access ?? null;
  const { permission, stepUp } = access;
  const who = permission === undefined ? 'signed-in' : `permission ${permission}`;
  return stepUp ? `${who}, step-up within ${stepUp.withinSeconds} s` : who;
}
