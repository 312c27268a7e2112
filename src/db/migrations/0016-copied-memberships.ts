import { type Engine, pinnedSearchPath, sqlDigest } from '../engine.ts';
import type { MigrationStatement } from '../migration-statements.ts';
import { COPY_MEMBERSHIPS } from '../session-tenant.ts';
import { functions, sessionParts, UNSELECTED } from './0001-foundation-functions.ts';
import { bearerDecisions, type BearerForm, bearerLookUps } from './0009-bearer.ts';
import { judged } from './0011-proofs.ts';
import { lookUps, transactionForms } from './0014-transaction-proofs.ts';

/**
 * What the membership in a session's tenant says stands in the session's row, copied by a foreign
 * key, and until when the session is not idle, whatever its activity says (decisions/017). So one
 * row answers what most requests ask; the look-ups that were there are for the others.
 */
export function copiedMemberships(engine: Engine): readonly MigrationStatement[] {
  const ofSessions = functions(engine, {
    ...judged(engine),
    declared: ' v_policy TEXT; v_met BOOL; v_role TEXT; v_active_until TIMESTAMPTZ;',
    session: sessionByItself(engine),
    membership: membershipInRow(judged(engine).membership),
    fromRow: fromRow(engine),
  });
  return [
    ...columns(),
    ...credentialColumns(),
    ...lookUps(engine, bearerLookUps(engine, IN_THE_CREDENTIAL), ofSessions),
    ...ofSessions.filter(({ id }) => ['function-current_session', 'function-require'].includes(id)),
    ...bearerDecisions(engine, IN_THE_CREDENTIAL).filter(
      ({ id }) => id === 'function-require_bearer',
    ),
    requireForWrite(engine),
    bearerForWrite(engine),
    transactionForWrite(engine),
  ];
}

function columns(): readonly MigrationStatement[] {
  const column = (name: string, type: string) => ({
    id: `sessions-${name.replaceAll('_', '-')}`,
    sql: `ALTER TABLE sallyport.sessions ADD COLUMN IF NOT EXISTS ${name} ${type}`,
  });
  return [
    // Sessions of before are looked at as they were, until they are next seen.
    column('active_until', 'TIMESTAMPTZ NOT NULL DEFAULT now()'),
    column('member_id', 'UUID'),
    column('member_role', 'TEXT'),
    column('member_kept', 'BOOL'),
    column('member_policy', 'TEXT'),
    {
      id: 'sessions-member-is-theirs-drop',
      sql: `ALTER TABLE sallyport.sessions DROP CONSTRAINT IF EXISTS sessions_member_is_theirs`,
    },
    {
      // A foreign key says nothing of a row in which one of its columns is NULL.
      id: 'sessions-member-is-theirs',
      sql: `ALTER TABLE sallyport.sessions ADD CONSTRAINT sessions_member_is_theirs CHECK (
        member_role IS NULL AND member_kept IS NULL AND member_policy IS NULL
          OR member_role IS NOT NULL AND member_kept IS NOT NULL AND member_policy IS NOT NULL
            AND member_id IS NOT NULL AND member_id = identity_id)`,
    },
    {
      id: 'memberships-copied',
      sql: `CREATE UNIQUE INDEX IF NOT EXISTS memberships_copied
        ON sallyport.memberships (tenant_id, identity_id, role, tenant_kept, tenant_policy)`,
    },
    {
      // The foreign key asks for the sessions of a membership that changes.
      id: 'sessions-by-membership',
      sql: `CREATE INDEX IF NOT EXISTS sessions_by_membership ON sallyport.sessions (tenant_id, member_id)`,
    },
    {
      id: 'sessions-membership-drop',
      sql: `ALTER TABLE sallyport.sessions DROP CONSTRAINT IF EXISTS sessions_membership`,
    },
    {
      id: 'sessions-membership',
      sql: `ALTER TABLE sallyport.sessions ADD CONSTRAINT sessions_membership
        FOREIGN KEY (tenant_id, member_id, member_role, member_kept, member_policy)
        REFERENCES sallyport.memberships (tenant_id, identity_id, role, tenant_kept, tenant_policy)
        ON DELETE SET NULL ON UPDATE CASCADE`,
    },
    { id: 'sessions-membership-copied', sql: COPY_MEMBERSHIPS },
  ];
}

/** A bearer credential has its membership's role, too, and without it stands for nobody. */
function credentialColumns(): readonly MigrationStatement[] {
  return [
    {
      id: 'bearer-credentials-member-role',
      sql: `ALTER TABLE sallyport.bearer_credentials ADD COLUMN IF NOT EXISTS member_role TEXT`,
    },
    {
      id: 'bearer-credentials-member-kept',
      sql: `ALTER TABLE sallyport.bearer_credentials ADD COLUMN IF NOT EXISTS member_kept BOOL NOT NULL DEFAULT TRUE`,
    },
    {
      id: 'bearer-credentials-membership-copied',
      sql: `UPDATE sallyport.bearer_credentials AS b SET member_role = m.role, member_kept = m.tenant_kept
        FROM sallyport.memberships AS m
        WHERE m.tenant_id = b.tenant_id AND m.identity_id = b.identity_id AND b.member_role IS NULL`,
    },
    {
      id: 'memberships-role-copied',
      sql: `CREATE UNIQUE INDEX IF NOT EXISTS memberships_role_copied
        ON sallyport.memberships (tenant_id, identity_id, role, tenant_kept)`,
    },
    {
      id: 'bearer-credentials-member-drop',
      sql: `ALTER TABLE sallyport.bearer_credentials DROP CONSTRAINT IF EXISTS bearer_credentials_member`,
    },
    {
      id: 'bearer-credentials-member',
      sql: `ALTER TABLE sallyport.bearer_credentials ADD CONSTRAINT bearer_credentials_member
        FOREIGN KEY (tenant_id, identity_id, member_role, member_kept)
        REFERENCES sallyport.memberships (tenant_id, identity_id, role, tenant_kept)
        ON DELETE CASCADE ON UPDATE CASCADE`,
    },
  ];
}

/**
 * All in the credential's row. When it was last used is nothing that a request depends on: each
 * process remembers whom it has noted.
 */
export const IN_THE_CREDENTIAL: BearerForm = {
  from: 'sallyport.bearer_credentials AS b',
  alive: `b.identity_active
            AND b.member_kept`,
  tenant: 'b.tenant_id',
  role: 'JOIN sallyport.roles AS r ON r.tenant_id = b.tenant_id AND r.name = b.member_role',
  seenLongAgo: 'FALSE',
  activity: '',
};

const ALIVE = `s.expires_at > now()
            AND s.identity_enabled`;

/** Whether a member meets what a tenant asks depends on more: then the row tells nothing. */
const ASKED_NOTHING = `s.member_kept AND s.member_policy = ''`;

/** The session's row, and that of its activity only where the session may be idle. */
function sessionByItself(engine: Engine): string {
  return `SELECT s.id, s.identity_id, s.tenant_id, s.selection_key,
            s.authenticated_at, s.created_at, s.expires_at, s.synchronizer_generation,
            s.active_until, s.active_until < now() + INTERVAL '30 minutes',
            CASE WHEN ${ASKED_NOTHING} THEN s.member_role END
          INTO v_session, v_identity, v_selected, v_selection_key,
            v_authenticated_at, v_created_at, v_expires_at, v_generation,
            v_active_until, v_seen_long_ago, v_role
          FROM sallyport.sessions AS s
          WHERE s.proof_digest = ${sqlDigest(engine, 'p_proof')} AND ${ALIVE};
        IF v_active_until <= now() THEN
          SELECT a.session_id INTO v_session FROM sallyport.session_activity AS a
            WHERE a.session_id = v_session AND a.last_seen_at > now() - INTERVAL '1 hour';
        END IF;`;
}

/** Who is not idle until then was seen within the hour before. */
function fromRow(engine: Engine): Readonly<Record<string, string>> {
  const proofDigest = sqlDigest(engine, `current_setting('sallyport.proof', true)`);
  const alive = `${ALIVE} AND s.active_until > now()`;
  const role = `
          JOIN sallyport.roles AS r ON r.tenant_id = s.tenant_id AND r.name = s.member_role`;
  const found = (
    column: string,
    from: string,
    condition: string,
    answer = 'v_found',
  ) => `SELECT ${column}
          INTO v_found FROM sallyport.sessions AS s${from}
          WHERE s.proof_digest = ${proofDigest} AND ${condition};
        IF v_found IS NOT NULL THEN
          RETURN ${answer};
        END IF;
        `;
  const member = (from: string, condition: string, answer?: string) => `IF ${UNSELECTED} THEN
        ${found('s.tenant_id', from, `${alive} AND ${ASKED_NOTHING}${condition}`, answer)}END IF;
        `;
  return {
    current_session: found('s.id', '', alive),
    current_identity: found('s.identity_id', '', alive),
    current_tenant: member('', ''),
    has_permission: member(role, ' AND p_permission = ANY (r.permissions)', 'TRUE'),
  };
}

export function membershipInRow(lookedUp: string): string {
  return `IF v_role IS NOT NULL AND COALESCE(current_setting('sallyport.selection', true), '') = '' THEN
            v_tenant := v_selected;
            SELECT r.permissions INTO v_permissions FROM sallyport.roles AS r
              WHERE r.tenant_id = v_selected AND r.name = v_role;
          ELSE
          ${lookedUp}
          END IF;`;
}

/**
 * Who changes the membership in a session's tenant changes the session's row with it, and waits for
 * its lock: the membership needs none of its own. Nor may it have one, which would be taken in the
 * other order than the change takes the two (CWE-833). In another tenant it has.
 */
const LOCK_ROLE = `
        IF v_role IS NOT NULL THEN
          SELECT r.name INTO v_role FROM sallyport.roles AS r
            WHERE r.tenant_id = v_tenant AND r.name = v_role FOR SHARE;
        ELSIF v_tenant IS NOT NULL THEN
          SELECT r.name INTO v_role FROM sallyport.memberships AS m
            JOIN sallyport.roles AS r ON r.tenant_id = m.tenant_id AND r.name = m.role
            WHERE m.tenant_id = v_tenant AND m.identity_id = v_identity FOR SHARE;
        END IF;`;

/** As before (0001-foundation-functions.ts), but for the lock of the membership. */
function requireForWrite(engine: Engine): MigrationStatement {
  const { inTenant } = sessionParts(engine);
  return {
    id: 'function-require_for_write',
    sql: `CREATE OR REPLACE FUNCTION sallyport.require_for_write(
        p_proof TEXT, p_permission TEXT, p_synchronizer_digest TEXT, p_account BOOL
      ) RETURNS TEXT LANGUAGE plpgsql VOLATILE SECURITY DEFINER ${pinnedSearchPath(engine)} AS $$
      DECLARE v_identity UUID; v_tenant UUID; v_own UUID; v_role TEXT; v_digest TEXT; v_principal TEXT;
      BEGIN
        ${inTenant(
          (
            tenant,
          ) => `SELECT s.identity_id, ${tenant}, s.tenant_id, s.member_role, s.synchronizer_digest
          INTO v_identity, v_tenant, v_own, v_role, v_digest
          FROM sallyport.sessions AS s JOIN sallyport.identities AS i ON i.id = s.identity_id
          WHERE s.proof_digest = ${sqlDigest(engine, 'p_proof')} FOR SHARE OF i FOR UPDATE OF s;`,
        )}
        IF v_tenant <> v_own THEN
          v_role := NULL;
        END IF;${LOCK_ROLE}
        v_principal := sallyport.require(p_proof, p_permission, p_account);
        IF p_synchronizer_digest IS NULL OR v_digest IS NULL OR v_digest <> p_synchronizer_digest THEN
          RAISE EXCEPTION 'synchronizer token mismatch' USING ERRCODE = 'SP419';
        END IF;
        RETURN v_principal;
      END $$`,
  };
}

/** As before (0009-bearer.ts), in the order of require_for_write. */
function bearerForWrite(engine: Engine): MigrationStatement {
  return {
    id: 'function-require_bearer_for_write',
    sql: `CREATE OR REPLACE FUNCTION sallyport.require_bearer_for_write(p_proof TEXT, p_permission TEXT)
        RETURNS TEXT LANGUAGE plpgsql VOLATILE SECURITY DEFINER ${pinnedSearchPath(engine)} AS $$
      DECLARE v_locked UUID;
      BEGIN
        SELECT b.id INTO v_locked FROM ${IN_THE_CREDENTIAL.from}
          JOIN sallyport.identities AS i ON i.id = b.identity_id ${IN_THE_CREDENTIAL.role}
          WHERE b.proof_digest = ${sqlDigest(engine, 'p_proof')} FOR SHARE OF i, b, r;
        RETURN sallyport.require_bearer(p_proof, p_permission);
      END $$`,
  };
}

/** The same for the transactions of an application behind the gateway. */
function transactionForWrite(engine: Engine): MigrationStatement {
  const { session, credential } = transactionForms(engine, 'p_proof');
  const lock = (
    { from, tenant, ended }: typeof session,
    role: string,
  ) => `SELECT i.id, ${tenant}, ${role}
            INTO v_identity, v_tenant, v_role FROM ${from}
            WHERE p.proof_digest = ${sqlDigest(engine, 'p_proof')} FOR SHARE OF i, ${ended};`;
  return {
    id: 'function-require_transaction_for_write',
    sql: `CREATE OR REPLACE FUNCTION sallyport.require_transaction_for_write(p_proof TEXT, p_permission TEXT) RETURNS BOOL LANGUAGE plpgsql VOLATILE SECURITY DEFINER ${pinnedSearchPath(engine)} AS $$
      DECLARE v_identity UUID; v_tenant UUID; v_role TEXT;
      BEGIN
        IF p_proof LIKE 'transaction %' THEN
          ${lock(session, 'CASE WHEN s.tenant_id = p.tenant_id THEN s.member_role END')}
        ELSE
          ${lock(credential, 'b.member_role')}
        END IF;${LOCK_ROLE}
        RETURN sallyport.require_transaction(p_proof, p_permission);
      END $$`,
  };
}
