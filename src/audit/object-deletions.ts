import { type Actor, ANONYMOUS } from './actor.ts';
import type { Call } from './call.ts';
import { shows } from './canary.ts';
import { changesObjects } from './creatable.ts';
import { refreshed, type Recipe } from './creation.ts';
import { isOfA } from './distinct-values.ts';
import { describe, type Exchange, isBroken, isGranted } from './exchange.ts';
import { leavesOf } from './json.ts';
import type { OwnedObject } from './knowledge.ts';
import type { Operation } from './operation.ts';
import type { PoolEntry } from './pool.ts';
import { callsFor, keep, newView } from './reads.ts';
import { type Run, send } from './run.ts';
import { isSharedWith } from './sharing.ts';
import { inconclusive, notTested, sound, step, type Verdict } from './verdict.ts';
import { snake } from './words.ts';

/** Makes an object of A's to be deleted, lets another account try, and looks whether it is gone. */
export async function attackDeletions(
  run: Run,
  attackers: readonly Actor[],
): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  const deletions = run.operations.filter(
    (one) => one.method === 'DELETE' && one.path.includes('{') && changesObjects(one),
  );
  for (const operation of deletions) {
    if (!run.settings.allowWrites) {
      verdicts.push(notTested(operation.id, 'writing is not allowed (--allow-writes)'));
      continue;
    }
    for (const attacker of attackers) {
      const target = await freshTarget(run, operation);
      verdicts.push(
        target === null
          ? notTested(operation.id, 'no object could be made to be deleted')
          : await attack(run, target, attacker),
      );
    }
  }
  return verdicts;
}

interface Target {
  readonly deletion: Call;
  readonly reader: Call;
  readonly made: Exchange;
  readonly canary: string;
  readonly before: Exchange;
}

/** A new object of A's that the operation can name and a read of A's shows. */
export async function freshTarget(run: Run, operation: Operation): Promise<Target | null> {
  const { a } = run.actors;
  if (a === null) return null;
  const collection = operation.path.replace(/(\/\{[^{}]+\})+\/*$/, '');
  for (const recipe of recipesFor(run, collection)) {
    const fresh = refreshed(run, recipe);
    const made = await send(run, fresh.call, a);
    if (!isGranted(made)) continue;
    for (const call of await namesOf(run, fresh, made, operation)) {
      const deletion: Call = { ...call, operation };
      const found = await readerOf(run, operation, deletion, collection, fresh);
      if (found !== null) return { deletion, made, ...found };
    }
  }
  return null;
}

/** Calls that name what was just made: by the answer to that, else by the lists that show it. */
async function namesOf(
  run: Run,
  { call, planted }: Recipe,
  made: Exchange,
  operation: Operation,
): Promise<readonly Call[]> {
  const { a } = run.actors;
  if (a === null) return [];
  const view = newView(a, run.operations);
  view.planted.push(...planted.map(({ canary }) => canary));
  for (const [name, value] of Object.entries(call.path)) {
    const of = { key: snake(name), above: '', value, from: call, object: 'path' };
    view.pool.push({ ...of, isCreated: false, selects: null });
  }
  keep(view, call, made, true);
  const named = () =>
    callsFor(run, operation, view.pool)
      .filter(({ path }) => view.pool.some(isMadeAs(Object.values(path).at(-1))))
      .slice(0, 3);
  if (named().length > 0) return named();
  for (const list of run.knowledge.views.a ?? []) {
    if (!isNear(list.call.operation.path, call.operation.path)) continue;
    keep(view, list.call, await send(run, list.call, a));
  }
  return named();
}

function isMadeAs(selected: string | undefined) {
  return ({ isCreated, value }: PoolEntry) => isCreated && value === selected;
}

function isNear(list: string, creation: string): boolean {
  const [one, other] = [list, creation].map((path) => path.replace(/\/+$/, ''));
  return one === other || (other?.startsWith(`${one}/`) ?? false);
}

async function isOpenToNobody(run: Run, operation: Operation, a: Actor): Promise<boolean> {
  const target = await freshTarget(run, operation);
  if (target === null) return false;
  await send(run, target.deletion, ANONYMOUS);
  return !shows((await send(run, target.reader, a)).answer, target.canary);
}

/** Whether the answer now says that the object is deleted, where it is only marked so. */
function isMarked(before: Exchange, after: Exchange): boolean {
  const marks = ({ answer }: Exchange) =>
    JSON.stringify(
      leavesOf(answer?.json)
        .filter(({ key }) => /delet|remov|archiv|trash|status|state|active/i.test(key))
        .map(({ path, value }) => [path, value]),
    );
  return marks(before) !== marks(after);
}

function recipesFor(run: Run, collection: string): readonly Recipe[] {
  return run.knowledge.recipes.filter(({ call }) => {
    const path = call.operation.path.replace(/\/+$/, '');
    return path === collection || path.startsWith(`${collection}/`);
  });
}

async function readerOf(
  run: Run,
  operation: Operation,
  deletion: Call,
  collection: string,
  recipe: Recipe,
): Promise<Pick<Target, 'reader' | 'canary' | 'before'> | null> {
  const { a } = run.actors;
  if (a === null) return null;
  const detail = run.operations.find(
    (one) =>
      one.method === 'GET' && one.path.replace(/\/+$/, '') === operation.path.replace(/\/+$/, ''),
  );
  const lists = (run.knowledge.views.a ?? []).filter(
    ({ call }) => call.operation.path.replace(/\/+$/, '') === collection,
  );
  const readers = [
    ...(detail === undefined ? [] : [{ ...deletion, operation: detail }]),
    ...lists.map(({ call }) => call),
  ];
  for (const reader of readers) {
    const before = await send(run, reader, a);
    const shown = recipe.planted.find(({ canary }) => shows(before.answer, canary));
    if (isGranted(before) && shown !== undefined) return { reader, canary: shown.canary, before };
  }
  return null;
}

async function attack(run: Run, target: Target, attacker: Actor): Promise<Verdict> {
  const { deletion, reader, made, canary, before } = target;
  const subject = deletion.operation.id;
  const { a } = run.actors;
  if (a === null) return notTested(subject, 'account A is not signed in');
  const object: OwnedObject = {
    owner: a,
    ownership: 'created',
    id: Object.values(deletion.path).at(-1) ?? '',
    collection: deletion.operation.path,
    read: { call: reader, actor: a, exchange: before },
    selector: { in: 'path', name: '', bodyPath: [] },
    canaries: [canary],
  };
  // Asked before it is gone: afterwards no list can say that it was shared.
  const list = isOfA(run, object, before)
    ? null
    : await isSharedWith(run, object, attacker, [canary]);
  const attempt = await send(run, deletion, attacker);
  const after = await send(run, reader, a);
  if (isBroken(after)) {
    return inconclusive(
      subject,
      `A cannot look afterwards: ${describe(after)}`,
      step('the attempt', attempt),
      step('A reads', after),
    );
  }
  if (shows(after.answer, canary) && !isMarked(before, after)) {
    await send(run, deletion, a);
    return sound(
      subject,
      `${attacker.role} is answered ${attempt.answer?.status ?? 'nothing'}, and the object is still there`,
    );
  }
  if (list !== null) {
    return sound(
      subject,
      `${list} shows the object to ${attacker.role} too, and nothing in it says that it is A's`,
    );
  }
  if (await isOpenToNobody(run, deletion.operation, a)) {
    return sound(subject, 'nobody needs to be signed in for it: that is another weakness');
  }
  const across = attacker.role === 'stranger';
  return {
    verdict: 'finding',
    cause: `delete ${deletion.operation.path}`,
    severity: across ? 'critical' : 'high',
    confidence: 'confirmed',
    title: `${across ? 'An account of another tenant' : 'Another account'} can delete what is A's: ${subject}`,
    detail: `A made an object and read it; after ${attacker.role}'s request it is gone for A.`,
    subjects: [subject],
    evidence: [
      step(`${attacker.role} deletes A's object`, attempt),
      step('A no longer finds it', after),
    ],
    controls: [step('A made it', made), step('A read it before', before)],
  };
}
