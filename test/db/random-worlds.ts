import fc from 'fast-check';
import type pg from 'pg';
import type { ApplicationTables } from '../../src/db/scoping.ts';

/** The two tenants of every world; their rows have the same ids and the same few values. */
export const OWN = '0a000000-0000-4000-8000-000000000001';
export const OTHER = '0b000000-0000-4000-8000-000000000002';

/** What every table has beside its tenant, in an order of the world's choosing. */
export const COLUMNS = ['id', 'name', 'ref'] as const;
export type Column = (typeof COLUMNS)[number];

export interface Row {
  readonly id: number;
  readonly name: string | null;
  readonly ref: number | null;
}

export interface Table {
  /** As Kysely takes it, and as it stands in ApplicationTables. */
  readonly name: string;
  readonly isShared: boolean;
  readonly columns: readonly Column[];
  /** Whether `name` is unique in a tenant, so that it can be a conflict target. */
  readonly hasUniqueName: boolean;
  readonly own: readonly Row[];
  readonly others: readonly Row[];
  /** Rows of nobody: their tenant is NULL (R-33). */
  readonly nobodys: readonly Row[];
}

export interface World {
  readonly tables: readonly Table[];
}

const NAMES = ['notes', 'people', 'Order items', 'billing.notes', 'say "hi"', 'x'];

const rows = (isNameUnique: boolean) =>
  fc.uniqueArray(
    fc.record({
      id: fc.integer({ min: 1, max: 5 }),
      name: fc.option(fc.constantFrom('a', 'b', 'c', 'd')),
      ref: fc.option(fc.integer({ min: 1, max: 5 })),
    }),
    {
      maxLength: 3,
      comparator: (left, right) =>
        left.id === right.id || (isNameUnique && left.name !== null && left.name === right.name),
    },
  );

const table = (name: string) =>
  fc.boolean().chain((hasUniqueName) =>
    fc.record({
      name: fc.constant(name),
      isShared: fc.constant(false),
      columns: fc.shuffledSubarray([...COLUMNS], { minLength: COLUMNS.length }),
      hasUniqueName: fc.constant(hasUniqueName),
      own: rows(hasUniqueName),
      others: rows(hasUniqueName),
      nobodys: rows(hasUniqueName),
    }),
  );

export const worlds: fc.Arbitrary<World> = fc
  .subarray(NAMES, { minLength: 2, maxLength: 3 })
  .chain((names) => fc.record({ tables: fc.tuple(...names.map(table), shared()) }));

function shared() {
  return table('countries').map((made) => ({ ...made, isShared: true, others: [], nobodys: [] }));
}

export function applicationTables({ tables }: World): ApplicationTables {
  const names = (isShared: boolean) =>
    new Set(tables.filter((each) => each.isShared === isShared).map(({ name }) => name));
  return { tenant: names(false), shared: names(true) };
}

/**
 * `both` holds every tenant's rows, with keys that have the tenant in them. `own` is the oracle: a
 * database of the same tables that holds the tenant's own rows only, so that a query without any
 * predicate finds there what the scoped one may find in the other.
 */
export async function build(client: pg.Client, world: World, kind: 'both' | 'own') {
  const key = (column: string) => (kind === 'both' ? `tenant_id, ${column}` : column);
  const statements = world.tables.flatMap((each) => {
    const name = sqlName(each.name);
    const columns = each.columns.map(
      (column) => `${column} ${column === 'name' ? 'TEXT' : 'INT4'}`,
    );
    const tenant = kind === 'both' ? 'tenant_id UUID' : `tenant_id UUID DEFAULT '${OWN}'`;
    const uniqueKey = each.isShared ? 'id' : key('id');
    return [
      `CREATE TABLE ${name} (${[...(each.isShared ? [] : [tenant]), ...columns].join(', ')})`,
      `CREATE UNIQUE INDEX ON ${name} (${uniqueKey})`,
      ...(each.hasUniqueName
        ? [`CREATE UNIQUE INDEX ON ${name} (${each.isShared ? 'name' : key('name')})`]
        : []),
      ...each.own.map((row) => insert(each, row, `'${OWN}'`)),
      ...(kind === 'both' ? each.others.map((row) => insert(each, row, `'${OTHER}'`)) : []),
      ...(kind === 'both' ? each.nobodys.map((row) => insert(each, row, 'NULL')) : []),
    ];
  });
  await client.query(
    [`SET LOCAL statement_timeout = '3s'`, 'CREATE SCHEMA billing', ...statements].join('; '),
  );
}

function insert({ name, isShared }: Table, row: Row, tenant: string): string {
  const text = row.name === null ? 'NULL' : `'${row.name}'`;
  const columns = `id, name, ref${isShared ? '' : ', tenant_id'}`;
  const values = `${row.id}, ${text}, ${row.ref ?? 'NULL'}${isShared ? '' : `, ${tenant}`}`;
  return `INSERT INTO ${sqlName(name)} (${columns}) VALUES (${values})`;
}

function sqlName(name: string): string {
  return name
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.');
}

export interface Contents {
  readonly own: string[];
  readonly rest: string[];
}

/** Every row of every table: the tenant's own and those of the shared tables, and all others. */
export async function contents(client: pg.Client, { tables }: World): Promise<Contents> {
  const parts = tables.map(({ name, isShared }, index) => {
    const isOwn = isShared ? 'true' : `tenant_id IS NOT DISTINCT FROM '${OWN}'`;
    return `SELECT ${isOwn} AS is_own, '${index} ' || to_jsonb(t)::TEXT AS row FROM ${sqlName(name)} AS t`;
  });
  const { rows: all } = await client.query<{ is_own: boolean; row: string }>(
    parts.join(' UNION ALL '),
  );
  const texts = (isOwn: boolean) =>
    all.flatMap(({ is_own, row }) => (is_own === isOwn ? [row] : [])).toSorted();
  return { own: texts(true), rest: texts(false) };
}

/** The same text for the same row, whatever the order of its columns. */
export function asText(row: object): string {
  return JSON.stringify(Object.entries(row).toSorted(([left], [right]) => (left < right ? -1 : 1)));
}
