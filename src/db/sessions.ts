import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import type { Tx } from './transaction.ts';

export interface NewSession {
  readonly proofDigest: string;
  readonly synchronizerDigest: string;
  readonly identityId: string;
}

export interface SessionRow {
  readonly id: string;
  readonly authenticatedAt: Date;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** ASVS 7.3.2. The inactivity limit of an hour stands in the functions that look a session up. */
const ABSOLUTE_LIFETIME = sql<Date>`now() + INTERVAL '12 hours'`;

export async function insertSession(tx: Tx, session: NewSession): Promise<SessionRow> {
  const row = await tx
    .insertInto('sallyport.sessions')
    .values({
      proof_digest: session.proofDigest,
      synchronizer_digest: session.synchronizerDigest,
      identity_id: session.identityId,
      tenant_id: null,
      expires_at: ABSOLUTE_LIFETIME,
    })
    .returning(['id', 'authenticated_at', 'created_at', 'expires_at'])
    .executeTakeFirstOrThrow();
  await tx.insertInto('sallyport.session_activity').values({ session_id: row.id }).execute();
  return {
    id: row.id,
    authenticatedAt: row.authenticated_at,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}

/** Ends the session of this proof, alive or not. @returns whose it was, undefined if nobody's. */
export async function deleteSessionByProof(
  tx: Tx,
  proofDigest: string,
): Promise<string | undefined> {
  const row = await tx
    .deleteFrom('sallyport.sessions')
    .where('proof_digest', '=', proofDigest)
    .returning('identity_id')
    .executeTakeFirst();
  return row?.identity_id;
}

/** Ends the session of the request that this batch serves. */
export function deleteCurrentSession(): Statement {
  return build
    .deleteFrom('sallyport.sessions')
    .where('id', '=', sql<string>`sallyport.current_session()`)
    .compile();
}

/** Moves "last seen" on, unless another request has done so within the minute. */
export function touchSession(sessionId: string): Statement {
  return build
    .updateTable('sallyport.session_activity')
    .set({ last_seen_at: sql<Date>`now()` })
    .where('session_id', '=', sessionId)
    .where('last_seen_at', '<', sql<Date>`now() - INTERVAL '1 minute'`)
    .compile();
}
