import type { Call } from './call.ts';
import { shows } from './canary.ts';
import { originalOf } from './changes.ts';
import { makesAnotherTenant, makesObjects, staysWithinOwn } from './creatable.ts';
import { compose, type Recipe, type Sent } from './creation.ts';
import { isGranted } from './exchange.ts';
import { isObject } from './json.ts';
import type { Granted, OwnedObject, Ownership } from './knowledge.ts';
import type { Operation } from './operation.ts';
import { pathParametersOf } from './operation.ts';
import { keep, readAll, type View } from './reads.ts';
import { type Run, send } from './run.ts';

/** What was made, or changed about A's own account by a POST, with the call that undoes that. */
export interface Made extends Sent {
  readonly original: Call | null;
}

/** What creating left behind: what was made, what they planted, and why others did not. */
export interface Creations {
  readonly made: readonly Made[];
  readonly planted: readonly string[];
  readonly refused: ReadonlyMap<string, string>;
}

/**
 * Makes one object of each kind that an account may make, with canaries in it, parents first, and
 * takes what the answers say into its view.
 */
export async function createObjects(run: Run, view: View): Promise<Creations> {
  const made: Made[] = [];
  const planted: string[] = [];
  const refused = new Map<string, string>();
  const chosen = new Set(Object.values(run.knowledge.chosen).map(({ operation }) => operation.id));
  const open = run.operations
    .filter(
      (operation) =>
        makesObjects(operation, run.operations) &&
        !chosen.has(operation.id) &&
        !makesAnotherTenant(operation, view),
    )
    .toSorted((one, other) => depthOf(one) - depthOf(other));
  const again: Operation[] = [];
  // What needs the id of a thing that is made later gets a second chance.
  for (const operations of [open, again]) {
    for (const operation of operations) {
      const { sent, refusal } = await compose(
        run,
        view.actor,
        operation,
        view.pool,
        undefined,
        (call) => staysWithinOwn(call, run.operations, view.pool),
      );
      if (sent === null) {
        refused.set(
          operation.id,
          refusal?.answer
            ? `A is answered ${refusal.answer.status}`
            : 'no value for its parameters was found',
        );
        if (operations === open) again.push(operation);
        continue;
      }
      refused.delete(operation.id);
      const { recipe } = sent;
      // From answers that were given before: they have the former values.
      made.push({
        ...sent,
        original: isOwnAccount(view, recipe) ? originalOf(view, recipe) : null,
      });
      const canaries = sent.recipe.planted.map(({ canary }) => canary);
      planted.push(...canaries);
      view.planted.push(...canaries);
      keep(view, sent.recipe.call, sent.exchange, true);
    }
  }
  return { made, planted, refused };
}

/** Whether it is sent to where one's own account is read, as `POST /me` is. */
function isOwnAccount({ granted, actor }: View, { call }: Recipe): boolean {
  return granted.some(
    ({ call: read, exchange: { answer } }) =>
      read.operation.path === call.operation.path &&
      Object.keys(read.path).length === 0 &&
      isObject(answer?.json) &&
      actor.identity.some((value) => value.length >= 3 && shows(answer, value)),
  );
}

/** Reads again, so that what was created is read too. */
export async function readCreated(run: Run, view: View): Promise<void> {
  const lists = view.granted.filter(({ call }) => !/\}\/*$/.test(call.operation.path));
  for (const { call } of lists) {
    const exchange = await send(run, call, view.actor);
    if (!isGranted(exchange)) continue;
    const at = view.granted.findIndex((one) => one.call === call);
    if (at >= 0) view.granted[at] = { call, actor: view.actor, exchange };
    keep({ ...view, granted: [] }, call, exchange);
  }
  const details = run.operations.filter(({ path }) => path.includes('{'));
  await readAll(run, view, details);
}

/** What is A's: each read with a value in it, how it is known to be A's, and what is in it. */
export function ownedBy(view: View, planted: readonly string[]): readonly OwnedObject[] {
  return view.granted.flatMap((granted) => {
    const { call, exchange } = granted;
    const name = pathParametersOf(call.operation.path).at(-1);
    const [inQuery] = Object.keys(call.query);
    const selector =
      name === undefined
        ? inQuery === undefined
          ? null
          : { in: 'query' as const, name: inQuery, bodyPath: [] }
        : { in: 'path' as const, name, bodyPath: [] };
    if (selector === null) return [];
    const id = (selector.in === 'path' ? call.path : call.query)[selector.name] ?? '';
    const canaries = planted.filter((value) => shows(exchange.answer, value));
    return [
      {
        owner: view.actor,
        ownership: ownershipOf(view, granted, canaries),
        id,
        collection: collectionOf(call.operation.path, selector.name),
        read: granted,
        selector,
        canaries,
      },
    ];
  });
}

function ownershipOf(view: View, { exchange }: Granted, canaries: readonly string[]): Ownership {
  if (canaries.length > 0) return 'created';
  const names = view.actor.identity.filter((value) => value.length >= 4);
  return names.some((value) => shows(exchange.answer, value)) ? 'holds-identity' : 'reachable';
}

function collectionOf(path: string, parameter: string): string {
  const at = path.indexOf(`{${parameter}}`);
  return at < 0 ? path : path.slice(0, at).replace(/\/+$/, '');
}

function depthOf({ path }: Operation): number {
  return pathParametersOf(path).length * 10 + path.split('/').length;
}
