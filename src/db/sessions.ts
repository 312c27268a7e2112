import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { OWN_IDENTITY } from './first-wall.ts';
import { secretColumns, type SessionSecret } from './session-secret.ts';
import { copyMembership, onlyTenantOf } from './session-tenant.ts';
import { type Caller, EVENT_COLUMNS, eventsOfRows } from './security-events.ts';
import type { Tx } from './transaction.ts';

export interface NewSession extends SessionSecret {
  readonly identityId: string;
  readonly browser: string | null;
  readonly system: string | null;
  readonly assurance: Assurance;
}

/** What was proved of a session's person, and by which authenticators. */
export interface Assurance {
  /** NIST SP 800-63B-4 section 2. */
  readonly aal: 1 | 2;
  readonly amr: readonly string[];
  /** The authenticator that AAL2 is owed to; null where none is, or a recovery code. */
  readonly authenticatorId: string | null;
}

export interface SessionRow {
  readonly id: string;
  readonly authenticatedAt: Date;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** ASVS 7.3.2. */
const ABSOLUTE_LIFETIME = sql<Date>`now() + INTERVAL '12 hours'`;

/** The inactivity limit: whoever was just seen is not idle until then. ASVS 7.3.1. */
const NOT_IDLE_UNTIL = sql<Date>`now() + INTERVAL '1 hour'`;

export async function insertSession(tx: Tx, session: NewSession): Promise<SessionRow> {
  const row = await tx
    .insertInto('sallyport.sessions')
    .values({
      ...secretColumns(session),
      identity_id: session.identityId,
      tenant_id: onlyTenantOf(session.identityId),
      browser: session.browser,
      system: session.system,
      ...assuranceColumns(session.assurance),
      expires_at: ABSOLUTE_LIFETIME,
      active_until: NOT_IDLE_UNTIL,
    })
    .returning(['id', 'authenticated_at', 'created_at', 'expires_at'])
    .executeTakeFirstOrThrow();
  await tx.insertInto('sallyport.session_activity').values({ session_id: row.id }).execute();
  await copyMembership(tx, row.id);
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

/** The live sessions of the request's own identity, the current one marked and first. */
export const ownSessions: Statement = build
  .selectFrom('sallyport.sessions as s')
  .innerJoin('sallyport.session_activity as a', 'a.session_id', 's.id')
  .where('s.identity_id', '=', OWN_IDENTITY)
  .where('s.expires_at', '>', sql<Date>`now()`)
  .where('a.last_seen_at', '>', sql<Date>`now() - INTERVAL '1 hour'`)
  .select(['s.id', 's.browser', 's.system', 's.created_at as createdAt'])
  .select(['a.last_seen_at as lastSeenAt'])
  .select(sql<boolean>`s.id = sallyport.current_session()`.as('current'))
  .orderBy('current', 'desc')
  .orderBy('a.last_seen_at', 'desc')
  .compile();

/** Ends one session of the request's own identity, and notes it; a foreign one is not found. */
export function deleteOwnSession(sessionId: string, caller: Caller): Statement {
  return build
    .with('ended', (db) =>
      db
        .deleteFrom('sallyport.sessions')
        .where('id', '=', sessionId)
        .where('identity_id', '=', OWN_IDENTITY)
        .returning('id'),
    )
    .insertInto('sallyport.security_events')
    .columns(EVENT_COLUMNS)
    .expression(eventsOfRows('session-ended', caller, 'ended', ENDED_SESSION))
    .compile();
}

/** Ends every session of the request's own identity but the current one, and notes each. */
export function deleteOwnOtherSessions(caller: Caller): Statement {
  return build
    .with('ended', (db) =>
      db
        .deleteFrom('sallyport.sessions')
        .where('identity_id', '=', OWN_IDENTITY)
        .where('id', '!=', sql<string>`sallyport.current_session()`)
        .returning('id'),
    )
    .insertInto('sallyport.security_events')
    .columns(EVENT_COLUMNS)
    .expression(eventsOfRows('session-ended', caller, 'ended', ENDED_SESSION))
    .compile();
}

const ENDED_SESSION = sql`jsonb_build_object('session', id)`;

/** Ends the sessions of an identity, all or all but one. */
export async function deleteSessions(
  tx: Tx,
  identityId: string,
  except: string | null,
): Promise<void> {
  let query = tx.deleteFrom('sallyport.sessions').where('identity_id', '=', identityId);
  if (except !== null) query = query.where('id', '!=', except);
  await query.execute();
}

/** Ends the sessions of an identity but the one of this proof, all where there is none. */
export async function deleteOtherSessions(
  tx: Tx,
  identityId: string,
  proofDigest: string | null,
): Promise<void> {
  let query = tx.deleteFrom('sallyport.sessions').where('identity_id', '=', identityId);
  if (proofDigest !== null) query = query.where('proof_digest', '!=', proofDigest);
  await query.execute();
}

/**
 * Gives the session a new secret and synchronizer token and notes what its person has just proved;
 * null where nothing was. The old secret is worthless from the commit on (ASVS 7.2.4, R-25).
 */
export async function rotateSession(
  tx: Tx,
  sessionId: string,
  secret: SessionSecret,
  assurance: Assurance | null,
): Promise<void> {
  await tx
    .updateTable('sallyport.sessions')
    .set({
      ...secretColumns(secret),
      ...(assurance && { ...assuranceColumns(assurance), authenticated_at: sql<Date>`now()` }),
    })
    .where('id', '=', sessionId)
    .returning('id')
    .executeTakeFirstOrThrow();
  if (assurance) await forgetPauses(tx, sessionId);
}

/** Whoever has just proved who they are has not been away. */
async function forgetPauses(tx: Tx, sessionId: string): Promise<void> {
  await tx
    .updateTable('sallyport.session_activity')
    .set({ longest_pause: sql<string>`INTERVAL '0'`, last_seen_at: sql<Date>`now()` })
    .where('session_id', '=', sessionId)
    .execute();
}

/** The session's person has shown a second factor too, in the freshness of the first one. */
export async function raiseSession(
  tx: Tx,
  sessionId: string,
  method: string,
  authenticatorId: string,
): Promise<void> {
  await tx
    .updateTable('sallyport.sessions')
    .set({
      aal: 2,
      amr: sql<string[]>`array_append(amr, ${method}::TEXT)`,
      authenticator_id: sql<string>`COALESCE(authenticator_id, ${authenticatorId}::UUID)`,
    })
    .where('id', '=', sessionId)
    .execute();
}

/** Every session that owes its assurance to this authenticator has it no longer. */
export async function lowerSessions(tx: Tx, authenticatorId: string): Promise<void> {
  await tx
    .updateTable('sallyport.sessions')
    .set({ aal: 1, authenticator_id: null })
    .where('authenticator_id', '=', authenticatorId)
    .execute();
}

/**
 * A session that owes its assurance to something else than one of the passkeys that are left has
 * shown none: another passkey of its person, which is gone now, was shown in it beside that.
 */
export async function forgetPasskeyProofs(tx: Tx, identityId: string): Promise<void> {
  await tx
    .updateTable('sallyport.sessions')
    .set({ amr: sql<string[]>`array_remove(array_remove(amr, 'passkey'), 'passkey-touch')` })
    .where('identity_id', '=', identityId)
    .where('aal', '=', 2)
    .where(sql<boolean>`NOT EXISTS (SELECT 1 FROM sallyport.passkeys AS k
      WHERE k.id = sallyport.sessions.authenticator_id)`)
    .execute();
}

/** Every session of an identity that has no second factor any more. */
export async function lowerAllSessions(tx: Tx, identityId: string): Promise<void> {
  await tx
    .updateTable('sallyport.sessions')
    .set({ aal: 1, authenticator_id: null })
    .where('identity_id', '=', identityId)
    .execute();
}

/** What was proved in the request's own session. */
export const ownAssurance: Statement = build
  .selectFrom('sallyport.sessions')
  .where('identity_id', '=', OWN_IDENTITY)
  .where('id', '=', sql<string>`sallyport.current_session()`)
  .select(['aal', 'amr', 'authenticated_at as authenticatedAt'])
  .compile();

function assuranceColumns({ aal, amr, authenticatorId }: Assurance) {
  return { aal, amr: [...amr], authenticator_id: authenticatorId };
}
