import type { Actor } from '../actor.ts';
import { type Call, selectorsOf, withSelected } from '../call.ts';
import { shows } from '../canary.ts';
import type { Check } from '../check.ts';
import { describe, isBroken, isGranted } from '../exchange.ts';
import { withValueAt } from '../json.ts';
import type { OwnedObject, ProvenWrite } from '../knowledge.ts';
import { putBack } from '../put-back.ts';
import { type Run, send } from '../run.ts';
import { randomLike } from '../values.ts';
import { inconclusive, notTested, sound, step, type Verdict } from '../verdict.ts';

/** Changes of nothing that are answered as if they had been made: `UPDATE 0` is a refusal. */
export const unappliedWrite: Check = {
  id: 'unapplied-write',
  title: 'A change of nothing is reported as a success',
  cwe: [252],
  owaspApi: ['API8:2023'],
  asvs: ['16.5.3'],
  phase: 'writes',
  needs: ['a', 'identity', 'writes'],
  effect: 'writes',
  repair: {
    fastapi:
      'Read what the statement did: `UPDATE ... RETURNING id` with `fetchrow`, and raise 404 where no row comes back. `execute` answers `UPDATE 0` and raises nothing.',
    fastify:
      'Read what the statement did: `UPDATE ... RETURNING id`, or `rowCount`, and answer 404 where it is nothing.',
    sallyport:
      '`request.db` and the operations of Sallyport treat a write that finds no row as a refusal, so a policy that hides a row cannot look like success.',
  },
  async run(run) {
    const { a } = run.actors;
    if (a === null) return [notTested('writes', 'account A is not signed in')];
    const candidates = run.knowledge.writes.flatMap((write) => {
      const { method } = write.granted.call.operation;
      const object = write.kind === 'changes' && method !== 'DELETE' ? selected(run, write) : null;
      return object === null ? [] : [{ write, object }];
    });
    if (candidates.length === 0) {
      return [
        notTested('writes', 'no change of one object was found whose effect can be read back'),
      ];
    }
    const verdicts: Verdict[] = [];
    for (const { write, object } of candidates) {
      verdicts.push(await attack(run, a, write, object));
      await putBack(run, a, write);
    }
    return verdicts;
  },
};

/** The object of A's that the write names in its path, where a random id can take its place. */
function selected(run: Run, { granted }: ProvenWrite): OwnedObject | null {
  return (
    run.knowledge.objects.find(({ id, read }) =>
      [granted.call, read.call].every((call) =>
        selectorsOf(call, id).some(({ in: place }) => place === 'path'),
      ),
    ) ?? null
  );
}

async function attack(
  run: Run,
  a: Actor,
  write: ProvenWrite,
  object: OwnedObject,
): Promise<Verdict> {
  const subject = write.granted.call.operation.id;
  const canary = run.canary();
  const nobodys = randomLike(object.id, canary);
  const planted = {
    ...write.granted.call,
    body: withValueAt(write.granted.call.body, write.field, canary),
  };
  const right = await send(run, planted, a);
  if (!isGranted(right)) {
    return inconclusive(
      subject,
      'the change of an own object no longer works',
      step('As A', right),
    );
  }
  const other = run.canary();
  const elsewhere = at(planted, object.id, nobodys);
  const body = withValueAt(elsewhere.body, write.field, other);
  const readNobodys = at(object.read.call, object.id, nobodys);
  const before = await send(run, readNobodys, a);
  const sent = await send(run, { ...elsewhere, body }, a);
  const after = await send(run, readNobodys, a);
  if ([before, sent, after].some(isBroken)) {
    return inconclusive(
      subject,
      'the target broke at an id that nobody has',
      step('Unknown id', sent),
    );
  }
  // A PUT may create what it names: then there is something to read afterwards.
  const isThere = isGranted(before) || isGranted(after) || shows(after.answer, other);
  if (!isGranted(sent))
    return sound(subject, `an id that nobody has is answered ${describe(sent)}`);
  if (isThere) return sound(subject, 'what it names is created');
  return {
    verdict: 'finding',
    cause: `${subject} does not look at what it changed`,
    severity: 'low',
    confidence: 'confirmed',
    title: 'A change of nothing is reported as a success',
    detail: `A changed an object that is not there, and was answered as for its own: ${describe(sent)}. A read of that id finds nothing before and after. Where a policy or a predicate hides a row, its owner is told that the change was made.`,
    subjects: [subject],
    evidence: [
      step('A changes an id that nobody has, with success', sent),
      step('There is nothing to read at that id', after),
    ],
    controls: [
      step('A changes an own object', right),
      step('Nothing was there before, either', before),
    ],
  };
}

/** The call with another id wherever its path holds this one. */
function at(call: Call, id: string, other: string): Call {
  return selectorsOf(call, id)
    .filter(({ in: place }) => place === 'path')
    .reduce((changed, selector) => withSelected(changed, selector, other), call);
}
