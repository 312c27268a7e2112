import { type CompiledQuery, PostgresQueryCompiler, type QueryCompiler } from 'kysely';
import { UnscopedQueryError } from './errors.ts';
import type { ApplicationTables } from './scoping-nodes.ts';
import { scopeStatement } from './scoping-statements.ts';

export type { ApplicationTables } from './scoping-nodes.ts';

/**
 * The first wall: the query compiler of `request.db`. Every statement that it compiles has, on each
 * tenant table, the predicate that the row is the tenant's of this request; on a shape where that
 * cannot be shown it throws UnscopedQueryError, so nothing is sent (CWE-639, R-92).
 *
 * It is the compiler and not a plugin, because this is the last step: it sees the statement once
 * and whole, with the names that go to the server. A plugin also sees each subquery alone, without
 * the common table expressions around it; a later plugin could change what it has made, and
 * `withoutPlugins()` would take it off.
 */
export function scopeTo(tables: ApplicationTables): QueryCompiler {
  return new ScopedQueryCompiler(tables);
}

/**
 * Whether a compiler of this file made the query. The driver of `request.db` asks, for
 * `executeQuery(CompiledQuery.raw(...))` comes past every compiler.
 */
export function wasScoped(query: CompiledQuery): boolean {
  return scopedQueries.has(query);
}

const scopedQueries = new WeakSet<CompiledQuery>();

type Compiled = ReturnType<PostgresQueryCompiler['compileQuery']>;

class ScopedQueryCompiler extends PostgresQueryCompiler {
  readonly #tables: ApplicationTables;

  constructor(tables: ApplicationTables) {
    super();
    this.#tables = tables;
  }

  override compileQuery(...[node, queryId]: Parameters<QueryCompiler['compileQuery']>): Compiled {
    const statement = scopeStatement(node, { tables: this.#tables, names: NO_NAMES });
    const compiled = super.compileQuery(statement, queryId);
    // Kysely writes no comments, but two minus signs can meet: `a -${sql.lit(-1)}`, eb.neg(...).
    if (COMMENT.test(compiled.sql)) {
      throw new UnscopedQueryError(
        'the statement has -- or /* in it, behind which a predicate would be a comment; use a bind parameter',
      );
    }
    scopedQueries.add(compiled);
    return compiled;
  }
}

const NO_NAMES: ReadonlySet<string> = new Set();

const COMMENT = /--|\/\*/;
