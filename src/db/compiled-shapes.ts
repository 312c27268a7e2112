import type { Compilable, CompiledQuery, QueryCompiler } from 'kysely';
import { compileWith, operationNodeOf } from './application-dialect.ts';
import type { Statement } from './batch.ts';
import { callsNothing } from './calls-nothing.ts';

/**
 * A query that was compiled, without the values of its bind parameters, and in what order the
 * values of another of the same shape go into the statement.
 */
export interface CompiledShape {
  readonly node: unknown;
  readonly compiled: CompiledQuery & Pick<Statement, 'callsNothing'>;
  readonly order: readonly number[];
}

/** Behind so many, a query whose shape differs from request to request is compiled each time. */
const SHAPES_MAX = 16;

/**
 * Compiles the query, or takes the text of one of the same shape. What is compared is the whole
 * tree but the values that are sent as bind parameters: every name, operator, raw text and literal
 * that the text, and what the first wall made of it, depends on. Two trees that are equal so far
 * compile to the same text.
 *
 * @param shapes those of one place in the program, to which this one is added.
 */
export function compileByShape(
  compiler: QueryCompiler,
  shapes: CompiledShape[],
  query: Compilable,
): CompiledQuery & Pick<Statement, 'callsNothing'> {
  const node = operationNodeOf(query);
  for (const { node: known, compiled, order } of shapes) {
    const values: unknown[] = [];
    if (!isSameShape(node, known, values)) continue;
    return { ...compiled, parameters: order.map((index) => values[index]) };
  }
  if (shapes.length < SHAPES_MAX) {
    const shape = shapeOf(compiler, node);
    if (shape) shapes.push(shape);
  }
  return compileWith(compiler, query);
}

/** The place of a value among those of its tree. */
class Place {
  readonly index: number;
  constructor(index: number) {
    this.index = index;
  }
}

/** Null where the statement has a parameter that is none of the tree's values. */
function shapeOf(compiler: QueryCompiler, node: object): CompiledShape | null {
  let count = 0;
  const shape = withoutValues(node, () => new Place(count++)) as object;
  const compiled = compileWith(compiler, { toOperationNode: () => shape } as never);
  const places = compiled.parameters.filter((parameter) => parameter instanceof Place);
  if (places.length < compiled.parameters.length) return null;
  const judged = callsNothing(compiled.sql)
    ? { ...compiled, callsNothing: true as const }
    : compiled;
  return { node: shape, compiled: judged, order: places.map(({ index }) => index) };
}

/** The tree with a place for each value that becomes a bind parameter. */
function withoutValues(tree: unknown, place: () => Place): unknown {
  if (Array.isArray(tree)) return tree.map((each) => withoutValues(each, place));
  if (!isPlain(tree)) return tree;
  if (isValue(tree)) return { ...tree, value: place() };
  if (isValueList(tree)) return { ...tree, values: tree.values.map(place) };
  return Object.fromEntries(
    Object.entries(tree).map(([key, child]) => [key, withoutValues(child, place)]),
  );
}

/** Whether the trees differ in nothing but such values; `values` takes those of the first. */
function isSameShape(tree: unknown, known: unknown, values: unknown[]): boolean {
  if (Array.isArray(tree)) {
    if (!Array.isArray(known) || tree.length !== known.length) return false;
    for (let index = 0; index < tree.length; index++) {
      if (!isSameShape(tree[index], known[index], values)) return false;
    }
    return true;
  }
  if (!isPlain(tree) || !isPlain(known)) return Object.is(tree, known);
  if (isValue(tree)) {
    values.push(tree.value);
    return isValue(known);
  }
  if (isValueList(tree)) {
    values.push(...tree.values);
    return isValueList(known) && tree.values.length === known.values.length;
  }
  let keys = 0;
  for (const key in tree) {
    if (!isSameShape(tree[key], known[key], values)) return false;
    keys += 1;
  }
  for (const _ in known) keys -= 1;
  return keys === 0;
}

type Plain = Readonly<Record<string, unknown>>;

/** Kysely's nodes are; what else stands in a tree is the same only if it is the very same. */
function isPlain(tree: unknown): tree is Plain {
  return (
    typeof tree === 'object' && tree !== null && Object.getPrototypeOf(tree) === Object.prototype
  );
}

/** An immediate one is part of the text. */
function isValue(node: Plain): node is Plain & { readonly value: unknown } {
  return node['kind'] === 'ValueNode' && node['immediate'] !== true;
}

function isValueList(node: Plain): node is Plain & { readonly values: readonly unknown[] } {
  return node['kind'] === 'PrimitiveValueListNode';
}
