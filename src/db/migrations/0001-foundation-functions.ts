import { type Engine, pinnedSearchPath, sqlDigest } from '../engine.ts';
import type { MigrationStatement } from '../migration-statements.ts';

/**
 * What `sallyport.require` answers, as authorization.ts reads it: the identity and the tenant (or
 * as many blanks), 36 characters each, and the rest of the principal as a JSON array. One text
 * costs the server less than as many columns of a function's result (decisions/016).
 */
const principalText = (account: readonly string[]) => `CAST(v_identity AS TEXT)
            || COALESCE(CAST(v_tenant AS TEXT), '${' '.repeat(36)}')
            || CAST(json_build_array(${[...PRINCIPAL, ...account].join(', ')}) AS TEXT)`;

/** Seconds since 1970: a number is written and read in a fifth of the time that a date takes. */
export const epochOf = (instant: string) => `date_part('epoch', ${instant})`;

const PRINCIPAL = [
  'v_session',
  'v_permissions',
  epochOf('v_authenticated_at'),
  epochOf('v_created_at'),
  epochOf('v_expires_at'),
  'v_generation',
  'v_seen_long_ago',
];

/** What later migrations ask of a membership, and how they find out; nothing unless said. */
export interface PrincipalForm {
  /** Behind the join of the session, its activity and the membership, as s, a and m. */
  readonly fits: string;
  /** Variables of require, beside those that it always has. */
  readonly declared: string;
  /** Fills the session's variables in where one is alive behind `p_proof`. */
  readonly session: string;
  /** Fills in v_tenant and v_permissions where the identity is a member of v_selected. */
  readonly membership: string;
  /** What is asked before it is said why there is no membership. */
  readonly refusal: string;
  /**
   * By the name of a look-up: the statements that answer it, and return, where the session's row
   * alone tells. A row that does not tell says nothing: then the others are looked up.
   */
  readonly fromRow?: Readonly<Record<string, string>>;
  /** Variables that those need, beside v_found. */
  readonly fromRowDeclared?: string;
  /** Carries the proof, and what was decided, into the transaction. */
  readonly carrying?: string;
}

/** The session's row and the one of its activity, in one look-up. */
export function sessionWithActivity(engine: Engine): string {
  const { liveBy, session } = sessionParts(engine);
  return `SELECT s.id, s.identity_id, s.tenant_id, s.selection_key,
            s.authenticated_at, s.created_at, s.expires_at,
            s.synchronizer_generation, a.last_seen_at < now() - INTERVAL '1 minute'
          INTO v_session, v_identity, v_selected, v_selection_key,
            v_authenticated_at, v_created_at, v_expires_at, v_generation, v_seen_long_ago
          FROM ${session} WHERE ${liveBy(sqlDigest(engine, 'p_proof'))};`;
}

/** The membership with its role; `judged` is done with what more was asked of it. */
export function membershipWithRole(
  more: { readonly column: string; readonly into: string; readonly judged: string } = {
    column: '',
    into: '',
    judged: '',
  },
): string {
  return `SELECT m.tenant_id, r.permissions${more.column} INTO v_tenant, v_permissions${more.into}
            FROM sallyport.memberships AS m
            LEFT JOIN sallyport.roles AS r ON r.tenant_id = m.tenant_id AND r.name = m.role
            WHERE m.tenant_id = v_selected AND m.identity_id = v_identity AND m.tenant_kept;${more.judged}`;
}

/** That the request is for the session's own tenant. */
export const UNSELECTED = `COALESCE(current_setting('sallyport.selection', true), '') = ''`;

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
        IF ${UNSELECTED} THEN
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
  form: PrincipalForm = {
    fits: '',
    declared: '',
    session: sessionWithActivity(engine),
    membership: membershipWithRole(),
    refusal: '',
  },
): readonly MigrationStatement[] {
  const { fits, declared, refusal, fromRowDeclared = '', carrying = '' } = form;
  const definer = `STABLE SECURITY DEFINER ${pinnedSearchPath(engine)}`;
  const { liveBy, session, named, inTenant } = sessionParts(engine);
  const proofDigest = sqlDigest(engine, `current_setting('sallyport.proof', true)`);
  const live = liveBy(proofDigest);
  const membershipIn = (tenant: string) => `JOIN sallyport.memberships AS m
            ON m.tenant_id = ${tenant} AND m.identity_id = s.identity_id
            AND m.tenant_kept${fits}`;
  const fromRow = (name: string) => form.fromRow?.[name] ?? '';
  const lookUp = (name: string, finding: string) => ({
    id: `function-${name}`,
    sql: `CREATE OR REPLACE FUNCTION sallyport.${name}() RETURNS UUID LANGUAGE plpgsql ${definer} AS $$
      DECLARE v_found UUID;${fromRowDeclared}
      BEGIN
        ${fromRow(name)}${finding}
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
      DECLARE v_found UUID;${fromRowDeclared}
      BEGIN
        ${fromRow('has_permission')}${inTenant(
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
        ${form.session}
        IF v_session IS NULL THEN
          RAISE EXCEPTION 'not signed in' USING ERRCODE = 'SP401';
        END IF;
        IF COALESCE(current_setting('sallyport.selection', true), '') <> '' THEN
          SELECT x.id INTO v_selected ${named('v_selection_key')};
        END IF;
        IF v_selected IS NOT NULL THEN
          ${form.membership}
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
        END IF;${carrying}
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
          WHERE s.proof_digest = ${sqlDigest(engine, 'p_proof')} FOR SHARE OF i FOR UPDATE OF s;`,
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
