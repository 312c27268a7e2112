import {
  type ApplicationTable,
  belongsToTenants,
  nameOf,
  TENANT_COLUMN,
} from './application-tables.ts';
import { asksMore } from './checks/tenant-policies.ts';
import { holdsTenant, tenantTableProblems } from './checks/tenant-tables.ts';
import type { Engine } from './engine.ts';
import { foreignKeysToRemake, keySteps, type TenantForeignKey } from './protect-keys.ts';
import { askedBeyondTenant, closingSteps, openingSteps, ownerColumn } from './protect-walls.ts';

export interface ProtectOptions {
  /** A column of each table that holds the identity which alone may touch a row. */
  readonly owner: string | null;
  /** Permissions that the policies ask for beside the tenant. */
  readonly read: string | null;
  readonly write: string | null;
}

/** One statement, and why it stands there; null where the one before says it. */
export interface Step {
  readonly why: string | null;
  readonly sql: string;
}

/** What a permission looks like. It becomes part of a policy, so nothing else gets in (CWE-89). */
const PERMISSION = /^[a-z0-9][a-z0-9_.-]*(?::[a-z0-9][a-z0-9_.-]*)*$/;

export function permissionProblem(permission: string): string | null {
  if (PERMISSION.test(permission) && permission.length <= 100) return null;
  return `The permission ${JSON.stringify(permission)} must look like invoices:read: small letters, digits, _, . and -, with colons between.`;
}

/**
 * The tables that these names mean: as statements name them, with or without the schema. A problem
 * is one line.
 */
export function tablesNamed(
  names: readonly string[],
  all: readonly ApplicationTable[],
): { readonly wanted: readonly ApplicationTable[] } | { readonly problems: readonly string[] } {
  const problems: string[] = [];
  const wanted = new Set<ApplicationTable>();
  for (const name of names) {
    const table = all.find((each) =>
      [nameOf(each), `${each.schema}.${each.name}`, each.sqlName].includes(name),
    );
    if (table) wanted.add(table);
    else problems.push(`There is no table ${JSON.stringify(name)} outside the schema sallyport.`);
  }
  return problems.length > 0 ? { problems } : { wanted: [...wanted] };
}

/**
 * The statements that make tables the tenants' own, in their order. Each may run any number of
 * times, and needs no transaction: after one that failed, sallyport_app sees less, not more.
 *
 * @param withoutTenant the tables that have rows which no tenant has yet.
 */
export function protectionOf(
  engine: Engine,
  wanted: readonly ApplicationTable[],
  all: readonly ApplicationTable[],
  withoutTenant: ReadonlySet<ApplicationTable>,
  options: ProtectOptions,
): { readonly steps: readonly Step[] } | { readonly problems: readonly string[] } {
  const keys = tenantForeignKeys(wanted, all);
  const remade = foreignKeysToRemake(wanted, keys);
  const problems = [
    ...wanted.flatMap((table) => tableProblems(engine, table, options)),
    ...wanted.flatMap((table) => referenceProblems(table, wanted, all)),
    ...remade.flatMap((key) => foreignKeyProblems(engine, key, wanted)),
  ];
  if (problems.length > 0) return { problems: [...new Set(problems)] };
  const ordered = parentsFirst(wanted, keys);
  return {
    steps: [
      ...ordered.flatMap((table) => openingSteps(engine, table, options)),
      ...ordered.flatMap((table) => tenantSteps(table, withoutTenant.has(table), keys)),
      ...keySteps(engine, ordered, remade),
      ...ordered.flatMap((table) => closingSteps(engine, table)),
    ],
  };
}

/** What a table lacks of what the statements would make of it, each as the end of a sentence. */
export function missingProtection(
  table: ApplicationTable,
  all: readonly ApplicationTable[],
  options: ProtectOptions,
): readonly string[] {
  const may = (privilege: string) =>
    table.privileges.some(
      (each) => each.grantee === 'sallyport_app' && each.privilege === privilege,
    );
  const lacking = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'].filter((privilege) => !may(privilege));
  return [
    ...tenantTableProblems(table, all, askedBeyondTenant(table, options)),
    ...lacking.map((privilege) => `sallyport_app lacks ${privilege}`),
  ];
}

function tableProblems(
  engine: Engine,
  table: ApplicationTable,
  options: ProtectOptions,
): readonly string[] {
  const { sqlName, kind, owner, columns, constraints } = table;
  if (kind !== 'table')
    return [`${sqlName} is a ${kind}: only an ordinary table can be protected.`];
  const problems: string[] = [];
  if (owner === 'sallyport_app' || owner === 'sallyport_identity') {
    problems.push(
      `${sqlName} belongs to ${owner}: run ALTER TABLE ${sqlName} OWNER TO another role.`,
    );
  }
  const tenant = columns.find(({ name }) => name === TENANT_COLUMN);
  if (tenant && tenant.type.toLowerCase() !== 'uuid') {
    problems.push(`${sqlName} has a column ${TENANT_COLUMN} of type ${tenant.type}: make it UUID.`);
  }
  if (!constraints.some((each) => each.kind === 'primary')) {
    problems.push(`${sqlName} has no primary key: give it one.`);
  }
  for (const each of constraints) {
    const key = each.kind === 'primary' || each.kind === 'unique';
    if (key && each.deferrable) {
      problems.push(
        `${sqlName}: the constraint ${each.sqlName} is deferrable, which a key with the tenant cannot be: make it anew without that.`,
      );
    }
    if (each.kind === 'exclusion' && !each.columns.includes(TENANT_COLUMN)) {
      problems.push(
        `${sqlName}: the exclusion constraint ${each.sqlName} would tell of other tenants' rows: add ${TENANT_COLUMN} WITH = to it.`,
      );
    }
  }
  const column = ownerColumn(table, options);
  if (options.owner !== null && column?.type.toLowerCase() !== 'uuid') {
    problems.push(
      column
        ? `${sqlName}: the column ${column.sqlName} is of type ${column.type}, and an identity is a UUID.`
        : `${sqlName} has no column ${JSON.stringify(options.owner)}.`,
    );
  }
  return [...problems, ...dropped(engine, table, options)];
}

/** A policy that asks for a permission or an owner is not lost by forgetting an option. */
function dropped(
  _engine: Engine,
  table: ApplicationTable,
  options: ProtectOptions,
): readonly string[] {
  const kept = ['SELECT', 'INSERT'].flatMap((command) =>
    askedBeyondTenant(table, options)(command as 'SELECT' | 'INSERT'),
  );
  return asksMore(table)
    .filter((condition) => !kept.includes(condition))
    .map(
      (condition) =>
        `${table.sqlName} has a policy that asks ${condition}: repeat it with --owner, --read or --write, or drop that policy first.`,
    );
}

/** A foreign key of a table that all tenants share would tell whether a tenant's row is there. */
function referenceProblems(
  table: ApplicationTable,
  wanted: readonly ApplicationTable[],
  all: readonly ApplicationTable[],
): readonly string[] {
  return all
    .filter((child) => !wanted.includes(child) && !belongsToTenants(child))
    .filter(({ constraints }) =>
      constraints.some(({ references }) => isReferenceTo(references, table)),
    )
    .map(
      (child) =>
        `${child.sqlName} refers to ${table.sqlName}: protect both together, with \`sallyport protect ${nameOf(table)} ${nameOf(child)}\`.`,
    );
}

function foreignKeyProblems(
  engine: Engine,
  { child, parent, constraint }: TenantForeignKey,
  wanted: readonly ApplicationTable[],
): readonly string[] {
  const { onDelete = '', onUpdate = '' } = constraint.references ?? {};
  const sets = (action: string) => action.startsWith('SET ');
  const name = `${child.sqlName}: the foreign key ${constraint.sqlName}`;
  const problems: string[] = [];
  if (sets(onUpdate) || (sets(onDelete) && engine === 'cockroachdb')) {
    problems.push(
      `${name} would take the tenant from a row: make it anew with another action than SET NULL or SET DEFAULT.`,
    );
  }
  const open = parent.indexes.some(
    ({ unique, firstColumn }) => unique && firstColumn !== TENANT_COLUMN,
  );
  if (!wanted.includes(parent) && open) {
    problems.push(
      `${name} refers to ${parent.sqlName}, whose keys are without the tenant: protect both together.`,
    );
  }
  const tenant = child.columns.find((column) => column.name === TENANT_COLUMN);
  if (!wanted.includes(child) && !tenant?.notNull) {
    problems.push(`${name} refers to ${parent.sqlName}: protect both together.`);
  }
  return problems;
}

/** Every foreign key between tables that are, or are to be, the tenants', and that is touched. */
function tenantForeignKeys(
  wanted: readonly ApplicationTable[],
  all: readonly ApplicationTable[],
): readonly TenantForeignKey[] {
  const tenants = all.filter((table) => wanted.includes(table) || belongsToTenants(table));
  return tenants.flatMap((child) =>
    child.constraints.flatMap((constraint) => {
      const parent = tenants.find((table) => isReferenceTo(constraint.references, table));
      if (!parent || !(wanted.includes(child) || wanted.includes(parent))) return [];
      return { child, parent, constraint };
    }),
  );
}

function isReferenceTo(
  references: ApplicationTable['constraints'][number]['references'],
  table: ApplicationTable,
): boolean {
  return references?.schema === table.schema && references.name === table.name;
}

/** A row can take its tenant from the row that it refers to, once that has one. */
function parentsFirst(
  wanted: readonly ApplicationTable[],
  keys: readonly TenantForeignKey[],
): readonly ApplicationTable[] {
  const ordered = new Set<ApplicationTable>();
  const visited = new Set<ApplicationTable>();
  const visit = (table: ApplicationTable) => {
    if (visited.has(table) || !wanted.includes(table)) return;
    visited.add(table);
    for (const { child, parent } of keys) if (child === table) visit(parent);
    ordered.add(table);
  };
  for (const table of wanted) visit(table);
  return [...ordered];
}

function tenantSteps(
  table: ApplicationTable,
  hasRowsWithout: boolean,
  keys: readonly TenantForeignKey[],
): readonly Step[] {
  const required = {
    why: `${table.sqlName}: fails for as long as a row has no tenant.`,
    sql: `ALTER TABLE ${table.sqlName} ALTER COLUMN ${TENANT_COLUMN} SET NOT NULL`,
  };
  return hasRowsWithout ? [givenTenants(table, keys), required] : [required];
}

function givenTenants(table: ApplicationTable, keys: readonly TenantForeignKey[]): Step {
  const { sqlName, columns } = table;
  const link = keys.find(
    ({ child, parent, constraint }) =>
      child === table &&
      parent !== table &&
      !holdsTenant(constraint) &&
      constraint.columns.every((name) => columns.find((each) => each.name === name)?.notNull),
  );
  if (!link) {
    return {
      why: `${sqlName}: ITS ROWS HAVE NO TENANT YET, and only you know whose they are. Put in the place of the text an expression that gives the tenant of each row, such as a lookup by one of its columns. As it stands the statement fails, and nothing is given to anybody.`,
      sql: `UPDATE ${sqlName} SET ${TENANT_COLUMN} = 'the tenant of each row' WHERE ${TENANT_COLUMN} IS NULL`,
    };
  }
  const { parent, constraint } = link;
  const quoted = (of: ApplicationTable, name: string | undefined) =>
    of.columns.find((each) => each.name === name)?.sqlName ?? '';
  const pairs = constraint.columns.map(
    (name, index) =>
      `parent.${quoted(parent, constraint.references?.columns[index])} = child.${quoted(table, name)}`,
  );
  return {
    why: `${sqlName}: each row has the tenant of the row of ${parent.sqlName} that it refers to.`,
    sql: `UPDATE ${sqlName} AS child SET ${TENANT_COLUMN} =\n  (SELECT parent.${TENANT_COLUMN} FROM ${parent.sqlName} AS parent WHERE ${pairs.join(' AND ')})\n  WHERE child.${TENANT_COLUMN} IS NULL`,
  };
}
