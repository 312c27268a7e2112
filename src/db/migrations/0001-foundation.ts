import { type Engine, type PolicyForm, policyPrincipal } from '../engine.ts';
import {
  BOTH_ROLES,
  type DefinerFunction,
  grantFunctions,
  grantTables,
  type TableGrant,
} from '../grants.ts';
import { inPolicyForm, type MigrationStatement } from '../migration-statements.ts';
import { functions } from './0001-foundation-functions.ts';
import { deliveryTables, identityTables, tenantTables } from './0001-foundation-tables.ts';

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
