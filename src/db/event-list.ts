import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';
import { OWN_IDENTITY, OWN_TENANT } from './first-wall.ts';

/** Whose log: that of the request's own identity, or of its tenant. */
export type EventLog = 'own' | 'tenant';

/** What is looked for; null where it does not matter. */
export interface EventFilter {
  readonly kind: string | null;
  readonly outcome: 'success' | 'failure' | null;
  /** About whom; in a person's own log it is they. */
  readonly identityId: string | null;
  /** From this moment on, and before that one. */
  readonly from: Date | null;
  readonly until: Date | null;
}

/** The last row of the page before: its time as the database writes it, to the microsecond. */
export interface EventCursor {
  readonly at: string;
  readonly id: string;
}

/** An event as its reader may see it. */
export interface EventRow {
  readonly id: string;
  readonly at: Date;
  /** For the cursor: a Date knows no microseconds. */
  readonly exactly: string;
  readonly kind: string;
  readonly outcome: 'success' | 'failure';
  readonly reason: string | null;
  readonly details: Readonly<Record<string, string | number>>;
  readonly identityId: string | null;
  /** Who did it: the person themselves, somebody else, or nobody known. */
  readonly by: 'self' | 'other' | null;
  readonly requestId: string | null;
  readonly address: string | null;
  readonly browser: string | null;
  readonly system: string | null;
}

/** The same in a tenant's log, which tells who the others are. */
export interface TenantEventRow extends EventRow {
  readonly actorId: string | null;
  /** The addresses of those who are still members; null of all others. */
  readonly person: string | null;
  readonly actor: string | null;
}

/**
 * A page of a log, newest first, behind the last row of the page before. Each log has an index in
 * this order, and a tenant's one for each filter, so a page costs the same however long the log is
 * (docs/performance.md). A person is told that somebody else did something, and not who: they may
 * know each other from another tenant only.
 */
export function eventPage(
  log: EventLog,
  filter: EventFilter,
  before: EventCursor | null,
  limit: number,
): Statement {
  const query = filtered(log, filter)
    .select(['e.id', 'e.at', 'e.kind', 'e.outcome', 'e.reason', 'e.details'])
    .select(['e.identity_id as identityId', 'e.request_id as requestId'])
    .select(['e.address', 'e.browser', 'e.system'])
    .select(sql<string>`e.at::TEXT`.as('exactly'))
    .select(
      sql<EventRow['by']>`CASE WHEN e.actor_id IS NULL THEN NULL
        WHEN e.actor_id = e.identity_id THEN 'self' ELSE 'other' END`.as('by'),
    )
    .orderBy('e.at', 'desc')
    .orderBy('e.id', 'desc')
    .limit(limit);
  const page = before
    ? query.where(sql<boolean>`(e.at, e.id) < (${before.at}::TIMESTAMPTZ, ${before.id}::UUID)`)
    : query;
  if (log === 'own') return page.compile();
  return page
    .select(['e.actor_id as actorId'])
    .select([addressOf('identity_id').as('person'), addressOf('actor_id').as('actor')])
    .compile();
}

/** How many events the filter lets through, up to so many: counting more takes longer. */
export function countEvents(log: EventLog, filter: EventFilter, limit: number): Statement {
  return build
    .selectFrom(filtered(log, filter).select('e.id').limit(limit).as('counted'))
    .select(sql<number>`count(*)::INT4`.as('n'))
    .compile();
}

function filtered(log: EventLog, { kind, outcome, identityId, from, until }: EventFilter) {
  let query = build.selectFrom('sallyport.security_events as e');
  query =
    log === 'own'
      ? query.where('e.identity_id', '=', OWN_IDENTITY)
      : query.where('e.tenant_id', '=', OWN_TENANT);
  if (kind !== null) query = query.where('e.kind', '=', kind);
  // As a literal, so that the index of what failed is one that the planner may take.
  if (outcome !== null) query = query.where('e.outcome', '=', sql.lit(outcome));
  if (identityId !== null) query = query.where('e.identity_id', '=', identityId);
  if (from) query = query.where('e.at', '>=', from);
  if (until) query = query.where('e.at', '<', until);
  return query;
}

/** Once for each row of the page. Who left the tenant is none of its business any more. */
function addressOf(column: 'identity_id' | 'actor_id') {
  return sql<string | null>`(SELECT a.address FROM sallyport.memberships AS m
    JOIN sallyport.email_addresses AS a ON a.identity_id = m.identity_id
    WHERE m.tenant_id = e.tenant_id AND m.identity_id = ${sql.ref(`e.${column}`)})`;
}
