import type { Engine } from '../engine.ts';
import type { MigrationStatement } from '../migration-statements.ts';

/**
 * The security event log: who did what to whom, in which tenant, from where, on which device, in
 * which request. Keys are random and indexes begin with whose log it is, so that no two tenants
 * write to one place.
 */
export function securityEvents(_engine: Engine): readonly MigrationStatement[] {
  return [...columns(), ...constraints(), ...indexes()];
}

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
 */
function indexes(): readonly MigrationStatement[] {
  return [
    {
      id: 'security-events-by-identity-drop',
      sql: `DROP INDEX IF EXISTS sallyport.security_events_by_identity`,
    },
    ...[
      ['person', '(identity_id, at, id) WHERE identity_id IS NOT NULL'],
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
