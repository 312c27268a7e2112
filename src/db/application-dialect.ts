import {
  type Compilable,
  type CompiledQuery,
  createQueryId,
  DeleteResult,
  InsertResult,
  Kysely,
  MergeResult,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryCompiler,
  type RootOperationNode,
  UpdateResult,
} from 'kysely';
import type { StatementResult } from './batch.ts';
import { sendingDriver } from './dialect.ts';
import { UnscopedQueryError } from './errors.ts';
import { wasScoped } from './scoping.ts';

/** Sends one statement of the application; the whole decision about it is behind this. */
export type RunStatement = (statement: CompiledQuery) => Promise<StatementResult>;

/**
 * Kysely for an application's own queries.
 *
 * @param compiler the first wall (scoping.ts), past which nothing is sent; null without it, only
 *   for `insecureUnscopedDb`.
 */
export function applicationKysely<Tables>(
  compiler: QueryCompiler | null,
  run: RunStatement,
): Kysely<Tables> {
  const send = async (query: CompiledQuery) => {
    if (compiler && !wasScoped(query)) {
      throw new UnscopedQueryError('a query that was compiled elsewhere is not scoped');
    }
    return await run(query);
  };
  const begin = 'use request.transaction(async (db) => ...), which decides and retries';
  return new Kysely<Tables>({
    dialect: {
      createDriver: () => sendingDriver(send, begin),
      createAdapter: () => new PostgresAdapter(),
      createQueryCompiler: () => compiler ?? new PostgresQueryCompiler(),
      createIntrospector: (db) => new PostgresIntrospector(db),
    },
  });
}

/**
 * Compiles a query of a `load` route, whatever Kysely it was built with: what counts is the tree,
 * which is scoped here.
 */
export function compileWith(compiler: QueryCompiler, query: Compilable): CompiledQuery {
  return compiler.compileQuery(operationNodeOf(query), createQueryId());
}

export function operationNodeOf(query: Compilable): RootOperationNode {
  const toNode = Reflect.get(query, 'toOperationNode') as (() => RootOperationNode) | undefined;
  if (typeof toNode !== 'function') {
    throw new UnscopedQueryError('load takes queries of the db it is given, and not SQL as text');
  }
  return toNode.call(query);
}

/** What Kysely would answer for the query: rows, or how many were changed. */
export function kyselyRows({ query }: CompiledQuery, result: StatementResult): readonly unknown[] {
  if ('returning' in query && query.returning) return result.rows;
  const changed = BigInt(result.rowCount);
  if (query.kind === 'InsertQueryNode') return [new InsertResult(undefined, changed)];
  if (query.kind === 'UpdateQueryNode') return [new UpdateResult(changed, undefined)];
  if (query.kind === 'DeleteQueryNode') return [new DeleteResult(changed)];
  if (query.kind === 'MergeQueryNode') return [new MergeResult(changed)];
  return result.rows;
}

/**
 * Whether the statement is one that changes rows. PostgreSQL and CockroachDB take such a verb in a
 * WITH at the top only; what raw SQL does is for the read-only transaction to refuse.
 */
export function changesRows({ query }: CompiledQuery): boolean {
  if (CHANGES.has(query.kind)) return true;
  if (query.kind !== 'SelectQueryNode') return false;
  return query.with?.expressions.some(({ expression }) => CHANGES.has(expression.kind)) ?? false;
}

/** The same, but what is not known to be a read counts as a change, raw SQL by its first word. */
export function mayChangeRows(query: CompiledQuery): boolean {
  if (query.query.kind === 'SelectQueryNode') return changesRows(query);
  return query.query.kind !== 'RawNode' || !/^\s*(?:SELECT|VALUES)\b/i.test(query.sql);
}

const CHANGES: ReadonlySet<string> = new Set([
  'InsertQueryNode',
  'UpdateQueryNode',
  'DeleteQueryNode',
  'MergeQueryNode',
]);
