import {
  type Engine,
  expiringRows,
  generatedAs,
  pinnedSearchPath,
  type PolicyForm,
  policyPrincipal,
  sqlDigest,
} from '../engine.ts';
import {
  BOTH_ROLES,
  type DefinerFunction,
  grantFunctions,
  grantTables,
  type TableGrant,
} from '../grants.ts';
import { inPolicyForm, type MigrationStatement } from '../migration-statements.ts';

/**
 * Identities, their credentials and sessions, tenants and memberships, mail to send and security
 * events; the functions that say who a proof stands for; and the first table under row-level
 * security, the profile.
 *
 * The tables that the functions read carry no row-level security of their own: the functions run as
 * the owner, and a forced policy that calls them would call them again without end. No role but
 * sallyport_identity has a privilege on them.
 */
export function foundation(engine: Engine, form: PolicyForm): readonly MigrationStatement[] {
  return [
    ...identityTables(engine),
    ...tenantTables(engine),
    ...deliveryTables(),
    ...functions(engine),
    ...profile(engine, form),
    ...grants(),
  ];
}

function identityTables(engine: Engine): readonly MigrationStatement[] {
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
      // One row an address that was proved. The folded form is what must be unique (R-47); what the
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
      // password (R-43).
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
      // The purpose is part of the key, so that no token serves another purpose (R-68).
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

function tenantTables(engine: Engine): readonly MigrationStatement[] {
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

function deliveryTables(): readonly MigrationStatement[] {
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

/**
 * What `sallyport.require` answers, as authorization.ts reads it: the identity and the tenant (or
 * as many blanks), 36 characters each, and the rest of the principal as a JSON array. One text
 * costs the server less than as many columns of a function's result (decisions/016).
 */
const principalText = (account: readonly string[]) => `CAST(v_identity AS TEXT)
            || COALESCE(CAST(v_tenant AS TEXT), '${' '.repeat(36)}')
            || CAST(json_build_array(${[...PRINCIPAL, ...account].join(', ')}) AS TEXT)`;

const PRINCIPAL = [
  'v_session',
  'v_permissions',
  'v_authenticated_at',
  'v_created_at',
  'v_expires_at',
  'v_generation',
  'v_seen_long_ago',
];

/** What a later migration asks of a membership; nothing unless said. */
export interface MembershipCondition {
  /** Behind the join of the session, its activity and the membership, as s, a and m. */
  readonly fits: string;
  /** Another column of the membership for require, and the variables that are needed for it. */
  readonly column: string;
  readonly into: string;
  readonly declared: string;
  /** What require does once it has the membership, and before it says why there is none. */
  readonly judged: string;
  readonly refusal: string;
}

const UNCONDITIONAL: MembershipCondition = {
  fits: '',
  column: '',
  into: '',
  declared: '',
  judged: '',
  refusal: '',
};

/** How the functions find the session of a proof, and the tenant that its request is for. */
export function sessionParts(engine: Engine) {
  const liveBy = (proofDigest: string) => `s.proof_digest = ${proofDigest}
            AND s.expires_at > now()
            AND a.last_seen_at > now() - INTERVAL '1 hour'
            AND s.identity_enabled`;
  const session = `sallyport.sessions AS s
          JOIN sallyport.session_activity AS a ON a.session_id = s.id`;
  const selected = `split_part(current_setting('sallyport.selection', true), ':', 1)`;
  const selectionProof = `split_part(current_setting('sallyport.selection', true), ':', 2)`;
  // What a request names in the place of the session's own tenant is proved with a key that the
  // process derives from the cookie and the row keeps: SQL injected into a request cannot name a
  // third one (CWE-639). Either way it selects among the memberships, and grants none.
  const named = (key: string) => `FROM sallyport.tenants AS x WHERE x.slug = ${selected}
              AND ${key} <> ''
              AND ${sqlDigest(engine, `${key} || ${selected}`)} = ${selectionProof}`;
  const selectedTenant = `(SELECT x.id ${named('s.selection_key')})`;
  // Two statements and not a CASE in one: what is not looked up would be prepared all the same.
  const inTenant = (statement: (tenant: string) => string) => `
        IF COALESCE(current_setting('sallyport.selection', true), '') = '' THEN
          ${statement('s.tenant_id')}
        ELSE
          ${statement(selectedTenant)}
        END IF;`;
  return { liveBy, session, named, inTenant };
}

/**
 * Who the current transaction's proof stands for. Each looks the proof's digest up in the caller's
 * own snapshot, so an ended session, a disabled identity or a lost membership is in force for every
 * request that begins after its COMMIT. An absent, empty or foreign proof matches no row (a digest
 * of the empty text is never stored): all of them fail closed. ASVS 7.4.1, 8.2.2, 8.3.1.
 */
export function functions(
  engine: Engine,
  condition: MembershipCondition = UNCONDITIONAL,
): readonly MigrationStatement[] {
  const { fits, column: more, into, declared, judged, refusal } = condition;
  const proofDigestOf = (proof: string) => sqlDigest(engine, proof);
  const definer = `STABLE SECURITY DEFINER ${pinnedSearchPath(engine)}`;
  const { liveBy, session, named, inTenant } = sessionParts(engine);
  const live = liveBy(proofDigestOf(`current_setting('sallyport.proof', true)`));
  const membershipIn = (tenant: string) => `JOIN sallyport.memberships AS m
            ON m.tenant_id = ${tenant} AND m.identity_id = s.identity_id
            AND m.tenant_kept${fits}`;
  const lookUp = (name: string, finding: string) => ({
    id: `function-${name}`,
    sql: `CREATE OR REPLACE FUNCTION sallyport.${name}() RETURNS UUID LANGUAGE plpgsql ${definer} AS $$
      DECLARE v_found UUID;
      BEGIN
        ${finding}
        RETURN v_found;
      END $$`,
  });
  const found = (column: string, from: string) =>
    `SELECT ${column} INTO v_found FROM ${from} WHERE ${live};`;
  return [
    lookUp('current_session', found('s.id', session)),
    lookUp('current_identity', found('s.identity_id', session)),
    lookUp(
      'current_tenant',
      inTenant((tenant) => found('m.tenant_id', `${session} ${membershipIn(tenant)}`)),
    ),
    {
      id: 'function-has_permission',
      sql: `CREATE OR REPLACE FUNCTION sallyport.has_permission(p_permission TEXT) RETURNS BOOL LANGUAGE plpgsql ${definer} AS $$
      DECLARE v_found UUID;
      BEGIN
        ${inTenant(
          (tenant) => `SELECT m.tenant_id INTO v_found
          FROM ${session} ${membershipIn(tenant)}
          JOIN sallyport.roles AS r ON r.tenant_id = m.tenant_id AND r.name = m.role
          WHERE ${live} AND p_permission = ANY (r.permissions);`,
        )}
        RETURN v_found IS NOT NULL;
      END $$`,
    },
    {
      // Raises SP401 where no live session stands behind the proof, SP403 where its principal lacks
      // the permission, SP409 where it is in no tenant and could be in one, SP410 where its tenant
      // waits for its deletion. An error aborts the batch, so no statement behind it runs. A tenant
      // of which the identity is no member any more is no tenant. The address and the name are
      // looked up for those who ask: their owner is shown them, and hardly a request needs them.
      // Statement by statement, in one snapshot, since it is stable: a join prepares the look-ups
      // that it then does not need, too, which costs as much as they do.
      id: 'function-require',
      sql: `CREATE OR REPLACE FUNCTION sallyport.require(
        p_proof TEXT, p_permission TEXT, p_account BOOL
      ) RETURNS TEXT LANGUAGE plpgsql ${definer} AS $$
      DECLARE
        v_session UUID; v_identity UUID; v_selected UUID; v_selection_key TEXT;
        v_authenticated_at TIMESTAMPTZ; v_created_at TIMESTAMPTZ; v_expires_at TIMESTAMPTZ;
        v_generation INT8; v_seen_long_ago BOOL;
        v_tenant UUID; v_permissions TEXT[]; v_address TEXT; v_display_name TEXT; v_other UUID;${declared}
      BEGIN
        SELECT s.id, s.identity_id, s.tenant_id, s.selection_key,
            s.authenticated_at, s.created_at, s.expires_at,
            s.synchronizer_generation, a.last_seen_at < now() - INTERVAL '1 minute'
          INTO v_session, v_identity, v_selected, v_selection_key,
            v_authenticated_at, v_created_at, v_expires_at, v_generation, v_seen_long_ago
          FROM ${session} WHERE ${liveBy(proofDigestOf('p_proof'))};
        IF v_session IS NULL THEN
          RAISE EXCEPTION 'not signed in' USING ERRCODE = 'SP401';
        END IF;
        IF COALESCE(current_setting('sallyport.selection', true), '') <> '' THEN
          SELECT x.id INTO v_selected ${named('v_selection_key')};
        END IF;
        IF v_selected IS NOT NULL THEN
          SELECT m.tenant_id, r.permissions${more} INTO v_tenant, v_permissions${into}
            FROM sallyport.memberships AS m
            LEFT JOIN sallyport.roles AS r ON r.tenant_id = m.tenant_id AND r.name = m.role
            WHERE m.tenant_id = v_selected AND m.identity_id = v_identity AND m.tenant_kept;${judged}
        END IF;
        IF p_permission IS NOT NULL AND NOT COALESCE(p_permission = ANY (v_permissions), FALSE) THEN
          IF v_tenant IS NULL THEN${refusal}
            SELECT m.tenant_id INTO v_other FROM sallyport.memberships AS m
              WHERE m.tenant_id = v_selected AND m.identity_id = v_identity;
            IF v_other IS NOT NULL THEN
              RAISE EXCEPTION 'tenant deleted' USING ERRCODE = 'SP410';
            END IF;
            SELECT m.tenant_id INTO v_other FROM sallyport.memberships AS m
              JOIN sallyport.tenants AS t ON t.id = m.tenant_id AND t.delete_after IS NULL
              WHERE m.identity_id = v_identity
                AND COALESCE(current_setting('sallyport.selection', true), '') = '' LIMIT 1;
            IF v_other IS NOT NULL THEN
              RAISE EXCEPTION 'tenant not selected' USING ERRCODE = 'SP409';
            END IF;
          END IF;
          RAISE EXCEPTION 'forbidden' USING ERRCODE = 'SP403';
        END IF;
        IF NOT p_account THEN
          RETURN ${principalText([])};
        END IF;
        SELECT e.address INTO v_address FROM sallyport.email_addresses AS e
          WHERE e.identity_id = v_identity;
        SELECT p.display_name INTO v_display_name FROM sallyport.profiles AS p
          WHERE p.identity_id = v_identity;
        RETURN ${principalText(['v_address', 'v_display_name'])};
      END $$`,
    },
    {
      // For a write: first the locks, so that a revocation waits for this transaction or this one
      // sees it (SERIALIZABLE alone does not give that); then as above; then the synchronizer
      // token, which the database compares as a digest (SP419), so its timing says nothing about
      // the token. The session's own lock is exclusive, because what follows may end the session:
      // two transactions that both held it shared would each wait for the other to let go
      // (CWE-833). The identity is locked before it: who disables one locks it first too, and then
      // the sessions that its foreign key changes. What a held lock means on CockroachDB, where FOR
      // SHARE may take none, has not been run.
      id: 'function-require_for_write',
      sql: `CREATE OR REPLACE FUNCTION sallyport.require_for_write(
        p_proof TEXT, p_permission TEXT, p_synchronizer_digest TEXT, p_account BOOL
      ) RETURNS TEXT LANGUAGE plpgsql VOLATILE SECURITY DEFINER ${pinnedSearchPath(engine)} AS $$
      DECLARE v_identity UUID; v_tenant UUID; v_role TEXT; v_digest TEXT; v_principal TEXT;
      BEGIN
        ${inTenant(
          (tenant) => `SELECT s.identity_id, ${tenant}, s.synchronizer_digest
          INTO v_identity, v_tenant, v_digest
          FROM sallyport.sessions AS s JOIN sallyport.identities AS i ON i.id = s.identity_id
          WHERE s.proof_digest = ${proofDigestOf('p_proof')} FOR SHARE OF i FOR UPDATE OF s;`,
        )}
        IF v_tenant IS NOT NULL THEN
          SELECT r.name INTO v_role FROM sallyport.memberships AS m
            JOIN sallyport.roles AS r ON r.tenant_id = m.tenant_id AND r.name = m.role
            WHERE m.tenant_id = v_tenant AND m.identity_id = v_identity FOR SHARE;
        END IF;
        v_principal := sallyport.require(p_proof, p_permission, p_account);
        IF p_synchronizer_digest IS NULL OR v_digest IS NULL OR v_digest <> p_synchronizer_digest THEN
          RAISE EXCEPTION 'synchronizer token mismatch' USING ERRCODE = 'SP419';
        END IF;
        RETURN v_principal;
      END $$`,
    },
  ];
}

function profile(engine: Engine, form: PolicyForm): readonly MigrationStatement[] {
  const own = `identity_id = ${policyPrincipal(engine, form, 'identity')}`;
  return [
    {
      id: 'profiles',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.profiles (
        identity_id UUID NOT NULL PRIMARY KEY REFERENCES sallyport.identities (id) ON DELETE CASCADE,
        display_name TEXT NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        CONSTRAINT profiles_display_name_length CHECK (length(display_name) BETWEEN 1 AND 100)
      )`,
    },
    {
      id: 'profiles-row-level-security',
      sql: `ALTER TABLE sallyport.profiles ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`,
    },
    ...inPolicyForm(form, [
      { id: 'profiles-own-drop', sql: `DROP POLICY IF EXISTS profiles_own ON sallyport.profiles` },
      {
        id: 'profiles-own',
        sql: `CREATE POLICY profiles_own ON sallyport.profiles FOR ALL TO sallyport_app USING (${own}) WITH CHECK (${own})`,
      },
    ]),
    {
      id: 'profiles-identity-drop',
      sql: `DROP POLICY IF EXISTS profiles_identity ON sallyport.profiles`,
    },
    {
      // Sign-up writes the profile before any session exists.
      id: 'profiles-identity',
      sql: `CREATE POLICY profiles_identity ON sallyport.profiles FOR ALL TO sallyport_identity USING (true) WITH CHECK (true)`,
    },
    {
      id: 'profiles-owner-drop',
      sql: `DROP POLICY IF EXISTS profiles_owner ON sallyport.profiles`,
    },
    {
      // sallyport.require reads the name of the request's own identity, as the owner.
      id: 'profiles-owner',
      sql: `CREATE POLICY profiles_owner ON sallyport.profiles FOR ALL TO sallyport_owner USING (true) WITH CHECK (true)`,
    },
  ];
}

/** What the two roles may call; nobody else may. */
export const FOUNDATION_FUNCTIONS: readonly DefinerFunction[] = [
  { signature: 'current_session()', volatility: 'STABLE' },
  { signature: 'current_identity()', volatility: 'STABLE' },
  { signature: 'current_tenant()', volatility: 'STABLE' },
  { signature: 'has_permission(TEXT)', volatility: 'STABLE' },
  { signature: 'require(TEXT, TEXT, BOOLEAN)', volatility: 'STABLE' },
  { signature: 'require_for_write(TEXT, TEXT, TEXT, BOOLEAN)', volatility: 'VOLATILE' },
];

const EVERYTHING = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'];

/** Every privilege on a table that the two roles get: the check at start holds them to this. */
export const FOUNDATION_GRANTS: readonly TableGrant[] = [
  { id: 'profiles-app', on: ['profiles'], privileges: ['SELECT', 'UPDATE'], to: ['sallyport_app'] },
  {
    id: 'profiles-identity',
    on: ['profiles'],
    privileges: EVERYTHING,
    to: ['sallyport_identity'],
  },
  ...[
    'identities',
    'email_addresses',
    'passwords',
    'sign_ups',
    'one_time_tokens',
    'sessions',
    'session_activity',
    'outbox',
  ].map((table): TableGrant => ({
    id: table,
    on: [table],
    privileges: EVERYTHING,
    to: ['sallyport_identity'],
  })),
  {
    id: 'memberships',
    on: ['tenants', 'roles', 'memberships'],
    privileges: ['SELECT'],
    to: ['sallyport_identity'],
  },
  {
    id: 'security-events',
    on: ['security_events'],
    privileges: ['SELECT', 'INSERT'],
    to: ['sallyport_identity'],
  },
  {
    id: 'encryption-key',
    on: ['encryption_key'],
    privileges: ['SELECT', 'INSERT'],
    to: ['sallyport_identity'],
  },
  { id: 'migrations', on: ['migrations'], privileges: ['SELECT'], to: BOTH_ROLES },
];

function grants(): readonly MigrationStatement[] {
  return [
    {
      id: 'grant-schema',
      sql: `GRANT USAGE ON SCHEMA sallyport TO ${BOTH_ROLES.join(', ')}`,
    },
    ...grantFunctions(FOUNDATION_FUNCTIONS),
    ...grantTables(FOUNDATION_GRANTS),
  ];
}
