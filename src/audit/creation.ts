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
import { type Exchange, isGranted } from './exchange.ts';
import type { Json } from './json.ts';
import { isSafe, type Operation } from './operation.ts';
import { candidatesOf } from './candidates.ts';
import type { PoolEntry } from './pool.ts';
import { callsFor } from './reads.ts';
import { repaired, REPAIRS_MAX } from './repair.ts';
import { type Run, send } from './run.ts';
import { isNameField, isPasswordField, singular, snake } from './words.ts';

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
  let refusal: Exchange | null = null;
  for (const call of callsFor(run, operation, pool).filter(mayBeSent).slice(0, 3)) {
    const lookup = lookupFrom(call, pool, actor, known);
    const body = preferredBody(operation);
    if (body === null) {
      // Some want a type that no form can send, though there is nothing to be sent.
      const asJson: Call = { ...call, body: {}, contentType: 'application/json' };
      for (const empty of isSafe(operation.method) ? [call] : [call, asJson]) {
        const exchange = await send(run, empty, actor);
        if (isGranted(exchange))
          return { sent: { recipe: { call: empty, planted: [] }, exchange }, refusal: null };
        refusal = exchange;
        if (exchange.answer?.status !== 415) break;
      }
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
  { operation, path: selected }: Call,
  pool: readonly PoolEntry[],
  actor: Actor,
  known: Lookup,
): Lookup {
  return (name, path, schema) => {
    const given = known(name, path, schema);
    if (given !== undefined) return given;
    const key = snake(name);
    // What selects the object stays: with another slug nothing that was learned would find it.
    const selector = pool.find(
      (entry) => entry.key === key && Object.values(selected).includes(entry.value),
    );
    if (selector !== undefined) return typed(selector.value, schema);
    if (isOwnerField(key)) {
      const own = namesFor(key, actor).find(
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

/** An id that says nothing by itself, as databases make them. */
const OPAQUE = /^[0-9a-f]{8}-[0-9a-f-]{27}$|^(?=.*\d)[0-9a-z]{15,}$/i;

/** What names the actor, an id first where none of its names is asked for. */
function namesFor(key: string, { identity, account }: Actor): readonly string[] {
  if (/name|mail|login/.test(key)) return identity;
  const isId = (value: string) => OPAQUE.test(value) && value !== account?.username;
  return identity.toSorted((one, other) => Number(isId(other)) - Number(isId(one)));
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
