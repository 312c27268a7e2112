import type { Actor } from './actor.ts';
import {
  buildBody,
  type BuiltBody,
  type Lookup,
  type Planted,
  preferredBody,
  replanted,
} from './bodies.ts';
import type { Call } from './call.ts';
import { complaintsOf } from './complaints.ts';
import { isDangerous } from './dangers.ts';
import { type Exchange, isGranted } from './exchange.ts';
import type { Json } from './json.ts';
import type { Operation } from './operation.ts';
import { candidatesOf } from './candidates.ts';
import type { PoolEntry } from './pool.ts';
import { callsFor } from './reads.ts';
import { repaired, REPAIRS_MAX } from './repair.ts';
import { type Run, send } from './run.ts';
import { isNameField, isPasswordField, singular, snake, wordsOf } from './words.ts';

/** A call with a body that the target took, and where its canaries are. */
export interface Recipe {
  readonly call: Call;
  readonly planted: readonly Planted[];
}

/** What was sent by a recipe. */
export interface Sent {
  readonly recipe: Recipe;
  readonly exchange: Exchange;
}

/** Words of operations that do something else than make or change an object. */
const NO_OBJECT =
  /\b(log ?in|sign ?in|log ?out|sign ?out|sign ?up|signup|register|registration|token|password|refresh|recover|recovery|forgot|otp|2fa|mfa|totp|verify|verification|confirm|resend|invite|invitation|invitations|webauthn|passkey|unsubscribe|deactivate|disable|enable|close|delete|remove|destroy|leave|erase|terminate|revoke|cancel|archive|keep|accept|decline|reject|revert|reversions?|re ?authenticat\w*|reauthentication|mails?|impersonate|transfer|suspend|ban|block|end|stop)\b/;

/** Whether an operation may make an object that can be made without harm. */
export function makesObjects(operation: Operation): boolean {
  return operation.method === 'POST' && changesObjects(operation);
}

export function changesObjects(operation: Operation): boolean {
  if (isDangerous(operation)) return false;
  const segments = operation.path.split('/').filter((part) => !part.includes('{'));
  const words = [...segments, operation.name].flatMap(wordsOf).join(' ');
  return !NO_OBJECT.test(words);
}

/**
 * Sends an operation as this actor, with a body that is built from its schema and repaired from
 * what the target says is wrong with it. Returns what was granted, or the last refusal.
 */
export async function compose(
  run: Run,
  actor: Actor,
  operation: Operation,
  pool: readonly PoolEntry[],
  known: Lookup = () => undefined,
  mayBeSent: (call: Call) => boolean = () => true,
): Promise<{ readonly sent: Sent | null; readonly refusal: Exchange | null }> {
  const lookup = lookupFrom(operation, pool, actor, known);
  let refusal: Exchange | null = null;
  for (const call of callsFor(run, operation, pool).filter(mayBeSent).slice(0, 3)) {
    const body = preferredBody(operation);
    if (body === null) {
      const exchange = await send(run, call, actor);
      if (isGranted(exchange))
        return { sent: { recipe: { call, planted: [] }, exchange }, refusal: null };
      refusal = exchange;
      continue;
    }
    const contentType = body.contentType.includes('*') ? 'application/json' : body.contentType;
    let built: BuiltBody | null = buildBody(body, run.canary, lookup);
    for (let round = 0; built !== null && round <= REPAIRS_MAX; round += 1) {
      const filled: Call = { ...call, body: built.body, contentType };
      const exchange = await send(run, filled, actor);
      if (isGranted(exchange)) {
        return {
          sent: { recipe: { call: filled, planted: built.planted }, exchange },
          refusal: null,
        };
      }
      refusal = exchange;
      const { answer } = exchange;
      if (answer === null || ![400, 409, 412, 415, 422, 500].includes(answer.status)) break;
      built = repaired(built, complaintsOf(answer.json, answer.text), run.canary, lookup);
    }
  }
  return { sent: null, refusal };
}

/** The recipe once more, with fresh canaries in place of the last. */
export function refreshed(run: Run, recipe: Recipe): Recipe {
  const { call, planted } = recipe;
  if (call.body === undefined) return recipe;
  const again = replanted({ body: call.body, planted }, run.canary);
  return { call: { ...call, body: again.body }, planted: again.planted };
}

/** Ids of other objects, and what is the actor's own, from what its answers have shown. */
function lookupFrom(
  operation: Operation,
  pool: readonly PoolEntry[],
  actor: Actor,
  known: Lookup,
): Lookup {
  return (name, path, schema) => {
    const given = known(name, path, schema);
    if (given !== undefined) return given;
    const key = snake(name);
    if (isOwnerField(key)) {
      const own = actor.identity.find(
        (value) =>
          (schema['type'] === 'integer' ? /^\d+$/.test(value) : true) &&
          (key.includes('mail') ? value.includes('@') : true),
      );
      if (own !== undefined && !isNameField(name)) return typed(own, schema);
    }
    if (/^tenant(_id)?$/.test(key) && actor.tenant !== null) return typed(actor.tenant, schema);
    if (
      !/(^|_)(id|ids|uuid|guid|slug|code|ref|key)$|[a-z]Id$/.test(name) &&
      schema['format'] !== 'uuid'
    )
      return undefined;
    if (isPasswordField(name) || /^(id|uuid|slug|code|key|ref)$/.test(key)) return undefined;
    const parameter = { name: singular(key), in: 'query' as const, schema };
    const [entry] = candidatesOf({ ...operation, path: '' }, parameter, pool, {});
    return entry === undefined ? undefined : typed(entry.value, schema);
  };
}

/** A field that says whose an object is. */
export function isOwnerField(key: string): boolean {
  return /^(user|owner|author|creator|created_by|account|customer|member|seller|person|profile|uploader|requester|user_name|username)(_?(id|uuid|name))?$/.test(
    key,
  );
}

function typed(value: string, schema: { readonly [keyword: string]: unknown }): Json {
  const isNumber = schema['type'] === 'integer' || schema['type'] === 'number';
  return /^\d{1,15}$/.test(value) && (isNumber || schema['type'] === undefined)
    ? Number(value)
    : value;
}
