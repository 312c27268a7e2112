import { type Engine, expiringRows, generatedAs } from '../engine.ts';
import type { MigrationStatement } from '../migration-statements.ts';

export function identityTables(engine: Engine): readonly MigrationStatement[] {
  return [
    {
      // `enabled` is copied into each of the identity's sessions by their foreign key, so
      // that one row tells whether a session is alive (decisions/017).
      id: 'identities',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.identities (
        id UUID NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
        disabled_at TIMESTAMPTZ,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        enabled BOOL NOT NULL ${generatedAs(engine, 'disabled_at IS NULL')},
        CONSTRAINT identities_enabled UNIQUE (id, enabled)
      )`,
    },
    {
      // One row an address that was proved. The folded form is what must be unique; what the
      // person typed is what mail goes to (RFC 5321 2.4).
      id: 'email-addresses',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.email_addresses (
        folded TEXT NOT NULL PRIMARY KEY,
        identity_id UUID NOT NULL UNIQUE REFERENCES sallyport.identities (id) ON DELETE CASCADE,
        address TEXT NOT NULL,
        proved_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        CONSTRAINT email_addresses_length CHECK (length(folded) <= 320 AND length(address) <= 320)
      )`,
    },
    {
      id: 'passwords',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.passwords (
        identity_id UUID NOT NULL PRIMARY KEY REFERENCES sallyport.identities (id) ON DELETE CASCADE,
        hash TEXT NOT NULL,
        changed_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        CONSTRAINT passwords_hash_is_argon2id CHECK (hash LIKE '$argon2id$%')
      )`,
    },
    {
      // What a person typed at sign-up, until the address is proved. Nothing here can sign in. One
      // row a browser, told by a digest, and one for all who signed up without one, whose digest is
      // empty: a stranger's sign-up neither replaces another person's nor lends its link their
      // password.
      id: 'sign-ups',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.sign_ups (
        folded TEXT NOT NULL,
        browser_digest TEXT NOT NULL,
        token_digest TEXT NOT NULL UNIQUE,
        token_suffices BOOL NOT NULL,
        password_tries INT4 NOT NULL DEFAULT 0,
        address TEXT NOT NULL,
        display_name TEXT NOT NULL,
        password_hash TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        expires_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (folded, browser_digest),
        CONSTRAINT sign_ups_browser_digest_is_sha256 CHECK (length(browser_digest) IN (0, 64)),
        CONSTRAINT sign_ups_token_digest_is_sha256 CHECK (length(token_digest) = 64),
        CONSTRAINT sign_ups_token_suffices_without_browser CHECK (NOT token_suffices OR browser_digest = ''),
        CONSTRAINT sign_ups_hash_is_argon2id CHECK (password_hash LIKE '$argon2id$%')
      )${expiringRows(engine)}`,
    },
    {
      // The purpose is part of the key, so that no token serves another purpose.
      id: 'one-time-tokens',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.one_time_tokens (
        purpose TEXT NOT NULL,
        digest TEXT NOT NULL,
        folded TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        expires_at TIMESTAMPTZ NOT NULL,
        consumed_at TIMESTAMPTZ,
        PRIMARY KEY (purpose, digest),
        CONSTRAINT one_time_tokens_purpose CHECK (purpose IN ('email-confirmation')),
        CONSTRAINT one_time_tokens_digest_is_sha256 CHECK (length(digest) = 64)
      )${expiringRows(engine)}`,
    },
    {
      id: 'one-time-tokens-by-address',
      sql: `CREATE INDEX IF NOT EXISTS one_time_tokens_by_address ON sallyport.one_time_tokens (purpose, folded)`,
    },
    {
      // The row holds the digest of a proof that is itself derived from the cookie's secret:
      // reading this table gives nobody a session (ASVS 7.2.2). proof_digest is found by an index
      // lookup of a digest, so its timing says nothing about the secret.
      id: 'sessions',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.sessions (
        id UUID NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
        proof_digest TEXT NOT NULL UNIQUE,
        identity_id UUID NOT NULL,
        identity_enabled BOOL NOT NULL DEFAULT TRUE,
        tenant_id UUID,
        selection_key TEXT NOT NULL DEFAULT '',
        synchronizer_generation INT4 NOT NULL DEFAULT 1,
        synchronizer_digest TEXT NOT NULL,
        authenticated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        expires_at TIMESTAMPTZ NOT NULL,
        CONSTRAINT sessions_identity FOREIGN KEY (identity_id, identity_enabled)
          REFERENCES sallyport.identities (id, enabled) ON DELETE CASCADE ON UPDATE CASCADE,
        CONSTRAINT sessions_proof_digest_is_sha256 CHECK (length(proof_digest) = 64),
        CONSTRAINT sessions_synchronizer_digest_is_sha256 CHECK (length(synchronizer_digest) = 64),
        CONSTRAINT sessions_selection_key_length CHECK (length(selection_key) IN (0, 64)),
        CONSTRAINT sessions_absolute_lifetime CHECK (expires_at <= created_at + INTERVAL '12 hours')
      )${expiringRows(engine)}`,
    },
    {
      id: 'sessions-by-identity',
      sql: `CREATE INDEX IF NOT EXISTS sessions_by_identity ON sallyport.sessions (identity_id)`,
    },
    {
      // Written about once a minute a session, so it is a row of its own: a request that locks its
      // session never waits for another request's "last seen".
      id: 'session-activity',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.session_activity (
        session_id UUID NOT NULL PRIMARY KEY REFERENCES sallyport.sessions (id) ON DELETE CASCADE,
        last_seen_at TIMESTAMPTZ NOT NULL DEFAULT now()
      )`,
    },
  ];
}

export function tenantTables(engine: Engine): readonly MigrationStatement[] {
  return [
    {
      // With delete_after set it waits for its deletion, and nobody is in it until it is restored.
      id: 'tenants',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.tenants (
        id UUID NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
        slug TEXT NOT NULL DEFAULT CAST(gen_random_uuid() AS TEXT),
        name TEXT NOT NULL,
        delete_after TIMESTAMPTZ,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        kept BOOL NOT NULL ${generatedAs(engine, 'delete_after IS NULL')},
        CONSTRAINT tenants_kept UNIQUE (id, kept)
      )`,
    },
    {
      id: 'roles',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.roles (
        tenant_id UUID NOT NULL REFERENCES sallyport.tenants (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        permissions TEXT[] NOT NULL,
        PRIMARY KEY (tenant_id, name)
      )`,
    },
    {
      id: 'memberships',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.memberships (
        tenant_id UUID NOT NULL,
        identity_id UUID NOT NULL REFERENCES sallyport.identities (id) ON DELETE CASCADE,
        role TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        tenant_kept BOOL NOT NULL DEFAULT TRUE,
        PRIMARY KEY (tenant_id, identity_id),
        CONSTRAINT memberships_tenant FOREIGN KEY (tenant_id, tenant_kept)
          REFERENCES sallyport.tenants (id, kept) ON DELETE CASCADE ON UPDATE CASCADE,
        CONSTRAINT memberships_role FOREIGN KEY (tenant_id, role) REFERENCES sallyport.roles (tenant_id, name)
      )`,
    },
    {
      id: 'memberships-by-identity',
      sql: `CREATE INDEX IF NOT EXISTS memberships_by_identity ON sallyport.memberships (identity_id)`,
    },
  ];
}

export function deliveryTables(): readonly MigrationStatement[] {
  return [
    {
      // `body` is encrypted with a key that the database does not have, and erased once sent: a
      // stolen backup holds no working link.
      id: 'outbox',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.outbox (
        id UUID NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
        body TEXT,
        attempts INT4 NOT NULL DEFAULT 0,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        next_attempt_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        expires_at TIMESTAMPTZ NOT NULL,
        sent_at TIMESTAMPTZ,
        CONSTRAINT outbox_body_until_sent CHECK ((body IS NULL) = (sent_at IS NOT NULL))
      )`,
    },
    {
      id: 'outbox-due',
      sql: `CREATE INDEX IF NOT EXISTS outbox_due ON sallyport.outbox (next_attempt_at) WHERE sent_at IS NULL`,
    },
    {
      id: 'security-events',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.security_events (
        id UUID NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
        at TIMESTAMPTZ NOT NULL DEFAULT now(),
        identity_id UUID,
        kind TEXT NOT NULL,
        reason TEXT
      )`,
    },
    {
      id: 'security-events-by-identity',
      sql: `CREATE INDEX IF NOT EXISTS security_events_by_identity ON sallyport.security_events (identity_id, at)`,
    },
    {
      // One row: the fingerprint of the encryption key that this database was first used with.
      id: 'encryption-key',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.encryption_key (
        singleton BOOL NOT NULL DEFAULT TRUE PRIMARY KEY,
        fingerprint TEXT NOT NULL,
        CONSTRAINT encryption_key_singleton CHECK (singleton)
      )`,
    },
  ];
}
