import type { PGlite } from '@electric-sql/pglite';
import { createPgConfig } from '@electric-sql/pglite/node-postgres';
import type pg from 'pg';
import { runBatch, type Statement, type StatementResult } from './batch.ts';
import { CHANGING, connectionConfig, READING } from './connection-settings.ts';
import type { Engine } from './engine.ts';
import {
  DatabaseUnavailableError,
  isAmbiguous,
  isStalePreparedStatement,
  OpenTransactionError,
  UnknownOutcomeError,
} from './errors.ts';
import { openLanes, openWriteLanes, type WriteLanes } from './lanes.ts';
import { forgetPrepared } from './connection-state.ts';
import { type RunInTransaction, runApplicationTransaction } from './application-transaction.ts';
import { isConnectionLoss, leaveTransaction, openPool, type Pool } from './pool.ts';
import { retrySerializationFailures, runTransaction, type Tx } from './transaction.ts';

/**
 * The database role that a statement runs as. `sallyport_app` reaches application tables under
 * row-level security and no credential; `sallyport_identity` reaches credential tables.
 */
export type Role = 'sallyport_app' | 'sallyport_identity';

export interface BatchOptions {
  readonly role: Role;
  /** A read may be sent again when its connection is lost; a write may not. */
  readonly access: 'read' | 'write';
  /**
   * What carries a proof into the transaction, before anything else runs. Left out, the batch is
   * nobody's: every policy and `require` refuses.
   */
  readonly opening?: readonly Statement[];
}

export interface Database {
  readonly engine: Engine;
  /**
   * Sends the statements, behind the opening, in one flush that is one transaction. Answers a
   * result for each statement, those of a given opening first.
   * @throws DatabaseUnavailableError, or for a write whose connection was lost UnknownOutcomeError.
   */
  batch(options: BatchOptions, statements: readonly Statement[]): Promise<StatementResult[]>;
  /**
   * Several statements that depend on each other, as sallyport_identity: see runTransaction. The
   * opening goes out with BEGIN, and nothing runs if it fails.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>, opening?: readonly Statement[]): Promise<T>;
  /**
   * The same at READ COMMITTED, for counters: of many who want one row each waits for those before
   * it, and goes on from what they left, where SERIALIZABLE would make them all try again. Each
   * statement must be right by itself, whatever was committed between two of them.
   */
  countingTransaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** The same for the application, as sallyport_app: see runApplicationTransaction. */
  applicationTransaction<T>(
    access: BatchOptions['access'],
    opening: readonly Statement[],
    work: (run: RunInTransaction) => Promise<T>,
  ): Promise<T>;
  close(): Promise<void>;
}

/** Asks nothing but whether the database answers. */
export const PING: Statement = { sql: 'SELECT 1', parameters: [] };

/** How the two roles sign in to a server: never one login that could become the other. */
export interface ServerLogins {
  readonly engine: 'postgresql' | 'cockroachdb';
  readonly app: pg.ClientConfig;
  readonly identity: pg.ClientConfig;
}

/** Reads share these; more cost PostgreSQL more for each query, not less (docs/performance.md). */
const READ_LANES = 2;

/** Those that others should not wait for have these. */
const SLOW_READ_LANES = 4;

/** What finds no place on these takes the pool (decisions/003-lanes.md). */
const WRITE_LANES = 4;
const WRITES_ON_LANE_MAX = 8;

/** Opens nothing yet: connections are made as they are needed. */
export function openServerDatabase(logins: ServerLogins): Database {
  const changing = connectionConfig(logins.app, CHANGING);
  const app = openPool(changing);
  const identity = openPool(connectionConfig(logins.identity, CHANGING));
  const lanes =
    logins.engine === 'postgresql'
      ? {
          reads: openLanes(connectionConfig(logins.app, READING), READ_LANES, SLOW_READ_LANES),
          writes: openWriteLanes(changing, WRITE_LANES, WRITES_ON_LANE_MAX),
        }
      : null;

  async function run(
    { role, access }: BatchOptions,
    opening: readonly Statement[],
    statements: readonly Statement[],
  ): Promise<StatementResult[]> {
    const pool = role === 'sallyport_app' ? app : identity;
    if (!lanes) return await runEnveloped(pool, access, [...opening, ...statements]);
    const { reads, writes } = lanes;
    const leavesNothing = statements.every(({ callsNothing }) => callsNothing);
    const closing = leavesNothing ? [] : [PRISTINE];
    if (role === 'sallyport_app' && access === 'read') {
      if (leavesNothing) return await reads.join(opening, statements);
      return await reads.run(opening, statements, closing);
    }
    const all = [...opening, ...statements, ...closing];
    return await runPooled(pool, access, all, role === 'sallyport_app' ? writes : null);
  }

  return {
    engine: logins.engine,
    async batch(options, statements) {
      checkQueries(statements);
      const opening = options.opening ?? NOBODY;
      const results = await run(options, opening, statements);
      const own = options.opening ? 0 : NOBODY.length;
      return results.slice(own, opening.length + statements.length);
    },
    transaction: (work, opening = NOBODY) => runTransaction(identity, opening, work),
    countingTransaction: (work) => runTransaction(identity, NOBODY, work, 'READ COMMITTED'),
    applicationTransaction: (access, opening, work) =>
      runApplicationTransaction(
        app,
        {
          opening: [BEGIN[access], ...opening],
          closing: logins.engine === 'cockroachdb' ? [COMMIT] : [COMMIT, PRISTINE],
        },
        checked(work),
      ),
    async close() {
      const opened = [app, identity, ...(lanes ? [lanes.reads, lanes.writes] : [])];
      await Promise.all(opened.map((each) => each.close()));
    },
  };
}

/**
 * PGlite: one session, which is a superuser's, so the role is taken on in each transaction. The
 * walls stop a forgotten predicate here, not injected SQL: RESET ROLE gets the superuser back.
 */
export function openEmbeddedDatabase(lite: object): Database {
  const pool = openPool({ ...embeddedConfig(lite), max: 1 });
  return {
    engine: 'embedded',
    async batch({ role, access, opening }, statements) {
      checkQueries(statements);
      const own = access === 'read' ? [takeOn(role), READ_ONLY] : [takeOn(role)];
      const sent = [...own, ...(opening ?? NOBODY), ...statements];
      const answered = await runPooled(pool, access, sent);
      return answered.slice(own.length + (opening ? 0 : NOBODY.length));
    },
    transaction: (work, opening = NOBODY) =>
      runTransaction(pool, [takeOn('sallyport_identity'), ...opening], work),
    countingTransaction: (work) =>
      runTransaction(pool, [takeOn('sallyport_identity'), ...NOBODY], work, 'READ COMMITTED'),
    applicationTransaction: (access, opening, work) =>
      runApplicationTransaction(
        pool,
        { opening: [BEGIN[access], takeOn('sallyport_app'), ...opening], closing: [COMMIT] },
        checked(work),
      ),
    close: () => pool.close(),
  };
}

/**
 * PGlite as pg sees it: a connection that is a function call. Its type stays out of our published
 * declarations: PGlite's own do not compile without those of Emscripten.
 */
export function embeddedConfig(lite: object): pg.ClientConfig {
  return createPgConfig(lite as PGlite);
}

/**
 * The first word of a statement says what kind it is: the extended protocol takes one at a time.
 * These touch rows and nothing else, so injected SQL cannot leave the statement that it is in: no
 * PREPARE under the name of one of ours (pg_prepared_statements tells the names), no ALTER ROLE,
 * which a role may use on itself, no COMMIT that ends the proof (R-98, CWE-89).
 */
const QUERY = /^\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH|MERGE|VALUES)\b/i;

function checkQueries(statements: readonly Statement[]): void {
  if (statements.every(({ sql }) => QUERY.test(sql))) return;
  throw new TypeError('a batch takes SELECT, INSERT, UPDATE, DELETE, MERGE, WITH and VALUES');
}

/**
 * Undoes what a statement of the batch may have set for the session, injected SQL included: nothing
 * of one request reaches the next. A batch that is its opening alone is all ours, fixed
 * text, and a statement that calls no function sets nothing: then there is nothing to undo. It goes
 * last, because the next batch's transaction begins, with the isolation of the session's settings,
 * before a statement of it could repair them; if the batch fails, its settings go with it. What the
 * connection was opened with stays.
 */
const PRISTINE: Statement = { sql: 'RESET ALL', parameters: [] };

const BEGIN: Readonly<Record<BatchOptions['access'], Statement>> = {
  read: { sql: 'BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY', parameters: [] },
  write: { sql: 'BEGIN ISOLATION LEVEL SERIALIZABLE', parameters: [] },
};
const COMMIT: Statement = { sql: 'COMMIT', parameters: [] };

/** Holds each statement of an application's transaction to what a batch takes. */
function checked<T>(work: (run: RunInTransaction) => Promise<T>) {
  return async (run: RunInTransaction): Promise<T> =>
    await work(async (statement) => {
      checkQueries([statement]);
      return await run(statement);
    });
}

/** No proof, for this transaction only: it takes away what an earlier one might have left. */
const NOBODY: readonly Statement[] = [
  { sql: `SELECT set_config('sallyport.proof', '', true)`, parameters: [] },
];

/** For a transaction that has begun; the lanes of a server are opened so. */
const READ_ONLY: Statement = {
  sql: `SELECT set_config('transaction_read_only', 'on', true)`,
  parameters: [],
};

function takeOn(role: Role): Statement {
  return { sql: `SELECT set_config('role', $1, true)`, parameters: [role] };
}

/**
 * A batch as the implicit transaction that the Sync ends: on a connection of its own, where there
 * are no lanes or none of them takes it.
 */
async function runPooled(
  pool: Pool,
  access: 'read' | 'write',
  statements: readonly Statement[],
  lanes: WriteLanes | null = null,
): Promise<StatementResult[]> {
  const alone = async () =>
    await pool.withClient(async (client) => {
      const results = await send(client, access, statements);
      if (client.getTransactionStatus() !== 'I') {
        throw new OpenTransactionError('a statement left a transaction open');
      }
      return results;
    });
  const attempt = async () => await (lanes?.run(statements) ?? alone());
  return await retrySerializationFailures(attempt, (retries) => pool.inTurn(retries));
}

/**
 * The same inside BEGIN and COMMIT, still in one flush: whether CockroachDB keeps a local setting
 * inside an implicit batch has not been verified. An error leaves the transaction open, so a
 * ROLLBACK follows before the connection is used again.
 */
async function runEnveloped(
  pool: Pool,
  access: 'read' | 'write',
  statements: readonly Statement[],
): Promise<StatementResult[]> {
  const begin = { sql: 'BEGIN', parameters: [] };
  const commit = { sql: 'COMMIT', parameters: [] };
  const attempt = async () =>
    await pool.withClient(async (client) => {
      try {
        const results = await send(client, access, [begin, ...statements, commit]);
        return results.slice(1, -1);
      } catch (error) {
        await leaveTransaction(client);
        throw error;
      }
    });
  return await retrySerializationFailures(attempt, (retries) => pool.inTurn(retries));
}

async function send(
  client: pg.PoolClient,
  access: 'read' | 'write',
  statements: readonly Statement[],
): Promise<StatementResult[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runBatch(client, statements, { idleAfter: false });
    } catch (error) {
      if (isAmbiguous(error)) throw new UnknownOutcomeError('ambiguous commit', { cause: error });
      if (isConnectionLoss(client, error)) {
        throw access === 'write'
          ? new UnknownOutcomeError('connection lost in a write', { cause: error })
          : new DatabaseUnavailableError('connection lost', { cause: error });
      }
      if (!isStalePreparedStatement(error) || attempt === 2) throw error;
      await leaveTransaction(client);
      forgetPrepared(client);
    }
  }
}
