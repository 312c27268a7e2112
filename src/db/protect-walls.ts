import { type ApplicationTable, type Column, TENANT_COLUMN } from './application-tables.ts';
import { COMMANDS, type Command, conjunctsOf } from './checks/tenant-policies.ts';
import { type Engine, policyPrincipal, policyValue, updateOf } from './engine.ts';
import type { ProtectOptions, Step } from './protect.ts';

/**
 * The column and the policies, before any row has its tenant: a row without one is then nobody's,
 * for NULL equals nothing. Row-level security is not forced yet, so the owner can give the rows
 * their tenants.
 */
export function openingSteps(
  engine: Engine,
  table: ApplicationTable,
  options: ProtectOptions,
): readonly Step[] {
  const { sqlName } = table;
  return [
    {
      why: `${sqlName}: whose row it is.`,
      sql: `ALTER TABLE ${sqlName} ADD COLUMN IF NOT EXISTS ${TENANT_COLUMN} UUID`,
    },
    {
      why: `${sqlName}: from here on sallyport_app sees the rows of its own tenant only, and those without one not at all.`,
      sql: `ALTER TABLE ${sqlName} ENABLE ROW LEVEL SECURITY`,
    },
    ...strangePolicies(table),
    ...COMMANDS.flatMap((command) => policySteps(engine, table, command, options)),
  ];
}

/** Permissive policies add up, so that one more would let more through than these. */
function strangePolicies({ sqlName, policies }: ApplicationTable): readonly Step[] {
  const ours: readonly string[] = COMMANDS.map(policyName);
  return policies
    .filter(
      ({ name, kind, roles }) =>
        kind === 'PERMISSIVE' &&
        !ours.includes(name) &&
        roles.some((role) => role === 'sallyport_app' || role === 'public'),
    )
    .map((policy) => ({
      why: `${sqlName}: what a further policy lets through is let through, whatever the others ask; this one was for ${policy.roles.join(', ')}.`,
      sql: `DROP POLICY IF EXISTS ${policy.sqlName} ON ${sqlName}`,
    }));
}

function policyName(command: Command): string {
  return `tenant_${command.toLowerCase()}`;
}

function policySteps(
  engine: Engine,
  table: ApplicationTable,
  command: Command,
  options: ProtectOptions,
): readonly Step[] {
  const { sqlName } = table;
  const name = policyName(command);
  const asked = conditions(engine, table, command, options).join(' AND ');
  const clauses = [
    ...(command === 'INSERT' ? [] : [`USING (${asked})`]),
    ...(command === 'INSERT' || command === 'UPDATE' ? [`WITH CHECK (${asked})`] : []),
  ];
  return [
    {
      why: `${sqlName}: who may ${command}, and which rows.`,
      sql: `DROP POLICY IF EXISTS ${name} ON ${sqlName}`,
    },
    {
      why: null,
      sql: `CREATE POLICY ${name} ON ${sqlName} FOR ${command} TO sallyport_app\n  ${clauses.join('\n  ')}`,
    },
  ];
}

function conditions(
  engine: Engine,
  table: ApplicationTable,
  command: Command,
  options: ProtectOptions,
): readonly string[] {
  const owner = ownerColumn(table, options);
  const permission = command === 'SELECT' ? options.read : options.write;
  const own = (who: 'identity' | 'tenant') => policyPrincipal(engine, options.form, who);
  return [
    `${TENANT_COLUMN} = ${own('tenant')}`,
    ...(owner ? [`${owner.sqlName} = ${own('identity')}`] : []),
    ...(permission === null
      ? []
      : [policyValue(engine, `sallyport.has_permission('${permission}')`)]),
  ];
}

/** The same conditions as conjunctsOf reads them back from the server. */
export function askedBeyondTenant(
  table: ApplicationTable,
  options: ProtectOptions,
): (command: Command) => readonly string[] {
  return (command) =>
    conditions('cockroachdb', table, command, options).slice(1).flatMap(conjunctsOf);
}

export function ownerColumn(
  { columns }: ApplicationTable,
  { owner }: ProtectOptions,
): Column | undefined {
  return columns.find(({ name }) => name === owner);
}

/** The last wall but one, and what sallyport_app may do: only now it may do anything. */
export function closingSteps(engine: Engine, table: ApplicationTable): readonly Step[] {
  const { sqlName, schemaSqlName, schemaUsable, columns } = table;
  const movable = columns.filter(({ name }) => name !== TENANT_COLUMN).map((each) => each.sqlName);
  return [
    {
      why: `${sqlName}: the policies hold for the table's owner too.`,
      sql: `ALTER TABLE ${sqlName} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`,
    },
    {
      why: `${sqlName}: exactly these privileges. TRUNCATE, for one, would pass the policies by.`,
      sql: `REVOKE ALL ON TABLE ${sqlName} FROM PUBLIC, sallyport_app, sallyport_identity`,
    },
    ...(schemaUsable
      ? []
      : [{ why: null, sql: `GRANT USAGE ON SCHEMA ${schemaSqlName} TO sallyport_app` }]),
    { why: null, sql: `GRANT SELECT, INSERT, DELETE ON TABLE ${sqlName} TO sallyport_app` },
    {
      why:
        engine === 'cockroachdb'
          ? null
          : `${sqlName}: no row moves to another tenant. A column that is added later needs this too.`,
      sql: `GRANT ${updateOf(engine, movable)} ON TABLE ${sqlName} TO sallyport_app`,
    },
  ];
}
