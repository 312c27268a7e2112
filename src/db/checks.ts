import { checkCluster, cockroachdbPrivileges } from './checks/cockroachdb.ts';
import {
  checkConnections,
  type ConnectionFacts,
  readConnections,
  type Surroundings,
  unreachable,
} from './checks/connections.ts';
import { checkConsoles } from './checks/console.ts';
import { checkEventRetention } from './checks/event-retention.ts';
import { type CatalogCheck, type Finding, judged } from './checks/finding.ts';
import { functions } from './checks/functions.ts';
import { tableGrants } from './checks/grants.ts';
import { checkRefusals } from './checks/refusals.ts';
import { creation, ownership, roles } from './checks/roles.ts';
import { rowLevelSecurity } from './checks/row-level-security.ts';
import { tenantTables } from './checks/tenant-tables.ts';
import { checkVersion } from './checks/version.ts';
import type { Database } from './database.ts';
import type { Engine, PolicyForm } from './engine.ts';
import { DatabaseUnavailableError, sqlState } from './errors.ts';
import { EVENT_DAYS } from './event-retention.ts';
import { migrationStatements, newerMigrations } from './migrations.ts';
import { FOUNDATION_FUNCTIONS, FOUNDATION_GRANTS } from './migrations/0001-foundation.ts';
import { ACCOUNT_GRANTS } from './migrations/0002-account.ts';
import { IDEMPOTENCY_GRANTS } from './migrations/0003-idempotency.ts';
import { TENANT_FUNCTIONS, TENANT_GRANTS } from './migrations/0004-tenants.ts';
import { TEAM_FUNCTIONS, TEAM_GRANTS } from './migrations/0005-teams.ts';
import { RETENTION_FUNCTIONS, SECURITY_EVENT_GRANTS } from './migrations/0006-security-events.ts';
import { LIMITS_GRANTS } from './migrations/0007-limits.ts';
import { FACTOR_FUNCTIONS, FACTOR_GRANTS } from './migrations/0008-factors.ts';
import { BEARER_FUNCTIONS, BEARER_GRANTS } from './migrations/0009-bearer.ts';
import { PROOF_FUNCTIONS, PROOF_GRANTS } from './migrations/0011-proofs.ts';
import {
  TRANSACTION_PROOF_FUNCTIONS,
  TRANSACTION_PROOF_GRANTS,
} from './migrations/0014-transaction-proofs.ts';
import { PROVIDER_FUNCTIONS, PROVIDER_GRANTS } from './migrations/0012-providers.ts';

export type { Finding } from './checks/finding.ts';

const grants = tableGrants([
  ...FOUNDATION_GRANTS,
  ...ACCOUNT_GRANTS,
  ...IDEMPOTENCY_GRANTS,
  ...TENANT_GRANTS,
  ...TEAM_GRANTS,
  ...SECURITY_EVENT_GRANTS,
  ...LIMITS_GRANTS,
  ...FACTOR_GRANTS,
  ...BEARER_GRANTS,
  ...PROOF_GRANTS,
  ...TRANSACTION_PROOF_GRANTS,
  ...PROVIDER_GRANTS,
]);
const ours = functions([
  ...FOUNDATION_FUNCTIONS,
  ...TENANT_FUNCTIONS,
  ...TEAM_FUNCTIONS,
  ...RETENTION_FUNCTIONS,
  ...FACTOR_FUNCTIONS,
  ...BEARER_FUNCTIONS,
  ...PROOF_FUNCTIONS,
  ...TRANSACTION_PROOF_FUNCTIONS,
  ...PROVIDER_FUNCTIONS,
]);

export interface DatabaseSurroundings extends Surroundings {
  /** Tables without a tenant, all of whose rows all tenants may see, as statements name them. */
  readonly sharedTables?: readonly string[];
  /** How long security events should be kept, in days. */
  readonly eventDays?: number;
  /** What the policies should compare with; our functions unless said. */
  readonly policyForm?: PolicyForm;
}

/**
 * Whether the database is as the walls need it, asked on the very connections that requests travel
 * on. Changes nothing. Three flushes one after the other, whatever the number of checks.
 *
 * Of the embedded database, one session of a superuser, only the schema is checked. On CockroachDB
 * our own tables and functions are not, for what the catalogs answer there is not documented well
 * enough; and not even the rest has been run on CockroachDB itself yet.
 */
export async function checkDatabase(
  database: Database,
  surroundings: DatabaseSurroundings,
): Promise<readonly Finding[]> {
  const { policyForm = 'functions' } = surroundings;
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
    ...aboutConnections(database, connections, surroundings),
  ];
  if (connections.length < asked.length) return basics;
  const migrations = await checkMigrations(database, policyForm);
  // On half a schema everything else fails too, and says nothing more.
  if (migrations.some(({ ok }) => !ok)) return [...basics, ...migrations];
  const [catalog, cluster, retention, refusals] = await Promise.all([
    checkCatalog(database, policyForm, surroundings.sharedTables ?? []),
    checkCockroachdb(database, surroundings),
    checkEventRetention(database, surroundings.eventDays ?? EVENT_DAYS),
    checkRefusals(database),
  ]);
  return [...basics, ...migrations, ...catalog, ...cluster, ...retention, ...refusals];
}

function aboutConnections(
  database: Database,
  connections: readonly ConnectionFacts[],
  surroundings: Surroundings,
): readonly Finding[] {
  const { engine } = database;
  if (engine !== 'embedded') return checkConnections(engine, connections, surroundings);
  const line =
    'The embedded database has one session, which is a superuser: roles, isolation, temporary tables and TLS are not checked.';
  return [{ id: 'embedded', ok: true, line }];
}

/** What to do where the policies are of the other form than the one that is asked for. */
const OTHER_FORM: Readonly<Record<PolicyForm, string>> = {
  functions:
    'The policies compare with settings, which injected SQL can change, and SALLYPORT_INSECURE_SETTING_POLICIES is not set: run `sallyport migrate` with DATABASE_URL and without that setting.',
  settings:
    'SALLYPORT_INSECURE_SETTING_POLICIES is set, and the policies look the proof up, as they should: take the setting away, or run `sallyport migrate` with it and with DATABASE_URL.',
};

const UNREADABLE =
  'sallyport_app may not read sallyport.migrations: run GRANT USAGE ON SCHEMA sallyport TO sallyport_app, then GRANT SELECT ON TABLE sallyport.migrations TO sallyport_app.';

async function checkMigrations(database: Database, form: PolicyForm): Promise<readonly Finding[]> {
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
  // What a newer version grants and creates, this one cannot judge; it must not wave it through.
  const newer = newerMigrations(recorded).map(
    (id) =>
      `A newer version of Sallyport has migrated this database (${id}): start that version. Processes of this one that are running go on.`,
  );
  if (newer.length > 0) return judged('migrations', '', newer);
  const pending = migrationStatements(database.engine, form).filter(({ id }) => !recorded.has(id));
  if (pending.length > 0 && pending.every(({ replaces = '' }) => recorded.has(replaces))) {
    return judged('policies', '', [OTHER_FORM[form]]);
  }
  const line = `${pending.length} migration statements have not been applied: run \`sallyport migrate\` with DATABASE_URL first.`;
  return judged('migrations', 'All migrations are applied.', pending.length === 0 ? [] : [line]);
}

/** The catalog, in one batch and so in one snapshot. */
async function checkCatalog(
  database: Database,
  form: PolicyForm,
  sharedTables: readonly string[],
): Promise<readonly Finding[]> {
  const tables = tenantTables(database.engine, form, sharedTables);
  const checks = checksOf(database.engine, form, tables);
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

function checksOf(engine: Engine, form: PolicyForm, tables: CatalogCheck): readonly CatalogCheck[] {
  const schema = [grants, rowLevelSecurity(form), ours, tables];
  if (engine === 'embedded') return schema;
  if (engine === 'cockroachdb') return [roles, cockroachdbPrivileges, tables];
  return [roles, ownership, creation, ...schema];
}

async function checkCockroachdb(
  database: Database,
  { remoteHosts = [] }: Surroundings,
): Promise<readonly Finding[]> {
  if (database.engine !== 'cockroachdb') return [];
  const [cluster, consoles] = await Promise.all([
    checkCluster(database),
    checkConsoles(remoteHosts),
  ]);
  return [...cluster, ...consoles];
}
