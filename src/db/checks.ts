import {
  checkConnections,
  type ConnectionFacts,
  readConnections,
  unreachable,
} from './checks/connections.ts';
import { type CatalogCheck, type Finding, judged } from './checks/finding.ts';
import { functions } from './checks/functions.ts';
import { tableGrants } from './checks/grants.ts';
import { checkRefusals } from './checks/refusals.ts';
import { creation, ownership, roles } from './checks/roles.ts';
import { rowLevelSecurity } from './checks/row-level-security.ts';
import { checkVersion } from './checks/version.ts';
import type { Database } from './database.ts';
import { DatabaseUnavailableError, sqlState } from './errors.ts';
import { migrationStatements } from './migrations.ts';
import { FOUNDATION_FUNCTIONS, FOUNDATION_GRANTS } from './migrations/0001-foundation.ts';
import { ACCOUNT_FUNCTIONS, ACCOUNT_GRANTS } from './migrations/0002-account.ts';

export type { Finding } from './checks/finding.ts';

const grants = tableGrants([...FOUNDATION_GRANTS, ...ACCOUNT_GRANTS]);
const ours = functions([...FOUNDATION_FUNCTIONS, ...ACCOUNT_FUNCTIONS]);

/**
 * Whether the database is as the walls need it, asked on the very connections that requests travel
 * on. Changes nothing. Two flushes one after the other, whatever the number of checks.
 *
 * Of the embedded database, one session of a superuser, only the schema is checked. On CockroachDB
 * the catalogs are not asked, for what they answer there is not documented well enough: version,
 * roles of the connections, isolation level, migrations and refusals are checked, and not even that
 * has been run on CockroachDB itself yet.
 *
 * @param overNetwork whether the connections leave this machine, and so need TLS.
 */
export async function checkDatabase(
  database: Database,
  { overNetwork }: { readonly overNetwork: boolean },
): Promise<readonly Finding[]> {
  const asked = await readConnections(database);
  for (const result of asked) {
    if (result.status === 'rejected' && !(result.reason instanceof DatabaseUnavailableError)) {
      throw result.reason;
    }
  }
  const connections = asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const [first] = connections;
  const basics = [
    ...(first ? checkVersion(first.version) : []),
    ...unreachable(asked),
    ...aboutConnections(database, connections, overNetwork),
  ];
  if (connections.length < asked.length) return basics;
  const [migrations, catalog, refusals] = await Promise.all([
    checkMigrations(database),
    checkCatalog(database),
    checkRefusals(database),
  ]);
  // On half a schema everything else fails too, and says nothing more.
  if (migrations.some(({ ok }) => !ok)) return [...basics, ...migrations];
  return [...basics, ...migrations, ...catalog, ...refusals];
}

function aboutConnections(
  database: Database,
  connections: readonly ConnectionFacts[],
  overNetwork: boolean,
): readonly Finding[] {
  const { engine } = database;
  if (engine !== 'embedded') return checkConnections(engine, connections, overNetwork);
  const line =
    'The embedded database has one session, which is a superuser: roles, isolation, temporary tables and TLS are not checked.';
  return [{ id: 'embedded', ok: true, line }];
}

const UNREADABLE =
  'sallyport_app may not read sallyport.migrations: run GRANT USAGE ON SCHEMA sallyport TO sallyport_app, then GRANT SELECT ON TABLE sallyport.migrations TO sallyport_app.';

async function checkMigrations(database: Database): Promise<readonly Finding[]> {
  const recorded = new Set<unknown>();
  const read = { sql: 'SELECT id FROM sallyport.migrations', parameters: [] };
  try {
    const asApp = { role: 'sallyport_app', access: 'read' } as const;
    const [answer] = await database.batch(asApp, [read]);
    for (const row of answer?.rows ?? []) recorded.add(row['id']);
  } catch (error) {
    const state = sqlState(error) ?? '';
    if (state === '42501') return judged('migrations', '', [UNREADABLE]);
    // 42P01: no such table. 3F000: no such schema.
    if (!['42P01', '3F000'].includes(state)) throw error;
  }
  const pending = migrationStatements(database.engine).filter(({ id }) => !recorded.has(id)).length;
  const line = `${pending} migration statements have not been applied: run \`sallyport migrate\` with DATABASE_URL first.`;
  return judged('migrations', 'All migrations are applied.', pending === 0 ? [] : [line]);
}

/** The catalog, in one batch and so in one snapshot. */
async function checkCatalog(database: Database): Promise<readonly Finding[]> {
  if (database.engine === 'cockroachdb') return [];
  const schema = [grants, rowLevelSecurity, ours];
  const checks: readonly CatalogCheck[] =
    database.engine === 'embedded' ? schema : [roles, ownership, creation, ...schema];
  const statements = checks.flatMap((check) => check.statements);
  const asApp = { role: 'sallyport_app', access: 'read' } as const;
  const answers = await database.batch(asApp, statements);
  const findings: Finding[] = [];
  let next = 0;
  for (const check of checks) {
    const end = next + check.statements.length;
    findings.push(...check.judge(...answers.slice(next, end).map(({ rows }) => rows)));
    next = end;
  }
  return findings;
}
