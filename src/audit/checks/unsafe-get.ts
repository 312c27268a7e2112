import type { Actor } from '../actor.ts';
import { type Call, selectorsOf, withSelected } from '../call.ts';
import { shows } from '../canary.ts';
import type { Check } from '../check.ts';
import { plainCall } from '../access.ts';
import { isDangerous, isReadable } from '../dangers.ts';
import { type Exchange, isBroken, isGranted } from '../exchange.ts';
import { type Json, leavesOf, withValueAt } from '../json.ts';
import type { OwnedObject, ProvenWrite } from '../knowledge.ts';
import type { Operation } from '../operation.ts';
import { pathParametersOf } from '../operation.ts';
import { type Run, send } from '../run.ts';
import { inconclusive, notTested, sound, step, type Verdict } from '../verdict.ts';
import { snake } from '../words.ts';

/** Fields that a read may change with reason: how often and when it was read. */
const READING_FIELD =
  /(^|_)(views?|view_count|count|counter|hits|reads|read_at|seen|last_\w+|\w+_at|accessed\w*|visited\w*|updated|modified|timestamp|time|date|token|nonce|etag|version|expires\w*)$/;

/** GET requests that change something: a link, an image or a preview of a message makes them. */
export const unsafeGet: Check = {
  id: 'unsafe-get',
  title: 'A GET changes something',
  cwe: [650],
  owaspApi: ['API8:2023'],
  asvs: ['3.5.3'],
  phase: 'unknown',
  needs: ['a', 'identity', 'writes'],
  effect: 'writes',
  repair: {
    fastapi: 'Register what changes something with `@router.post`, `put`, `patch` or `delete`.',
    fastify: 'Register what changes something with `app.post`, `put`, `patch` or `delete`.',
    sallyport:
      'Safe methods run with a decision for reads, in a transaction that a write would need another one for; writes have an origin check and a token.',
  },
  async run(run) {
    const { a } = run.actors;
    if (a === null) return [notTested('reads', 'account A is not signed in')];
    const verdicts: Verdict[] = [];
    for (const operation of run.operations) {
      const pair = pairFor(run, operation);
      if (pair !== null) verdicts.push(await attack(run, a, operation, pair));
    }
    if (verdicts.length > 0) return verdicts;
    return [notTested('reads', 'no GET but the reads themselves takes an object of A')];
  },
};

interface Pair {
  readonly object: OwnedObject;
  /** What the operation calls the object's id. */
  readonly parameter: string;
  /** Makes another one like it, where that is known. */
  readonly create: ProvenWrite | null;
}

/** A GET below an object of A's, that is not how the object is read. */
function pairFor(run: Run, operation: Operation): Pair | null {
  const [parameter, ...others] = pathParametersOf(operation.path);
  if (operation.method !== 'GET' || isDangerous(operation) || parameter === undefined) return null;
  if (
    others.length > 0 ||
    operation.parameters.some(({ in: place, required }) => required && place === 'query')
  )
    return null;
  const collection = operation.path.slice(0, operation.path.indexOf('{')).replace(/\/$/, '');
  const ofCollection = run.knowledge.objects.filter(
    (object) =>
      object.collection === collection &&
      object.selector.in === 'path' &&
      object.read.call.operation.path.endsWith('}') &&
      object.read.call.operation.id !== operation.id,
  );
  const object = ofCollection.find(({ ownership }) => ownership === 'created') ?? ofCollection[0];
  if (object === undefined || object.ownership === 'reachable') return null;
  const create = run.knowledge.writes.find(
    ({ kind, granted }) =>
      kind === 'creates' && granted.call.operation.path.replace(/\/$/, '') === collection,
  );
  // What does something that nobody knows is done to what this run has made, and to nothing else.
  if (create === undefined && object.ownership !== 'created' && !isReadable(operation)) return null;
  return { object, parameter, create: create ?? null };
}

async function attack(
  run: Run,
  a: Actor,
  operation: Operation,
  { object, parameter, create }: Pair,
): Promise<Verdict> {
  const subject = operation.id;
  const seen: Seen[] = [];
  // Each on an object of its own: what was changed once may not change again.
  for (let count = 0; count < 2; count += 1) {
    const made = create === null ? null : await another(run, a, object, create);
    if (made === null && object.ownership !== 'created' && !isReadable(operation)) {
      return notTested(subject, 'it seems to do something, and no object was made for it');
    }
    const id = made ?? object.id;
    const read = at(object.read.call, object, id);
    const first = await send(run, read, a);
    const before = await send(run, read, a);
    if (!isGranted(first) || !isGranted(before)) {
      return inconclusive(subject, 'an own object is no longer read', step('A reads', before));
    }
    const called = await send(run, { ...plainCall(operation), path: { [parameter]: id } }, a);
    const after = await send(run, read, a);
    if (isBroken(called) || isBroken(after)) {
      return inconclusive(subject, 'it broke', step('A calls it', called));
    }
    const changed = differences(first, before, after);
    if (changed.length === 0)
      return sound(subject, 'the object was read alike before and after it');
    seen.push({ before, called, after, changed });
    if (id === object.id) break;
  }
  const [one] = seen;
  if (one === undefined) return sound(subject, 'nothing was called');
  return {
    verdict: 'finding',
    cause: `${subject} changes what it should read`,
    severity: a.ambient === null ? 'low' : 'medium',
    confidence: seen.length > 1 ? 'confirmed' : 'probable',
    title: `A GET changes something: ${subject}`,
    detail: `Two reads of an object of A's were alike; after the GET it was different: ${one.changed.join(', ')}. A link does that for whoever follows it, and for programs that look at links before people do.`,
    subjects: [subject],
    evidence: seen.flatMap(({ called, after }) => [
      step('A calls it', called),
      step('The object afterwards', after),
    ]),
    controls: seen.map(({ before }) => step('The object before', before)),
  };
}

interface Seen {
  readonly before: Exchange;
  readonly called: Exchange;
  readonly after: Exchange;
  readonly changed: readonly string[];
}

/** What is different after, in fields that did not differ between two reads before. */
function differences(first: Exchange, before: Exchange, after: Exchange): readonly string[] {
  if (!isGranted(after)) return ['it is gone'];
  const texts = ({ answer }: Exchange) =>
    new Map(leavesOf(answer?.json).map(({ path, key, value }) => [path.join('.'), { key, value }]));
  const [one, two, three] = [texts(first), texts(before), texts(after)];
  return [...two].flatMap(([path, { key, value }]) => {
    if (READING_FIELD.test(snake(key)) || one.get(path)?.value !== value) return [];
    const now = three.get(path);
    if (now !== undefined && now.value === value) return [];
    return [`${path} was ${JSON.stringify(value)} and is ${JSON.stringify(now?.value ?? null)}`];
  });
}

/** The id of a new object like this one, or null where none comes to be. */
async function another(
  run: Run,
  a: Actor,
  object: OwnedObject,
  { granted, field }: ProvenWrite,
): Promise<string | null> {
  const canary = run.canary();
  const call: Call = { ...granted.call, body: withValueAt(granted.call.body, field, canary) };
  const made = await send(run, call, a);
  const ids = [...idsIn(made.answer?.json), lastOf(made.answer?.headers['location'])];
  for (const id of ids) {
    if (id === null || id === object.id) continue;
    const { answer } = await send(run, at(object.read.call, object, id), a);
    if (shows(answer, canary)) return id;
  }
  return null;
}

function idsIn(document: Json | undefined): string[] {
  return leavesOf(document)
    .filter(
      ({ key, value }) => /(^|_)(id|uuid|guid|slug|key|number)$/.test(snake(key)) && value !== null,
    )
    .slice(0, 4)
    .map(({ value }) => String(value));
}

function lastOf(location: string | undefined): string | null {
  return (
    location
      ?.split(/[?#]/)[0]
      ?.split('/')
      .findLast((part) => part !== '') ?? null
  );
}

function at(call: Call, object: OwnedObject, id: string): Call {
  return selectorsOf(call, object.id)
    .filter(({ in: place }) => place === 'path')
    .reduce((changed, selector) => withSelected(changed, selector, id), call);
}
