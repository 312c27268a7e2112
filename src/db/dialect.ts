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
import { runStatement } from './batch.ts';
import type { Tables } from './schema.ts';

/** Builds statements for a batch; it is connected to nothing and executes nothing. */
export const build = new Kysely<Tables>({ dialect: dialectWith(() => new DummyDriver()) });

/** Kysely on one client that is inside a transaction: each query is a batch of its own. */
export function kyselyOn(client: pg.Client | pg.PoolClient): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: dialectWith(() => new ClientDriver(client)) });
}

function dialectWith(createDriver: () => Driver): Dialect {
  return {
    createDriver,
    createAdapter: () => new PostgresAdapter(),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createIntrospector: (db) => new PostgresIntrospector(db),
  };
}

/** Begin, commit and rollback belong to transaction.ts, which retries around them. */
class ClientDriver implements Driver {
  readonly #connection: DatabaseConnection;

  constructor(client: pg.Client | pg.PoolClient) {
    this.#connection = {
      // Kysely's own types say what a row is; here it is what came.
      // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
      async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
        const result = await runStatement(client, sql, ...parameters);
        return { rows: result.rows as R[], numAffectedRows: BigInt(result.rowCount) };
      },
      streamQuery() {
        throw new Error('streaming is not supported: CockroachDB has one active portal');
      },
    };
  }

  async init(): Promise<void> {}
  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }
  async beginTransaction(): Promise<void> {
    throw new Error('already inside a transaction');
  }
  async commitTransaction(): Promise<void> {
    throw new Error('the transaction is committed when its callback returns');
  }
  async rollbackTransaction(): Promise<void> {
    throw new Error('the transaction is rolled back when its callback throws');
  }
  async releaseConnection(): Promise<void> {}
  async destroy(): Promise<void> {}
}
