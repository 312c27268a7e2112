import type { FastifyContextConfig, FastifyInstance, FastifyRequest } from 'fastify';
import type { Compilable, CompiledQuery, Kysely, QueryCompiler } from 'kysely';
import type { Core } from '../core/core.ts';
import {
  applicationKysely,
  changesRows,
  kyselyRows,
  mayChangeRows,
} from '../db/application-dialect.ts';
import { type CompiledShape, compileByShape } from '../db/compiled-shapes.ts';
import { type Requirement, runAuthorized, runAuthorizedApplication } from '../db/authorization.ts';
import type { RunInTransaction } from '../db/application-transaction.ts';
import type { Statement, StatementResult } from '../db/batch.ts';
import { RefusedError, RequestOverError, SafeMethodError } from '../db/errors.ts';
import { isSafeMethod } from '../http/request-head.ts';
import { requirementFor } from './access.ts';
import type { Load } from './declaration.ts';
import { commitOnce, KEYED } from './keyed-request.ts';
import type { ApplicationTables } from './register.ts';

type ApplicationDb = Kysely<ApplicationTables>;

/** One query of a `load` route: what is sent, and what the handler finds of its result. */
export interface LoadQuery {
  readonly name: string;
  readonly statement: Statement;
  readonly changes: boolean;
  readonly read: (result: StatementResult) => unknown;
}

/** Compiles the queries of a route for one request; none where it has no `load`. */
export type CompileLoad = (
  config: FastifyContextConfig,
  request: FastifyRequest,
) => readonly LoadQuery[];

/** Tells whether the request has been answered, and whether its client is still there. */
export const ANSWER = Symbol('sallyport.answer');
const DB = Symbol('sallyport.db');
const UNSCOPED_DB = Symbol('sallyport.insecureUnscopedDb');
const IN_TRANSACTION = Symbol('sallyport.inTransaction');

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * The application's tables, in the request's tenant. Each statement is decided on anew, in one
     * round trip. It refuses to change anything on a safe method, and to run after the answer.
     */
    readonly db: Kysely<ApplicationTables>;
    /**
     * Without the first wall: queries are sent as they are written, and only row-level security
     * and the grants stand between them and another tenant's rows.
     */
    readonly insecureUnscopedDb: Kysely<ApplicationTables>;
    /**
     * Several statements that happen all or not at all, SERIALIZABLE. The callback runs again, as
     * a whole, when another transaction came in between: it must do nothing but query.
     */
    transaction<T>(work: (db: Kysely<ApplicationTables>) => Promise<T>): Promise<T>;
    [ANSWER]: { readonly writableEnded: boolean; readonly destroyed: boolean } | null;
    [DB]: Kysely<ApplicationTables> | null;
    [UNSCOPED_DB]: Kysely<ApplicationTables> | null;
    [IN_TRANSACTION]: boolean;
  }
}

/** Gives every request its database, with the tenant put into each query by `scope`. */
export function addApplicationDatabase(
  app: FastifyInstance,
  core: Core,
  scope: QueryCompiler,
): CompileLoad {
  const databaseOf = (request: FastifyRequest, how: QueryCompiler | null): ApplicationDb =>
    applicationKysely(how, (query) => runAlone(core, request, query));
  app.decorateRequest(ANSWER, null);
  app.decorateRequest(DB, null);
  app.decorateRequest(UNSCOPED_DB, null);
  app.decorateRequest(IN_TRANSACTION, false);
  app.decorateRequest('db', {
    getter(this: FastifyRequest) {
      return (this[DB] ??= databaseOf(this, scope));
    },
  });
  app.decorateRequest('insecureUnscopedDb', {
    getter(this: FastifyRequest) {
      return (this[UNSCOPED_DB] ??= databaseOf(this, null));
    },
  });
  app.decorateRequest('transaction', function transaction<
    T,
  >(this: FastifyRequest, work: (db: ApplicationDb) => Promise<T>) {
    return runTogether(core, scope, this, work);
  });
  return loadCompiler(scope);
}

function loadCompiler(scope: QueryCompiler): CompileLoad {
  const building: ApplicationDb = applicationKysely(null, () => {
    throw new Error('load returns its queries and does not run them: leave out execute()');
  });

  const shapesOf = new WeakMap<Load, CompiledShape[]>();

  function compileOne(load: Load, name: string, query: Compilable): LoadQuery {
    let shapes = shapesOf.get(load);
    if (!shapes) shapesOf.set(load, (shapes = []));
    const statement = compileByShape(scope, shapes, query);
    const changes = mayChangeRows(statement);
    return { name, statement, changes, read: (result) => kyselyRows(statement, result) };
  }

  return ({ load, account }, request) => {
    if (!load) return [];
    return Object.entries(load(building, request)).map(([name, query]) => {
      if (account && 'sql' in query) {
        return { name, statement: query, changes: false, read: (result) => result };
      }
      const compiled = compileOne(load, name, query as Compilable);
      refuseChange(request, compiled.statement as CompiledQuery);
      return compiled;
    });
  };
}

async function runAlone(
  core: Core,
  request: FastifyRequest,
  query: CompiledQuery,
): Promise<StatementResult> {
  refuseInTransaction(request);
  const requirement = requirementToRun(request, query);
  if (request[KEYED] && mayChangeRows(query)) {
    return await inTransaction(core, request, (run) => run(query));
  }
  const authorized = await runAuthorized(core.database, requirement, [query]);
  if ('refusal' in authorized) throw new RefusedError(authorized.refusal);
  const [result] = authorized.results;
  if (!result) throw new Error('the database answered no statement');
  return result;
}

async function runTogether<T>(
  core: Core,
  scope: QueryCompiler,
  request: FastifyRequest,
  work: (db: ApplicationDb) => Promise<T>,
): Promise<T> {
  return await inTransaction(core, request, (run) =>
    work(
      applicationKysely(scope, (query) => {
        requirementToRun(request, query);
        return run(query);
      }),
    ),
  );
}

/** A transaction of the request; the only one that it commits, where it has an Idempotency-Key. */
async function inTransaction<T>(
  core: Core,
  request: FastifyRequest,
  work: (run: RunInTransaction) => Promise<T>,
): Promise<T> {
  refuseInTransaction(request);
  const requirement = requirementFor(request);
  const keyed = request[KEYED];
  request[IN_TRANSACTION] = true;
  try {
    const outcome = keyed
      ? await commitOnce(core, request, keyed, requirement, work)
      : await runAuthorizedApplication(core.database, requirement, work);
    if ('refusal' in outcome) throw new RefusedError(outcome.refusal);
    return outcome.result;
  } finally {
    request[IN_TRANSACTION] = false;
  }
}

/**
 * A second connection inside of a transaction would not see what that has written, and where all
 * connections wait for one more, nobody gets any (CWE-833).
 */
function refuseInTransaction(request: FastifyRequest): void {
  if (!request[IN_TRANSACTION]) return;
  throw new Error('a transaction of this request is open: use the db that its callback was given');
}

/** What the query is required to meet, unless this request may not send it at all. */
function requirementToRun(request: FastifyRequest, query: CompiledQuery): Requirement {
  const requirement = requirementFor(request);
  const answer = request[ANSWER];
  if (!answer || answer.writableEnded || answer.destroyed) {
    throw new RequestOverError(
      'the request has been answered, or its client has gone: nobody would learn of the outcome',
    );
  }
  refuseChange(request, query);
  return requirement;
}

/** A safe method came without a synchronizer token, from wherever: it changes nothing. */
function refuseChange(request: FastifyRequest, query: CompiledQuery): void {
  if (!isSafeMethod(request.method) || !changesRows(query)) return;
  throw new SafeMethodError(`${request.method} changes nothing: make the route a POST or the like`);
}
