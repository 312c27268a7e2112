import type { Actor } from './actor.ts';
import { plainCall } from './access.ts';
import type { Call } from './call.ts';
import { isReadable } from './dangers.ts';
import { type Exchange, isGranted } from './exchange.ts';
import type { Granted } from './knowledge.ts';
import { isSafe, type Operation, type Parameter } from './operation.ts';
import { CANDIDATES_MAX, candidatesOf } from './candidates.ts';
import { boundEntries, entriesOf, type PoolEntry, type Template, templatesOf } from './pool.ts';
import { type Run, send } from './run.ts';
import { valueFor } from './values.ts';

/** What is being learned about one account's view of the target. */
export interface View {
  readonly actor: Actor;
  readonly granted: Granted[];
  readonly pool: PoolEntry[];
  /** Canaries that this account has planted. */
  readonly planted: string[];
  readonly templates: readonly Template[];
  /** The last answer of each operation that was not granted. */
  readonly refused: Map<string, Exchange>;
  /** Operations for which no value was found. */
  readonly unbound: Map<string, string>;
}

export function newView(actor: Actor, operations: readonly Operation[]): View {
  return {
    actor,
    granted: [],
    pool: [],
    planted: [],
    templates: templatesOf(operations),
    refused: new Map(),
    unbound: new Map(),
  };
}

/** Objects of one collection whose detail is read; the rest is alike. */
const DETAILS_MAX = 2;

/**
 * Reads what an account can read: lists first, then what they lead to, with values from the
 * answers. Each round may give values that the next one needs.
 */
export async function readAll(
  run: Run,
  view: View,
  operations: readonly Operation[],
): Promise<void> {
  const open = operations
    .filter(isReadable)
    .toSorted((one, other) => one.path.split('{').length - other.path.split('{').length);
  const done = new Map<string, number>();
  for (let round = 0; round < 3; round += 1) {
    let news = 0;
    for (const operation of open) {
      const had = done.get(operation.id) ?? 0;
      if (had >= DETAILS_MAX) continue;
      const before = view.granted.length;
      await readOne(run, view, operation, DETAILS_MAX - had);
      const got = view.granted.length - before;
      done.set(operation.id, operation.path.includes('{') ? had + got : DETAILS_MAX);
      news += got;
    }
    if (news === 0) break;
  }
}

async function readOne(run: Run, view: View, operation: Operation, wanted: number): Promise<void> {
  const calls = callsFor(run, operation, view.pool);
  if (calls.length === 0) {
    view.unbound.set(operation.id, 'no value for its parameters was found');
    return;
  }
  view.unbound.delete(operation.id);
  let got = 0;
  for (const call of calls.slice(0, CANDIDATES_MAX)) {
    if (got >= wanted || view.granted.some((one) => isSameCall(one.call, call))) continue;
    const exchange = await send(run, call, view.actor);
    if (!isGranted(exchange)) {
      view.refused.set(operation.id, exchange);
      continue;
    }
    got += 1;
    keep(view, call, exchange);
  }
}

/** Takes a granted call and the values of its answer into a view. */
export function keep(view: View, call: Call, exchange: Exchange, isCreated = false): void {
  if (isSafe(call.operation.method)) view.granted.push({ call, actor: view.actor, exchange });
  const known = new Set(view.pool.map(({ key, value }) => `${key}=${value}`));
  const { planted, templates } = view;
  const places = new Set(view.pool.map(({ selects, value }) => `${selects}=${value}`));
  for (const entry of boundEntries(call)) {
    if (!places.has(`${entry.selects}=${entry.value}`)) view.pool.push(entry);
  }
  for (const entry of entriesOf(call, exchange, { isCreated, planted, templates })) {
    if (entry.isCreated || !known.has(`${entry.key}=${entry.value}`)) view.pool.push(entry);
  }
}

/** Concrete calls of an operation without a body: each with other values of its parameters. */
export function callsFor(
  run: Run,
  operation: Operation,
  pool: readonly PoolEntry[],
): readonly Call[] {
  const needed = operation.parameters.filter((one) => one.required || one.in === 'path');
  let calls: readonly Call[] = [plainCall(operation)];
  for (const parameter of inOrder(operation, needed)) {
    calls = calls
      .flatMap((call) =>
        valuesFor(run, operation, parameter, pool, call).map((value) =>
          withParameter(call, parameter, value),
        ),
      )
      .slice(0, 8);
  }
  return calls;
}

function valuesFor(
  run: Run,
  operation: Operation,
  parameter: Parameter,
  pool: readonly PoolEntry[],
  call: Call,
): readonly string[] {
  const known = candidatesOf(operation, parameter, pool, call.path).map(({ value }) => value);
  if (known.length > 0) return known.slice(0, CANDIDATES_MAX);
  const { example, schema } = parameter;
  const stated = [
    example,
    schema['example'],
    schema['default'],
    ...(Array.isArray(schema['enum']) ? schema['enum'] : []),
  ];
  const usable = stated.filter((one) => typeof one === 'string' || typeof one === 'number');
  if (usable.length > 0) return [...new Set(usable.map(String))].slice(0, 2);
  // A required search word or date may be anything; an id may not.
  if (parameter.in === 'path') return [];
  return [String(valueFor(parameter.name, schema, run.canary()).value)];
}

/** Credentials are not parameters, though some documents list them: an actor brings them. */
function inOrder(operation: Operation, needed: readonly Parameter[]): readonly Parameter[] {
  return needed
    .filter(
      ({ in: place, name }) =>
        place !== 'cookie' &&
        !(place === 'header' && /authorization|token|api-?key|cookie|csrf|xsrf/i.test(name)),
    )
    .toSorted(
      (one, other) =>
        operation.path.indexOf(`{${one.name}}`) - operation.path.indexOf(`{${other.name}}`),
    );
}

function withParameter(call: Call, { in: place, name }: Parameter, value: string): Call {
  if (place === 'path') return { ...call, path: { ...call.path, [name]: value } };
  if (place === 'query') return { ...call, query: { ...call.query, [name]: value } };
  return { ...call, headers: { ...call.headers, [name]: value } };
}

export function isSameCall(one: Call, other: Call): boolean {
  const keyOf = ({ operation, path, query, headers, body }: Call) =>
    JSON.stringify([operation.id, path, query, headers, body]);
  return keyOf(one) === keyOf(other);
}
