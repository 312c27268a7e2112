import type { GrantedRole, TableGrant } from '../grants.ts';
import { type CatalogCheck, type Finding, judged, query } from './finding.ts';

interface GrantRow {
  readonly relation: string;
  readonly column: string | null;
  /** A role, or PUBLIC, which is each of them. */
  readonly grantee: string;
  readonly privilege: string;
  readonly grantable: boolean;
}

const GRANTS =
  query(`SELECT pg_catalog.quote_ident(c.relname) AS "relation", NULL::TEXT AS "column",
  coalesce(g.rolname::TEXT, 'PUBLIC') AS "grantee", a.privilege_type AS "privilege",
  a.is_grantable AS "grantable"
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  CROSS JOIN pg_catalog.aclexplode(c.relacl) AS a
  LEFT JOIN pg_catalog.pg_roles AS g ON g.oid = a.grantee
  WHERE n.nspname = 'sallyport'
    AND (a.grantee = 0 OR g.rolname IN ('sallyport_app', 'sallyport_identity', 'sallyport_retention'))
  UNION ALL SELECT pg_catalog.quote_ident(c.relname), pg_catalog.quote_ident(t.attname),
  coalesce(g.rolname::TEXT, 'PUBLIC'), a.privilege_type, a.is_grantable
  FROM pg_catalog.pg_attribute AS t
  JOIN pg_catalog.pg_class AS c ON c.oid = t.attrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  CROSS JOIN pg_catalog.aclexplode(t.attacl) AS a
  LEFT JOIN pg_catalog.pg_roles AS g ON g.oid = a.grantee
  WHERE n.nspname = 'sallyport'
    AND (a.grantee = 0 OR g.rolname IN ('sallyport_app', 'sallyport_identity', 'sallyport_retention'))
  ORDER BY 1, 2, 3, 4`);

const SCHEMA_USAGE = query(`SELECT r.rolname::TEXT AS "role" FROM pg_catalog.pg_roles AS r
  JOIN pg_catalog.pg_namespace AS n ON n.nspname = 'sallyport'
  WHERE r.rolname IN ('sallyport_app', 'sallyport_identity', 'sallyport_retention')
    AND pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE')`);

/**
 * The roles' privileges on the schema's tables, column privileges included, are exactly these.
 * Reads what was granted to them and to PUBLIC: that this is all they have, the checks of
 * attributes, memberships and ownership say.
 */
export function tableGrants(expected: readonly TableGrant[]): CatalogCheck {
  return {
    statements: [GRANTS, SCHEMA_USAGE],
    judge(grants = [], usage = []) {
      const rows = grants as unknown as readonly GrantRow[];
      const users = new Set(usage.map((row) => row['role']));
      return [
        ...judgeRole('app-grants', 'sallyport_app', expected, rows, users),
        ...judgeRole('identity-grants', 'sallyport_identity', expected, rows, users),
        ...judgeRole('retention-grants', 'sallyport_retention', expected, rows, users),
      ];
    },
  };
}

function judgeRole(
  id: string,
  role: GrantedRole,
  expected: readonly TableGrant[],
  rows: readonly GrantRow[],
  users: ReadonlySet<unknown>,
): readonly Finding[] {
  const wanted = new Set(
    expected
      .filter(({ to }) => to.includes(role))
      .flatMap(({ on, privileges }) =>
        on.flatMap((table) => privileges.map((p) => `${p} ${table}`)),
      ),
  );
  // What PUBLIC has, every role has: it is told once, with the role that injected SQL has.
  const grantees = role === 'sallyport_app' ? [role, 'PUBLIC'] : [role];
  const mine = rows.filter(({ grantee }) => grantees.includes(grantee));
  const had = new Set<string>();
  const problems = mine.flatMap((row) => {
    const { relation, column, grantee, privilege, grantable } = row;
    const what = column === null ? privilege : `${privilege} (${column})`;
    const where = `ON TABLE sallyport.${relation} FROM ${grantee}`;
    if (column !== null || grantee !== role || !wanted.has(`${privilege} ${relation}`)) {
      return `${grantee} must not have ${what} on sallyport.${relation}: run REVOKE ${what} ${where}.`;
    }
    had.add(`${privilege} ${relation}`);
    return grantable
      ? `${grantee} may pass on ${what} on sallyport.${relation}: run REVOKE GRANT OPTION FOR ${what} ${where}.`
      : [];
  });
  for (const each of [...wanted].filter((key) => !had.has(key))) {
    const [privilege, table] = each.split(' ');
    problems.push(
      `${role} lacks ${privilege} on sallyport.${table}: run GRANT ${privilege} ON TABLE sallyport.${table} TO ${role}.`,
    );
  }
  if (!users.has(role)) {
    problems.push(
      `${role} may not look into the schema sallyport: run GRANT USAGE ON SCHEMA sallyport TO ${role}.`,
    );
  }
  const sound = `The table privileges of ${role} are exactly the expected ones.`;
  return judged(id, sound, problems);
}
