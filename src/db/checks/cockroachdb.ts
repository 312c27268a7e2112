import type { Database } from '../database.ts';
import { sqlState } from '../errors.ts';
import { type CatalogCheck, type Finding, judged, query } from './finding.ts';

// None of this has been run on CockroachDB itself yet. The statements are in its grammar, and what
// is made of their answers is tested; that the answers look so is from its documentation.

/** Privileges that let a role past row-level security, or make things of its own. */
const BEYOND_ROWS = ['ALL', 'BACKUP', 'CHANGEFEED', 'CREATE', 'DROP', 'RESTORE', 'ZONECONFIG'];

const GRANTS = query(`SELECT g.database_name AS "database", g.schema_name AS "schema",
  g.object_name AS "object", g.object_type AS "type", g.grantee AS "grantee",
  g.privilege_type AS "privilege"
  FROM [SHOW GRANTS FOR sallyport_app, sallyport_identity, public] AS g
  WHERE g.database_name = current_database()
    AND g.privilege_type IN (${BEYOND_ROWS.map((name) => `'${name}'`).join(', ')})
  ORDER BY 1, 2, 3, 5, 6`);

const OWNED = query(`SELECT r.rolname::TEXT AS "owner",
  pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS "table"
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_roles AS r ON r.oid = c.relowner
  WHERE r.rolname IN ('sallyport_app', 'sallyport_identity') AND c.relkind IN ('r', 'v', 'm')
  ORDER BY 1, 2`);

interface GrantRow {
  readonly database: string;
  readonly schema: string | null;
  readonly object: string | null;
  readonly type: string;
  readonly grantee: string;
  readonly privilege: string;
}

/**
 * What the checks of PostgreSQL's catalog ask there, in the forms that this engine documents: who
 * may create, drop or back up, whose the tables are, and who may open a changefeed, which sends out
 * rows past every policy.
 */
export const cockroachdbPrivileges: CatalogCheck = {
  statements: [GRANTS, OWNED],
  judge(grants = [], owned = []) {
    const rows = grants as unknown as readonly GrantRow[];
    const lines = (changefeeds: boolean) =>
      rows
        .filter(({ privilege }) => (privilege === 'CHANGEFEED') === changefeeds)
        .map(({ grantee, privilege, ...on }) => {
          const where = `${on.type.toUpperCase()} ${nameOf(on)}`;
          return `${grantee} must not have ${privilege} on ${where}: run REVOKE ${privilege} ON ${where} FROM ${grantee}.`;
        });
    return [
      ...judged('changefeeds', 'Neither role may open a changefeed.', lines(true)),
      ...judged('lasting-objects', 'Neither role may create, drop or back up.', lines(false)),
      ...judged(
        'ownership',
        'Neither role owns a table.',
        owned.map(
          (row) =>
            `${String(row['owner'])} owns ${String(row['table'])}: run ALTER TABLE ${String(row['table'])} OWNER TO sallyport_owner.`,
        ),
      ),
    ];
  },
};

function nameOf({ database, schema, object }: Omit<GrantRow, 'grantee' | 'privilege'>): string {
  const names = [database, ...(schema ? [schema] : []), ...(object ? [object] : [])];
  return names.map((name) => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name}"`)).join('.');
}

const SYSTEM_GRANTS = query(`SELECT g.grantee AS "grantee", g.privilege_type AS "privilege"
  FROM [SHOW SYSTEM GRANTS FOR sallyport_app, sallyport_identity] AS g ORDER BY 1, 2`);

/**
 * Each writes statements with their parameters, to a log, a trace or an audit. These roles may not
 * read them, and the tables that hold them are closed from CockroachDB 26.1 on.
 */
const LOGGING = [
  'sql.log.all_statements.enabled',
  'sql.log.slow_query.latency_threshold',
  'sql.log.admin_audit.enabled',
  'sql.log.user_audit',
  'sql.trace.txn.enable_threshold',
  'sql.trace.stmt.enable_threshold',
];

/** What a cluster may not tell these roles is said to be unchecked: an operator must look. */
export async function checkCluster(database: Database): Promise<readonly Finding[]> {
  const log = `Not checked, for these roles may not read it: that the cluster logs no bind parameters. SHOW CLUSTER SETTING ${LOGGING.join(', ')} must each say false, 0s or nothing.`;
  return [...(await checkSystemPrivileges(database)), { id: 'statement-log', ok: true, line: log }];
}

async function checkSystemPrivileges(database: Database): Promise<readonly Finding[]> {
  const id = 'system-privileges';
  const asApp = { role: 'sallyport_app', access: 'read' } as const;
  try {
    const [answer] = await database.batch(asApp, [SYSTEM_GRANTS]);
    return judged(id, 'Neither role has a system privilege.', (answer?.rows ?? []).map(systemLine));
  } catch (error) {
    if (sqlState(error) !== '42501') throw error;
    const line =
      'Not checked, for these roles may not read it: that they have no system privilege. SHOW SYSTEM GRANTS FOR sallyport_app, sallyport_identity must be empty.';
    return [{ id, ok: true, line }];
  }
}

function systemLine({ grantee, privilege }: Readonly<Record<string, unknown>>): string {
  const [who, what] = [String(grantee), String(privilege)];
  return `${who} must not have the system privilege ${what}: run REVOKE SYSTEM ${what} FROM ${who}.`;
}
