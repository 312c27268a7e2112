import type { FastifyRequest } from 'fastify';
import type { CheckVerdict, Decision } from '../db/refusals.ts';
import { maskHead } from '../http/masked-head.ts';
import type { ProblemCode } from '../http/problem.ts';
import { callerOf } from './caller.ts';
import { GATE_CHECKS, refuses } from './gate-checks.ts';
import { type GatePolicy, HEAD_CHECKS, headOf } from './head-checks.ts';

/**
 * Why the request was answered with this problem: what each check said, in the order in which they
 * are asked. Those of the head are asked once more, all of them; those behind it stop at the first
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
  const asked = headOf(request);
  const head = HEAD_CHECKS.map(({ name, judge }): CheckVerdict => {
    const verdict = judge(asked, policy);
    return typeof verdict === 'object'
      ? { check: name, verdict: 'failed', reason: verdict.reason }
      : { check: name, verdict, reason: '' };
  });
  let refused = head.some(({ verdict }) => verdict === 'failed');
  const gate = GATE_CHECKS.map((check): CheckVerdict => {
    const its = refuses(check, request, code);
    if (!its && !check.needed(request)) {
      return { check: check.name, verdict: 'not needed', reason: '' };
    }
    if (refused) return { check: check.name, verdict: 'not reached', reason: '' };
    if (!its) return { check: check.name, verdict: 'passed', reason: '' };
    refused = true;
    return { check: check.name, verdict: 'failed', reason: check.reason(request, code) };
  });
  const operation: CheckVerdict = refused
    ? { check: 'operation', verdict: 'not reached', reason: '' }
    : { check: 'operation', verdict: 'failed', reason: code };
  return [...head, ...gate, operation];
}

function accessOf(request: FastifyRequest): string | null {
  const { access } = request.routeOptions.config;
  if (access === undefined || typeof access === 'string') return access ?? null;
  const { permission, team, stepUp } = access;
  const asked = team ? `permission ${team.permission} in the team` : `permission ${permission}`;
  const who = permission === undefined && !team ? 'signed-in' : asked;
  return stepUp ? `${who}, step-up within ${stepUp.withinSeconds} s` : who;
}
