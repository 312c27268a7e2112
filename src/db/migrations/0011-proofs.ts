import { type Engine, expiringRows, generatedAs, pinnedSearchPath, sqlDigest } from '../engine.ts';
import { type DefinerFunction, grantFunctions, grantTables, type TableGrant } from '../grants.ts';
import type { MigrationStatement } from '../migration-statements.ts';
import {
  functions as principalFunctions,
  membershipWithRole,
  type PrincipalForm,
  sessionParts,
  sessionWithActivity,
} from './0001-foundation-functions.ts';
import { requireTeam } from './0005-teams.ts';
import { withBearer } from './0009-bearer.ts';

/** Accounts without a password, and what tenants ask of the proofs of their members. */
export function proofs(engine: Engine): readonly MigrationStatement[] {
  return [
    ...signUps(),
    ...tenantPolicies(engine),
    ...decisions(engine),
    ...factorResets(engine),
    ...grantFunctions(PROOF_FUNCTIONS),
    ...grantTables(PROOF_GRANTS),
  ];
}

export const PROOF_FUNCTIONS: readonly DefinerFunction[] = [
  { signature: 'check_policy(TEXT)', volatility: 'STABLE' },
  {
    signature:
      'meets_policy(TEXT, BIGINT, TEXT[], TIMESTAMP WITH TIME ZONE, TIMESTAMP WITH TIME ZONE, INTERVAL)',
    volatility: 'STABLE',
  },
];

export const PROOF_GRANTS: readonly TableGrant[] = [
  {
    id: 'factor-resets',
    on: ['factor_resets'],
    privileges: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
    to: ['sallyport_identity'],
  },
];

/** Whoever follows the link of one without a password gives its account what opens it. */
function signUps(): readonly MigrationStatement[] {
  return [
    {
      id: 'sign-ups-without-password',
      sql: `ALTER TABLE sallyport.sign_ups ALTER COLUMN password_hash DROP NOT NULL`,
    },
    {
      // A passkey is made for the id of its owner (WebAuthn 14.6.1), who is not there yet.
      id: 'sign-ups-identity',
      sql: `ALTER TABLE sallyport.sign_ups ADD COLUMN IF NOT EXISTS identity_id UUID NOT NULL DEFAULT gen_random_uuid()`,
    },
  ];
}

/**
 * What a tenant asks stands in its row; the whole of it, as one text that is empty where it asks
 * nothing, is copied into each membership by a foreign key (decisions/041). So the decision finds
 * it in a row that it has in its hands already.
 */
function tenantPolicies(engine: Engine): readonly MigrationStatement[] {
  const column = (name: string, definition: string) => ({
    id: `tenants-${name}`,
    sql: `ALTER TABLE sallyport.tenants ADD COLUMN IF NOT EXISTS ${name} ${definition}`,
  });
  const policy = `CASE WHEN member_proof = 'any' AND idle_minutes = 60 AND proof_minutes = 720 AND authenticators = '' THEN ''
        ELSE member_proof || ' ' || CAST(idle_minutes AS TEXT) || ' ' || CAST(proof_minutes AS TEXT) || ' ' || authenticators END`;
  return [
    column(
      'member_proof',
      `TEXT NOT NULL DEFAULT 'any' CONSTRAINT tenants_member_proof CHECK (member_proof IN ('any', 'second-factor', 'passkey'))`,
    ),
    // Neither is longer than the product's own limit.
    column(
      'idle_minutes',
      `INT4 NOT NULL DEFAULT 60 CONSTRAINT tenants_idle_minutes CHECK (idle_minutes BETWEEN 5 AND 60)`,
    ),
    column(
      'proof_minutes',
      `INT4 NOT NULL DEFAULT 720 CONSTRAINT tenants_proof_minutes CHECK (proof_minutes BETWEEN 15 AND 720)`,
    ),
    // The methods that a session may have been proved with, by commas; all where it is empty.
    column(
      'authenticators',
      `TEXT NOT NULL DEFAULT '' CONSTRAINT tenants_authenticators CHECK (authenticators ~ '^([a-z-]+(,[a-z-]+)*)?$')`,
    ),
    column('policy', `TEXT NOT NULL ${generatedAs(engine, policy)}`),
    {
      id: 'tenants-by-policy',
      sql: `CREATE UNIQUE INDEX IF NOT EXISTS tenants_policy ON sallyport.tenants (id, policy)`,
    },
    {
      id: 'memberships-tenant-policy',
      sql: `ALTER TABLE sallyport.memberships ADD COLUMN IF NOT EXISTS tenant_policy TEXT NOT NULL DEFAULT ''`,
    },
    {
      id: 'memberships-policy-drop',
      sql: `ALTER TABLE sallyport.memberships DROP CONSTRAINT IF EXISTS memberships_policy`,
    },
    {
      id: 'memberships-policy',
      sql: `ALTER TABLE sallyport.memberships ADD CONSTRAINT memberships_policy
        FOREIGN KEY (tenant_id, tenant_policy) REFERENCES sallyport.tenants (id, policy) ON DELETE CASCADE ON UPDATE CASCADE`,
    },
    {
      // The longest time without a request since the person last proved who they are: a pause that
      // one tenant does not allow is none the shorter because another page was opened behind it.
      id: 'session-activity-longest-pause',
      sql: `ALTER TABLE sallyport.session_activity ADD COLUMN IF NOT EXISTS longest_pause INTERVAL NOT NULL DEFAULT INTERVAL '0'`,
    },
  ];
}

/**
 * What an owner has granted to a member who lost their second factor. It ends with the membership,
 * and is worth nothing to whoever is a member anywhere else (decisions/042).
 */
function factorResets(engine: Engine): readonly MigrationStatement[] {
  return [
    {
      id: 'factor-resets',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.factor_resets (
        tenant_id UUID NOT NULL,
        identity_id UUID NOT NULL,
        folded TEXT NOT NULL,
        token_digest TEXT NOT NULL UNIQUE,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        expires_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (tenant_id, identity_id),
        CONSTRAINT factor_resets_membership FOREIGN KEY (tenant_id, identity_id)
          REFERENCES sallyport.memberships (tenant_id, identity_id) ON DELETE CASCADE,
        CONSTRAINT factor_resets_digest_is_sha256 CHECK (length(token_digest) = 64)
      )${expiringRows(engine)}`,
    },
  ];
}

/**
 * A membership of which the tenant asks more than the session's person has proved is none, for
 * every function that asks, and so for every policy of a table (ASVS 6.3.3, 7.3.1, 7.3.2, 8.2.4).
 * What is not called costs no more than its call: most tenants ask nothing.
 */
export const MEMBERSHIP_FITS = `
            AND (m.tenant_policy = '' OR sallyport.meets_policy(
              m.tenant_policy, s.aal, s.amr, s.authenticated_at, a.last_seen_at, a.longest_pause))`;

function meetsPolicy(engine: Engine): MigrationStatement {
  const part = (n: number) => `split_part(p_policy, ' ', ${n})`;
  const minutes = (n: number) => `CAST(${part(n)} AS INT4) * INTERVAL '1 minute'`;
  return {
    id: 'function-meets_policy',
    sql: `CREATE OR REPLACE FUNCTION sallyport.meets_policy(
        p_policy TEXT, p_aal INT8, p_amr TEXT[], p_proved TIMESTAMPTZ, p_seen TIMESTAMPTZ, p_pause INTERVAL
      ) RETURNS BOOL LANGUAGE plpgsql STABLE SECURITY DEFINER ${pinnedSearchPath(engine)} AS $$
      BEGIN
        RETURN (${part(1)} = 'any' OR p_aal >= 2)
          AND (${part(1)} <> 'passkey' OR p_amr && ARRAY['passkey', 'passkey-touch'])
          AND p_seen > now() - ${minutes(2)}
          AND p_pause < ${minutes(2)}
          AND p_proved > now() - ${minutes(3)}
          AND (${part(4)} = '' OR p_amr <@ string_to_array(${part(4)}, ','));
      END $$`,
  };
}

/** Where a tenant asks something, the session is looked at once more, and only there. */
const JUDGED_MEMBERSHIP = membershipWithRole({
  column: ', m.tenant_policy',
  into: ', v_policy',
  judged: `
          IF v_policy <> '' THEN
            SELECT sallyport.meets_policy(v_policy, s.aal, s.amr, s.authenticated_at, a.last_seen_at, a.longest_pause)
              INTO v_met
              FROM sallyport.sessions AS s JOIN sallyport.session_activity AS a ON a.session_id = s.id
              WHERE s.id = v_session;
            IF NOT v_met THEN
              v_tenant := NULL;
              v_permissions := NULL;
            END IF;
          END IF;`,
});

/** What a membership is asked for, and how require finds one that has it. */
export function judged(engine: Engine): PrincipalForm {
  return {
    fits: MEMBERSHIP_FITS,
    declared: ' v_policy TEXT; v_met BOOL;',
    session: sessionWithActivity(engine),
    membership: JUDGED_MEMBERSHIP,
    refusal: '\n            v_met := sallyport.check_policy(p_proof);',
  };
}

/** The functions that look a session up, those that find a membership with that condition. */
export function sessionLookUps(engine: Engine): readonly MigrationStatement[] {
  return principalFunctions(engine, judged(engine));
}

function principalLookUps(engine: Engine): readonly MigrationStatement[] {
  return withBearer(engine, sessionLookUps(engine)).filter(
    ({ id }) => id !== 'function-current_identity',
  );
}

function decisions(engine: Engine): readonly MigrationStatement[] {
  const ofTeam = `
        IF v_tenant IS NULL THEN
          v_permitted := sallyport.check_policy(current_setting('sallyport.proof', true));
        END IF;`;
  return [
    meetsPolicy(engine),
    checkPolicy(engine),
    ...principalLookUps(engine),
    ...sessionLookUps(engine).filter(({ id }) => id === 'function-require'),
    ...requireTeam(engine, ofTeam),
  ];
}

/**
 * Asked where the request's tenant has no member behind it who counts. Raises SP445 where it is
 * their tenant, and they have nothing that it asks for, and SP444 where they have it and must only
 * prove it, or prove it again. Answers FALSE where no policy is in the way.
 */
function checkPolicy(engine: Engine): MigrationStatement {
  const { liveBy, session, inTenant } = sessionParts(engine);
  return {
    id: 'function-check_policy',
    sql: `CREATE OR REPLACE FUNCTION sallyport.check_policy(p_proof TEXT) RETURNS BOOL LANGUAGE plpgsql STABLE SECURITY DEFINER ${pinnedSearchPath(engine)} AS $$
      DECLARE v_identity UUID; v_policy TEXT; v_asked TEXT; v_allowed TEXT; v_passkey UUID; v_totp UUID;
      BEGIN
        ${inTenant(
          (tenant) => `SELECT s.identity_id, m.tenant_policy INTO v_identity, v_policy
          FROM ${session} JOIN sallyport.memberships AS m
            ON m.tenant_id = ${tenant} AND m.identity_id = s.identity_id AND m.tenant_kept
          WHERE ${liveBy(sqlDigest(engine, 'p_proof'))};`,
        )}
        IF v_policy IS NULL OR v_policy = '' THEN
          RETURN FALSE;
        END IF;
        v_asked := split_part(v_policy, ' ', 1);
        v_allowed := ',' || split_part(v_policy, ' ', 4) || ',';
        SELECT k.id INTO v_passkey FROM sallyport.passkeys AS k WHERE k.identity_id = v_identity LIMIT 1;
        IF v_allowed = ',,' OR strpos(v_allowed, ',totp,') > 0 THEN
          SELECT t.id INTO v_totp FROM sallyport.totp_authenticators AS t WHERE t.identity_id = v_identity;
        END IF;
        IF v_passkey IS NULL AND (v_asked = 'passkey'
            OR v_allowed <> ',,' AND strpos(v_allowed, ',password,') = 0 AND strpos(v_allowed, ',provider,') = 0
            OR v_asked = 'second-factor' AND v_totp IS NULL) THEN
          RAISE EXCEPTION 'the tenant asks for a factor that is missing' USING ERRCODE = 'SP445';
        END IF;
        RAISE EXCEPTION 'the tenant asks for a proof' USING ERRCODE = 'SP444';
      END $$`,
  };
}
