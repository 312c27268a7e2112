import { type ActorRole, ANONYMOUS } from './actor.ts';
import { proveWrites } from './changes.ts';
import { isDangerous, isReadable } from './dangers.ts';
import { type Json, type JsonPath, valueAt } from './json.ts';
import type { Granted, Knowledge } from './knowledge.ts';
import { createObjects, ownedBy, readCreated } from './objects.ts';
import type { Operation } from './operation.ts';
import type { View } from './reads.ts';
import type { Run } from './run.ts';

/** Makes objects of A's where that is allowed, and looks again at what everybody sees then. */
export async function learnObjects(
  run: Run,
  views: Partial<Record<ActorRole, View>>,
): Promise<Run> {
  const view = views.a;
  const { a } = run.actors;
  if (view === undefined || a === null) return run;
  // The view was begun before the credential was complete.
  const own: View = { ...view, actor: a };
  if (!run.settings.allowWrites) {
    return { ...run, knowledge: { ...run.knowledge, objects: ownedBy(own, []) } };
  }
  const { made, planted, refused } = await createObjects(run, own);
  run.progress(`${made.length} objects created`);
  await readCreated(run, own);
  const writes = await proveWrites(run, own, made);
  const all = [
    ...planted,
    ...writes.flatMap(({ granted, field }) => plantedAt(granted.call.body, field)),
  ];
  for (const role of ['b', 'stranger', 'superior', 'anonymous'] as const) {
    const other = views[role];
    const actor = role === 'anonymous' ? ANONYMOUS : run.actors[role];
    if (other !== undefined && actor !== null) await readCreated(run, { ...other, actor });
  }
  // Reads from before the last change of an object no longer show what it holds.
  await readCreated(run, own);
  const untried = run.operations.flatMap((operation) => {
    const reason = refused.get(operation.id);
    return reason === undefined ? [] : [{ operation, reason }];
  });
  return {
    ...run,
    knowledge: {
      ...run.knowledge,
      reads: own.granted,
      views: grantedOf({ ...views, a: own }),
      planted: all,
      recipes: made.map(({ recipe }) => recipe),
      writes,
      objects: ownedBy(own, all),
      untried: [...untriedOf({ ...views, a: own }, run.operations), ...untried],
    },
  };
}

function plantedAt(body: Json | undefined, path: JsonPath): readonly string[] {
  const value = valueAt(body, path);
  return typeof value === 'string' ? [value] : [];
}

/** What each role was granted. */
export function grantedOf(
  views: Partial<Record<ActorRole, View>>,
): Partial<Record<ActorRole, readonly Granted[]>> {
  return Object.fromEntries(Object.entries(views).map(([role, view]) => [role, view.granted]));
}

/** The operations that nothing was sent to: there is no value for A, or they do something. */
export function untriedOf(
  views: Partial<Record<ActorRole, View>>,
  operations: readonly Operation[],
): Knowledge['untried'] {
  const unbound = views.a?.unbound ?? new Map<string, string>();
  return operations.flatMap((operation) => {
    const reason = unbound.get(operation.id) ?? reasonNotToRead(operation);
    return reason === null ? [] : [{ operation, reason }];
  });
}

function reasonNotToRead(operation: Operation): string | null {
  if (operation.method !== 'GET' || isReadable(operation)) return null;
  return isDangerous(operation)
    ? 'a GET whose name says that it wipes, runs or pays for something'
    : 'a GET that seems to do something: it takes an object that this run has made';
}
