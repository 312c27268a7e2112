import type { Actor } from './actor.ts';
import type { Lookup } from './bodies.ts';
import type { Call } from './call.ts';
import { shows } from './canary.ts';
import { changesObjects } from './creatable.ts';
import { compose, type Recipe, type Sent } from './creation.ts';
import type { Exchange } from './exchange.ts';
import { leavesOf, withValueAt } from './json.ts';
import type { Granted, ProvenWrite } from './knowledge.ts';
import { type Operation, pathParametersOf } from './operation.ts';
import type { View } from './reads.ts';
import { type Run, send } from './run.ts';
import { isNameField, isPasswordField, snake } from './words.ts';

/**
 * Changes A's own objects with each operation that may, and keeps those whose effect A could read
 * back. What is not of an object that was created here (A's own profile) gets its former values
 * back at once.
 */
export async function proveWrites(
  run: Run,
  view: View,
  made: readonly (Sent & { readonly original: Call | null })[],
): Promise<readonly ProvenWrite[]> {
  const created = new Set(view.pool.filter(({ isCreated }) => isCreated).map(({ value }) => value));
  const writes: ProvenWrite[] = [];
  for (const { recipe, exchange, original } of made) {
    const kind = original === null ? 'creates' : 'changes';
    const write = await proofOf(run, view, recipe, exchange, kind);
    if (write !== null) writes.push({ ...write, original });
    if (original !== null) await send(run, original, view.actor);
  }
  for (const operation of run.operations) {
    if (operation.method !== 'PUT' && operation.method !== 'PATCH') continue;
    if (!changesObjects(operation) || operation.bodies.length === 0) continue;
    if (changesCollection(run, view, operation)) continue;
    const isAccount = ({ path }: Call) => {
      const selected = path[pathParametersOf(operation.path).at(-1) ?? ''];
      return selected === undefined || view.actor.identity.includes(selected);
    };
    // Nothing is changed that was there before this run, but A's own account.
    const isOurs = (call: Call) =>
      isAccount(call) || Object.values(call.path).some((value) => created.has(value));
    const { sent } = await compose(
      run,
      view.actor,
      operation,
      view.pool,
      accountValues(view.granted, view.actor),
      isOurs,
    );
    if (sent === null) continue;
    const write = await proofOf(run, view, sent.recipe, sent.exchange, 'changes');
    const original = isAccount(sent.recipe.call) ? originalOf(view, sent.recipe) : null;
    if (write !== null) writes.push({ ...write, original });
    if (original !== null) await send(run, original, view.actor);
  }
  return writes;
}

/** Whether it changes many at once: nobody knows which, so it is not sent. */
function changesCollection(run: Run, view: View, operation: Operation): boolean {
  const own = operation.path.replace(/\/+$/, '');
  if (own.endsWith('}')) return false;
  const hasItems = run.operations.some(({ path }) => path.startsWith(`${own}/{`));
  const isList = view.granted.some(
    ({ call, exchange }) =>
      call.operation.path.replace(/\/+$/, '') === own && Array.isArray(exchange.answer?.json),
  );
  return hasItems || isList;
}

/** The read of A's that shows what a write planted; null where none does. */
async function proofOf(
  run: Run,
  view: View,
  recipe: Recipe,
  exchange: Exchange,
  kind: ProvenWrite['kind'],
): Promise<ProvenWrite | null> {
  for (const reader of recipe.planted.length === 0 ? [] : readersFor(view, recipe)) {
    const seen = await send(run, reader.call, view.actor);
    const shown = recipe.planted.find(({ canary }) => shows(seen.answer, canary));
    if (shown === undefined) continue;
    const granted = { call: recipe.call, actor: view.actor, exchange };
    return { granted, field: shown.path, reader: reader.call, kind, original: null };
  }
  return null;
}

/** Reads that might show the effect: of the same object, of its collection, then of its parents. */
function readersFor(view: View, { call }: Recipe): readonly Granted[] {
  const path = call.operation.path;
  const near = ({ call: read }: Granted): number => {
    const other = read.operation.path;
    const sameValues = Object.entries(read.path).every(
      ([name, value]) => call.path[name] === undefined || call.path[name] === value,
    );
    if (!sameValues) return 0;
    if (other === path) return 4;
    if (path.startsWith(`${other.replace(/\/+$/, '')}/`)) return 3;
    return other.startsWith(path.replace(/\/+$/, '')) ? 2 : sameRoot(path, other) ? 1 : 0;
  };
  return view.granted
    .filter((one) => near(one) > 0)
    .toSorted((one, other) => near(other) - near(one))
    .slice(0, 6);
}

function sameRoot(one: string, other: string): boolean {
  const root = (path: string) =>
    path.split('/').find((part) => part !== '' && !/^(api|v\d+)$/.test(part));
  return root(one) === root(other);
}

/**
 * What an account has now in the fields that name it, and its password, so that a change of it
 * changes neither: under another name it may no longer be found, nor its session be its own.
 */
export function accountValues(granted: readonly Granted[], actor: Actor): Lookup {
  return (name) => {
    if (isPasswordField(name) && actor.account?.kind === 'password') return actor.account.password;
    return isNameField(name) ? currentValue(granted, actor, name) : undefined;
  };
}

function currentValue(
  granted: readonly Granted[],
  { identity }: Actor,
  name: string,
): string | number | boolean | undefined {
  for (const { call, exchange } of granted) {
    if (call.operation.path.includes('{')) continue;
    const text = exchange.answer;
    if (!identity.some((value) => value.length >= 3 && shows(text, value))) continue;
    const leaf = leavesOf(text?.json).find(({ key }) => snake(key) === snake(name));
    if (leaf !== undefined && leaf.value !== null) return leaf.value;
  }
  return undefined;
}

/** Gives A's own account the values back that it had before the run. */
export async function restoreAccount(run: Run): Promise<void> {
  const { a } = run.actors;
  if (a === null) return;
  for (const { original } of run.knowledge.writes) {
    if (original !== null) await send(run, original, a);
  }
}

/**
 * The call with what the answers from before had under the same names: of every field, for a form
 * (a phone number, an example of the document) replaces what was there as a planted text does.
 */
export function originalOf(view: View, { call }: Recipe): Call {
  let { body } = call;
  for (const { path, key } of leavesOf(body)) {
    if (isPasswordField(key)) continue;
    const former = currentValue(view.granted, view.actor, key);
    if (former !== undefined) body = withValueAt(body, path, former);
  }
  return body === undefined ? call : { ...call, body };
}
