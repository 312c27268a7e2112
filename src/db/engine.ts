/**
 * The database engines, and every place where their SQL differs. CockroachDB is written for first;
 * what it takes, PostgreSQL takes too, but for the few forms below.
 */

/** `embedded` is PGlite: PostgreSQL in this process, one session, for development. */
export type Engine = 'postgresql' | 'cockroachdb' | 'embedded';

/** Reads what `SELECT version()` answers; `server_version` lies on CockroachDB. */
export function engineOf(version: string): Exclude<Engine, 'embedded'> {
  return version.includes('CockroachDB') ? 'cockroachdb' : 'postgresql';
}

/** The SHA-256 of a text value as lower-case hex: the form in which digests are stored. */
export function sqlDigest(engine: Engine, text: string): string {
  return engine === 'cockroachdb'
    ? `sha256(${text})`
    : `pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(${text}, 'UTF8')), 'hex')`;
}

/**
 * A function's value inside a policy. PostgreSQL evaluates `(SELECT f())` once a query and the bare
 * call once a row; CockroachDB refuses subqueries in policies.
 */
export function policyValue(engine: Engine, call: string): string {
  return engine === 'cockroachdb' ? call : `(SELECT ${call})`;
}

/**
 * What the policies compare a row with: our functions, which look the proof up, or the settings
 * that the decision of the batch leaves. A setting stops a forgotten predicate like the function,
 * and no injected SQL, which can set it (CWE-89): it is for a CockroachDB that should turn out not
 * to let the functions of a policy read tables, and is chosen with a setting that says so.
 */
export type PolicyForm = 'functions' | 'settings';

/** Whose row it is, inside a policy: the request's identity, or its tenant. */
export function policyPrincipal(
  engine: Engine,
  form: PolicyForm,
  who: 'identity' | 'tenant',
): string {
  return form === 'functions'
    ? policyValue(engine, `sallyport.current_${who}()`)
    : `NULLIF(current_setting('sallyport.${who}', true), '')::UUID`;
}

/**
 * Pins the search_path of a SECURITY DEFINER function, so that no object of the caller's can stand
 * in for one of ours (CVE-2018-1058). CockroachDB has no such clause; there the qualified names
 * alone must do.
 */
export function pinnedSearchPath(engine: Engine): string {
  return engine === 'cockroachdb' ? '' : 'SET search_path = pg_catalog, pg_temp';
}

/**
 * Whether a function leaves settings for the rest of its caller's transaction. On CockroachDB that
 * has not been verified, and the statement that calls it sets them.
 */
export function functionsCarry(engine: Engine): boolean {
  return engine !== 'cockroachdb';
}

/** Lets CockroachDB delete expired rows by itself; on PostgreSQL the sweeper does. */
export function expiringRows(engine: Engine): string {
  return engine === 'cockroachdb'
    ? ` WITH (ttl_expiration_expression = 'expires_at', ttl_job_cron = '@hourly')`
    : '';
}

/** Takes a unique index away, which on PostgreSQL may belong to a constraint. */
export function dropIndex(
  engine: Engine,
  table: { readonly sqlName: string; readonly schemaSqlName: string },
  index: { readonly sqlName: string; readonly ofConstraint: boolean },
): string {
  if (engine === 'cockroachdb') {
    return `DROP INDEX IF EXISTS ${table.sqlName}@${index.sqlName} CASCADE`;
  }
  return index.ofConstraint
    ? `ALTER TABLE ${table.sqlName} DROP CONSTRAINT IF EXISTS ${index.sqlName}`
    : `DROP INDEX IF EXISTS ${table.schemaSqlName}.${index.sqlName}`;
}

/** UPDATE of these columns alone; CockroachDB knows no privileges on columns. */
export function updateOf(engine: Engine, columns: readonly string[]): string {
  return engine === 'cockroachdb' ? 'UPDATE' : `UPDATE (${columns.join(', ')})`;
}

/** An index on a time at which rows are written: on CockroachDB spread over several ranges. */
export function timeIndex(engine: Engine, column: string): string {
  return engine === 'cockroachdb' ? `(${column}) USING HASH` : `(${column})`;
}

/** A column that the database computes from others of its row, in the engine's own words. */
export function generatedAs(engine: Engine, expression: string): string {
  const generated = engine === 'cockroachdb' ? '' : 'GENERATED ALWAYS ';
  return `${generated}AS (${expression}) STORED`;
}
