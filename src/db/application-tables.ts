import { tableStatements } from './application-catalog.ts';
import type { Row } from './batch.ts';
import type { Database } from './database.ts';

/**
 * A table or view outside the schema sallyport, as the catalog has it. With a column tenant_id it
 * belongs to tenants; without one, all tenants share it.
 */
export interface ApplicationTable {
  readonly schema: string;
  readonly name: string;
  /** As a statement names it whatever the search_path, quoted where needed. */
  readonly sqlName: string;
  readonly schemaSqlName: string;
  readonly kind: 'table' | 'partitioned table' | 'view' | 'materialized view' | 'foreign table';
  readonly owner: string;
  /** Whether sallyport_app has any privilege on it, and may look into its schema. */
  readonly touchable: boolean;
  readonly schemaUsable: boolean;
  readonly enabled: boolean;
  readonly forced: boolean;
  /** A view that reads with the eyes of whoever asks, and so under the policies. */
  readonly readsAsCaller: boolean;
  readonly columns: readonly Column[];
  readonly indexes: readonly Index[];
  readonly constraints: readonly Constraint[];
  readonly policies: readonly TablePolicy[];
  readonly privileges: readonly Privilege[];
}

export interface Column {
  readonly number: number;
  readonly name: string;
  readonly sqlName: string;
  readonly type: string;
  readonly notNull: boolean;
}

export interface Index {
  readonly name: string;
  readonly sqlName: string;
  readonly unique: boolean;
  readonly primary: boolean;
  /** Null where the first key is an expression. */
  readonly firstColumn: string | null;
  readonly definition: string;
}

export interface Constraint {
  readonly name: string;
  readonly sqlName: string;
  readonly kind: 'primary' | 'unique' | 'foreign' | 'exclusion';
  readonly columns: readonly string[];
  /** Of a foreign key; else null. */
  readonly references: Reference | null;
  readonly deferrable: boolean;
  readonly deferred: boolean;
}

export interface Reference {
  readonly schema: string;
  readonly name: string;
  readonly sqlName: string;
  readonly columns: readonly string[];
  readonly onDelete: string;
  readonly onUpdate: string;
}

export interface TablePolicy {
  readonly name: string;
  readonly sqlName: string;
  readonly kind: string;
  readonly command: string;
  readonly roles: readonly string[];
  readonly using: string | null;
  readonly check: string | null;
}

export interface Privilege {
  readonly grantee: string;
  readonly privilege: string;
  readonly column: string | null;
  readonly grantable: boolean;
}

export const TENANT_COLUMN = 'tenant_id';

/** What the first wall needs to know of the tables (scoping). */
export interface TableNames {
  readonly tenant: ReadonlySet<string>;
  readonly shared: ReadonlySet<string>;
}

/**
 * The tables that sallyport_app may touch. What of them is not as the walls need it, the check
 * `tenant-tables` says; here they are only found.
 */
export async function findApplicationTables(
  database: Database,
): Promise<readonly ApplicationTable[]> {
  const statements = tableStatements(database.engine);
  const asApp = { role: 'sallyport_app', access: 'read' } as const;
  const answers = await database.batch(asApp, statements);
  const found = tablesFrom(answers.map(({ rows }) => rows));
  return found.filter(({ touchable, schemaUsable }) => touchable && schemaUsable);
}

/** The tables as a query names them: `invoices` in the schema public, else `billing.invoices`. */
export function namesOf(tables: readonly ApplicationTable[]): TableNames {
  const tenant = tables.filter(belongsToTenants).map(nameOf);
  const shared = tables.filter((table) => !belongsToTenants(table)).map(nameOf);
  return { tenant: new Set(tenant), shared: new Set(shared) };
}

export function nameOf({
  schema,
  name,
}: {
  readonly schema: string;
  readonly name: string;
}): string {
  return schema === 'public' ? name : `${schema}.${name}`;
}

export function belongsToTenants({ columns }: ApplicationTable): boolean {
  return columns.some(({ name }) => name === TENANT_COLUMN);
}

export function tenantColumn({ columns }: ApplicationTable): Column | null {
  return columns.find(({ name }) => name === TENANT_COLUMN) ?? null;
}

export function isReferenceTo(references: Reference | null, table: ApplicationTable): boolean {
  return references?.schema === table.schema && references.name === table.name;
}

const CONSTRAINT_KINDS: Readonly<Record<string, Constraint['kind']>> = {
  p: 'primary',
  u: 'unique',
  f: 'foreign',
  x: 'exclusion',
};

const ACTIONS: Readonly<Record<string, string>> = {
  a: 'NO ACTION',
  r: 'RESTRICT',
  c: 'CASCADE',
  n: 'SET NULL',
  d: 'SET DEFAULT',
};

/** @param answers the rows of tableStatements, in their order. */
export function tablesFrom(answers: readonly (readonly Row[])[]): readonly ApplicationTable[] {
  const [relations = [], ...lists] = answers;
  const byTable = lists.map((rows) => Map.groupBy(rows, (row) => row['table']));
  const columnNames: ColumnNames = (table, numbers) => {
    const columns = (byTable[0]?.get(table) ?? []) as unknown as readonly Column[];
    return (typeof numbers === 'string' ? numbers : '')
      .split(' ')
      .map((number) => columns.find((column) => column.number === Number(number))?.name ?? null);
  };
  return relations.map((row) => {
    const { id, options, ...relation } = row;
    const [columns = [], indexes = [], constraints = [], policies = [], privileges = []] =
      byTable.map((groups) => groups.get(id) ?? []);
    return {
      ...(relation as unknown as ApplicationTable),
      readsAsCaller: /\bsecurity_invoker=(?:true|on|yes|1)\b/.test(String(options)),
      columns: columns as unknown as readonly Column[],
      indexes: indexes.map((each) => ({
        ...(each as unknown as Index),
        firstColumn: columnNames(id, each['columns'])[0] ?? null,
      })),
      constraints: constraints.map((each) => ({
        ...(each as unknown as Constraint),
        kind: CONSTRAINT_KINDS[String(each['kind'])] ?? 'exclusion',
        columns: columnNames(id, each['columns']).filter((name) => name !== null),
        references: referenceFrom(each, columnNames),
      })),
      policies: policies.map((each) => ({
        ...(each as unknown as TablePolicy),
        roles: String(each['roles']).split(','),
      })),
      privileges: privileges as unknown as readonly Privilege[],
    };
  });
}

/** The columns of a table that a list of numbers stands for; null for an expression. */
type ColumnNames = (table: unknown, numbers: unknown) => readonly (string | null)[];

function referenceFrom(row: Row, columnNames: ColumnNames): Reference | null {
  const referenced = row['referencedName'];
  if (typeof referenced !== 'string') return null;
  const columns = columnNames(row['referencedTable'], row['referencedColumns']);
  return {
    schema: String(row['referencedSchema']),
    name: referenced,
    sqlName: String(row['referencedSqlName']),
    columns: columns.filter((name) => name !== null),
    onDelete: ACTIONS[String(row['onDelete'])] ?? 'NO ACTION',
    onUpdate: ACTIONS[String(row['onUpdate'])] ?? 'NO ACTION',
  };
}
