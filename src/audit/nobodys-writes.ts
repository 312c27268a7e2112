import { ANONYMOUS, type Actor } from './actor.ts';
import { shows } from './canary.ts';
import { describe, isBroken, isGranted } from './exchange.ts';
import type { ProvenWrite } from './knowledge.ts';
import { freshTarget } from './object-deletions.ts';
import { withCanary } from './object-writes.ts';
import type { Operation } from './operation.ts';
import { putBack } from './put-back.ts';
import { changesObjects } from './creatable.ts';
import { type Run, send } from './run.ts';
import { type Finding, inconclusive, type Step, sound, step, type Verdict } from './verdict.ts';

/**
 * Sends A's own changes and deletions without a credential, and looks with A's eyes. What nobody
 * may add to is told by the document alone: a contact form takes something of everybody.
 */
export async function attackAsNobody(run: Run): Promise<readonly Verdict[]> {
  const { a } = run.actors;
  if (a === null || !run.settings.allowWrites) return [];
  const verdicts: Verdict[] = [];
  for (const write of run.knowledge.writes) {
    const { security } = write.granted.call.operation;
    if (write.kind === 'creates' && security !== 'required') continue;
    verdicts.push(await attack(run, a, write));
    await putBack(run, a, write);
  }
  for (const operation of run.operations) {
    if (operation.method !== 'DELETE' || !operation.path.includes('{')) continue;
    if (!changesObjects(operation)) continue;
    const verdict = await attackDeletion(run, a, operation);
    if (verdict !== null) verdicts.push(verdict);
  }
  return verdicts;
}

async function attack(run: Run, a: Actor, write: ProvenWrite): Promise<Verdict> {
  const subject = write.granted.call.operation.id;
  const before = await send(run, write.reader, a);
  const canary = run.canary();
  const attempt = await send(run, withCanary(write, canary), ANONYMOUS);
  const after = await send(run, write.reader, a);
  if (!isGranted(before) || !isGranted(after)) {
    return inconclusive(
      subject,
      `A cannot look: ${describe(after)}`,
      step('nobody writes', attempt),
    );
  }
  if (!shows(after.answer, canary)) {
    if (!isBroken(attempt)) return sound(subject, 'what nobody sends has no effect');
    return inconclusive(
      subject,
      `no judgement from ${describe(attempt)}`,
      step('nobody writes', attempt),
    );
  }
  return finding(
    subject,
    'change',
    [step('nobody changes it', attempt), step("A reads it and finds nobody's value", after)],
    [step('A read it before, without that value', before)],
  );
}

async function attackDeletion(run: Run, a: Actor, operation: Operation): Promise<Verdict | null> {
  const target = await freshTarget(run, operation);
  if (target === null) return null;
  const { deletion, reader, before, canary } = target;
  const attempt = await send(run, deletion, ANONYMOUS);
  const after = await send(run, reader, a);
  if (isBroken(after) || isBroken(attempt)) {
    return inconclusive(
      operation.id,
      `no judgement from ${describe(attempt)}`,
      step('nobody deletes', attempt),
    );
  }
  if (shows(after.answer, canary)) {
    await send(run, deletion, a);
    return sound(operation.id, 'what nobody sends deletes nothing');
  }
  return finding(
    operation.id,
    'delete',
    [step('nobody deletes it', attempt), step('A no longer finds it', after)],
    [step('A read it before', before)],
  );
}

function finding(
  subject: string,
  verb: string,
  evidence: readonly Step[],
  controls: readonly Step[],
): Finding {
  return {
    verdict: 'finding',
    cause: `${subject}: no authentication`,
    severity: 'critical',
    confidence: 'confirmed',
    title: `Anybody can ${verb} what belongs to an account: ${subject}`,
    detail: `A request without a credential had its effect on account A's object, as A sees.`,
    subjects: [subject],
    evidence,
    controls,
  };
}
