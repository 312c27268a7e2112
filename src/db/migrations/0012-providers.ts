import { type Engine, expiringRows, pinnedSearchPath } from '../engine.ts';
import { type DefinerFunction, grantFunctions, grantTables, type TableGrant } from '../grants.ts';
import type { MigrationStatement } from '../migration-statements.ts';

/**
 * Accounts at external providers that their owners sign in with, and visits to them under way; and
 * the tenant that a request with a bearer credential may name.
 */
export function providers(engine: Engine): readonly MigrationStatement[] {
  return [
    {
      // Whose account at a provider is whose here: by its issuer and subject, which never change
      // hands, and not by an address (OpenID Connect Core 1.0 section 5.7).
      id: 'provider-links',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.provider_links (
        id UUID NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
        identity_id UUID NOT NULL REFERENCES sallyport.identities (id) ON DELETE CASCADE,
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        address TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        last_used_at TIMESTAMPTZ,
        CONSTRAINT provider_links_subject UNIQUE (issuer, subject),
        CONSTRAINT provider_links_one_each UNIQUE (identity_id, issuer),
        CONSTRAINT provider_links_subject_length CHECK (length(subject) BETWEEN 1 AND 255)
      )`,
    },
    {
      // A browser that was sent to a provider: what for, and from which session. State, nonce and
      // PKCE verifier are derived from the secret of which this has the digest.
      id: 'provider-flows',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.provider_flows (
        digest TEXT NOT NULL PRIMARY KEY,
        purpose TEXT NOT NULL,
        issuer TEXT NOT NULL,
        session_id UUID REFERENCES sallyport.sessions (id) ON DELETE CASCADE,
        return_to TEXT,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        expires_at TIMESTAMPTZ NOT NULL,
        CONSTRAINT provider_flows_digest_is_sha256 CHECK (length(digest) = 64),
        CONSTRAINT provider_flows_purpose CHECK (purpose IN ('sign-in', 'link', 're-authentication')),
        CONSTRAINT provider_flows_session CHECK ((purpose = 'sign-in') = (session_id IS NULL)),
        CONSTRAINT provider_flows_minutes CHECK (expires_at <= created_at + INTERVAL '10 minutes')
      )${expiringRows(engine)}`,
    },
    {
      id: 'provider-flows-by-session',
      sql: `CREATE INDEX IF NOT EXISTS provider_flows_by_session ON sallyport.provider_flows (session_id)`,
    },
    {
      // A sign-in that was begun with a provider has no password to be bound to, but a link, whose
      // end is its end.
      id: 'sign-in-flows-without-password',
      sql: `ALTER TABLE sallyport.sign_in_flows ALTER COLUMN password_digest DROP NOT NULL`,
    },
    {
      id: 'sign-in-flows-link',
      sql: `ALTER TABLE sallyport.sign_in_flows ADD COLUMN IF NOT EXISTS link_id UUID REFERENCES sallyport.provider_links (id) ON DELETE CASCADE`,
    },
    {
      id: 'sign-in-flows-by-link',
      sql: `CREATE INDEX IF NOT EXISTS sign_in_flows_by_link ON sallyport.sign_in_flows (link_id)`,
    },
    {
      // A request that names its tenant, and comes with a credential of another one, is refused
      // behind the decision, as somebody's who is no member there.
      id: 'function-require_named_tenant',
      sql: `CREATE OR REPLACE FUNCTION sallyport.require_named_tenant(p_slug TEXT) RETURNS BOOL
        LANGUAGE plpgsql STABLE SECURITY DEFINER ${pinnedSearchPath(engine)} AS $$
      DECLARE v_tenant UUID;
      BEGIN
        SELECT t.id INTO v_tenant FROM sallyport.tenants AS t
          WHERE t.id = sallyport.current_tenant() AND t.slug = p_slug;
        IF v_tenant IS NULL THEN
          RAISE EXCEPTION 'forbidden' USING ERRCODE = 'SP403';
        END IF;
        RETURN TRUE;
      END $$`,
    },
    ...grantFunctions(PROVIDER_FUNCTIONS),
    ...grantTables(PROVIDER_GRANTS),
  ];
}

export const PROVIDER_FUNCTIONS: readonly DefinerFunction[] = [
  { signature: 'require_named_tenant(TEXT)', volatility: 'STABLE' },
];

export const PROVIDER_GRANTS: readonly TableGrant[] = [
  {
    id: 'provider-tables',
    on: ['provider_links', 'provider_flows'],
    privileges: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
    to: ['sallyport_identity'],
  },
];
