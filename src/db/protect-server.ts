import type pg from 'pg';
import { tableStatements } from './application-catalog.ts';
import { type ApplicationTable, nameOf, TENANT_COLUMN, tablesFrom } from './application-tables.ts';
import { runBatch, runStatement } from './batch.ts';
import { privilegeLines } from './checks/tenant-tables.ts';
import type { Engine } from './engine.ts';
import { engineOn, withConnection } from './opening.ts';
import {
  flagsOf,
  missingProtection,
  optionProblems,
  protectionOf,
  type ProtectOptions,
  type Step,
  tablesNamed,
} from './protect.ts';

/** What `sallyport protect` found: what to run, or why there is nothing to run. */
export type Protection =
  | { readonly engine: Engine; readonly steps: readonly Step[] }
  | { readonly problems: readonly string[] };

/**
 * The statements that make these tables of a server's database the tenants' own. Reads the catalog
 * and whether there are rows; changes nothing.
 */
export async function planProtection(
  url: string,
  names: readonly string[],
  options: ProtectOptions,
): Promise<Protection> {
  return await onTables(url, names, options, async ({ client, engine, wanted, all }) => {
    const withoutTenant = new Set<ApplicationTable>();
    for (const table of wanted) {
      if (await hasRowsWithoutTenant(client, table)) withoutTenant.add(table);
    }
    const planned = protectionOf(engine, wanted, all, withoutTenant, options);
    return 'problems' in planned ? planned : { engine, ...planned };
  });
}

/** A line for everything that these tables lack, and one for each that lacks nothing. */
export async function checkProtection(
  url: string,
  names: readonly string[],
  options: ProtectOptions,
): Promise<
  | { readonly lines: readonly string[]; readonly ok: boolean }
  | { readonly problems: readonly string[] }
> {
  return await onTables(url, names, options, async ({ engine, wanted, all }) => {
    const checked = wanted.map((table) => {
      const remedy = `Run what \`sallyport protect ${[nameOf(table), ...flagsOf(options)].join(' ')}\` writes.`;
      const missing = missingProtection(engine, table, all, options);
      const lines = missing.map((problem) => `${table.sqlName}: ${problem}. ${remedy}`);
      return { table, lines: [...lines, ...privilegeLines(table)] };
    });
    return {
      ok: checked.every(({ lines }) => lines.length === 0),
      lines: checked.flatMap(({ table, lines }) =>
        lines.length > 0 ? lines : [`${table.sqlName}: nothing is missing.`],
      ),
    };
  });
}

interface TablesOnServer {
  readonly client: pg.Client;
  readonly engine: Engine;
  readonly wanted: readonly ApplicationTable[];
  readonly all: readonly ApplicationTable[];
}

const NOT_MIGRATED =
  'This database has no schema sallyport yet: run `sallyport migrate` first, for the policies call its functions.';

async function onTables<T>(
  url: string,
  names: readonly string[],
  options: ProtectOptions,
  work: (found: TablesOnServer) => Promise<T>,
): Promise<T | { readonly problems: readonly string[] }> {
  const malformed = optionProblems(options);
  if (malformed.length > 0) return { problems: malformed };
  return await withConnection(url, async (client) => {
    const engine = await engineOn(client);
    if (!(await isMigrated(client))) return { problems: [NOT_MIGRATED] };
    // Policies are read back with the schema in each name only where no path leads there.
    await runStatement(client, 'SET search_path TO pg_catalog');
    const answers = await runBatch(client, tableStatements(engine), { idleAfter: true });
    const all = tablesFrom(answers.map(({ rows }) => rows));
    const named = tablesNamed(names, all);
    if ('problems' in named) return named;
    return await work({ client, engine, wanted: named.wanted, all });
  });
}

async function isMigrated(client: pg.Client): Promise<boolean> {
  const sql = `SELECT 1 FROM pg_catalog.pg_namespace AS n
    JOIN pg_catalog.pg_roles AS r ON r.rolname = 'sallyport_app'
    WHERE n.nspname = 'sallyport'`;
  return (await runStatement(client, sql)).rowCount === 1;
}

async function hasRowsWithoutTenant(
  client: pg.Client,
  { sqlName, columns, kind }: ApplicationTable,
): Promise<boolean> {
  const tenant = columns.find(({ name }) => name === TENANT_COLUMN);
  if (kind !== 'table' || tenant?.notNull) return false;
  const which = tenant ? ` WHERE ${TENANT_COLUMN} IS NULL` : '';
  const sql = `SELECT EXISTS (SELECT 1 FROM ${sqlName}${which}) AS "some"`;
  const { rows } = await runStatement(client, sql);
  return rows[0]?.['some'] === true;
}
