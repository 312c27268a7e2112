import pg from 'pg';
import { expect, inject } from 'vitest';

/**
 * Every row of every table of the product, by table: what was there before and after an attack. Not
 * what comes behind the answer: what was noted of its refusal, and when somebody was last seen.
 */
export type Rows = Readonly<Record<string, readonly string[]>>;

/** Of these tables only what is written before the answer: whose activity it is. */
const OF_ACTIVITY: Readonly<Record<string, string>> = {
  session_activity: 'session_id',
  bearer_activity: 'credential_id',
};

export async function rowsOf(admin: pg.Client): Promise<Rows> {
  return await rowsWith(admin, '');
}

/** Those of them in which this text stands. */
export async function rowsWith(admin: pg.Client, text: string): Promise<Rows> {
  const rows: Record<string, readonly string[]> = {};
  for (const name of await tablesOf(admin)) {
    if (name === 'refusals') continue;
    const found = await admin.query(
      `SELECT ${OF_ACTIVITY[name] ?? '*'} FROM sallyport.${pg.escapeIdentifier(name)} AS t
        WHERE $1 = '' OR strpos(row_to_json(t)::TEXT, $1) > 0`,
      [text],
    );
    rows[name] = found.rows
      .filter(({ kind }: { readonly kind?: unknown }) => kind !== 'request-refused')
      .map((row) => JSON.stringify(row))
      .toSorted();
  }
  return rows;
}

async function tablesOf(admin: pg.Client): Promise<readonly string[]> {
  const tables = await admin.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.tables
      WHERE table_schema = 'sallyport' AND table_type = 'BASE TABLE' ORDER BY table_name`,
  );
  const names = tables.rows.map(({ name }) => name);
  // A snapshot of nothing would be equal to every other one.
  expect(names).toEqual(expect.arrayContaining(['identities', 'sessions', 'profiles']));
  return names;
}

/** The names of the tables in which a row came, went or changed. */
export function changedTables(before: Rows | Digests, after: Rows | Digests): readonly string[] {
  // What a limit counts is how it works, and no effect of the request that it counts.
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => name !== 'budgets')
    .toSorted();
  return names.filter((name) => String(before[name]) !== String(after[name]));
}

/** A digest of the rows of each table. */
export type Digests = Readonly<Record<string, string>>;

/** The same rows as rowsOf, in one statement and without bringing them here. */
export async function digestsOf(admin: pg.Client): Promise<Digests> {
  const text = digesting.get(admin) ?? (await digestStatement(admin));
  digesting.set(admin, text);
  // By name, since it takes longer to plan than to run.
  const found = await admin.query<{ name: string; digest: string }>({ name: 'digests', text });
  return Object.fromEntries(found.rows.map(({ name, digest }) => [name, digest]));
}

const digesting = new WeakMap<pg.Client, string>();

async function digestStatement(admin: pg.Client): Promise<string> {
  const names = (await tablesOf(admin)).filter((name) => name !== 'refusals');
  const row = `row_to_json(t)::TEXT`;
  // PostgreSQL hashes a row as it is in a tenth of the time that its text takes to make and sort.
  const digest =
    inject('engine') === 'postgresql'
      ? `concat(count(*), ' ', sum(hash_record_extended(t, 0)))`
      : `md5(coalesce(string_agg(${row}, ' ' ORDER BY ${row}), ''))`;
  const ofOne = (name: string) => {
    const kept = name === 'security_events' ? `WHERE t.kind <> 'request-refused'` : '';
    return `SELECT ${pg.escapeLiteral(name)} AS name, ${digest} AS digest
      FROM (SELECT ${OF_ACTIVITY[name] ?? '*'} FROM sallyport.${pg.escapeIdentifier(name)}) AS t ${kept}`;
  };
  return names.map(ofOne).join(' UNION ALL ');
}

/** Runs it and tells in which tables it changed a row. */
export async function changedBy(
  admin: pg.Client,
  act: () => Promise<unknown>,
): Promise<readonly string[]> {
  const before = await digestsOf(admin);
  await act();
  return changedTables(before, await digestsOf(admin));
}
