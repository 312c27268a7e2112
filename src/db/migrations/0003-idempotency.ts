import { type Engine, expiringRows, type PolicyForm, policyPrincipal } from '../engine.ts';
import { grantTables, type TableGrant } from '../grants.ts';
import { inPolicyForm, type MigrationStatement } from '../migration-statements.ts';

/**
 * What was done under an Idempotency-Key, and what was answered: a row is inserted in the very
 * transaction that it stands for, so it is there exactly if that was committed.
 */
export function idempotency(engine: Engine, form: PolicyForm): readonly MigrationStatement[] {
  const tenant = `COALESCE(${policyPrincipal(engine, form, 'tenant')}, '${NO_TENANT}'::UUID)`;
  const own = `identity_id = ${policyPrincipal(engine, form, 'identity')} AND tenant_id = ${tenant}`;
  return [
    {
      // `holder` is the request that did it. `answer` is encrypted with a key that the database
      // does not have: answers hold what their readers may see.
      id: 'idempotency-keys',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.idempotency_keys (
        identity_id UUID NOT NULL REFERENCES sallyport.identities (id) ON DELETE CASCADE,
        tenant_id UUID NOT NULL,
        key_digest TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        holder UUID NOT NULL,
        answer TEXT,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        expires_at TIMESTAMPTZ NOT NULL,
        CONSTRAINT ${IDEMPOTENCY_KEY} PRIMARY KEY (identity_id, tenant_id, key_digest),
        CONSTRAINT idempotency_keys_digests_are_sha256 CHECK (length(key_digest) = 64 AND length(fingerprint) = 64),
        CONSTRAINT idempotency_keys_answer_length CHECK (length(answer) <= 131072)
      )${expiringRows(engine)}`,
    },
    {
      id: 'idempotency-keys-by-expiry',
      sql: `CREATE INDEX IF NOT EXISTS idempotency_keys_by_expiry ON sallyport.idempotency_keys (expires_at)`,
    },
    {
      id: 'idempotency-keys-row-level-security',
      sql: `ALTER TABLE sallyport.idempotency_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`,
    },
    ...inPolicyForm(form, [
      {
        id: 'idempotency-keys-own-drop',
        sql: `DROP POLICY IF EXISTS idempotency_keys_own ON sallyport.idempotency_keys`,
      },
      {
        id: 'idempotency-keys-own',
        sql: `CREATE POLICY idempotency_keys_own ON sallyport.idempotency_keys FOR ALL TO sallyport_app USING (${own}) WITH CHECK (${own})`,
      },
    ]),
    {
      id: 'idempotency-keys-expired-drop',
      sql: `DROP POLICY IF EXISTS idempotency_keys_expired ON sallyport.idempotency_keys`,
    },
    {
      // For the sweeper, which has no use for a row that is in force.
      id: 'idempotency-keys-expired',
      sql: `CREATE POLICY idempotency_keys_expired ON sallyport.idempotency_keys FOR ALL TO sallyport_identity USING (expires_at < now()) WITH CHECK (false)`,
    },
    ...grantTables(IDEMPOTENCY_GRANTS),
  ];
}

/** The primary key, by which its violation is told from one of the application's own. */
export const IDEMPOTENCY_KEY = 'idempotency_keys_once';

/** In the place of a tenant, where the request has none: a primary key takes no NULL. */
export const NO_TENANT = '00000000-0000-0000-0000-000000000000';

export const IDEMPOTENCY_GRANTS: readonly TableGrant[] = [
  {
    id: 'idempotency-keys-app',
    on: ['idempotency_keys'],
    privileges: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
    to: ['sallyport_app'],
  },
  {
    id: 'idempotency-keys-identity',
    on: ['idempotency_keys'],
    privileges: ['SELECT', 'DELETE'],
    to: ['sallyport_identity'],
  },
];
