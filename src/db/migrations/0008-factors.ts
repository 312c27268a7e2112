import { type Engine, expiringRows, pinnedSearchPath, sqlDigest } from '../engine.ts';
import { type DefinerFunction, grantFunctions, grantTables, type TableGrant } from '../grants.ts';
import type { MigrationStatement } from '../migration-statements.ts';

/**
 * Authenticators beside the password, sign-ins that wait for a second one, and what was proved in
 * each session.
 */
export function factors(engine: Engine): readonly MigrationStatement[] {
  return [
    ...sessionColumns(),
    ...tables(engine),
    ...stepUp(engine),
    ...grantFunctions(FACTOR_FUNCTIONS),
    ...grantTables(FACTOR_GRANTS),
  ];
}

export const FACTOR_FUNCTIONS: readonly DefinerFunction[] = [
  { signature: 'require_step_up(BIGINT, BIGINT)', volatility: 'STABLE' },
];

export const FACTOR_GRANTS: readonly TableGrant[] = [
  ...[
    'sign_in_flows',
    'totp_authenticators',
    'totp_enrolments',
    'recovery_codes',
    'passkeys',
    'passkey_challenges',
  ].map((table): TableGrant => ({
    id: table,
    on: [table],
    privileges: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
    to: ['sallyport_identity'],
  })),
  {
    // A key that takes the place of another is noted.
    id: 'encryption-key-rotation',
    on: ['encryption_key'],
    privileges: ['UPDATE'],
    to: ['sallyport_identity'],
  },
];

/** What was proved when the session's person last proved who they are. */
function sessionColumns(): readonly MigrationStatement[] {
  return [
    {
      id: 'sessions-aal',
      sql: `ALTER TABLE sallyport.sessions ADD COLUMN IF NOT EXISTS aal INT4 NOT NULL DEFAULT 1`,
    },
    {
      id: 'sessions-amr',
      sql: `ALTER TABLE sallyport.sessions ADD COLUMN IF NOT EXISTS amr TEXT[] NOT NULL DEFAULT ARRAY['password']`,
    },
    {
      // The authenticator that the session owes its AAL to: without it, it has that no longer.
      id: 'sessions-authenticator',
      sql: `ALTER TABLE sallyport.sessions ADD COLUMN IF NOT EXISTS authenticator_id UUID`,
    },
  ];
}

function tables(engine: Engine): readonly MigrationStatement[] {
  return [
    {
      // A sign-in whose first factor is proved: no session, and no function knows it. It is told by
      // the digest of a secret that one browser has, and ends with the password it was begun with.
      id: 'sign-in-flows',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.sign_in_flows (
        digest TEXT NOT NULL PRIMARY KEY,
        identity_id UUID NOT NULL REFERENCES sallyport.identities (id) ON DELETE CASCADE,
        password_digest TEXT NOT NULL,
        return_to TEXT,
        tries INT4 NOT NULL DEFAULT 0,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        expires_at TIMESTAMPTZ NOT NULL,
        CONSTRAINT sign_in_flows_digest_is_sha256 CHECK (length(digest) = 64),
        CONSTRAINT sign_in_flows_minutes CHECK (expires_at <= created_at + INTERVAL '5 minutes')
      )${expiringRows(engine)}`,
    },
    {
      id: 'sign-in-flows-by-identity',
      sql: `CREATE INDEX IF NOT EXISTS sign_in_flows_by_identity ON sallyport.sign_in_flows (identity_id)`,
    },
    {
      // The secret is encrypted with a key that the database does not have. A step counts once.
      id: 'totp-authenticators',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.totp_authenticators (
        id UUID NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
        identity_id UUID NOT NULL UNIQUE REFERENCES sallyport.identities (id) ON DELETE CASCADE,
        secret TEXT NOT NULL,
        last_step INT8 NOT NULL,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        last_used_at TIMESTAMPTZ NOT NULL DEFAULT now()
      )`,
    },
    {
      // One that its person has not confirmed yet: it proves nothing.
      id: 'totp-enrolments',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.totp_enrolments (
        identity_id UUID NOT NULL PRIMARY KEY REFERENCES sallyport.identities (id) ON DELETE CASCADE,
        session_id UUID NOT NULL REFERENCES sallyport.sessions (id) ON DELETE CASCADE,
        secret TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        expires_at TIMESTAMPTZ NOT NULL
      )${expiringRows(engine)}`,
    },
    {
      id: 'totp-enrolments-by-session',
      sql: `CREATE INDEX IF NOT EXISTS totp_enrolments_by_session ON sallyport.totp_enrolments (session_id)`,
    },
    {
      // 120 random bits each, so a plain digest will do (NIST SP 800-63B-4 3.1.2.2).
      id: 'recovery-codes',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.recovery_codes (
        identity_id UUID NOT NULL REFERENCES sallyport.identities (id) ON DELETE CASCADE,
        digest TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        used_at TIMESTAMPTZ,
        PRIMARY KEY (identity_id, digest),
        CONSTRAINT recovery_codes_digest_is_sha256 CHECK (length(digest) = 64)
      )`,
    },
    {
      // Public keys, each under the id by which an authenticator knows it, unique in all the world.
      id: 'passkeys',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.passkeys (
        id UUID NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
        identity_id UUID NOT NULL REFERENCES sallyport.identities (id) ON DELETE CASCADE,
        credential_id TEXT NOT NULL UNIQUE,
        public_key TEXT NOT NULL,
        sign_count INT8 NOT NULL,
        transports TEXT[] NOT NULL,
        backed_up BOOL NOT NULL,
        name TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        last_used_at TIMESTAMPTZ,
        CONSTRAINT passkeys_name_length CHECK (length(name) BETWEEN 1 AND 100),
        CONSTRAINT passkeys_credential_id_length CHECK (length(credential_id) BETWEEN 1 AND 1400)
      )`,
    },
    {
      id: 'passkeys-by-identity',
      sql: `CREATE INDEX IF NOT EXISTS passkeys_by_identity ON sallyport.passkeys (identity_id)`,
    },
    {
      // Challenges that were answered, until they would have expired: none is taken twice.
      id: 'passkey-challenges',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.passkey_challenges (
        digest TEXT NOT NULL PRIMARY KEY,
        expires_at TIMESTAMPTZ NOT NULL,
        CONSTRAINT passkey_challenges_digest_is_sha256 CHECK (length(digest) = 64)
      )${expiringRows(engine)}`,
    },
  ];
}

/**
 * Takes the place of require_fresh. Raises SP440 where the session's last proof is older than so
 * many seconds, SP442 where its person has a second factor and has not shown AAL2 within them, and
 * SP443 where AAL2 is asked of somebody who has nothing to reach it with (ASVS 7.5.1, 7.5.3, 8.2.4;
 * CWE-306, CWE-308). A session that is not alive was refused by require before, and is here too.
 */
function stepUp(engine: Engine): readonly MigrationStatement[] {
  return [
    {
      id: 'function-require_step_up',
      sql: `CREATE OR REPLACE FUNCTION sallyport.require_step_up(p_seconds INT8, p_aal INT8) RETURNS BOOL LANGUAGE plpgsql STABLE SECURITY DEFINER ${pinnedSearchPath(engine)} AS $$
      DECLARE v_identity UUID; v_aal INT4; v_fresh BOOL; v_factor UUID;
      BEGIN
        SELECT s.identity_id, s.aal, s.authenticated_at > now() - p_seconds * INTERVAL '1 second'
          INTO v_identity, v_aal, v_fresh
          FROM sallyport.sessions AS s
          WHERE s.proof_digest = ${sqlDigest(engine, `current_setting('sallyport.proof', true)`)}
            AND s.expires_at > now();
        SELECT t.id INTO v_factor FROM sallyport.totp_authenticators AS t WHERE t.identity_id = v_identity;
        IF v_factor IS NULL THEN
          SELECT k.id INTO v_factor FROM sallyport.passkeys AS k WHERE k.identity_id = v_identity LIMIT 1;
        END IF;
        IF v_factor IS NOT NULL AND NOT (v_fresh AND v_aal >= 2) THEN
          RAISE EXCEPTION 'second factor required' USING ERRCODE = 'SP442';
        END IF;
        IF v_identity IS NULL OR NOT v_fresh THEN
          RAISE EXCEPTION 'step-up required' USING ERRCODE = 'SP440';
        END IF;
        IF v_factor IS NULL AND p_aal >= 2 THEN
          RAISE EXCEPTION 'second factor missing' USING ERRCODE = 'SP443';
        END IF;
        RETURN TRUE;
      END $$`,
    },
    {
      id: 'function-require_fresh-drop',
      sql: `DROP FUNCTION IF EXISTS sallyport.require_fresh(BIGINT)`,
    },
  ];
}
