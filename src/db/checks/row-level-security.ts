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

const OWN = '(identity_id = ( SELECT sallyport.current_identity() AS current_identity))';
const ALL = { table: 'profiles', kind: 'PERMISSIVE', command: 'ALL' } as const;

/** Each table that sallyport_app may touch, with all of its policies. */
const POLICIES: readonly Policy[] = [
  { ...ALL, name: 'profiles_own', roles: 'sallyport_app', using: OWN, check: OWN },
  { ...ALL, name: 'profiles_identity', roles: 'sallyport_identity', using: 'true', check: 'true' },
  { ...ALL, name: 'profiles_owner', roles: 'sallyport_owner', using: 'true', check: 'true' },
];

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
 * Tables of other schemas that sallyport_app may touch though their rows are open to it. What an
 * extension made is left to the extension. It is asked by sallyport_app, of itself.
 */
const OPEN_ELSEWHERE = query(`SELECT
  pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS "table",
  c.relrowsecurity AND c.relforcerowsecurity AS "walled"
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p')
    AND n.nspname NOT IN ('sallyport', 'information_schema')
    AND n.nspname NOT LIKE 'pg\\_%'
    AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
    AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
    AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
      SELECT 1 FROM pg_catalog.pg_policy AS p WHERE p.polrelid = c.oid))
    AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend AS d
      WHERE d.classid = 'pg_catalog.pg_class'::REGCLASS AND d.objid = c.oid AND d.deptype = 'e')
  ORDER BY 1`);

/**
 * Row-level security stands on every table that sallyport_app may touch, the migration record
 * aside, with exactly our policies; and it does not stand on what our functions read.
 */
export const rowLevelSecurity: CatalogCheck = {
  statements: [TABLES, POLICIES_FOUND, OPEN_ELSEWHERE],
  judge(tables = [], policies = [], open = []) {
    const found = new Map((tables as unknown as readonly TableRow[]).map((row) => [row.name, row]));
    return [
      ...judged(
        'row-level-security',
        'Row-level security is forced on every table that sallyport_app may touch.',
        [...unwalled(found), ...open.map(openElsewhere)],
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
        'The policies are exactly the expected ones.',
        policyProblems(policies as unknown as readonly Policy[]),
      ),
    ];
  },
};

function unwalled(found: ReadonlyMap<string, TableRow>): readonly string[] {
  return [...new Set(POLICIES.map(({ table }) => table))].flatMap((name) => {
    const row = found.get(name);
    if (row?.enabled && row.forced) return [];
    return `Row-level security is not ${row?.enabled ? 'forced' : 'enabled'} on sallyport.${name}: run ALTER TABLE sallyport.${name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY.`;
  });
}

function openElsewhere({ table, walled }: Readonly<Record<string, unknown>>): string {
  const why = walled === true ? 'it has no policy' : 'its row-level security is not forced';
  return `sallyport_app may touch ${String(table)}, and ${why}: run REVOKE ALL ON TABLE ${String(table)} FROM PUBLIC, sallyport_app, or enable and force row-level security there and create its policies.`;
}

function policyProblems(found: readonly Policy[]): readonly string[] {
  const tables = new Set(POLICIES.map(({ table }) => table));
  const strange = found
    .filter(
      ({ table, name }) => tables.has(table) && !POLICIES.some((policy) => policy.name === name),
    )
    .map(
      ({ table, name }) =>
        `The policy ${name} on sallyport.${table} is not one of ours: run DROP POLICY ${name} ON sallyport.${table}.`,
    );
  const wrong = POLICIES.flatMap((policy) => {
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
