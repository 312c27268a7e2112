import type { StatementResult, Statement } from './batch.ts';
import type { Database, Role } from './database.ts';
import { sqlState } from './errors.ts';
import type { Tx } from './transaction.ts';

/** The authenticated actor of a request, as the database found it behind the request's proof. */
export interface Principal {
  readonly sessionId: string;
  readonly identityId: string;
  readonly tenantId: string | null;
  readonly email: string;
  readonly displayName: string;
  readonly authenticatedAt: Date;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly synchronizerGeneration: number;
  readonly seenSecondsAgo: number;
}

export type Refusal =
  | 'not-signed-in'
  | 'forbidden'
  | 'synchronizer-token-mismatch'
  | 'step-up-required';

export interface Requirement {
  readonly role: Role;
  readonly proof: string;
  readonly permission: string | null;
  /** How long ago the person may have proved who they are; left out where it does not matter. */
  readonly freshSeconds?: number;
  /**
   * For a write: the digest of the synchronizer token that the request presented, null where it
   * presented none. For a read: undefined.
   */
  readonly synchronizerDigest?: string | null;
}

export type Authorized =
  | { readonly principal: Principal; readonly results: readonly StatementResult[] }
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
  const { role, proof } = requirement;
  const decision = decisionOf(requirement);
  const access = requirement.synchronizerDigest === undefined ? 'read' : 'write';
  return await orRefusal(async () => {
    const answered = await database.batch({ role, proof, access }, [...decision, ...statements]);
    const principal = answered[0]?.rows[0] as Principal | undefined;
    if (!principal) throw new Error('the database decided nothing');
    return { principal, results: answered.slice(decision.length) };
  });
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
  const opening = { proof: requirement.proof, statements: decisionOf(requirement) };
  return await orRefusal(async () => ({ result: await database.transaction(work, opening) }));
}

/** The statements that raise where the requirement is not met; the first answers the principal. */
function decisionOf(requirement: Requirement): readonly Statement[] {
  const { permission, freshSeconds, synchronizerDigest } = requirement;
  const decision =
    synchronizerDigest === undefined
      ? { sql: `${COLUMNS} sallyport.require($1::TEXT) AS r`, parameters: [permission] }
      : {
          sql: `${COLUMNS} sallyport.require_for_write($1::TEXT, $2::TEXT) AS r`,
          parameters: [permission, synchronizerDigest],
        };
  if (freshSeconds === undefined) return [decision];
  const sql = 'SELECT sallyport.require_fresh($1::BIGINT)';
  return [decision, { sql, parameters: [freshSeconds] }];
}

async function orRefusal<T>(work: () => Promise<T>): Promise<T | { readonly refusal: Refusal }> {
  try {
    return await work();
  } catch (error) {
    const refusal = REFUSALS[sqlState(error) ?? ''];
    if (!refusal) throw error;
    return { refusal };
  }
}

/**
 * Beside the principal's columns, the decision leaves the identity for the first wall: a predicate
 * in the statements behind it that stops a forgotten condition at next to no cost. It is a plain
 * setting, which injected SQL can change; the policies ask the database's own functions and not
 * this.
 */
const COLUMNS = `SELECT set_config('sallyport.identity', o_identity::TEXT, true) AS "decidedFor",
  o_session AS "sessionId", o_identity AS "identityId",
  o_tenant AS "tenantId", o_email AS "email", o_display_name AS "displayName",
  o_authenticated_at AS "authenticatedAt",
  o_created_at AS "createdAt", o_expires_at AS "expiresAt",
  o_synchronizer_generation AS "synchronizerGeneration", o_seen_seconds_ago AS "seenSecondsAgo"
  FROM`;

/** The SQLSTATEs that sallyport.require and sallyport.require_for_write raise. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  SP401: 'not-signed-in',
  SP403: 'forbidden',
  SP419: 'synchronizer-token-mismatch',
  SP440: 'step-up-required',
};
