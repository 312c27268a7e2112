import { type Engine, expiringRows, pinnedSearchPath, sqlDigest } from '../engine.ts';
import { type DefinerFunction, grantFunctions, grantTables, type TableGrant } from '../grants.ts';
import type { MigrationStatement } from '../migration-statements.ts';
import { bearerLookUps } from './0009-bearer.ts';
import { MEMBERSHIP_FITS, sessionLookUps } from './0011-proofs.ts';

/**
 * Proofs that a gateway hands to the application behind it, for its transactions in this database:
 * the rows, and the functions of the policies and of the decision that know them.
 */
export function transactionProofs(engine: Engine): readonly MigrationStatement[] {
  return [
    ...tables(engine),
    ...lookUps(engine),
    ...decisions(engine),
    ...grantFunctions(TRANSACTION_PROOF_FUNCTIONS),
    ...grantTables(TRANSACTION_PROOF_GRANTS),
  ];
}

export const TRANSACTION_PROOF_FUNCTIONS: readonly DefinerFunction[] = [
  {
    signature: 'require_transaction(TEXT, TEXT)',
    volatility: 'STABLE',
    callers: ['sallyport_app'],
  },
  {
    signature: 'require_transaction_for_write(TEXT, TEXT)',
    volatility: 'VOLATILE',
    callers: ['sallyport_app'],
  },
];

export const TRANSACTION_PROOF_GRANTS: readonly TableGrant[] = [
  {
    id: 'transaction-proofs',
    on: ['transaction_proofs'],
    privileges: ['SELECT', 'INSERT', 'DELETE'],
    to: ['sallyport_identity'],
  },
];

function tables(engine: Engine): readonly MigrationStatement[] {
  return [
    {
      // Of what the request presented, for seconds: it goes with its session or credential, and is
      // of no use to who signs in to the database as another (CWE-441). One row a request, written
      // once: nobody waits for anybody's.
      id: 'transaction-proofs',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.transaction_proofs (
        proof_digest TEXT NOT NULL PRIMARY KEY,
        login TEXT NOT NULL,
        session_id UUID REFERENCES sallyport.sessions (id) ON DELETE CASCADE,
        credential_id UUID REFERENCES sallyport.bearer_credentials (id) ON DELETE CASCADE,
        tenant_id UUID,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        expires_at TIMESTAMPTZ NOT NULL,
        CONSTRAINT transaction_proofs_of_one CHECK ((session_id IS NULL) <> (credential_id IS NULL)),
        CONSTRAINT transaction_proofs_seconds CHECK (expires_at <= created_at + INTERVAL '30 seconds'),
        CONSTRAINT transaction_proofs_digest_is_sha256 CHECK (length(proof_digest) = 64)
      )${expiringRows(engine)}`,
    },
    {
      id: 'transaction-proofs-by-session',
      sql: `CREATE INDEX IF NOT EXISTS transaction_proofs_by_session ON sallyport.transaction_proofs (session_id)`,
    },
    {
      id: 'transaction-proofs-by-credential',
      sql: `CREATE INDEX IF NOT EXISTS transaction_proofs_by_credential ON sallyport.transaction_proofs (credential_id)`,
    },
  ];
}

const CURRENT = `current_setting('sallyport.proof', true)`;
const ROLE = `JOIN sallyport.roles AS r ON r.tenant_id = m.tenant_id AND r.name = m.role`;

/** What stands behind a proof, and what of it must be alive. */
export interface Form {
  /** The tables of whom it is, identities as `i` among them. */
  readonly from: string;
  readonly tenant: string;
  /** The row that ends with the session or the credential. */
  readonly ended: string;
  readonly membership: string;
  readonly live: string;
  /** Whether whom it is of has the permission, where they have a role. */
  readonly permits: string;
}

export function transactionForms(
  engine: Engine,
  proof: string,
): Readonly<Record<'session' | 'credential', Form>> {
  // It is for the login that this connection was made with, which no statement can change.
  const live = `p.proof_digest = ${sqlDigest(engine, proof)}
            AND p.expires_at > now()
            AND p.login = session_user`;
  const membership = `JOIN sallyport.memberships AS m
            ON m.tenant_id = p.tenant_id AND m.identity_id = i.id AND m.tenant_kept`;
  return {
    session: {
      from: `sallyport.transaction_proofs AS p
          JOIN sallyport.sessions AS s ON s.id = p.session_id
          JOIN sallyport.session_activity AS a ON a.session_id = s.id
          JOIN sallyport.identities AS i ON i.id = s.identity_id`,
      tenant: 'p.tenant_id',
      ended: 's',
      membership: `${membership}${MEMBERSHIP_FITS}`,
      live: `${live}
            AND s.expires_at > now()
            AND a.last_seen_at > now() - INTERVAL '1 hour'
            AND s.identity_enabled`,
      permits: 'p_permission = ANY (r.permissions)',
    },
    credential: {
      from: `sallyport.transaction_proofs AS p
          JOIN sallyport.bearer_credentials AS b ON b.id = p.credential_id AND b.tenant_id = p.tenant_id
          JOIN sallyport.identities AS i ON i.id = b.identity_id`,
      tenant: 'b.tenant_id',
      ended: 'b',
      membership,
      live: `${live}
            AND b.expires_at > now()
            AND b.revoked_at IS NULL
            AND i.disabled_at IS NULL
            AND i.delete_after IS NULL`,
      permits:
        'p_permission = ANY (r.permissions) AND (b.permissions IS NULL OR p_permission = ANY (b.permissions))',
    },
  };
}

/**
 * The functions as they are, with these look-ups and the bearer's before the session's. By its
 * first words a proof says what it is of, so none is looked up twice; that of a session has no
 * blank, and is asked only once. What a bearer credential may not, its proof may not either: it
 * begins as the credential's own does. The proof of a session is no session (`current_session`),
 * and nothing is fresh that was proved with it (`require_step_up`).
 */
export function lookUps(
  engine: Engine,
  ofBearer: Readonly<Record<string, string>> = bearerLookUps(engine),
  ofSessions: readonly MigrationStatement[] = sessionLookUps(engine),
): readonly MigrationStatement[] {
  const { session, credential } = transactionForms(engine, CURRENT);
  const look: Readonly<Record<string, (form: Form) => string>> = {
    // A session may be in no tenant; a credential is a member's, or nobody's.
    current_identity: ({ from, membership, live, ended }) =>
      `SELECT i.id INTO v_found FROM ${from} ${ended === 's' ? '' : membership} WHERE ${live};
          RETURN v_found;`,
    current_tenant: ({ from, membership, live }) =>
      `SELECT m.tenant_id INTO v_found FROM ${from} ${membership} WHERE ${live};
          RETURN v_found;`,
    has_permission: ({ from, membership, live, permits }) =>
      `SELECT m.tenant_id INTO v_found FROM ${from} ${membership} ${ROLE}
            WHERE ${live} AND ${permits};
          RETURN v_found IS NOT NULL;`,
  };
  return ofSessions.flatMap(({ id, sql }) => {
    const name = id.replace('function-', '');
    const lookUp = look[name];
    if (lookUp === undefined) return [];
    const branches = `BEGIN
        IF ${CURRENT} LIKE '% %' THEN
        IF ${CURRENT} LIKE 'transaction %' THEN
          ${lookUp(session)}
        END IF;
        IF ${CURRENT} LIKE 'bearer transaction %' THEN
          ${lookUp(credential)}
        END IF;
        ${ofBearer[name] ?? ''}
        END IF;`;
    return { id, sql: sql.replace('BEGIN', () => branches) };
  });
}

/**
 * The decision for an application that has no other: raises SP401 where nobody alive stands behind
 * the proof, SP403 where they lack the permission. For a write identity, session or credential, and
 * membership are locked first, shared and in the order of require_for_write: a revocation waits for
 * this transaction, or this one sees it.
 */
function decisions(engine: Engine): readonly MigrationStatement[] {
  const { session, credential } = transactionForms(engine, 'p_proof');
  const decide = ({ from, membership, live, permits, ended }: Form) => `SELECT i.id,
            p_permission IS NULL OR COALESCE(${permits}, FALSE)
            INTO v_identity, v_permitted
            FROM ${from} ${ended === 's' ? 'LEFT ' : ''}${membership} LEFT ${ROLE}
            WHERE ${live};`;
  const lock = ({ from, tenant, ended }: Form) => `SELECT i.id, ${tenant}
            INTO v_identity, v_tenant FROM ${from}
            WHERE p.proof_digest = ${sqlDigest(engine, 'p_proof')} FOR SHARE OF i, ${ended};`;
  const signature = '(p_proof TEXT, p_permission TEXT) RETURNS BOOL LANGUAGE plpgsql';
  const pinned = pinnedSearchPath(engine);
  return [
    {
      id: 'function-require_transaction',
      sql: `CREATE OR REPLACE FUNCTION sallyport.require_transaction${signature} STABLE SECURITY DEFINER ${pinned} AS $$
      DECLARE v_identity UUID; v_permitted BOOL;
      BEGIN
        IF p_proof LIKE 'transaction %' THEN
          ${decide(session)}
        ELSE
          ${decide(credential)}
        END IF;
        IF v_identity IS NULL THEN
          RAISE EXCEPTION 'not signed in' USING ERRCODE = 'SP401';
        END IF;
        IF NOT v_permitted THEN
          RAISE EXCEPTION 'forbidden' USING ERRCODE = 'SP403';
        END IF;
        RETURN TRUE;
      END $$`,
    },
    {
      id: 'function-require_transaction_for_write',
      sql: `CREATE OR REPLACE FUNCTION sallyport.require_transaction_for_write${signature} VOLATILE SECURITY DEFINER ${pinned} AS $$
      DECLARE v_identity UUID; v_tenant UUID; v_role TEXT;
      BEGIN
        IF p_proof LIKE 'transaction %' THEN
          ${lock(session)}
        ELSE
          ${lock(credential)}
        END IF;
        IF v_tenant IS NOT NULL THEN
          SELECT r.name INTO v_role FROM sallyport.memberships AS m ${ROLE}
            WHERE m.tenant_id = v_tenant AND m.identity_id = v_identity FOR SHARE;
        END IF;
        RETURN sallyport.require_transaction(p_proof, p_permission);
      END $$`,
    },
  ];
}
