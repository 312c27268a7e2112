import { sql } from 'kysely';
import type { StatementResult, Statement } from './batch.ts';
import type { Database, Role } from './database.ts';
import { type Engine, functionsCarry } from './engine.ts';
import { type Refusal, sqlState } from './errors.ts';
import type { RunInTransaction } from './application-transaction.ts';
import { bearerPrincipalOf, type Principal, principalOf } from './principal.ts';
import type { Tx } from './transaction.ts';

export type { Refusal } from './errors.ts';
export type { AccountPrincipal, Principal } from './principal.ts';

/** How long ago the person may have proved who they are, and with what assurance at least. */
export interface StepUp {
  readonly withinSeconds: number;
  /** NIST SP 800-63B-4 section 2. Whoever has a second factor must show AAL2 in any case. */
  readonly aal?: 1 | 2;
}

/** The team that a request is about. */
export interface PrincipalTeam {
  readonly id: string;
  readonly slug: string;
}

export interface Requirement {
  readonly role: Role;
  readonly proof: string;
  readonly permission: string | null;
  /** A team of the tenant, and what must be permitted in it. */
  readonly team?: { readonly slug: string; readonly permission: string };
  /** The tenant that the request names, with its proof (core/secret.ts); else the session's own. */
  readonly selection?: string;
  /** The slug of the tenant that a bearer credential must be one of, where the request names it. */
  readonly namedTenant?: string;
  /** What the person must have proved anew; left out where any live session will do. */
  readonly stepUp?: StepUp;
  /** Whether the principal's address and name are wanted too. */
  readonly withAccount?: boolean;
  /** Whether the proof is one of a bearer credential, which has no synchronizer token. */
  readonly bearer?: true;
  /**
   * For a write: the digest of the synchronizer token that the request presented, null where it
   * presented none. For a read: undefined.
   */
  readonly synchronizerDigest?: string | null;
}

/** The decision answered no principal and raised nothing: its function is not what it should be. */
export class NothingDecidedError extends Error {
  override readonly name = 'NothingDecidedError';

  constructor() {
    super('the database decided nothing');
  }
}

export type Authorized =
  | {
      readonly principal: Principal;
      /** The team of the requirement; null where it names none. */
      readonly team: PrincipalTeam | null;
      readonly results: readonly StatementResult[];
    }
  | { readonly refusal: Refusal };

/**
 * Runs the statements in one flush, behind the database's own decision on the request's proof. If
 * it refuses, none of them has run. A refusal is an answer, not an error.
 */
export async function runAuthorized(
  database: Database,
  requirement: Requirement,
  statements: readonly Statement[],
): Promise<Authorized> {
  const { role } = requirement;
  const opening = decisionOf(database.engine, requirement, statements.length > 0);
  const access = accessOf(requirement);
  try {
    const answered = await database.batch({ role, access, opening }, statements);
    const decided = answered[requirement.selection === undefined ? 0 : 1];
    const text = decided?.rows[0]?.['principal'];
    if (typeof text !== 'string') throw new NothingDecidedError();
    const principal = requirement.bearer ? bearerPrincipalOf(text) : principalOf(text);
    const results = answered.slice(opening.length);
    return { principal, team: teamOf(requirement, answered[opening.length - 1]), results };
  } catch (error) {
    return refusalOf(error);
  }
}

/**
 * Runs the callback in a transaction that opens, in one flush, with the database's decision on the
 * request's proof: what was authorized before it began must still be so, and stays so until it
 * commits. See runTransaction for retries and failures.
 */
export async function runAuthorizedTransaction<T>(
  database: Database,
  requirement: Requirement,
  work: (tx: Tx) => Promise<T>,
): Promise<{ readonly result: T } | { readonly refusal: Refusal }> {
  const opening = decisionOf(database.engine, requirement, true);
  return await orRefusal(async () => ({ result: await database.transaction(work, opening) }));
}

/**
 * The same for a transaction of the application, as sallyport_app, which leaves with its first
 * statement and is read-only where the request is: see runApplicationTransaction. The statements
 * `behind` the decision run before the callback's.
 */
export async function runAuthorizedApplication<T>(
  database: Database,
  requirement: Requirement,
  work: (run: RunInTransaction) => Promise<T>,
  behind: readonly Statement[] = [],
): Promise<{ readonly result: T } | { readonly refusal: Refusal }> {
  const access = accessOf(requirement);
  const opening = [...decisionOf(database.engine, requirement, true), ...behind];
  return await orRefusal(async () => ({
    result: await database.applicationTransaction(access, opening, work),
  }));
}

/**
 * The statements that raise where the requirement is not met; the first answers the principal. What
 * it carries into the transaction is for statements behind it: without any, it only decides.
 */
function decisionOf(
  engine: Engine,
  requirement: Requirement,
  carries: boolean,
): readonly Statement[] {
  if (requirement.bearer) return bearerDecisionOf(engine, requirement, carries);
  const { proof, permission, stepUp, synchronizerDigest, withAccount } = requirement;
  const { selection, team } = requirement;
  const texts = textsOf(engine, carries || stepUp !== undefined || team !== undefined).session;
  const decision =
    synchronizerDigest === undefined
      ? { sql: texts.read, parameters: [proof, permission, withAccount ?? false] }
      : {
          sql: texts.write,
          parameters: [proof, permission, synchronizerDigest, withAccount ?? false],
        };
  return [
    ...(selection === undefined ? [] : [{ sql: SELECT_TENANT, parameters: [selection] }]),
    decision,
    ...(stepUp === undefined
      ? []
      : [{ sql: REQUIRE_STEP_UP, parameters: [stepUp.withinSeconds, stepUp.aal ?? 1] }]),
    ...teamDecisionOf(requirement),
  ];
}

/** Stands last: runAuthorized reads its answer. */
function teamDecisionOf(requirement: Requirement): readonly Statement[] {
  const { team } = requirement;
  if (!team) return [];
  return [{ sql: REQUIRE_TEAM[accessOf(requirement)], parameters: [team.slug, team.permission] }];
}

function accessOf({ synchronizerDigest }: Requirement): 'read' | 'write' {
  return synchronizerDigest === undefined ? 'read' : 'write';
}

function teamOf({ team }: Requirement, answer: StatementResult | undefined): PrincipalTeam | null {
  return team ? { id: String(answer?.rows[0]?.['team']), slug: team.slug } : null;
}

const SELECT_TENANT = `SELECT set_config('sallyport.selection', $1::TEXT, true)`;
const REQUIRE_STEP_UP = 'SELECT sallyport.require_step_up($1::INT8, $2::INT8)';
const REQUIRE_NAMED_TENANT = 'SELECT sallyport.require_named_tenant($1::TEXT)';
const REQUIRE_TEAM = {
  read: 'SELECT sallyport.require_team($1::TEXT, $2::TEXT) AS "team"',
  write: 'SELECT sallyport.require_team_for_write($1::TEXT, $2::TEXT) AS "team"',
};

/**
 * Asks once more, in the middle of a transaction, for a proof at most so old: where it depends on
 * what is changed. Raises, and so ends the transaction, as the decision would have.
 */
export async function requireFresh(tx: Tx, seconds: number): Promise<void> {
  await sql`SELECT sallyport.require_step_up(${seconds}::INT8, 1)`.execute(tx);
}

function bearerDecisionOf(
  engine: Engine,
  requirement: Requirement,
  carries: boolean,
): readonly Statement[] {
  const { proof, permission, namedTenant, stepUp } = requirement;
  if (stepUp !== undefined) throw new Error('nothing is fresh that a bearer has proved');
  const behind = namedTenant !== undefined || requirement.team !== undefined;
  const texts = textsOf(engine, carries || behind).bearer;
  return [
    { sql: texts[accessOf(requirement)], parameters: [proof, permission] },
    ...(namedTenant === undefined
      ? []
      : [{ sql: REQUIRE_NAMED_TENANT, parameters: [namedTenant] }]),
    ...teamDecisionOf(requirement),
  ];
}

async function orRefusal<T>(work: () => Promise<T>): Promise<T | { readonly refusal: Refusal }> {
  try {
    return await work();
  } catch (error) {
    return refusalOf(error);
  }
}

function refusalOf(error: unknown): { readonly refusal: Refusal } {
  const refusal = REFUSALS[sqlState(error) ?? ''];
  if (!refusal) throw error;
  return { refusal };
}

/**
 * What is carried into the transaction (migrations/0017-plain-look-ups.ts) the function itself
 * leaves there, where it can. Where it cannot this statement does. OFFSET 0 keeps it from asking
 * the function once for each use of its answer.
 */
const carrying = (decision: string) => `SELECT d.r AS "principal",
  set_config('sallyport.proof', $1::TEXT, true) IS NOT NULL
    AND set_config('sallyport.identity', substr(d.r, 1, 36), true) IS NOT NULL
    AND set_config('sallyport.tenant', rtrim(substr(d.r, 37, 36)), true) IS NOT NULL AS "carried"
  FROM (SELECT ${decision} AS r OFFSET 0) AS d`;

const deciding = (decision: string) => `SELECT ${decision} AS "principal"`;

const decisionsAs = (statement: (decision: string) => string) => ({
  session: {
    read: statement('sallyport.require($1::TEXT, $2::TEXT, $3::BOOL)'),
    write: statement('sallyport.require_for_write($1::TEXT, $2::TEXT, $3::TEXT, $4::BOOL)'),
  },
  bearer: {
    read: statement('sallyport.require_bearer($1::TEXT, $2::TEXT)'),
    write: statement('sallyport.require_bearer_for_write($1::TEXT, $2::TEXT)'),
  },
});

const DECIDING = decisionsAs(deciding);
const CARRYING = decisionsAs(carrying);

const textsOf = (engine: Engine, carries: boolean) =>
  carries && !functionsCarry(engine) ? CARRYING : DECIDING;

/** The SQLSTATEs that sallyport.require and the functions beside it raise. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  SP401: 'not-signed-in',
  SP403: 'forbidden',
  SP404: 'not-found',
  SP419: 'synchronizer-token-mismatch',
  SP409: 'tenant-not-selected',
  SP410: 'tenant-deleted',
  SP440: 'step-up-required',
  SP442: 'second-factor-required',
  SP443: 'second-factor-missing',
  SP444: 'tenant-proof-required',
  SP445: 'tenant-factor-missing',
};
