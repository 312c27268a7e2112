import { type Engine, expiringRows, pinnedSearchPath, timeIndex } from '../engine.ts';
import { type DefinerFunction, grantFunctions, grantTables, type TableGrant } from '../grants.ts';
import type { MigrationStatement } from '../migration-statements.ts';

/**
 * The security event log: who did what to whom, in which tenant, from where, on which device, in
 * which request. Keys are random and indexes begin with whose log it is, so that no two tenants
 * write to one place. What a process writes there it cannot take back: only a role of its own
 * deletes, and only what is older than a setting that the process cannot change (ASVS 16.4.2).
 *
 * And the decisions that refused a request, for a week, for `sallyport why`.
 */
export function securityEvents(engine: Engine): readonly MigrationStatement[] {
  return [
    ...columns(),
    ...constraints(),
    ...indexes(engine),
    ...retention(engine),
    ...refusals(engine),
    ...grantTables(SECURITY_EVENT_GRANTS),
  ];
}

/** What deletes old events; the role that it runs as may do nothing else, and cannot sign in. */
export const RETENTION_FUNCTIONS: readonly DefinerFunction[] = [
  {
    signature: 'delete_old_security_events()',
    volatility: 'VOLATILE',
    owner: 'sallyport_retention',
    callers: ['sallyport_identity'],
  },
];

export const SECURITY_EVENT_GRANTS: readonly TableGrant[] = [
  {
    id: 'security-event-retention',
    on: ['security_event_retention'],
    privileges: ['SELECT'],
    to: ['sallyport_identity', 'sallyport_retention'],
  },
  {
    id: 'security-events-retention',
    on: ['security_events'],
    privileges: ['SELECT', 'DELETE'],
    to: ['sallyport_retention'],
  },
  {
    id: 'refusals',
    on: ['refusals'],
    privileges: ['SELECT', 'INSERT', 'DELETE'],
    to: ['sallyport_identity'],
  },
];

function columns(): readonly MigrationStatement[] {
  return [
    ['outcome', `TEXT NOT NULL DEFAULT 'success'`],
    ['details', `JSONB NOT NULL DEFAULT '{}'`],
    ['tenant_id', 'UUID'],
    ['actor_id', 'UUID'],
    ['session_id', 'UUID'],
    ['request_id', 'UUID'],
    ['address', 'TEXT'],
    ['browser', 'TEXT'],
    ['system', 'TEXT'],
  ].map(([name, type]) => ({
    id: `security-events-${name}`,
    sql: `ALTER TABLE sallyport.security_events ADD COLUMN IF NOT EXISTS ${name} ${type}`,
  }));
}

/** No text in it is one that a request brought along: each has a form (CWE-117). */
function constraints(): readonly MigrationStatement[] {
  return [
    ['kind', `kind ~ '^[a-z][a-z0-9-]{0,62}$'`],
    ['outcome', `outcome IN ('success', 'failure')`],
    ['reason', `reason ~ '^[a-z0-9][a-z0-9._:-]{0,99}$'`],
    ['details', `length(details::TEXT) <= 2000`],
    ['address', `address ~ '^[0-9a-f.:]{2,45}$'`],
    ['browser', `browser ~ '^[A-Za-z0-9 ._()/-]{1,100}$'`],
    ['system', `system ~ '^[A-Za-z0-9 ._()/-]{1,100}$'`],
  ].flatMap(([name, condition]) => [
    {
      id: `security-events-${name}-form-drop`,
      sql: `ALTER TABLE sallyport.security_events DROP CONSTRAINT IF EXISTS security_events_${name}_form`,
    },
    {
      id: `security-events-${name}-form`,
      sql: `ALTER TABLE sallyport.security_events ADD CONSTRAINT security_events_${name}_form CHECK (${condition})`,
    },
  ]);
}

/**
 * One for each way to read: a person's log, a tenant's, a tenant's by kind, by person, and what
 * failed there. The id behind the time makes each a total order, for pages that begin behind a row.
 * What is about nobody is in none of the persons': an attack on sign-in writes to no one place.
 * By time alone only old events are looked for.
 */
function indexes(engine: Engine): readonly MigrationStatement[] {
  return [
    {
      id: 'security-events-by-identity-drop',
      sql: `DROP INDEX IF EXISTS sallyport.security_events_by_identity`,
    },
    {
      id: 'security-events-by-time',
      sql: `CREATE INDEX IF NOT EXISTS security_events_by_time ON sallyport.security_events ${timeIndex(engine, 'at')}`,
    },
    ...[
      ['person', '(identity_id, at, id) WHERE identity_id IS NOT NULL'],
      ['request', '(request_id) WHERE request_id IS NOT NULL'],
      ['tenant', '(tenant_id, at, id) WHERE tenant_id IS NOT NULL'],
      ['tenant_kind', '(tenant_id, kind, at, id) WHERE tenant_id IS NOT NULL'],
      ['tenant_person', '(tenant_id, identity_id, at, id) WHERE tenant_id IS NOT NULL'],
      ['tenant_failure', `(tenant_id, at, id) WHERE tenant_id IS NOT NULL AND outcome = 'failure'`],
    ].map(([name, of]) => ({
      id: `security-events-of-${name?.replace('_', '-')}`,
      sql: `CREATE INDEX IF NOT EXISTS security_events_of_${name} ON sallyport.security_events ${of}`,
    })),
  ];
}

function retention(engine: Engine): readonly MigrationStatement[] {
  return [
    {
      // One row, which the owner alone may change: `sallyport migrate`, or a start with its login.
      id: 'security-event-retention',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.security_event_retention (
        singleton BOOL NOT NULL DEFAULT TRUE PRIMARY KEY,
        days INT4 NOT NULL,
        CONSTRAINT security_event_retention_singleton CHECK (singleton),
        CONSTRAINT security_event_retention_days CHECK (days BETWEEN 30 AND 3650)
      )`,
    },
    {
      // A few thousand rows a call, so that no call holds up what is noted meanwhile.
      id: 'function-delete_old_security_events',
      sql: `CREATE OR REPLACE FUNCTION sallyport.delete_old_security_events() RETURNS INT8 LANGUAGE plpgsql VOLATILE SECURITY DEFINER ${pinnedSearchPath(engine)} AS $$
      DECLARE v_days INT4; v_deleted INT8;
      BEGIN
        SELECT r.days INTO v_days FROM sallyport.security_event_retention AS r;
        WITH deleted AS (
          DELETE FROM sallyport.security_events WHERE id IN (
            SELECT e.id FROM sallyport.security_events AS e
              WHERE e.at < now() - v_days * INTERVAL '1 day' ORDER BY e.at LIMIT 5000
          ) RETURNING id
        ) SELECT count(*) INTO v_deleted FROM deleted;
        RETURN v_deleted;
      END $$`,
    },
    ...grantFunctions(RETENTION_FUNCTIONS),
    {
      // Whoever is to own a function must be allowed to create one, for as long as that takes.
      id: 'security-event-retention-schema',
      sql: `GRANT USAGE, CREATE ON SCHEMA sallyport TO sallyport_retention`,
    },
    {
      id: 'security-event-retention-owner',
      sql: `ALTER FUNCTION sallyport.delete_old_security_events() OWNER TO sallyport_retention`,
    },
    {
      id: 'security-event-retention-schema-back',
      sql: `REVOKE CREATE ON SCHEMA sallyport FROM sallyport_retention`,
    },
  ];
}

/**
 * A row a refused request, found by the id that its answer carries. Headers are masked before they
 * come here. Which identity it was, the insert looks up by the digest of the proof.
 */
function refusals(engine: Engine): readonly MigrationStatement[] {
  return [
    {
      id: 'refusals',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.refusals (
        request_id UUID NOT NULL PRIMARY KEY,
        at TIMESTAMPTZ NOT NULL DEFAULT now(),
        code TEXT NOT NULL,
        identity_id UUID,
        session_id UUID,
        tenant_id UUID,
        role TEXT,
        decision JSONB NOT NULL,
        expires_at TIMESTAMPTZ NOT NULL,
        CONSTRAINT refusals_decision_length CHECK (length(decision::TEXT) <= 32768)
      )${expiringRows(engine)}`,
    },
    {
      id: 'refusals-by-expiry',
      sql: `CREATE INDEX IF NOT EXISTS refusals_by_expiry ON sallyport.refusals ${timeIndex(engine, 'expires_at')}`,
    },
  ];
}
