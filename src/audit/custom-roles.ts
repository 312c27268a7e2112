import { plainCall } from './access.ts';
import type { Actor } from './actor.ts';
import type { Call } from './call.ts';
import { compose } from './creation.ts';
import { type Exchange, isGranted } from './exchange.ts';
import { plainSchema, requiring, typeOf } from './fields.ts';
import { type Json, type Leaf, leavesOf, type Scalar } from './json.ts';
import { type Operation, pathParametersOf, type Schema } from './operation.ts';
import { entryFor, OWN_ID, type PoolEntry } from './pool.ts';
import { keep, newView } from './reads.ts';
import {
  NAME,
  namesPerson,
  ROLE,
  type RoleOperations,
  selectsPerson,
  selectsRole,
} from './role-operations.ts';
import { type Run, send } from './run.ts';
import { ROLE_FIELD, snake } from './words.ts';

/** A role that somebody made, or had before: by its name, and what selects it. */
export interface Role {
  readonly id: Scalar;
  readonly name: Scalar;
}

/** What the superior does with roles, and what is known for it. */
export interface RoleRun {
  readonly run: Run;
  readonly superior: Actor;
  readonly b: Actor;
  readonly operations: RoleOperations;
  readonly pool: readonly PoolEntry[];
  /** The role that B has, to be given back, and to make others like it. */
  readonly own: Role;
}

type Beginning = Omit<RoleRun, 'own'>;

/** How a role was given: by this operation, which takes its name or its id. */
export interface Giving {
  readonly operation: Operation;
  readonly by: 'id' | 'name';
}

const PERMITS =
  /^(permissions?|permission_(ids|names|codes|keys)|scopes?|privileges?|capabilities|grants?|rights|abilities|authorities|actions)$/;

/** What the superior sees of roles and people, to fill parameters such as the tenant's with. */
export function poolOf(run: Run, superior: Actor): readonly PoolEntry[] {
  const view = newView(superior, run.operations);
  for (const { call, exchange } of run.knowledge.views.superior ?? []) keep(view, call, exchange);
  return view.pool;
}

/** Makes a role that permits all that the superior knows of, or nothing. Null where refused. */
export async function makeRole(
  context: RoleRun,
  name: string,
  permits: 'everything' | 'nothing',
): Promise<{ readonly role: Role; readonly exchange: Exchange } | null> {
  const { run, superior, operations, pool } = context;
  const known = permissionsSeen(run);
  const like = recordWith(await rolesAnswer(context), String(context.own.name)) ?? [];
  const lookup = (field: string, _: unknown, schema: Schema): Json | undefined => {
    const key = snake(field);
    if (PERMITS.test(key)) return permissionsFor(schema, permits === 'everything' ? known : null);
    if (typeOf(schema) === 'boolean' && /^(can|may|is|allow)_/.test(key)) {
      return permits === 'everything';
    }
    if (NAME.test(key)) return name;
    // A level or the like: one that roles here have.
    const isNumber = ['integer', 'number'].includes(typeOf(schema));
    return isNumber ? like.find((leaf) => snake(leaf.key) === key)?.value : undefined;
  };
  const creation = requiring(requiring(operations.creation, PERMITS), NAME);
  const { sent } = await compose(run, superior, creation, pool, lookup);
  if (sent === null) return null;
  const document = sent.exchange.answer?.json;
  const listed = recordWith(document, name) ?? recordWith(await rolesAnswer(context), name);
  return {
    role: { id: idIn(listed ?? leavesOf(document)) ?? name, name },
    exchange: sent.exchange,
  };
}

/** Every value that the superior's answers have in a field of permissions. */
function permissionsSeen(run: Run): readonly Json[] {
  const values = (run.knowledge.views.superior ?? []).flatMap(({ call, exchange }) => {
    const isList = /permissions?\/?$/i.test(call.operation.path);
    return leavesOf(exchange.answer?.json)
      .filter(
        ({ key }) =>
          PERMITS.test(snake(key)) || (isList && /^(name|code|key|id)$/.test(snake(key))),
      )
      .map(({ value }) => value);
  });
  return [...new Set(values)].filter((value) => value !== null && typeof value !== 'boolean');
}

function permissionsFor(schema: Schema, known: readonly Json[] | null): Json | undefined {
  if (typeOf(schema) !== 'array') return undefined;
  if (known === null) return [];
  const items = plainSchema((schema['items'] ?? {}) as Schema);
  if (Array.isArray(items['enum'])) return items['enum'] as Json[];
  const isNumber = ['integer', 'number'].includes(typeOf(items));
  return known.filter((value) => (typeof value === 'number') === isNumber);
}

/** Gives B a role in one of the ways that fit; each that the target took, in turn. */
export async function* giveRole(
  context: RoleRun,
  role: Role,
): AsyncGenerator<{ readonly giving: Giving; readonly exchange: Exchange }> {
  for (const operation of context.operations.givings) {
    for (const by of role.id === role.name ? (['name'] as const) : (['id', 'name'] as const)) {
      const exchange = await giveBy(context, { operation, by }, role);
      if (exchange !== null) yield { giving: { operation, by }, exchange };
    }
  }
}

/** Gives B a role in this way, or takes it away; null where the target refuses. */
export async function giveBy(
  context: RoleRun,
  { operation, by }: Giving,
  role: Role,
): Promise<Exchange | null> {
  const { run, superior, b } = context;
  const lookup = (field: string, _: unknown, schema: Schema): Json | undefined => {
    const key = snake(field);
    const type = typeOf(schema);
    if (ROLE.test(key)) return type === 'array' ? [role[by]] : role[by];
    if (!namesPerson(key)) return undefined;
    const value = b.identity.find((one) => (type === 'integer' ? /^\d+$/.test(one) : true));
    return value !== undefined && type === 'integer' ? Number(value) : value;
  };
  const { path } = operation;
  const names = pathParametersOf(path);
  const people = names.filter((name) => selectsPerson(path, name));
  const roles = names.filter((name) => selectsRole(path, name));
  const from = plainCall(operation);
  const pool = [
    ...context.pool,
    ...people.flatMap((name) =>
      byId(b.identity).map((one) => entryFor(operation, name, one, from)),
    ),
    ...roles.map((name) => entryFor(operation, name, String(role[by]), from)),
  ];
  // Nobody else is given it, and no other role.
  const isMeant = (call: Call) =>
    people.every((name) => b.identity.includes(call.path[name] ?? '')) &&
    roles.every((name) => call.path[name] === String(role[by]));
  const { sent } = await compose(run, superior, requiring(operation, ROLE), pool, lookup, isMeant);
  return sent?.exchange ?? null;
}

function byId(identity: readonly string[]): readonly string[] {
  const isId = (text: string) => /^\d+$|^[0-9a-f-]{24,36}$/i.test(text);
  return identity.toSorted((one, other) => Number(isId(other)) - Number(isId(one)));
}

/**
 * Sends an operation on one role: its deletion, or its renaming. Null where it was refused; then
 * the refusal is the one that says more than that there is no such role.
 */
export async function changeRole(
  { run, superior, pool }: RoleRun,
  operation: Operation,
  role: Role,
  newName: string | null = null,
): Promise<{ readonly done: Exchange | null; readonly refusal: Exchange | null }> {
  const name = pathParametersOf(operation.path).at(-1) ?? '';
  const one = newName === null ? operation : requiring(operation, NAME);
  const lookup = (field: string) =>
    newName !== null && NAME.test(snake(field)) ? newName : undefined;
  let refused: Exchange | null = null;
  for (const value of new Set([String(role.id), String(role.name)])) {
    const entries = [...pool, entryFor(operation, name, value, plainCall(operation))];
    const isIt = ({ path }: Call) => path[name] === value;
    const { sent, refusal } = await compose(run, superior, one, entries, lookup, isIt);
    if (sent !== null) return { done: sent.exchange, refusal: null };
    if (refused === null || refused.answer?.status === 404) refused = refusal ?? refused;
  }
  return { done: null, refusal: refused };
}

/** Whether a role of this name is there; null where nothing lists them. */
export async function isListed(context: RoleRun, name: string): Promise<boolean | null> {
  const document = await rolesAnswer(context);
  return document === undefined ? null : recordWith(document, name) !== null;
}

async function rolesAnswer(context: Beginning): Promise<Json | undefined> {
  const { run, superior, operations, pool } = context;
  if (operations.list === null) return undefined;
  const { sent } = await compose(run, superior, operations.list, pool);
  return sent?.exchange.answer?.json;
}

/** The role that B has, as its own or the superior's reads say it; null where none does. */
export async function roleOfB(context: Beginning): Promise<Role | null> {
  const { run, b, superior } = context;
  const { control } = run.knowledge;
  const own = control === null ? null : await send(run, control.call, b);
  const seen = (run.knowledge.views.superior ?? []).map(({ exchange }) => exchange);
  for (const exchange of own === null ? seen : [own, ...seen]) {
    if (!isGranted(exchange)) continue;
    const name = b.identity
      .flatMap((value) => recordWith(exchange.answer?.json, value) ?? [])
      .find(({ key, value }) => ROLE_FIELD.test(snake(key)) && value !== null)?.value;
    if (name === undefined || typeof name === 'boolean') continue;
    const record = recordWith(await rolesAnswer({ ...context, superior }), String(name));
    const named = record?.find(({ key }) => NAME.test(snake(key)))?.value;
    return { id: (record === null ? null : idIn(record)) ?? name, name: named ?? name };
  }
  return null;
}

/** The leaves of the smallest object that a value stands in, or null. */
function recordWith(document: Json | undefined, value: string): readonly Leaf[] | null {
  const leaves = leavesOf(document);
  const found = leaves.find((leaf) => String(leaf.value) === value);
  if (found === undefined) return null;
  const above = found.path.slice(
    0,
    found.path.findLastIndex((step) => typeof step === 'string'),
  );
  return leaves.filter(({ path }) => above.every((step, index) => path[index] === step));
}

function idIn(record: readonly Leaf[]): Scalar {
  const ids = record.filter(({ key }) => OWN_ID.test(snake(key)) || snake(key) === 'role_id');
  return (ids.find(({ key }) => /^_?id$/.test(key)) ?? ids[0])?.value ?? null;
}
