import type { Actor } from './actor.ts';
import type { Call } from './call.ts';
import { shows } from './canary.ts';
import { type Exchange, isGranted } from './exchange.ts';
import { leavesOf } from './json.ts';
import type { Granted, OwnedObject } from './knowledge.ts';
import { type Run, send } from './run.ts';
import { randomLike } from './values.ts';

/**
 * The operation whose list shows these values to the attacker, or null. An object that everybody
 * of a tenant lists is shared with them, so reading it is no hole; what crosses a tenant's border
 * is, unless nobody is refused it either.
 *
 * A list that shows some of the values shares those only: the caller asks for the ones that count.
 */
export async function isSharedWith(
  run: Run,
  object: OwnedObject,
  attacker: Actor,
  values: readonly string[],
): Promise<string | null> {
  if (attacker.role === 'stranger') return null;
  // Its detail says nothing: whether that may be read is the question.
  const isItself = ({ operation, path }: Call) =>
    /\}\/*$/.test(operation.path) && Object.values(path).at(-1) === object.id;
  const lists = foundByItself(run, attacker).filter(({ call }) => !isItself(call));
  const near = lists.filter(
    ({ call }) => rootOf(call.operation.path) === rootOf(object.collection),
  );
  for (const { call } of new Set([...near, ...lists])) {
    const before = lists.find((one) => one.call === call)?.exchange;
    const isNear = near.some((one) => one.call === call);
    // What was seen is enough where it shows them; only near lists are worth another request.
    const exchange = isNear ? await send(run, call, attacker) : before;
    if (exchange === undefined || !isGranted(exchange)) continue;
    if (values.every((value) => shows(exchange.answer, value))) return call.operation.id;
  }
  return null;
}

/**
 * The reads that an account came to by itself: of every value that they take, another answer to it
 * has told it. What an example of the document led it to, it did not find.
 */
export function foundByItself(run: Run, actor: Actor): readonly Granted[] {
  const reads = run.knowledge.views[actor.role] ?? [];
  const count = ({ call }: Granted) => Object.keys(call.path).length;
  return reads.filter((read) =>
    Object.values(read.call.path).every(
      (value) =>
        value === actor.tenant ||
        reads.some((other) => count(other) < count(read) && tells(other.exchange, value)),
    ),
  );
}

/** Whether an answer has this value, and not only one that contains it. */
function tells({ answer }: Exchange, value: string): boolean {
  if (answer === null) return false;
  if (answer.json === undefined) return answer.text.includes(`/${encodeURIComponent(value)}`);
  return leavesOf(answer.json).some(
    ({ value: leaf }) =>
      String(leaf) === value || (typeof leaf === 'string' && leaf.split('/').includes(value)),
  );
}

/** The call with ids of the same form that were never given: the null attack. */
export function withRandomIds(call: Call, canary: string): Call {
  const random = (values: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, randomLike(value, canary)]),
    );
  const inPath = Object.keys(call.path).at(-1);
  if (inPath === undefined) return { ...call, query: random(call.query) };
  return { ...call, path: { ...call.path, [inPath]: randomLike(call.path[inPath] ?? '', canary) } };
}

function rootOf(path: string): string {
  return path.split('/').find((part) => part !== '' && !/^(api|rest|v\d+)$/i.test(part)) ?? '';
}
