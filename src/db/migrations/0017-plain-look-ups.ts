import { type Engine, functionsCarry, pinnedSearchPath, sqlDigest } from '../engine.ts';
import type { MigrationStatement } from '../migration-statements.ts';
import { epochOf, functions, UNSELECTED } from './0001-foundation-functions.ts';
import { bearerLookUps } from './0009-bearer.ts';
import { judged } from './0011-proofs.ts';
import { lookUps } from './0014-transaction-proofs.ts';
import { IN_THE_CREDENTIAL, membershipInRow } from './0016-copied-memberships.ts';

/**
 * The usual look-ups read columns and nothing else, and what they find is judged by the function:
 * every expression of a query is prepared anew each time it runs, those of a function once in a
 * transaction (decisions/054). The rows that are asked, and what is asked of them, are as before.
 */
export function plainLookUps(engine: Engine): readonly MigrationStatement[] {
  const form = judged(engine);
  const ofSessions = functions(engine, {
    ...form,
    declared: ` v_policy TEXT; v_met BOOL; v_role TEXT; v_active_until TIMESTAMPTZ;
        v_enabled BOOL; v_kept BOOL; v_digest TEXT; v_carried TEXT;`,
    session: sessionInItsRow(engine),
    membership: membershipInRow(form.membership),
    fromRow: fromRow(engine),
    fromRowDeclared: ` v_in_row UUID; v_role TEXT; v_policy TEXT; v_enabled BOOL; v_kept BOOL;
        v_expires_at TIMESTAMPTZ; v_active_until TIMESTAMPTZ; v_revoked_at TIMESTAMPTZ; v_digest TEXT;`,
    carrying: carrying(engine),
  });
  const ofBearer = { ...bearerLookUps(engine, IN_THE_CREDENTIAL), ...bearerFromRow(engine) };
  return [
    ...lookUps(engine, ofBearer, ofSessions),
    ...ofSessions.filter(({ id }) => ['function-current_session', 'function-require'].includes(id)),
    requireBearer(engine),
  ];
}

/**
 * For the statements behind the decision: the proof for the policies, the identity and the tenant
 * for the first wall. The last two are plain settings, which injected SQL can change; the policies
 * ask the functions, which look the proof up, and not these.
 */
function carrying(engine: Engine): string {
  if (!functionsCarry(engine)) return '';
  return `
        v_carried := set_config('sallyport.proof', p_proof, true)
          || set_config('sallyport.identity', CAST(v_identity AS TEXT), true)
          || set_config('sallyport.tenant', COALESCE(CAST(v_tenant AS TEXT), ''), true);`;
}

/** The session's row, and that of its activity only where the session may be idle. */
function sessionInItsRow(engine: Engine): string {
  return `v_digest := ${sqlDigest(engine, 'p_proof')};
        SELECT s.id, s.identity_id, s.tenant_id, s.selection_key,
            s.authenticated_at, s.created_at, s.expires_at, s.synchronizer_generation,
            s.active_until, s.identity_enabled, s.member_role, s.member_kept, s.member_policy
          INTO v_session, v_identity, v_selected, v_selection_key,
            v_authenticated_at, v_created_at, v_expires_at, v_generation,
            v_active_until, v_enabled, v_role, v_kept, v_policy
          FROM sallyport.sessions AS s WHERE s.proof_digest = v_digest;
        IF v_enabled AND v_expires_at > now() THEN
          v_seen_long_ago := v_active_until < now() + INTERVAL '30 minutes';
          IF v_active_until <= now() THEN
            SELECT a.session_id INTO v_session FROM sallyport.session_activity AS a
              WHERE a.session_id = v_session AND a.last_seen_at > now() - INTERVAL '1 hour';
          END IF;
        ELSE
          v_session := NULL;
        END IF;
        IF NOT COALESCE(${ASKED_NOTHING}, FALSE) THEN
          v_role := NULL;
        END IF;`;
}

/** Whether a member meets what a tenant asks depends on more: then the row tells nothing. */
const ASKED_NOTHING = `v_kept AND v_policy = ''`;

const CURRENT_PROOF = `current_setting('sallyport.proof', true)`;

/** Who is not idle until then was seen within the hour before. */
function fromRow(engine: Engine): Readonly<Record<string, string>> {
  const alive = 'v_enabled AND v_expires_at > now() AND v_active_until > now()';
  const found = (column: string, condition: string, answer: string) => `
        v_digest := ${sqlDigest(engine, CURRENT_PROOF)};
        SELECT ${column}, s.identity_enabled, s.expires_at, s.active_until, s.member_role,
            s.member_kept, s.member_policy
          INTO v_in_row, v_enabled, v_expires_at, v_active_until, v_role, v_kept, v_policy
          FROM sallyport.sessions AS s WHERE s.proof_digest = v_digest;
        IF ${condition} THEN
          ${answer}
        END IF;
        `;
  const member = (answer: string) => `IF ${UNSELECTED} THEN
        ${found('s.tenant_id', `${alive} AND ${ASKED_NOTHING}`, answer)}END IF;
        `;
  return {
    current_session: found('s.id', alive, 'RETURN v_in_row;'),
    current_identity: found('s.identity_id', alive, 'RETURN v_in_row;'),
    current_tenant: member('RETURN v_in_row;'),
    has_permission: member(`SELECT r.name INTO v_role FROM sallyport.roles AS r
            WHERE r.tenant_id = v_in_row AND r.name = v_role AND p_permission = ANY (r.permissions);
          IF v_role IS NOT NULL THEN
            RETURN TRUE;
          END IF;`),
  };
}

const CREDENTIAL_ALIVE = 'v_enabled AND v_kept AND v_revoked_at IS NULL AND v_expires_at > now()';

/** A credential's row tells all: where it does not stand for its member, nobody does. */
function bearerFromRow(engine: Engine): Readonly<Record<string, string>> {
  const found = (column: string) => `IF ${CURRENT_PROOF} LIKE 'bearer %' THEN
          v_digest := ${sqlDigest(engine, CURRENT_PROOF)};
          SELECT ${column}, b.identity_active, b.member_kept, b.revoked_at, b.expires_at
            INTO v_in_row, v_enabled, v_kept, v_revoked_at, v_expires_at
            FROM sallyport.bearer_credentials AS b WHERE b.proof_digest = v_digest;
          IF ${CREDENTIAL_ALIVE} THEN
            RETURN v_in_row;
          END IF;
          RETURN NULL;
        END IF;`;
  return { current_identity: found('b.identity_id'), current_tenant: found('b.tenant_id') };
}

/**
 * As before (0009-bearer.ts): what it answers, and when it raises. A list of the credential's own
 * that its member's role covers, as most do, is its permissions as it stands.
 */
function requireBearer(engine: Engine): MigrationStatement {
  return {
    id: 'function-require_bearer',
    sql: `CREATE OR REPLACE FUNCTION sallyport.require_bearer(p_proof TEXT, p_permission TEXT)
        RETURNS TEXT LANGUAGE plpgsql STABLE SECURITY DEFINER ${pinnedSearchPath(engine)} AS $$
      DECLARE
        v_id UUID; v_kind TEXT; v_identity UUID; v_tenant UUID; v_role TEXT;
        v_own TEXT[]; v_permissions TEXT[]; v_enabled BOOL; v_kept BOOL;
        v_created_at TIMESTAMPTZ; v_expires_at TIMESTAMPTZ; v_revoked_at TIMESTAMPTZ;
        v_digest TEXT; v_carried TEXT;
      BEGIN
        v_digest := ${sqlDigest(engine, 'p_proof')};
        SELECT b.id, b.kind, b.identity_id, b.tenant_id, b.member_role, b.permissions,
            b.identity_active, b.member_kept, b.created_at, b.expires_at, b.revoked_at
          INTO v_id, v_kind, v_identity, v_tenant, v_role, v_own,
            v_enabled, v_kept, v_created_at, v_expires_at, v_revoked_at
          FROM sallyport.bearer_credentials AS b WHERE b.proof_digest = v_digest;
        IF ${CREDENTIAL_ALIVE} THEN
          SELECT r.permissions INTO v_permissions FROM sallyport.roles AS r
            WHERE r.tenant_id = v_tenant AND r.name = v_role;
        END IF;
        IF v_permissions IS NULL THEN
          RAISE EXCEPTION 'not signed in' USING ERRCODE = 'SP401';
        END IF;
        IF v_own <@ v_permissions THEN
          v_permissions := v_own;
        ELSIF v_own IS NOT NULL THEN
          v_permissions := ARRAY(
            SELECT p.name FROM unnest(v_own) AS p (name) WHERE p.name = ANY (v_permissions));
        END IF;
        IF p_permission IS NOT NULL AND NOT COALESCE(p_permission = ANY (v_permissions), FALSE) THEN
          RAISE EXCEPTION 'forbidden' USING ERRCODE = 'SP403';
        END IF;${carrying(engine)}
        RETURN CAST(v_identity AS TEXT) || CAST(v_tenant AS TEXT) || CAST(v_id AS TEXT) || substr(v_kind, 1, 1)
          || CAST(json_build_array(NULL, v_permissions,
            ${epochOf('v_created_at')}, ${epochOf('v_created_at')}, ${epochOf('v_expires_at')}, 0, FALSE) AS TEXT);
      END $$`,
  };
}
