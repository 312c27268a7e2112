import { tableStatements } from '../application-catalog.ts';
import {
  type ApplicationTable,
  belongsToTenants,
  type Constraint,
  nameOf,
  tablesFrom,
  TENANT_COLUMN,
} from '../application-tables.ts';
import type { Engine, PolicyForm } from '../engine.ts';
import { type CatalogCheck, judged } from './finding.ts';
import { type Command, COMMANDS, policyProblems } from './tenant-policies.ts';

/**
 * Every table that sallyport_app may touch belongs to tenants and holds them apart, or is declared
 * to be shared by all: a table that nobody thought of is refused.
 */
export function tenantTables(
  engine: Engine,
  form: PolicyForm,
  sharedTables: readonly string[],
): CatalogCheck {
  return {
    statements: tableStatements(engine),
    judge(...answers) {
      const all = tablesFrom(answers);
      const tables = all.filter(({ touchable, schemaUsable }) => touchable && schemaUsable);
      const shared = new Set(sharedTables.map((name) => name.replace(/^public\./, '')));
      return [
        ...judged(
          'tenant-tables',
          'Every table of tenants that sallyport_app may touch holds them apart.',
          tables.filter(belongsToTenants).flatMap((table) => tableLines(table, all, form)),
        ),
        ...judged('shared-tables', 'Every other table is declared to be shared.', [
          ...tables
            .filter((table) => !belongsToTenants(table))
            .flatMap((table) => sharedLines(table, shared)),
          ...strangers(tables, shared),
        ]),
        ...judged(
          'view-rights',
          'Every view that sallyport_app may touch reads under the policies.',
          tables.flatMap(viewLines),
        ),
        ...judged(
          'table-privileges',
          'No role has more on these tables than it needs.',
          all.flatMap(privilegeLines),
        ),
      ];
    },
  };
}

function tableLines(
  table: ApplicationTable,
  all: readonly ApplicationTable[],
  form: PolicyForm,
): readonly string[] {
  const remedy = `Run what \`sallyport protect ${nameOf(table)}\` writes.`;
  return tenantTableProblems(table, all, form).map(
    (problem) => `${table.sqlName}: ${problem}. ${remedy}`,
  );
}

/** What keeps a table from holding tenants apart, each as the end of a sentence. */
export function tenantTableProblems(
  table: ApplicationTable,
  all: readonly ApplicationTable[],
  form: PolicyForm,
  asked?: (command: Command) => readonly string[],
): readonly string[] {
  const column = table.columns.find(({ name }) => name === TENANT_COLUMN);
  if (!column) return [`it has no column ${TENANT_COLUMN}`];
  const wrongColumn =
    column.type.toLowerCase() === 'uuid' && column.notNull
      ? []
      : [`its column ${TENANT_COLUMN} is not UUID NOT NULL`];
  // The policies of a view are those of its tables, and it has no keys.
  if (!isTable(table)) return wrongColumn.filter(() => column.type.toLowerCase() !== 'uuid');
  const wall = table.enabled ? (table.forced ? null : 'forced') : 'enabled';
  return [
    ...wrongColumn,
    ...keyProblems(table, all),
    ...(wall ? [`its row-level security is not ${wall}`] : []),
    ...policyProblems(table, form, asked),
  ];
}

/**
 * Keys and foreign keys are checked past the policies: without the tenant in them, their errors
 * would tell whether another tenant has such a row.
 */
function keyProblems(table: ApplicationTable, all: readonly ApplicationTable[]): readonly string[] {
  const problems = table.indexes
    .filter(({ unique, firstColumn }) => unique && firstColumn !== TENANT_COLUMN)
    .map(({ primary, sqlName }) => {
      const what = primary ? 'its primary key' : `its unique index ${sqlName}`;
      return `${what} does not begin with ${TENANT_COLUMN}`;
    });
  if (!table.constraints.some(({ kind }) => kind === 'primary')) {
    problems.push('it has no primary key');
  }
  for (const { kind, columns, sqlName } of table.constraints) {
    if (kind === 'exclusion' && !columns.includes(TENANT_COLUMN)) {
      problems.push(`its exclusion constraint ${sqlName} is without ${TENANT_COLUMN}`);
    }
  }
  const foreign = table.constraints.filter(
    (constraint) => !holdsTenant(constraint) && refersToTenants(constraint, all),
  );
  return [
    ...problems,
    ...foreign.map(({ sqlName }) => `its foreign key ${sqlName} is without ${TENANT_COLUMN}`),
  ];
}

export function isTable({ kind }: ApplicationTable): boolean {
  return kind === 'table' || kind === 'partitioned table';
}

/** Whether a foreign key can only refer to a row of the same tenant. */
export function holdsTenant({ columns, references }: Constraint): boolean {
  return columns.some(
    (column, index) => column === TENANT_COLUMN && references?.columns[index] === TENANT_COLUMN,
  );
}

function refersToTenants({ references }: Constraint, all: readonly ApplicationTable[]): boolean {
  return all.some(
    (table) =>
      table.schema === references?.schema &&
      table.name === references.name &&
      belongsToTenants(table),
  );
}

function sharedLines(table: ApplicationTable, shared: ReadonlySet<string>): readonly string[] {
  if (shared.has(nameOf(table))) return [];
  const name = nameOf(table);
  return [
    `sallyport_app may touch ${table.sqlName}, which has no column ${TENANT_COLUMN}: run what \`sallyport protect ${name}\` writes, or name it among the shared tables if all tenants may see all of it.`,
  ];
}

/** A misspelt name would leave the meant table undeclared and this one unnoticed. */
function strangers(
  tables: readonly ApplicationTable[],
  shared: ReadonlySet<string>,
): readonly string[] {
  return [...shared].flatMap((name) => {
    const table = tables.find((each) => nameOf(each) === name);
    if (!table) {
      return `The shared table ${name} is none that sallyport_app may touch: correct its name, or leave it out.`;
    }
    return belongsToTenants(table)
      ? `The shared table ${name} has a column ${TENANT_COLUMN} and so belongs to tenants: leave it out of the shared tables.`
      : [];
  });
}

function viewLines({ kind, sqlName, readsAsCaller, owner }: ApplicationTable): readonly string[] {
  if (kind === 'view' && !readsAsCaller) {
    return [
      `The view ${sqlName} reads with the eyes of ${owner}, past the policies: run ALTER VIEW ${sqlName} SET (security_invoker = true).`,
    ];
  }
  if (kind === 'materialized view' || kind === 'foreign table') {
    return [
      `The ${kind} ${sqlName} cannot have row-level security: run REVOKE ALL ON TABLE ${sqlName} FROM PUBLIC, sallyport_app.`,
    ];
  }
  return [];
}

/**
 * TRUNCATE empties a table past its policies, a changefeed reads it past them, REFERENCES and
 * TRIGGER let others in by another way. What PUBLIC has, any role of the server has.
 */
export function privilegeLines(table: ApplicationTable): readonly string[] {
  const tenants = belongsToTenants(table);
  return table.privileges.flatMap(({ grantee, privilege, column, grantable }) => {
    const what = column === null ? privilege : `${privilege} (${column})`;
    const where = `ON TABLE ${table.sqlName} FROM ${grantee}`;
    const mayHave =
      grantee === 'sallyport_app'
        ? COMMANDS.some((command) => command === privilege)
        : !tenants || !['PUBLIC', 'sallyport_identity'].includes(grantee);
    if (!mayHave) {
      return `${grantee} must not have ${what} on ${table.sqlName}: run REVOKE ${what} ${where}.`;
    }
    return grantable && grantee === 'sallyport_app'
      ? `${grantee} may pass on ${what} on ${table.sqlName}: run REVOKE GRANT OPTION FOR ${what} ${where}.`
      : [];
  });
}
