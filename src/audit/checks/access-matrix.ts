import type { Check } from '../check.ts';
import type { ActorRole } from '../actor.ts';
import type { Access } from '../knowledge.ts';
import type { Run } from '../run.ts';
import { inconclusive, notTested, sound, step, type Verdict } from '../verdict.ts';

/**
 * Who is answered on which operation, against what `sallyport-audit.yaml` says. The first run
 * writes the matrix, a person reviews it, and from then on a difference is a finding: no guess
 * about what is meant to be so is left in it.
 */
export const accessMatrix: Check = {
  id: 'access-matrix',
  title: 'Access that differs from the reviewed matrix',
  cwe: [284],
  owaspApi: ['API5:2023'],
  asvs: ['8.1.1'],
  phase: 'reads',
  needs: ['a'],
  effect: 'reads',
  repair: {
    fastapi:
      'Restore the dependency that guards the route, or correct the matrix if the change was meant.',
    fastify:
      'Restore the hook that guards the route, or correct the matrix if the change was meant.',
    sallyport: '`sallyport routes` prints who may call what; compare it with the matrix.',
  },
  run: (run) => {
    const { expected } = run;
    if (expected === null) {
      return Promise.resolve([
        notTested('all operations', 'no matrix was reviewed yet: the first run writes it'),
      ]);
    }
    const verdicts = Object.entries(expected).flatMap(([id, roles]) =>
      Object.entries(roles).map(([role, access]) => compare(run, id, role as ActorRole, access)),
    );
    const none = notTested('all operations', 'the matrix is empty');
    return Promise.resolve(verdicts.length === 0 ? [none] : verdicts);
  },
};

function compare(run: Run, id: string, role: ActorRole, expected: Access): Verdict {
  const subject = `${id} as ${role}`;
  const actual = run.knowledge.matrix.get(id)?.[role];
  if (actual === expected) return sound(subject, `${expected}, as reviewed`);
  if (actual === undefined || actual === 'unclear' || expected === 'unclear') {
    return notTested(subject, 'no answer that could be compared');
  }
  const seen = run.knowledge.views[role]?.find(({ call }) => call.operation.id === id);
  if (actual === 'refused' || seen === undefined) {
    return inconclusive(subject, 'refused, though the matrix says that it is granted');
  }
  return {
    verdict: 'finding',
    cause: `${id}: ${role} is granted`,
    severity: role === 'anonymous' ? 'critical' : 'high',
    confidence: 'confirmed',
    title: `${role} is answered where the reviewed matrix says refused: ${id}`,
    detail:
      'The matrix in sallyport-audit.yaml was reviewed by a person; the target no longer does what it says.',
    subjects: [id],
    evidence: [step(`${role} is answered`, seen.exchange)],
    controls: [],
  };
}
