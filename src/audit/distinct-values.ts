import type { Actor } from './actor.ts';
import { shows } from './canary.ts';
import type { Exchange } from './exchange.ts';
import { leavesOf } from './json.ts';
import type { OwnedObject } from './knowledge.ts';
import { isOwnerField } from './creation.ts';
import type { Run } from './run.ts';
import { isSensitiveField } from './private-values.ts';
import { foundByItself } from './sharing.ts';
import { snake } from './words.ts';

const VALUES_MAX = 12;

const PEOPLE =
  /(users?|people|persons?|accounts?|profiles?|customers?|members?|employees?|patients?)(\/\{[^}]*\})?$/i;

/**
 * Values of A's answer that this attacker finds nowhere by itself: what A planted, else text of an
 * object that A's own lists have and the attacker's have not. Empty where nothing says that the
 * object is A's: two accounts that reach the same catalogue prove nothing.
 */
export function distinctValues(
  run: Run,
  object: OwnedObject,
  own: Exchange,
  attacker: Actor,
): readonly string[] {
  const planted = run.knowledge.planted.filter((value) => shows(own.answer, value));
  if (planted.length > 0) return planted.slice(0, VALUES_MAX);
  const theirs = foundByItself(run, attacker);
  if (!isOfA(run, object, own) && !isListedToAOnly(run, object, attacker)) return [];
  const names = run.actors.a?.identity ?? [];
  const values = leavesOf(own.answer?.json).flatMap(({ key, value }) => {
    if (typeof value !== 'string' && typeof value !== 'number') return [];
    const text = String(value);
    if (names.includes(text) && text.length >= 6) return [text];
    if (isSensitiveField(key) && text.length >= 4) return [text];
    return text.length >= 8 && !/^\d{4}-\d\d-\d\d/.test(text) ? [text] : [];
  });
  return [...new Set(values)]
    .filter((value) => !theirs.some(({ exchange }) => shows(exchange.answer, value)))
    .slice(0, VALUES_MAX);
}

/** Whether the object says that it is A's: A's identity under an owner's name, or unmistakable. */
export function isOfA(run: Run, object: OwnedObject, own: Exchange): boolean {
  const names = run.actors.a?.identity ?? [];
  // A short number is the id of many things: it names A only where people are selected.
  const ofPeople = isOwnerField(snake(object.selector.name)) || PEOPLE.test(object.collection);
  if (names.includes(object.id) && (ofPeople || object.id.length >= 8)) return true;
  return leavesOf(own.answer?.json).some(({ key, value, path }) => {
    if (typeof value !== 'string' && typeof value !== 'number') return false;
    if (!names.includes(String(value))) return false;
    const above = path.slice(0, -1).findLast((one) => typeof one === 'string');
    const named =
      isOwnerField(snake(key)) || (typeof above === 'string' && isOwnerField(snake(above)));
    return named || String(value).includes('@') || String(value).length >= 12;
  });
}

/** Whether A's lists have the id and the attacker's, of the same operation, have not. */
function isListedToAOnly(run: Run, object: OwnedObject, attacker: Actor): boolean {
  const has = (views: Run['knowledge']['views'][Actor['role']]) =>
    (views ?? [])
      .filter(({ call }) => call.operation.path.replace(/\/+$/, '') === object.collection)
      .map(({ exchange }) =>
        leavesOf(exchange.answer?.json).some(({ value }) => String(value) === object.id),
      );
  const inA = has(run.knowledge.views.a);
  const inTheirs = has(run.knowledge.views[attacker.role]);
  return inA.includes(true) && inTheirs.length > 0 && !inTheirs.includes(true);
}
