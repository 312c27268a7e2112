import { type Engine, expiringRows, pinnedSearchPath, sqlDigest } from '../engine.ts';
import { type DefinerFunction, grantFunctions, grantTables, type TableGrant } from '../grants.ts';
import type { MigrationStatement } from '../migration-statements.ts';
import { epochOf, functions as principalFunctions } from './0001-foundation-functions.ts';

/**
 * Bearer credentials, API keys and tokens of external issuers alike, the functions that say whom
 * one stands for, and the keys with which we sign what others verify.
 */
export function bearer(engine: Engine): readonly MigrationStatement[] {
  return [
    ...credentials(engine),
    ...withBearer(engine, principalFunctions(engine)),
    ...bearerDecisions(engine),
    ...signingKeys(),
    ...grantFunctions(BEARER_FUNCTIONS),
    ...grantTables(BEARER_GRANTS),
  ];
}

export const BEARER_FUNCTIONS: readonly DefinerFunction[] = [
  { signature: 'require_bearer(TEXT, TEXT)', volatility: 'STABLE' },
  { signature: 'require_bearer_for_write(TEXT, TEXT)', volatility: 'VOLATILE' },
];

export const BEARER_GRANTS: readonly TableGrant[] = [
  'signing_keys',
  'bearer_credentials',
  'bearer_activity',
  'token_revocations',
].map((table) => ({
  id: table,
  on: [table],
  privileges: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  to: ['sallyport_identity'],
}));

function credentials(engine: Engine): readonly MigrationStatement[] {
  return [
    {
      // Of an API key or a verified token only the digest of a proof, as of a session. It belongs
      // to a membership: one that ends takes it along, and a new one does not bring it back. What
      // it may do is what its own list and the member's role both have, where it has a list.
      id: 'bearer-credentials',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.bearer_credentials (
        id UUID NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
        kind TEXT NOT NULL,
        proof_digest TEXT NOT NULL UNIQUE,
        tenant_id UUID NOT NULL,
        identity_id UUID NOT NULL,
        title TEXT NOT NULL,
        hint TEXT NOT NULL,
        permissions TEXT[],
        issuer TEXT,
        token_id TEXT,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        expires_at TIMESTAMPTZ NOT NULL,
        revoked_at TIMESTAMPTZ,
        CONSTRAINT bearer_credentials_token UNIQUE (issuer, token_id),
        CONSTRAINT bearer_credentials_membership FOREIGN KEY (tenant_id, identity_id)
          REFERENCES sallyport.memberships (tenant_id, identity_id) ON DELETE CASCADE,
        CONSTRAINT bearer_credentials_kind CHECK (kind IN ('api-key', 'external-token')),
        CONSTRAINT bearer_credentials_key_has_permissions CHECK (kind <> 'api-key' OR permissions IS NOT NULL),
        CONSTRAINT bearer_credentials_token_has_id CHECK ((kind = 'external-token') = (token_id IS NOT NULL)),
        CONSTRAINT bearer_credentials_digest_is_sha256 CHECK (length(proof_digest) = 64)
      )${expiringRows(engine)}`,
    },
    {
      id: 'bearer-credentials-by-membership',
      sql: `CREATE INDEX IF NOT EXISTS bearer_credentials_by_membership ON sallyport.bearer_credentials (tenant_id, identity_id)`,
    },
    {
      // When the issuer of a token lets it expire: one that is revoked is remembered until then.
      id: 'bearer-credentials-token-expires-at',
      sql: `ALTER TABLE sallyport.bearer_credentials ADD COLUMN IF NOT EXISTS token_expires_at TIMESTAMPTZ`,
    },
    {
      // Tokens of other issuers that stand for the identity and were issued until then are refused.
      id: 'token-revocations',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.token_revocations (
        identity_id UUID NOT NULL PRIMARY KEY REFERENCES sallyport.identities (id) ON DELETE CASCADE,
        issued_until TIMESTAMPTZ NOT NULL
      )`,
    },
    {
      // A row of its own, as a session's: a request that locks the credential waits for no other's.
      id: 'bearer-activity',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.bearer_activity (
        credential_id UUID NOT NULL PRIMARY KEY REFERENCES sallyport.bearer_credentials (id) ON DELETE CASCADE,
        last_used_at TIMESTAMPTZ NOT NULL DEFAULT now()
      )`,
    },
  ];
}

/** Where what a credential depends on is looked up. */
export interface BearerForm {
  /** The tables, with the credential as b among them. */
  readonly from: string;
  /** That its identity is active and its membership in a tenant that is kept. */
  readonly alive: string;
  readonly tenant: string;
  /** The join of its member's role, as r. */
  readonly role: string;
  readonly seenLongAgo: string;
  /** The join that this needs. */
  readonly activity: string;
}

const ROLE_OF_MEMBER = `JOIN sallyport.roles AS r ON r.tenant_id = m.tenant_id AND r.name = m.role`;

export const MEMBER_OF_CREDENTIAL = `
          JOIN sallyport.memberships AS m ON m.tenant_id = b.tenant_id AND m.identity_id = b.identity_id`;

/** Each in its own row. */
export const LOOKED_UP: BearerForm = {
  from: `sallyport.bearer_credentials AS b
          JOIN sallyport.identities AS i ON i.id = b.identity_id${MEMBER_OF_CREDENTIAL}`,
  alive: `i.disabled_at IS NULL
            AND i.delete_after IS NULL
            AND m.tenant_kept`,
  tenant: 'm.tenant_id',
  role: ROLE_OF_MEMBER,
  seenLongAgo: `COALESCE(a.last_used_at < now() - INTERVAL '1 minute', TRUE)`,
  activity: `
          LEFT JOIN sallyport.bearer_activity AS a ON a.credential_id = b.id`,
};

function liveBy(engine: Engine, { alive }: BearerForm, proof: string): string {
  return `b.proof_digest = ${sqlDigest(engine, proof)}
            AND b.expires_at > now()
            AND b.revoked_at IS NULL
            AND ${alive}`;
}

/**
 * Whom a bearer credential stands for. A proof says by its first word what it is of, so a session's
 * is found by the look-up that it always had, and no proof is ever looked up twice.
 *
 * A credential is dead once it has expired or was revoked, its identity is disabled, it or the
 * tenant waits for deletion, or the membership has ended; all of it read in the caller's own
 * snapshot. Absent,
 * empty and foreign proofs match no row: they fail closed. ASVS 7.4.1, 8.2.2, 8.3.1, 9.2.1.
 */
export function bearerLookUps(
  engine: Engine,
  form: BearerForm = LOOKED_UP,
): Readonly<Record<string, string>> {
  const { from, tenant, role } = form;
  const live = liveBy(engine, form, CURRENT);
  const branch = (finding: string, answer: string) => `IF ${CURRENT} LIKE 'bearer %' THEN
          ${finding}
          RETURN ${answer};
        END IF;`;
  return {
    current_identity: branch(
      `SELECT b.identity_id INTO v_found FROM ${from} WHERE ${live};`,
      'v_found',
    ),
    current_tenant: branch(`SELECT ${tenant} INTO v_found FROM ${from} WHERE ${live};`, 'v_found'),
    has_permission: branch(
      `SELECT ${tenant} INTO v_found FROM ${from} ${role}
            WHERE ${live} AND p_permission = ANY (r.permissions)
              AND (b.permissions IS NULL OR p_permission = ANY (b.permissions));`,
      'v_found IS NOT NULL',
    ),
  };
}

const CURRENT = `current_setting('sallyport.proof', true)`;

/** The functions as they are, with the bearer's look-up before the session's. */
export function withBearer(
  engine: Engine,
  ofSessions: readonly MigrationStatement[],
): readonly MigrationStatement[] {
  const branches = bearerLookUps(engine);
  return ofSessions.flatMap(({ id, sql }) => {
    const branch = branches[id.replace('function-', '')];
    return branch === undefined
      ? []
      : [{ id, sql: sql.replace('BEGIN', () => `BEGIN\n        ${branch}`) }];
  });
}

export function bearerDecisions(
  engine: Engine,
  form: BearerForm = LOOKED_UP,
): readonly MigrationStatement[] {
  const definer = `STABLE SECURITY DEFINER ${pinnedSearchPath(engine)}`;
  const { from, tenant, role, seenLongAgo, activity } = form;
  // In the order of the credential's own list, where it has one.
  const intersection = `CASE WHEN b.permissions IS NULL THEN r.permissions ELSE ARRAY(
              SELECT p.name FROM unnest(b.permissions) AS p (name) WHERE p.name = ANY (r.permissions)) END`;
  return [
    {
      // Raises as require does, and answers the same text, with the credential's id and the first
      // letter of its kind before the array.
      // A bearer credential has no session, no synchronizer token and no account: no address and no
      // name is looked up, and nothing is fresh that was proved with it.
      id: 'function-require_bearer',
      sql: `CREATE OR REPLACE FUNCTION sallyport.require_bearer(p_proof TEXT, p_permission TEXT)
        RETURNS TEXT LANGUAGE plpgsql ${definer} AS $$
      DECLARE v_principal TEXT; v_permitted BOOL;
      BEGIN
        SELECT CAST(b.identity_id AS TEXT) || CAST(${tenant} AS TEXT) || CAST(b.id AS TEXT) || substr(b.kind, 1, 1)
            || CAST(json_build_array(NULL, ${intersection},
              ${epochOf('b.created_at')}, ${epochOf('b.created_at')}, ${epochOf('b.expires_at')}, 0,
              ${seenLongAgo}) AS TEXT),
            p_permission IS NULL OR COALESCE(p_permission = ANY (r.permissions)
              AND (b.permissions IS NULL OR p_permission = ANY (b.permissions)), FALSE)
          INTO v_principal, v_permitted
          FROM ${from} ${role}${activity}
          WHERE ${liveBy(engine, form, 'p_proof')};
        IF v_principal IS NULL THEN
          RAISE EXCEPTION 'not signed in' USING ERRCODE = 'SP401';
        END IF;
        IF NOT v_permitted THEN
          RAISE EXCEPTION 'forbidden' USING ERRCODE = 'SP403';
        END IF;
        RETURN v_principal;
      END $$`,
    },
    {
      // The locks of require_for_write: a revocation waits for this transaction, or this one sees
      // it. Nothing here ends the credential itself, so its lock is shared as well.
      id: 'function-require_bearer_for_write',
      sql: `CREATE OR REPLACE FUNCTION sallyport.require_bearer_for_write(p_proof TEXT, p_permission TEXT)
        RETURNS TEXT LANGUAGE plpgsql VOLATILE SECURITY DEFINER ${pinnedSearchPath(engine)} AS $$
      DECLARE v_locked UUID;
      BEGIN
        SELECT b.id INTO v_locked FROM ${from} ${role}
          WHERE b.proof_digest = ${sqlDigest(engine, 'p_proof')} FOR SHARE;
        RETURN sallyport.require_bearer(p_proof, p_permission);
      END $$`,
    },
  ];
}

function signingKeys(): readonly MigrationStatement[] {
  return [
    {
      // A key is published before it signs, so that whoever keeps a copy of the set knows it by
      // then, and as long as something that it signed may still be valid. The private half is
      // encrypted with a key that the database does not have, and erased once it signs no more.
      id: 'signing-keys',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.signing_keys (
        kid TEXT NOT NULL PRIMARY KEY,
        public_jwk TEXT NOT NULL,
        private_key TEXT,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        signs_from TIMESTAMPTZ NOT NULL,
        signs_until TIMESTAMPTZ,
        published_until TIMESTAMPTZ,
        CONSTRAINT signing_keys_overlap CHECK (published_until >= signs_until AND signs_until >= signs_from)
      )`,
    },
  ];
}
