import { createHash } from 'node:crypto';
import { type ApplicationTable, type Constraint, TENANT_COLUMN } from './application-tables.ts';
import { holdsTenant } from './checks/tenant-tables.ts';
import { dropIndex, type Engine } from './engine.ts';
import type { Step } from './protect.ts';

/** A foreign key between two tables of tenants, which is to carry the tenant. */
export interface TenantForeignKey {
  readonly child: ApplicationTable;
  readonly parent: ApplicationTable;
  readonly constraint: Constraint;
}

/** Those that lack the tenant, and those that stand on a key which is about to be replaced. */
export function foreignKeysToRemake(
  wanted: readonly ApplicationTable[],
  keys: readonly TenantForeignKey[],
): readonly TenantForeignKey[] {
  return keys.filter(({ parent, constraint }) => {
    if (!holdsTenant(constraint)) return true;
    const referenced = constraint.references?.columns.toSorted().join(' ');
    const replaced = replacedKeys(parent).map((columns) => columns.toSorted().join(' '));
    return wanted.includes(parent) && replaced.includes(referenced ?? '');
  });
}

function replacedKeys({ constraints, indexes }: ApplicationTable): readonly (readonly string[])[] {
  return constraints
    .filter(({ name, kind }) => {
      const index = indexes.find((each) => each.name === name);
      return (kind === 'primary' || kind === 'unique') && index?.firstColumn !== TENANT_COLUMN;
    })
    .map(({ columns }) => columns);
}

/**
 * The keys with the tenant in front: two tenants may then have the same number, and no error tells
 * of another tenant's row, for uniqueness and foreign keys are checked past the policies.
 * Foreign keys go first and come back last.
 */
export function keySteps(
  engine: Engine,
  wanted: readonly ApplicationTable[],
  remade: readonly TenantForeignKey[],
): readonly Step[] {
  return [
    ...remade.map(({ child, constraint }) => ({
      why: `${child.sqlName}: comes back below, with the tenant in it.`,
      sql: dropConstraint(child, constraint.sqlName),
    })),
    ...wanted.flatMap((table) => primaryKeySteps(engine, table)),
    ...wanted.flatMap((table) => indexSteps(engine, table)),
    ...wanted.flatMap(tenantReference),
    ...remade.flatMap(({ child, parent, constraint }) => [
      {
        why: `${child.sqlName}: refers to rows of the same tenant only.`,
        sql: dropConstraint(child, constraint.sqlName),
      },
      { why: null, sql: addForeignKey(child, parent, constraint) },
    ]),
  ];
}

function dropConstraint({ sqlName }: ApplicationTable, constraint: string): string {
  return `ALTER TABLE ${sqlName} DROP CONSTRAINT IF EXISTS ${constraint}`;
}

function primaryKeySteps(engine: Engine, table: ApplicationTable): readonly Step[] {
  const { sqlName, name, constraints, indexes } = table;
  const key = constraints.find(({ kind }) => kind === 'primary');
  const index = indexes.find(({ primary }) => primary);
  if (!key || index?.firstColumn === TENANT_COLUMN) return [];
  const columns = sqlColumns(table, withTenant(key.columns));
  const swap = `ALTER TABLE ${sqlName} DROP CONSTRAINT ${key.sqlName},\n  ADD CONSTRAINT ${key.sqlName} PRIMARY KEY (${columns})`;
  const left = { sqlName: newName(`${name}_${key.columns.join('_')}_key`), ofConstraint: true };
  return [
    { why: `${sqlName}: the same id in two tenants is two rows.`, sql: swap },
    // CockroachDB may keep the old key as a unique index of this name.
    ...(engine === 'cockroachdb' ? [{ why: null, sql: dropIndex(engine, table, left) }] : []),
  ];
}

/** Everything behind the parenthesis of the server's own definition stays as it is. */
const DEFINITION = /^CREATE (UNIQUE )?INDEX .*? USING (btree|prefix) \((.*)$/s;

function indexSteps(engine: Engine, table: ApplicationTable): readonly Step[] {
  return table.indexes.flatMap((index) => {
    const [, unique = '', , rest = ''] = DEFINITION.exec(index.definition) ?? [];
    const constraint = table.constraints.find(({ name }) => name === index.name);
    const stays = index.primary || index.firstColumn === TENANT_COLUMN || rest === '';
    if (stays || constraint?.kind === 'exclusion') return [];
    const name = newName(`${index.name}_per_tenant`);
    const columns = rest.replace(`, ${TENANT_COLUMN}`, '');
    const ofConstraint = constraint !== undefined;
    return [
      {
        why: `${table.sqlName}: ${unique ? 'unique within the tenant' : 'found within the tenant'}.`,
        sql: `CREATE ${unique}INDEX IF NOT EXISTS ${name} ON ${table.sqlName} (${TENANT_COLUMN}, ${columns}`,
      },
      { why: null, sql: dropIndex(engine, table, { sqlName: index.sqlName, ofConstraint }) },
    ];
  });
}

function tenantReference({ sqlName, name, constraints }: ApplicationTable): readonly Step[] {
  const found = constraints.some(
    ({ columns, references }) =>
      references?.schema === 'sallyport' &&
      references.name === 'tenants' &&
      columns.join() === TENANT_COLUMN,
  );
  if (found) return [];
  const constraint = newName(`${name}_tenant`);
  return [
    {
      why: `${sqlName}: no row of a tenant that is not there; a tenant that has rows stays.`,
      sql: `ALTER TABLE ${sqlName} DROP CONSTRAINT IF EXISTS ${constraint}`,
    },
    {
      why: null,
      sql: `ALTER TABLE ${sqlName} ADD CONSTRAINT ${constraint}\n  FOREIGN KEY (${TENANT_COLUMN}) REFERENCES sallyport.tenants (id)`,
    },
  ];
}

function addForeignKey(
  child: ApplicationTable,
  parent: ApplicationTable,
  { sqlName, columns, references, deferrable, deferred }: Constraint,
): string {
  const own = columns.filter((column) => column !== TENANT_COLUMN);
  const onDelete = references?.onDelete ?? 'NO ACTION';
  const onUpdate = references?.onUpdate ?? 'NO ACTION';
  // Without the list the tenant would be set to NULL as well.
  const set = onDelete.startsWith('SET ') ? ` (${sqlColumns(child, own)})` : '';
  return [
    `ALTER TABLE ${child.sqlName} ADD CONSTRAINT ${sqlName}`,
    `\n  FOREIGN KEY (${sqlColumns(child, withTenant(columns))})`,
    ` REFERENCES ${parent.sqlName} (${sqlColumns(parent, withTenant(references?.columns ?? []))})`,
    onDelete === 'NO ACTION' ? '' : ` ON DELETE ${onDelete}${set}`,
    onUpdate === 'NO ACTION' ? '' : ` ON UPDATE ${onUpdate}`,
    deferrable ? ` DEFERRABLE${deferred ? ' INITIALLY DEFERRED' : ''}` : '',
  ].join('');
}

function withTenant(columns: readonly string[]): readonly string[] {
  return [TENANT_COLUMN, ...columns.filter((column) => column !== TENANT_COLUMN)];
}

function sqlColumns({ columns }: ApplicationTable, names: readonly string[]): string {
  return names
    .map((name) => columns.find((column) => column.name === name)?.sqlName ?? name)
    .join(', ');
}

/** A name of ours: short enough for PostgreSQL, and quoted where it is not plain. */
function newName(name: string): string {
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 16);
  const short = Buffer.byteLength(name) <= 63 ? name : `${name.slice(0, 11)}_${digest}`;
  return /^[a-z_][a-z0-9_]*$/.test(short) ? short : `"${short.replaceAll('"', '""')}"`;
}
