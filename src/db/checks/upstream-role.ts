import type { Database } from '../database.ts';

interface LoginRow {
  readonly signsIn: boolean;
  readonly passesPolicies: boolean;
  readonly isApp: boolean;
  readonly isMore: boolean;
}

const LOGIN = `SELECT r.rolcanlogin AS "signsIn",
  r.rolsuper OR r.rolbypassrls AS "passesPolicies",
  pg_catalog.pg_has_role(r.oid, 'sallyport_app', 'USAGE') AS "isApp",
  pg_catalog.pg_has_role(r.oid, 'sallyport_identity', 'MEMBER')
    OR pg_catalog.pg_has_role(r.oid, 'sallyport_owner', 'MEMBER') AS "isMore"
  FROM pg_catalog.pg_roles AS r WHERE r.rolname = $1::TEXT`;

/**
 * What is wrong with the login with which an upstream comes to the database, a line each. With too
 * little it sees nothing, and with more than sallyport_app no wall stands in its way (ASVS 13.2.2).
 * On CockroachDB nothing is asked: what its catalogs answer has not been run.
 */
export async function findUpstreamRoleProblems(
  database: Database,
  login: string,
): Promise<readonly string[]> {
  if (database.engine === 'cockroachdb') return [];
  const asked = { sql: LOGIN, parameters: [login] };
  const [answer] = await database.batch({ role: 'sallyport_app', access: 'read' }, [asked]);
  const row = answer?.rows[0] as LoginRow | undefined;
  if (!row) {
    return [
      `${login} is no role: run CREATE ROLE ${login} LOGIN PASSWORD '...' IN ROLE sallyport_app.`,
    ];
  }
  return [
    ...(row.signsIn
      ? []
      : [`${login} cannot sign in: run ALTER ROLE ${login} LOGIN PASSWORD '...'.`]),
    ...(row.passesPolicies
      ? [`${login} passes all policies by: run ALTER ROLE ${login} NOSUPERUSER NOBYPASSRLS.`]
      : []),
    ...(row.isApp
      ? []
      : [`${login} is not in sallyport_app: run GRANT sallyport_app TO ${login}.`]),
    ...(row.isMore && !row.passesPolicies
      ? [`${login} is in sallyport_identity or sallyport_owner: take it out of these.`]
      : []),
  ];
}
