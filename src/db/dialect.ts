import {
  type CompiledQuery,
  DummyDriver,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely';
import type pg from 'pg';
import { runStatement, type StatementResult } from './batch.ts';
import type { Tables } from './schema.ts';

/** Builds statements for a batch; it is connected to nothing and executes nothing. */
export const build = new Kysely<Tables>({ dialect: dialectWith(() => new DummyDriver()) });

/** Kysely on one client that is inside a transaction: each query is a batch of its own. */
export function kyselyOn(client: pg.Client | pg.PoolClient): Kysely<Tables> {
  const driver = sendingDriver(
    ({ sql, parameters }) => runStatement(client, sql, ...parameters),
    'already inside a transaction, which its callback ends',
  );
  return new Kysely<Tables>({ dialect: dialectWith(() => driver) });
}

function dialectWith(createDriver: () => Driver): Dialect {
  return {
    createDriver,
    createAdapter: () => new PostgresAdapter(),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createIntrospector: (db) => new PostgresIntrospector(db),
  };
}

/**
 * A driver that sends one statement at a time, and nothing by itself: begin, commit and rollback
 * belong to those who retry around them.
 *
 * @param begin what to say to a query builder that would begin a transaction of its own.
 */
export function sendingDriver(
  send: (query: CompiledQuery) => Promise<StatementResult>,
  begin: string,
): Driver {
  const connection: DatabaseConnection = {
    // Kysely's own types say what a row is; here it is what came.
    // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      const result = await send(query);
      return { rows: result.rows as R[], numAffectedRows: BigInt(result.rowCount) };
    },
    streamQuery() {
      throw new Error('streaming is not supported: read in pages, by a key');
    },
  };
  const refused = async () => {
    throw new Error(begin);
  };
  return {
    init: async () => {},
    acquireConnection: async () => connection,
    beginTransaction: refused,
    commitTransaction: refused,
    rollbackTransaction: refused,
    releaseConnection: async () => {},
    destroy: async () => {},
  };
}
