import type { StatementResult, Statement } from './batch.ts';
import type { Database, Role } from './database.ts';
import { sqlState } from './errors.ts';

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

export type Refusal = 'not-signed-in' | 'forbidden' | 'synchronizer-token-mismatch';

export interface Requirement {
  readonly role: Role;
  readonly proof: string;
  readonly permission: string | null;
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
  const { role, proof, permission, synchronizerDigest } = requirement;
  const decision =
    synchronizerDigest === undefined
      ? { sql: `${COLUMNS} sallyport.require($1::TEXT) AS r`, parameters: [permission] }
      : {
          sql: `${COLUMNS} sallyport.require_for_write($1::TEXT, $2::TEXT) AS r`,
          parameters: [permission, synchronizerDigest],
        };
  const access = synchronizerDigest === undefined ? 'read' : 'write';
  try {
    const [decided, ...results] = await database.batch({ role, proof, access }, [
      decision,
      ...statements,
    ]);
    const principal = decided?.rows[0] as Principal | undefined;
    if (!principal) throw new Error('the database decided nothing');
    return { principal, results };
  } catch (error) {
    const refusal = REFUSALS[sqlState(error) ?? ''];
    if (!refusal) throw error;
    return { refusal };
  }
}

/**
 * Beside the principal's columns, the decision leaves the identity for the first wall: a predicate in
 * the statements behind it that stops a forgotten condition at next to no cost. It is a plain setting,
 * which injected SQL can change; the policies ask the database's own functions and not this.
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
};
