import {
  type ApplicationTable,
  belongsToTenants,
  type Column,
  isReferenceTo,
  nameOf,
  tenantColumn,
  TENANT_COLUMN,
} from './application-tables.ts';
import { holdsTenant, tenantTableProblems } from './checks/tenant-tables.ts';
import type { Engine, PolicyForm } from './engine.ts';
import { foreignKeysToRemake, keySteps, type TenantForeignKey } from './protect-keys.ts';
import { foreignKeyProblems, referenceProblems, tableProblems } from './protect-problems.ts';
import { askedBeyondTenant, closingSteps, openingSteps } from './protect-walls.ts';

export interface ProtectOptions {
  /** A column of each table that holds the identity which alone may touch a row. */
  readonly owner: string | null;
  /** Permissions that the policies ask for beside the tenant. */
  readonly read: string | null;
  readonly write: string | null;
  /** Permissions are looked up by a function, so the form with settings has none. */
  readonly form: PolicyForm;
}

/** The options as they are typed. */
export function flagsOf({ owner, read, write }: ProtectOptions): readonly string[] {
  return Object.entries({ owner, read, write }).flatMap(([name, value]) =>
    value === null ? [] : [`--${name} ${value}`],
  );
}

/** One statement, and why it stands there; null where the one before says it. */
export interface Step {
  readonly why: string | null;
  readonly sql: string;
}

/** What a permission looks like. It becomes part of a policy, so nothing else gets in (CWE-89). */
const PERMISSION = /^[a-z0-9][a-z0-9_.-]*(?::[a-z0-9][a-z0-9_.-]*)*$/;

export function optionProblems({ read, write, form }: ProtectOptions): readonly string[] {
  const permissions = [read, write].filter((permission) => permission !== null);
  if (form === 'settings' && permissions.length > 0) {
    return [
      'Policies that compare with settings cannot ask for a permission: leave out --read and --write, or SALLYPORT_INSECURE_SETTING_POLICIES.',
    ];
  }
  return permissions
    .filter((permission) => !PERMISSION.test(permission) || permission.length > 100)
    .map(
      (permission) =>
        `The permission ${JSON.stringify(permission)} must look like invoices:read: small letters, digits, _, . and -, with colons between.`,
    );
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
  engine: Engine,
  table: ApplicationTable,
  all: readonly ApplicationTable[],
  options: ProtectOptions,
): readonly string[] {
  const problems = tenantTableProblems(table, all, options.form, askedBeyondTenant(table, options));
  if (!belongsToTenants(table)) return problems;
  const granted = table.privileges.filter(({ grantee }) => grantee === 'sallyport_app');
  const may = (privilege: string, column: Column | null) =>
    granted.some(
      (each) =>
        each.privilege === privilege && (each.column === null || each.column === column?.sqlName),
    );
  const movable = engine !== 'cockroachdb' && may('UPDATE', tenantColumn(table));
  const lacking = [
    ...['SELECT', 'INSERT', 'DELETE'].filter((privilege) => !may(privilege, null)),
    ...table.columns
      .filter((column) => column.name !== TENANT_COLUMN && !may('UPDATE', column))
      .map(({ sqlName }) => `UPDATE (${sqlName})`),
  ];
  return [
    ...problems,
    ...(movable ? [`sallyport_app may UPDATE ${TENANT_COLUMN}`] : []),
    ...(lacking.length > 0 ? [`sallyport_app lacks ${lacking.join(', ')}`] : []),
  ];
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
