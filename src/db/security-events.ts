import { type RawBuilder, sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { OWN_IDENTITY } from './first-wall.ts';
import {
  checkEvent,
  type DetailsOf,
  type ScopeOf,
  SECURITY_EVENTS,
  type SecurityEventKind,
} from './security-event-kinds.ts';
import type { Tx } from './transaction.ts';

/**
 * Who calls, and from where: what every event says of the request that it came about in. The route
 * makes it, and hands it to the operation.
 */
export interface Caller {
  /** The id that the answer carries too. */
  readonly requestId: string;
  /** The source address in its canonical form; null where the connection is already gone. */
  readonly address: string | null;
  /** What guesses from there are counted by: see http/source.ts. */
  readonly network: string;
  /** As `describeUserAgent` tells: names that are known, and nothing of the header itself. */
  readonly browser: string | null;
  readonly system: string | null;
  /** In which they read our pages, and what is mailed because of this request. */
  readonly language: 'en' | 'de';
  /** The digest of the secret that the browser was given at a sign-in; null where it has none. */
  readonly deviceDigest: string | null;
  /** Who was signed in; null on a public route. */
  readonly identityId: string | null;
  readonly sessionId: string | null;
}

type EventOf<K extends SecurityEventKind> = {
  readonly kind: K;
  /** Whom it is about, and in whose log it stands; null where nobody is known. */
  readonly identityId: string | null;
  /** Null where the process did it by itself. */
  readonly caller: Caller | null;
  /** A stable code, never what a person typed. */
  readonly reason?: string;
} & (ScopeOf<K> extends 'tenant'
  ? { readonly tenantId: string }
  : { readonly tenantId?: string | null }) &
  (keyof DetailsOf<K> extends never
    ? { readonly details?: undefined }
    : { readonly details: DetailsOf<K> });

export type SecurityEvent = { [K in SecurityEventKind]: EventOf<K> }[SecurityEventKind];

/**
 * Notes what happens, in the transaction that makes it happen: if that is undone, so is the note.
 * An attempt that is refused has a transaction of its own, which is committed.
 */
export async function insertSecurityEvent(tx: Tx, event: SecurityEvent): Promise<void> {
  const { kind, identityId, tenantId, caller, reason, details = {} } = event;
  checkEvent(kind, reason, details);
  await tx
    .insertInto('sallyport.security_events')
    .values({
      kind,
      outcome: SECURITY_EVENTS[kind].outcome,
      reason: reason ?? null,
      details: JSON.stringify(details),
      identity_id: identityId,
      tenant_id: tenantId ?? null,
      actor_id: caller?.identityId ?? null,
      session_id: caller?.sessionId ?? null,
      request_id: caller?.requestId ?? null,
      address: caller?.address ?? null,
      browser: caller?.browser ?? null,
      system: caller?.system ?? null,
    })
    .execute();
}

const CURRENT_SESSION = sql<string>`sallyport.current_session()`;

/** What can be noted of the request's own identity by a statement of its batch. */
type OwnEventKind = 'signed-out' | 'session-ended' | 'deletion-called-off';

/**
 * An event of the request's own identity, as a statement of its batch. The batch is decided on in
 * the same flush, so who calls is not known yet: the database fills that in.
 */
export function eventOfCurrentIdentity(kind: 'signed-out', caller: Caller): Statement {
  return build
    .insertInto('sallyport.security_events')
    .values({
      kind,
      outcome: SECURITY_EVENTS[kind].outcome,
      identity_id: OWN_IDENTITY,
      actor_id: OWN_IDENTITY,
      session_id: CURRENT_SESSION,
      request_id: caller.requestId,
      address: caller.address,
      browser: caller.browser,
      system: caller.system,
    })
    .compile();
}

/** The columns that `eventsOfRows` fills, in its order. */
export const EVENT_COLUMNS = [
  'kind',
  'outcome',
  'details',
  'identity_id',
  'actor_id',
  'session_id',
  'request_id',
  'address',
  'browser',
  'system',
] as const;

/** An event of the request's own identity for each row that a statement has changed. */
export function eventsOfRows(
  kind: OwnEventKind,
  caller: Caller,
  rows: string,
  details: RawBuilder<unknown> = sql`'{}'::JSONB`,
): RawBuilder<unknown> {
  const { requestId, address, browser, system } = caller;
  return sql`SELECT ${kind}::TEXT, ${SECURITY_EVENTS[kind].outcome}::TEXT, ${details}, ${OWN_IDENTITY},
    ${OWN_IDENTITY}, ${CURRENT_SESSION}, ${requestId}::UUID, ${address}::TEXT, ${browser}::TEXT,
    ${system}::TEXT FROM ${sql.table(rows)}`;
}

/** What was noted in a request, for the operator: in the order in which it happened. */
export async function findEventsOfRequest(tx: Tx, requestId: string) {
  return await tx
    .selectFrom('sallyport.security_events')
    .where('request_id', '=', requestId)
    .select(['at', 'kind', 'outcome', 'reason', 'identity_id as identityId'])
    .orderBy('at')
    .execute();
}

/** What was noted of the request's own identity, newest first. */
export const ownSecurityEvents: Statement = build
  .selectFrom('sallyport.security_events')
  .where('identity_id', '=', OWN_IDENTITY)
  .select(['at', 'kind', 'reason'])
  .orderBy('at', 'desc')
  .limit(1_000)
  .compile();
