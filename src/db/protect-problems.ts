import {
  type ApplicationTable,
  belongsToTenants,
  isReferenceTo,
  nameOf,
  tenantColumn,
  TENANT_COLUMN,
} from './application-tables.ts';
import { asksMore } from './checks/tenant-policies.ts';
import type { Engine } from './engine.ts';
import type { ProtectOptions } from './protect.ts';
import type { TenantForeignKey } from './protect-keys.ts';
import { askedBeyondTenant, ownerColumn } from './protect-walls.ts';

/** Why a table cannot be protected as it is, each a line. */
export function tableProblems(
  engine: Engine,
  table: ApplicationTable,
  options: ProtectOptions,
): readonly string[] {
  const { sqlName, kind, owner, constraints } = table;
  if (kind !== 'table')
    return [`${sqlName} is a ${kind}: only an ordinary table can be protected.`];
  const problems: string[] = [];
  if (owner === 'sallyport_app' || owner === 'sallyport_identity') {
    problems.push(
      `${sqlName} belongs to ${owner}: run ALTER TABLE ${sqlName} OWNER TO another role.`,
    );
  }
  const tenant = tenantColumn(table);
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
  return [...problems, ...dropped(table, options)];
}

/** A policy that asks for a permission or an owner is not lost by forgetting an option. */
function dropped(table: ApplicationTable, options: ProtectOptions): readonly string[] {
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
export function referenceProblems(
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

export function foreignKeyProblems(
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
  if (!wanted.includes(child) && !tenantColumn(child)?.notNull) {
    problems.push(`${name} refers to ${parent.sqlName}: protect both together.`);
  }
  return problems;
}
