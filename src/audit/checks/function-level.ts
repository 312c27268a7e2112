import { type Actor, ANONYMOUS } from '../actor.ts';
import { shows } from '../canary.ts';
import type { Check } from '../check.ts';
import { describe, type Exchange, isBroken, isGranted, isRefused } from '../exchange.ts';
import { attackFunctions } from '../function-writes.ts';
import { leavesOf } from '../json.ts';
import type { Granted } from '../knowledge.ts';
import { isForHigherRole, refusesA } from '../higher-role.ts';
import { attackRoles } from '../role-writes.ts';
import { type Run, send } from '../run.ts';
import { inconclusive, notTested, sound, step, type Verdict } from '../verdict.ts';

/**
 * An operation of a higher role that a lower one is granted too.
 *
 * What is of a higher role, the target says: by a name such as `admin`, where at least one other
 * operation of that kind refuses A; or because only the superior could make such an object. It is
 * a hole only where A gets the same content as the superior, or the superior sees A's effect.
 */
export const functionLevel: Check = {
  id: 'function-level',
  title: 'Broken function-level authorization',
  cwe: [285, 862],
  owaspApi: ['API5:2023'],
  asvs: ['8.2.1'],
  phase: 'writes',
  needs: ['a', 'superior', 'identity'],
  effect: 'writes',
  repair: {
    fastapi:
      'Put the dependency that requires the role on the router of these operations, so that a new one has it too.',
    fastify: 'Require the permission in a hook of the scope that these routes are registered in.',
    sallyport:
      'Declare `access: { permission: ... }` on the route; `sallyport routes` prints the table to be read.',
  },
  run: async (run) => {
    const { a, superior } = run.actors;
    if (a === null || superior === null) return [];
    const verdicts: Verdict[] = [];
    for (const read of run.knowledge.views.superior ?? []) {
      if (isForHigherRole(run, read.call.operation) || refusesA(run, read.call.operation))
        verdicts.push(await attack(run, read, a, superior));
    }
    verdicts.push(
      ...(await attackFunctions(run, a, superior)),
      ...(await attackRoles(run, run.actors.b ?? a, superior)),
    );
    if (verdicts.length > 0) return verdicts;
    return [notTested('all operations', 'no operation looks like one of a higher role')];
  },
};

async function attack(run: Run, { call }: Granted, a: Actor, superior: Actor): Promise<Verdict> {
  const subject = call.operation.id;
  const own = await send(run, call, superior);
  if (!isGranted(own))
    return inconclusive(
      subject,
      `the superior is not answered: ${describe(own)}`,
      step('the superior reads', own),
    );
  const other = await send(run, call, a);
  if (isBroken(other))
    return inconclusive(subject, `no judgement from ${describe(other)}`, step('A reads', other));
  const same = sameValues(run, own, other);
  if (isRefused(other) || same.length === 0)
    return sound(
      subject,
      `A is answered ${other.answer?.status ?? 'nothing'}, without the superior's content`,
    );
  const nobody = await send(run, call, ANONYMOUS);
  if (same.every((value) => shows(nobody.answer, value)))
    return sound(subject, 'nobody needs to be signed in for it');
  return {
    verdict: 'finding',
    cause: subject,
    severity: 'high',
    confidence: 'confirmed',
    title: `An ordinary account reads what is for a higher role: ${subject}`,
    detail: `A is given ${same.length} values of the superior's answer that A finds nowhere else, while other operations of this kind refuse A.`,
    subjects: [subject],
    evidence: [step('A reads it', other)],
    controls: [step('the superior reads it', own), step('nobody is refused it', nobody)],
  };
}

/** Values in both answers that A finds in no answer of an ordinary operation. */
function sameValues(run: Run, own: Exchange, other: Exchange): readonly string[] {
  const ordinary = (run.knowledge.views.a ?? []).filter(
    ({ call }) => !isForHigherRole(run, call.operation),
  );
  const values = leavesOf(own.answer?.json)
    .map(({ value }) => String(value))
    .filter((value) => value.length >= 6 && shows(other.answer, value));
  return [...new Set(values)].filter(
    (value) => !ordinary.some(({ exchange }) => shows(exchange.answer, value)),
  );
}
