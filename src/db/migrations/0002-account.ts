import { type Engine, expiringRows, pinnedSearchPath, sqlDigest } from '../engine.ts';
import type { MigrationStatement } from '../migration-statements.ts';
import { type DefinerFunction, grantFunctions, grantTables, type TableGrant } from '../grants.ts';

/**
 * What a person does with their own account: sessions that tell which browser they are in, another
 * address and the way back to the old one, and deletion with a grace period.
 */
export function account(engine: Engine): readonly MigrationStatement[] {
  return [
    ...columns(),
    ...tables(engine),
    freshness(engine),
    ...grantFunctions(ACCOUNT_FUNCTIONS),
    ...grantTables(ACCOUNT_GRANTS),
  ];
}

export const ACCOUNT_FUNCTIONS: readonly DefinerFunction[] = [
  { signature: 'require_fresh(BIGINT)', volatility: 'STABLE' },
];

export const ACCOUNT_GRANTS: readonly TableGrant[] = ['email_changes', 'email_reversions'].map(
  (table) => ({
    id: table,
    on: [table],
    privileges: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
    to: ['sallyport_identity'],
  }),
);

function columns(): readonly MigrationStatement[] {
  return [
    {
      id: 'sessions-browser',
      sql: `ALTER TABLE sallyport.sessions ADD COLUMN IF NOT EXISTS browser TEXT`,
    },
    {
      id: 'sessions-system',
      sql: `ALTER TABLE sallyport.sessions ADD COLUMN IF NOT EXISTS system TEXT`,
    },
    {
      id: 'identities-delete-after',
      sql: `ALTER TABLE sallyport.identities ADD COLUMN IF NOT EXISTS delete_after TIMESTAMPTZ`,
    },
  ];
}

function tables(engine: Engine): readonly MigrationStatement[] {
  return [
    {
      // One change at a time an identity. The row holds the exact address that the token was mailed
      // to, and the one that it replaces: confirming compares both (R-38).
      id: 'email-changes',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.email_changes (
        identity_id UUID NOT NULL PRIMARY KEY REFERENCES sallyport.identities (id) ON DELETE CASCADE,
        token_digest TEXT NOT NULL UNIQUE,
        old_folded TEXT NOT NULL,
        folded TEXT NOT NULL,
        address TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        expires_at TIMESTAMPTZ NOT NULL,
        CONSTRAINT email_changes_digest_is_sha256 CHECK (length(token_digest) = 64)
      )${expiringRows(engine)}`,
    },
    {
      // The way back, mailed to the old address, which stays its owner's for as long.
      id: 'email-reversions',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.email_reversions (
        token_digest TEXT NOT NULL PRIMARY KEY,
        identity_id UUID NOT NULL REFERENCES sallyport.identities (id) ON DELETE CASCADE,
        folded TEXT NOT NULL,
        address TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        expires_at TIMESTAMPTZ NOT NULL,
        CONSTRAINT email_reversions_digest_is_sha256 CHECK (length(token_digest) = 64)
      )${expiringRows(engine)}`,
    },
    {
      id: 'email-reversions-by-address',
      sql: `CREATE INDEX IF NOT EXISTS email_reversions_by_address ON sallyport.email_reversions (folded)`,
    },
    {
      id: 'email-reversions-by-identity',
      sql: `CREATE INDEX IF NOT EXISTS email_reversions_by_identity ON sallyport.email_reversions (identity_id)`,
    },
  ];
}

/**
 * Raises SP440 where the session's last proof is older than so many seconds; a session that is not
 * alive was refused by require before, and is here too (ASVS 7.5.1, 7.5.3; CWE-306).
 */
function freshness(engine: Engine): MigrationStatement {
  return {
    id: 'function-require_fresh',
    sql: `CREATE OR REPLACE FUNCTION sallyport.require_fresh(p_seconds BIGINT) RETURNS BOOL LANGUAGE plpgsql STABLE SECURITY DEFINER ${pinnedSearchPath(engine)} AS $$
      DECLARE v_found UUID;
      BEGIN
        SELECT s.id INTO v_found FROM sallyport.sessions AS s
          WHERE s.proof_digest = ${sqlDigest(engine, `current_setting('sallyport.proof', true)`)}
            AND s.expires_at > now()
            AND s.authenticated_at > now() - p_seconds * INTERVAL '1 second';
        IF v_found IS NULL THEN
          RAISE EXCEPTION 'step-up required' USING ERRCODE = 'SP440';
        END IF;
        RETURN TRUE;
      END $$`,
  };
}
