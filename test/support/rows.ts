import pg from 'pg';
import { expect } from 'vitest';

/**
 * Every row of every table of the product, by table: what was there before and after an attack. Not
 * what was noted of its refusal, which comes behind the answer.
 */
export type Rows = Readonly<Record<string, readonly string[]>>;

export async function rowsOf(admin: pg.Client): Promise<Rows> {
  const tables = await admin.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.tables
      WHERE table_schema = 'sallyport' AND table_type = 'BASE TABLE' ORDER BY table_name`,
  );
  const rows: Record<string, readonly string[]> = {};
  for (const { name } of tables.rows) {
    if (name === 'refusals') continue;
    const found = await admin.query(`SELECT * FROM sallyport.${pg.escapeIdentifier(name)}`);
    rows[name] = found.rows
      .filter(({ kind }: { readonly kind?: unknown }) => kind !== 'request-refused')
      .map((row) => JSON.stringify(row))
      .toSorted();
  }
  // A snapshot of nothing would be equal to every other one.
  expect(Object.keys(rows)).toEqual(expect.arrayContaining(['identities', 'sessions', 'profiles']));
  return rows;
}

/** The names of the tables in which a row came, went or changed. */
export function changedTables(before: Rows, after: Rows): readonly string[] {
  // What a limit counts is how it works, and no effect of the request that it counts.
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => name !== 'budgets')
    .toSorted();
  return names.filter((name) => String(before[name]) !== String(after[name]));
}

/** Runs it and tells in which tables it changed a row. */
export async function changedBy(
  admin: pg.Client,
  act: () => Promise<unknown>,
): Promise<readonly string[]> {
  const before = await rowsOf(admin);
  await act();
  return changedTables(before, await rowsOf(admin));
}
