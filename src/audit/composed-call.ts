import { buildBody, type Lookup, preferredBody } from './bodies.ts';
import type { Call } from './call.ts';
import { accountValues } from './changes.ts';
import { fieldsOf, typeOf } from './fields.ts';
import { type Json, withValueAt } from './json.ts';
import type { Operation } from './operation.ts';
import { candidatesOf } from './candidates.ts';
import { entriesOf, type PoolEntry } from './pool.ts';
import { callsFor } from './reads.ts';
import type { Run } from './run.ts';

/** The values that A's reads gave, for parameters and fields that select something of A's. */
export function poolOfA({ knowledge }: Run): readonly PoolEntry[] {
  return knowledge.reads
    .filter(({ actor }) => actor.role === 'a')
    .flatMap(({ call, exchange }) => entriesOf(call, exchange));
}

/**
 * A call to an operation that has not been granted yet: parameters and foreign ids from what A can
 * read, the rest as the schema wants it. `given` comes first. Null where a value is missing.
 */
export function composedCall(
  run: Run,
  operation: Operation,
  pool: readonly PoolEntry[],
  given: (name: string) => string | undefined,
): Call | null {
  const known = run.knowledge.writes.find(({ granted }) => granted.call.operation === operation);
  const [call] = known === undefined ? callsFor(run, operation, pool) : [known.granted.call];
  if (call === undefined) return null;
  const query = Object.fromEntries(
    operation.parameters
      .filter(({ in: place, name }) => place === 'query' && given(name) !== undefined)
      .map(({ name }) => [name, given(name) ?? '']),
  );
  const body = preferredBody(operation);
  if (body === null) return { ...call, query: { ...call.query, ...query } };
  const { a } = run.actors;
  // Of an account that is changed the rest stays as it is, its password above all.
  const isChange = operation.method === 'PUT' || operation.method === 'PATCH';
  const own = a === null || !isChange ? null : accountValues(run.knowledge.reads, a);
  const lookup: Lookup = (name, path, schema) => {
    const value = given(name) ?? own?.(name, path, schema);
    if (value !== undefined || !/id$/i.test(name)) return value;
    const parameter = { name, in: 'query' as const, schema };
    const found = candidatesOf(operation, parameter, pool, call.path)[0]?.value;
    if (found === undefined) return undefined;
    return /^(integer|number)$/.test(typeOf(schema)) ? Number(found) : found;
  };
  let filled: Json = buildBody(body, () => run.canary(), lookup).body;
  // What is asked for is sent, though the smallest body would do without it.
  for (const { name, path } of fieldsOf(body.schema)) {
    const value = given(name);
    if (value !== undefined) filled = withValueAt(filled, path, value);
  }
  return {
    ...call,
    query: { ...call.query, ...query },
    body: filled,
    contentType: body.contentType,
  };
}
