import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { OWN_IDENTITY } from './first-wall.ts';
import type { Tx } from './transaction.ts';

export type SecurityEventKind =
  | 'signed-up'
  | 'address-proved'
  | 'address-proof-failed'
  | 'signed-in'
  | 'sign-in-failed'
  | 'signed-out'
  | 'session-ended'
  | 'reauthenticated'
  | 'reauthentication-failed'
  | 'password-changed'
  | 'password-change-failed'
  | 'email-change-requested'
  | 'email-changed'
  | 'email-reverted'
  | 'deletion-requested'
  | 'deletion-called-off';

export interface SecurityEvent {
  readonly kind: SecurityEventKind;
  readonly identityId: string | null;
  /** A stable code, never what a person typed. */
  readonly reason?: string;
}

export async function insertSecurityEvent(tx: Tx, event: SecurityEvent): Promise<void> {
  const { kind, identityId, reason } = event;
  await tx
    .insertInto('sallyport.security_events')
    .values({ kind, identity_id: identityId, reason: reason ?? null })
    .execute();
}

/** An event of the request's own identity, as a statement of its batch. */
export function eventOfCurrentIdentity(kind: SecurityEventKind): Statement {
  return build
    .insertInto('sallyport.security_events')
    .values({ kind, identity_id: OWN_IDENTITY, reason: null })
    .compile();
}

/** What was noted of the request's own identity, newest first. */
export const ownSecurityEvents: Statement = build
  .selectFrom('sallyport.security_events')
  .where('identity_id', '=', OWN_IDENTITY)
  .select(['at', 'kind', 'reason'])
  .orderBy('at', 'desc')
  .limit(1_000)
  .compile();
