import { type Actor, ANONYMOUS } from './actor.ts';
import { type Call, selectorsOf } from './call.ts';
import { shows } from './canary.ts';
import { isOfA } from './distinct-values.ts';
import { describe, isBroken, isGranted } from './exchange.ts';
import { leavesOf, withValueAt } from './json.ts';
import type { OwnedObject, ProvenWrite } from './knowledge.ts';
import { isSharedWith } from './sharing.ts';
import { type Run, send } from './run.ts';
import { inconclusive, sound, step, type Verdict } from './verdict.ts';
import { isPasswordField } from './words.ts';

/**
 * Sends A's own change as others, with a canary of theirs, and looks with A's eyes whether it is
 * there: the status says nothing (204 for a change of nothing, 500 after one that was made).
 */
export async function attackWrites(
  run: Run,
  attackers: readonly Actor[],
): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const write of run.knowledge.writes) {
    if (!namesWhatIsOfA(run, write)) continue;
    for (const attacker of attackers) {
      verdicts.push(await attack(run, write, attacker));
      await putBack(run, write, attacker);
    }
  }
  return verdicts;
}

/** The write with this value in its place. */
export function withCanary(write: ProvenWrite, canary: string): Call {
  const { call } = write.granted;
  return { ...call, body: withValueAt(call.body, write.field, canary) };
}

/** Whether a value in the request says whose object it is about: else each account has its own. */
function namesWhatIsOfA(run: Run, { granted: { call }, kind }: ProvenWrite): boolean {
  if (Object.keys(call.path).length > 0 || Object.keys(call.query).length > 0) return true;
  const names = run.actors.a?.identity ?? [];
  return (
    kind === 'changes' &&
    names.some((name) => name.length >= 3 && selectorsOf(call, name).length > 0)
  );
}

/** Gives the attacker's own account its values back, where the request may have changed that. */
async function putBack(
  run: Run,
  { granted: { call }, field }: ProvenWrite,
  attacker: Actor,
): Promise<void> {
  if (Object.keys(call.path).length > 0 || Object.keys(call.query).length > 0) return;
  const own = (run.knowledge.views[attacker.role] ?? []).find(({ exchange }) =>
    attacker.identity.some((name) => name.length >= 3 && shows(exchange.answer, name)),
  );
  let { body } = call;
  const { account } = attacker;
  for (const { path, key } of leavesOf(call.body)) {
    if (isPasswordField(key) && account?.kind === 'password') {
      body = withValueAt(body, path, account.password);
      continue;
    }
    const former = leavesOf(own?.exchange.answer?.json).find((leaf) => leaf.key === key)?.value;
    if (former !== undefined) body = withValueAt(body, path, former);
    else if (path.join('.') === field.join('.')) body = withValueAt(body, path, '');
  }
  await send(run, { ...call, body }, attacker);
}

async function attack(run: Run, write: ProvenWrite, attacker: Actor): Promise<Verdict> {
  const subject = write.granted.call.operation.id;
  const a = run.actors.a ?? write.granted.actor;
  const before = await send(run, write.reader, a);
  if (!isGranted(before)) {
    return inconclusive(
      subject,
      `A is no longer answered: ${describe(before)}`,
      step('A reads', before),
    );
  }
  const canary = run.canary();
  const attempt = await send(run, withCanary(write, canary), attacker);
  const after = await send(run, write.reader, a);
  if (!isGranted(after)) {
    return inconclusive(
      subject,
      `A cannot look afterwards: ${describe(after)}`,
      step('the attempt', attempt),
      step('A reads', after),
    );
  }
  if (!shows(after.answer, canary)) {
    if (isBroken(attempt) && attempt.answer?.status !== 500) {
      return inconclusive(
        subject,
        `no judgement from ${describe(attempt)}`,
        step('the attempt', attempt),
      );
    }
    return sound(subject, `what ${attacker.role} sends does not reach A's object`);
  }
  if (await isOpenToNobody(run, write, a)) {
    return sound(subject, 'nobody needs to be signed in for it: that is another weakness');
  }
  const shared = await isMeantToBeShared(run, write, attacker, canary);
  if (shared !== null) return sound(subject, shared);
  const across = attacker.role === 'stranger';
  return {
    verdict: 'finding',
    cause: `write ${write.granted.call.operation.path}`,
    severity: across ? 'critical' : 'high',
    confidence: 'confirmed',
    title: `${across ? 'An account of another tenant' : 'Another account'} can change what is A's: ${subject}`,
    detail: `A value that only ${attacker.role} sent stands in A's object afterwards, as A reads it.`,
    subjects: [subject],
    evidence: [
      step(`${attacker.role} changes A's object`, attempt),
      step(`A reads it and finds ${attacker.role}'s value`, after),
    ],
    controls: [
      step('A read it before, without that value', before),
      step('A changes it, as it may', write.granted.exchange),
    ],
  };
}

async function isOpenToNobody(run: Run, write: ProvenWrite, a: Actor): Promise<boolean> {
  const canary = run.canary();
  await send(run, withCanary(write, canary), ANONYMOUS);
  return shows((await send(run, write.reader, a)).answer, canary);
}

/**
 * Why a write by another account is no hole, or null. Members of a tenant may well edit what they
 * all list; but not where the object says that it is A's. A comment on what B reads is B's own.
 */
async function isMeantToBeShared(
  run: Run,
  write: ProvenWrite,
  attacker: Actor,
  canary: string,
): Promise<string | null> {
  if (attacker.role === 'stranger' && write.kind === 'changes') return null;
  const a = run.actors.a ?? write.granted.actor;
  const seen = await send(run, write.reader, a);
  const theirs = await send(run, write.reader, attacker);
  const planted = run.knowledge.planted.filter((value) => shows(seen.answer, value));
  const object: OwnedObject = {
    owner: a,
    ownership: 'created',
    id: Object.values(write.granted.call.path).at(-1) ?? '',
    collection: write.granted.call.operation.path,
    read: { call: write.reader, actor: a, exchange: seen },
    selector: { in: 'path', name: '', bodyPath: [] },
    canaries: planted,
  };
  if (write.kind === 'creates') {
    return isGranted(theirs) ? `${attacker.role} may read what it adds to` : null;
  }
  const nobody = await send(run, write.reader, ANONYMOUS);
  if (isOfA(run, object, seen)) return null;
  // The attacker's value has taken the place of what A planted: a list that shows it, shows both.
  const list = await isSharedWith(run, object, attacker, [canary]);
  if (list === null && !isGranted(nobody)) return null;
  return `${attacker.role} and A share it, and nothing in it says that it is A's`;
}
