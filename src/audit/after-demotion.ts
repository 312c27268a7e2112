import type { Actor, Credential } from './actor.ts';
import type { Call } from './call.ts';
import { shows } from './canary.ts';
import { compose, type Sent } from './creation.ts';
import { describe, type Exchange, isGranted, isRefused } from './exchange.ts';
import { bodyFieldsOf, objectOf, plainSchema } from './fields.ts';
import { isObject, type Json, leavesOf } from './json.ts';
import type { Granted } from './knowledge.ts';
import type { Operation, Schema } from './operation.ts';
import { type Run, send } from './run.ts';
import { openSession } from './sessions.ts';
import { inconclusive, notTested, sound, step, type Verdict } from './verdict.ts';
import { describeWindow, fieldIn, measureWindow, severityOf } from './window.ts';
import { isNameField, isPasswordField, ROLE_FIELD, snake, wordsOf } from './words.ts';

const SUBJECT = 'after a role was taken away';

const READS_MAX = 6;

/**
 * Lets the superior give B its role, opens a session of B with it, takes the role away and tries
 * that session on what only the role may read.
 */
export async function afterDemotion(run: Run): Promise<Verdict> {
  const { superior, b } = run.actors;
  if (superior === null || b === null)
    return notTested(SUBJECT, 'it takes B and a superior (--b, --superior)');
  if (!run.settings.allowWrites)
    return notTested(SUBJECT, 'writing is not allowed (--allow-writes)');
  const roles = await rolesOf(run, superior, b);
  if (roles === null) return notTested(SUBJECT, 'no field of the accounts says their role');
  const operations = run.operations.filter((one) => setsRole(run, one));
  for (const operation of operations) {
    const raised = await setField(run, superior, b, operation, ROLE_FIELD, roles.high);
    if (raised === null) continue;
    const session = await openSession(run, b.account, 'b-raised');
    const lowered = await setField(run, superior, b, operation, ROLE_FIELD, roles.low);
    if (session === null || lowered === null) {
      return inconclusive(operation.id, 'the role could not be taken away, or used, again');
    }
    return judge(run, {
      operation,
      superior,
      b,
      credential: session.credential,
      raised,
      lowered,
      roles,
    });
  }
  return notTested(
    SUBJECT,
    operations.length === 0 ? 'no operation sets a role' : 'no operation gave B the role',
  );
}

interface Demotion {
  readonly operation: Operation;
  readonly superior: Actor;
  readonly b: Actor;
  readonly credential: Credential;
  readonly raised: Sent;
  readonly lowered: Sent;
  readonly roles: { readonly high: Json; readonly low: Json };
}

async function judge(run: Run, demotion: Demotion): Promise<Verdict> {
  const { operation, superior, b, credential, raised, lowered } = demotion;
  const ordinary = await openSession(run, b.account, 'b-ordinary');
  if (ordinary === null)
    return inconclusive(operation.id, 'another session of B could not be opened');
  const asOrdinary = { ...b, credential: ordinary.credential };
  const [guarded] = await guardedReads(run, superior, asOrdinary, 1);
  // Where no read is of the role alone, setting the role that B has anyway changes nothing.
  const call: Call = guarded?.call ?? lowered.recipe.call;
  const refused = await send(run, call, asOrdinary);
  if (!isRefused(refused))
    return inconclusive(operation.id, 'nothing is refused to B without the role');
  const window = await measureWindow(run, async () => {
    const exchange = await send(run, call, { label: 'b-raised', credential });
    if (isRefused(exchange)) return { granted: false, exchange };
    return isGranted(exchange) ? { granted: true, exchange } : null;
  });
  const subject = operation.id;
  if (window === 'closed') return sound(subject, 'the role is gone at once');
  if (window === 'unclear')
    return inconclusive(
      subject,
      `no judgement after the role was taken away: ${describe(lowered.exchange)}`,
    );
  return {
    verdict: 'finding',
    cause: 'roles outlive their withdrawal',
    severity: severityOf(window, credential, run),
    confidence: 'confirmed',
    title: `A role goes on working after it was taken away (${call.operation.id})`,
    detail: `B was given a role, signed in, and lost it again; its session could still use it ${describeWindow(window, credential, run)}.`,
    subjects: [call.operation.id],
    evidence: [
      step('the role is taken away', lowered.exchange),
      step('the session from before still uses it', window.exchange),
    ],
    controls: [
      step('B was given the role', raised.exchange),
      step('a session of B from afterwards is refused', refused),
    ],
  };
}

/** Reads of the superior's that B is refused, with the refusal. */
export async function guardedReads(
  run: Run,
  superior: Actor,
  b: Actor,
  most = READS_MAX,
): Promise<readonly (Granted & { readonly refused: Exchange })[]> {
  const found: (Granted & { readonly refused: Exchange })[] = [];
  for (const granted of run.knowledge.views.superior ?? []) {
    if (found.length >= most) break;
    if (run.knowledge.matrix.get(granted.call.operation.id)?.b === 'granted') continue;
    const refused = await send(run, granted.call, b);
    if (!isRefused(refused)) continue;
    const exchange = await send(run, granted.call, superior);
    if (isGranted(exchange)) found.push({ ...granted, exchange, refused });
  }
  return found;
}

/** The roles of the two, as who-am-I has them; null where it says none, or the same. */
export async function rolesOf(run: Run, superior: Actor, b: Actor) {
  const { control } = run.knowledge;
  if (control === null) return null;
  const high = fieldIn(await send(run, control.call, superior), ROLE_FIELD)?.value;
  const low = fieldIn(await send(run, control.call, b), ROLE_FIELD)?.value;
  return high === undefined || low === undefined || high === low ? null : { high, low };
}

/**
 * Whether it sets the role of an account that it names, in its path or its body. What is sent to
 * where the own account is read changes that one, whoever is named.
 */
export function setsRole({ knowledge }: Run, operation: Operation): boolean {
  const { method, path } = operation;
  const isOwnAccount = (knowledge.views.a ?? []).some(
    ({ call, actor, exchange }) =>
      call.operation.path === path &&
      Object.keys(call.path).length === 0 &&
      isObject(exchange.answer?.json) &&
      actor.identity.some((value) => value.length >= 3 && shows(exchange.answer, value)),
  );
  if (isOwnAccount) return false;
  const names = bodyFieldsOf(operation).map(({ name }) => name);
  if (!['PUT', 'PATCH', 'POST'].includes(method)) return false;
  const isNew = names.some((name) => isPasswordField(name)) && !path.includes('{');
  const namesSomebody = path.includes('{') || names.some((name) => isNameField(name));
  return namesSomebody && !isNew && names.some((name) => ROLE_FIELD.test(snake(name)));
}

/**
 * Sets a field of another account by an operation of the superior's, and nothing else of it: what
 * the operation takes beside it gets the value that the account has, or is left out where it may
 * be. Null where it is refused.
 */
export async function setField(
  run: Run,
  superior: Actor,
  target: Actor,
  operation: Operation,
  field: RegExp,
  value: Json,
): Promise<Sent | null> {
  const isId = (text: string) => /^\d+$|^[0-9a-f-]{24,36}$/i.test(text);
  const names = target.identity.toSorted((one, other) => Number(isId(other)) - Number(isId(one)));
  const pool = names.flatMap((text) =>
    operation.parameters
      .filter(({ in: place }) => place === 'path')
      .map(({ name }) => ({
        key: snake(name),
        above: '',
        value: text,
        from: { operation, path: {}, query: {}, headers: {}, body: undefined, contentType: null },
        isCreated: true,
        object: '',
        selects: null,
      })),
  );
  const current = valuesOf(run, superior, target);
  const lookup = (name: string) => {
    const key = snake(name);
    if (field.test(key)) return value;
    if (isPasswordField(name) && target.account?.kind === 'password')
      return target.account.password;
    if (current.has(key)) return current.get(key);
    return wordsOf(name).includes('id')
      ? target.identity.find((one) => /^\d+$/.test(one))
      : undefined;
  };
  const narrow = narrowed(operation, (name) => field.test(snake(name)) || current.has(snake(name)));
  const { sent } = await compose(run, superior, narrow, pool, lookup);
  return sent;
}

/** What the superior's reads say of an account, by the names of its fields. */
function valuesOf(run: Run, superior: Actor, target: Actor): ReadonlyMap<string, Json> {
  const names = target.identity.filter((value) => value.length >= 3);
  const found = new Map<string, Json>();
  for (const { exchange } of run.knowledge.views[superior.role] ?? []) {
    const leaves = leavesOf(exchange.answer?.json);
    const own = leaves.find(({ value }) => names.includes(String(value)));
    const above = own?.path.slice(0, -1).join('.');
    for (const { key, path, value } of own === undefined ? [] : leaves) {
      if (path.slice(0, -1).join('.') === above && !found.has(snake(key)))
        found.set(snake(key), value);
    }
  }
  return found;
}

/** The operation with those fields of its bodies alone that it requires, or that are to be kept. */
function narrowed(operation: Operation, keeps: (name: string) => boolean): Operation {
  const bodies = operation.bodies.map((body) => ({
    ...body,
    example: undefined,
    schema: narrowedSchema(body.schema, keeps, 0),
  }));
  return { ...operation, bodies };
}

function narrowedSchema(given: Schema, keeps: (name: string) => boolean, depth: number): Schema {
  const schema = plainSchema(given);
  const { properties, required } = objectOf(schema);
  const kept = Object.entries(properties).flatMap(([name, property]) => {
    const inner = depth > 4 ? property : narrowedSchema(property, keeps, depth + 1);
    const isKept = required.includes(name) || keeps(name) || objectOf(inner).required.length > 0;
    return isKept ? [[name, inner] as const] : [];
  });
  if (Object.keys(properties).length === 0) return schema;
  // All of them are sent: where nothing is required, a body is built of everything.
  const names = kept.map(([name]) => name);
  return { type: 'object', properties: Object.fromEntries(kept), required: names };
}
