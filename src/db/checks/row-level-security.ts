import type { PolicyForm } from '../engine.ts';
import { NO_TENANT } from '../migrations/0003-idempotency.ts';
import { type CatalogCheck, judged, query } from './finding.ts';

/** A policy as the server writes it back, which is also how it can be created anew. */
interface Policy {
  readonly table: string;
  readonly name: string;
  readonly kind: string;
  readonly command: string;
  readonly roles: string;
  readonly using: string | null;
  readonly check: string | null;
}

const OWN: Readonly<Record<PolicyForm, string>> = {
  functions: '(identity_id = ( SELECT sallyport.current_identity() AS current_identity))',
  settings: `(identity_id = (NULLIF(current_setting('sallyport.identity'::text, true), ''::text))::uuid)`,
};
const OWN_TENANT_OR_NONE: Readonly<Record<PolicyForm, string>> = {
  functions: `(tenant_id = COALESCE(( SELECT sallyport.current_tenant() AS current_tenant), '${NO_TENANT}'::uuid))`,
  settings: `(tenant_id = COALESCE((NULLIF(current_setting('sallyport.tenant'::text, true), ''::text))::uuid, '${NO_TENANT}'::uuid))`,
};
/** Which form of the policies is in force, as a start and the doctor say it. */
export const IN_FORCE: Readonly<Record<PolicyForm, string>> = {
  functions: 'The policies are exactly the expected ones: they look the proof up.',
  settings:
    'The policies compare with settings, by SALLYPORT_INSECURE_SETTING_POLICIES: they stop forgotten predicates, and not injected SQL.',
};

const ALL = { table: 'profiles', kind: 'PERMISSIVE', command: 'ALL' } as const;
const ALL_KEYS = { ...ALL, table: 'idempotency_keys' } as const;

/** Each table that sallyport_app may touch, with all of its policies. */
function policiesOf(form: PolicyForm): readonly Policy[] {
  const own = { using: OWN[form], check: OWN[form] };
  const every = { using: 'true', check: 'true' };
  const key = `(${OWN[form]} AND ${OWN_TENANT_OR_NONE[form]})`;
  return [
    { ...ALL, name: 'profiles_own', roles: 'sallyport_app', ...own },
    { ...ALL, name: 'profiles_identity', roles: 'sallyport_identity', ...every },
    { ...ALL, name: 'profiles_owner', roles: 'sallyport_owner', ...every },
    {
      ...ALL_KEYS,
      name: 'idempotency_keys_own',
      roles: 'sallyport_app',
      using: key,
      check: key,
    },
    {
      ...ALL_KEYS,
      name: 'idempotency_keys_expired',
      roles: 'sallyport_identity',
      using: '(expires_at < now())',
      check: 'false',
    },
  ];
}

/** What the functions of the policies read: a policy there would call them again without end. */
const READ_BY_FUNCTIONS = [
  'sessions',
  'session_activity',
  'identities',
  'email_addresses',
  'memberships',
  'roles',
];

interface TableRow {
  readonly name: string;
  readonly enabled: boolean;
  readonly forced: boolean;
}

const TABLES = query(`SELECT c.relname::TEXT AS "name", c.relrowsecurity AS "enabled",
  c.relforcerowsecurity AS "forced"
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = 'sallyport' AND c.relkind IN ('r', 'p')`);

const POLICIES_FOUND = query(`SELECT p.tablename::TEXT AS "table",
  pg_catalog.quote_ident(p.policyname) AS "name", p.permissive AS "kind", p.cmd AS "command",
  pg_catalog.array_to_string(p.roles, ', ') AS "roles", p.qual AS "using", p.with_check AS "check"
  FROM pg_catalog.pg_policies AS p WHERE p.schemaname = 'sallyport' ORDER BY 1, 2`);

/**
 * Row-level security stands on every table of ours that sallyport_app may touch, the migration
 * record aside, with exactly our policies; and it does not stand on what our functions read.
 */
export function rowLevelSecurity(form: PolicyForm): CatalogCheck {
  const expected = policiesOf(form);
  return {
    statements: [TABLES, POLICIES_FOUND],
    judge(tables = [], policies = []) {
      const found = new Map(
        (tables as unknown as readonly TableRow[]).map((row) => [row.name, row]),
      );
      return [
        ...judged(
          'row-level-security',
          'Row-level security is forced on our tables that sallyport_app may touch.',
          unwalled(found, expected),
        ),
        ...judged(
          'credential-tables',
          'The tables that the functions read carry no row-level security.',
          READ_BY_FUNCTIONS.filter((name) => found.get(name)?.enabled).map(
            (name) =>
              `sallyport.${name} must not carry row-level security, for the functions that policies call read it: run ALTER TABLE sallyport.${name} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY.`,
          ),
        ),
        ...judged(
          'policies',
          IN_FORCE[form],
          policyProblems(policies as unknown as readonly Policy[], expected),
        ),
      ];
    },
  };
}

function unwalled(
  found: ReadonlyMap<string, TableRow>,
  expected: readonly Policy[],
): readonly string[] {
  return [...new Set(expected.map(({ table }) => table))].flatMap((name) => {
    const row = found.get(name);
    if (row?.enabled && row.forced) return [];
    return `Row-level security is not ${row?.enabled ? 'forced' : 'enabled'} on sallyport.${name}: run ALTER TABLE sallyport.${name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY.`;
  });
}

function policyProblems(found: readonly Policy[], expected: readonly Policy[]): readonly string[] {
  const tables = new Set(expected.map(({ table }) => table));
  const strange = found
    .filter(
      ({ table, name }) => tables.has(table) && !expected.some((policy) => policy.name === name),
    )
    .map(
      ({ table, name }) =>
        `The policy ${name} on sallyport.${table} is not one of ours: run DROP POLICY ${name} ON sallyport.${table}.`,
    );
  const wrong = expected.flatMap((policy) => {
    const { table, name } = policy;
    const same = found.find((each) => each.table === table && each.name === name);
    const create = creationOf(policy);
    if (!same) return `The policy ${name} on sallyport.${table} is missing: run ${create}.`;
    if (creationOf(same) === create) return [];
    return `The policy ${name} on sallyport.${table} is not as it should be: run DROP POLICY ${name} ON sallyport.${table}, then ${create}.`;
  });
  return [...strange, ...wrong];
}

function creationOf({ table, name, kind, command, roles, using, check }: Policy): string {
  return [
    `CREATE POLICY ${name} ON sallyport.${table} AS ${kind} FOR ${command} TO ${roles}`,
    ...(using === null ? [] : [`USING (${using})`]),
    ...(check === null ? [] : [`WITH CHECK (${check})`]),
  ].join(' ');
}
