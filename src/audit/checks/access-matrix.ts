import { type ActorRole, ANONYMOUS } from '../actor.ts';
import type { Check } from '../check.ts';
import { describe, type Exchange, isGranted } from '../exchange.ts';
import type { Access } from '../knowledge.ts';
import { type ExpectedMatrix, type Run, send } from '../run.ts';
import { whoIs } from '../sessions.ts';
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
  async run(run) {
    const { expected } = run;
    if (expected === null) {
      return [notTested('all operations', 'no matrix was reviewed yet: the first run writes it')];
    }
    const answered = await answeredRoles(run, expected);
    const verdicts: Verdict[] = [];
    for (const [id, roles] of Object.entries(expected)) {
      for (const [role, access] of Object.entries(roles) as [ActorRole, Access][]) {
        verdicts.push(await compare(run, answered, { id, role, expected: access }));
      }
    }
    for (const id of run.knowledge.matrix.keys()) {
      if (expected[id] === undefined) verdicts.push(notTested(id, 'the matrix does not have it'));
    }
    return verdicts.length === 0 ? [notTested('all operations', 'the matrix is empty')] : verdicts;
  },
};

/** What shows that a role is answered as itself, by role; null where it is not. */
type Answered = ReadonlyMap<ActorRole, Exchange | null>;

/**
 * Asks for each role, for nobody as A, the read that tells A from nobody. Who is refused there is
 * refused everywhere: an account that has expired must not be taken for a guard that holds.
 */
async function answeredRoles(run: Run, expected: ExpectedMatrix): Promise<Answered> {
  const answered = new Map<ActorRole, Exchange | null>();
  for (const role of new Set(Object.values(expected).flatMap(Object.keys) as ActorRole[])) {
    const actor = run.actors[accountOf(role)];
    if (actor === null) continue;
    const { is, exchange } = await whoIs(run, actor.credential, actor, actor.role);
    answered.set(role, is === 'signed-in' ? exchange : null);
  }
  return answered;
}

function accountOf(role: ActorRole): keyof Run['actors'] {
  return role === 'anonymous' || role === 'bogus' ? 'a' : role;
}

interface Entry {
  readonly id: string;
  readonly role: ActorRole;
  readonly expected: Access;
}

async function compare(run: Run, answered: Answered, entry: Entry): Promise<Verdict> {
  const { id, role, expected } = entry;
  const subject = `${id} as ${role}`;
  const control = answered.get(role);
  if (control === undefined) return notTested(subject, `there is no account ${accountOf(role)}`);
  if (control === null) {
    const asked = `account ${accountOf(role)}`;
    return inconclusive(subject, `${asked} is not answered as itself, so a refusal says nothing`);
  }
  const actual = run.knowledge.matrix.get(id)?.[role];
  if (actual === undefined) return notTested(subject, 'it was not asked');
  if (expected === 'unclear') return notTested(subject, 'the matrix does not say');
  if (actual === 'unclear') return inconclusive(subject, 'the target did not say yes or no');
  if (actual === expected) return sound(subject, `${expected}, as reviewed`);
  if (actual === 'refused') {
    return inconclusive(subject, 'refused, though the matrix says that it is granted');
  }
  return await attack(run, entry, control);
}

/** Asks once more for what was granted and should not be, and beside it as nobody. */
async function attack(run: Run, { id, role }: Entry, control: Exchange): Promise<Verdict> {
  const subject = `${id} as ${role}`;
  const seen = run.knowledge.views[role]?.find(({ call }) => call.operation.id === id);
  const actor = role === 'anonymous' || role === 'bogus' ? ANONYMOUS : run.actors[role];
  if (seen === undefined || actor === null) return notTested(subject, 'it was not asked');
  const again = await send(run, seen.call, actor);
  if (!isGranted(again)) {
    return inconclusive(subject, `granted once, then not: ${describe(again)}`);
  }
  const nobody = role === 'anonymous' ? null : await send(run, seen.call, ANONYMOUS);
  const isOpen = nobody === null || isGranted(nobody);
  return {
    verdict: 'finding',
    // One guard is missing, whoever is granted it: to be signed in, or to have the role.
    cause: `${id} is granted to ${isOpen ? 'anybody' : 'accounts that it should refuse'}`,
    severity: isOpen ? 'critical' : 'high',
    confidence: 'confirmed',
    title: `${role} is answered where the reviewed matrix says refused: ${id}`,
    detail:
      'The matrix in sallyport-audit.yaml was reviewed by a person; the target no longer does what it says.',
    subjects: [id],
    evidence: [step(`${role} is answered`, again)],
    controls: [
      step(`${accountOf(role)} is answered as itself`, control),
      ...(nobody === null || isOpen ? [] : [step('nobody is refused it', nobody)]),
    ],
  };
}
