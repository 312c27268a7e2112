import type { Statement } from './batch.ts';
import type { Engine } from './engine.ts';

/** What an extension made is left to the extension; the rest is the application's. */
const OURS_ASIDE = `n.nspname NOT IN ('sallyport', 'information_schema', 'crdb_internal')
    AND n.nspname NOT LIKE 'pg\\_%'
    AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend AS d
      WHERE d.classid = 'pg_catalog.pg_class'::REGCLASS AND d.objid = c.oid AND d.deptype = 'e')`;

const RELATIONS = `SELECT c.oid::TEXT AS "id", n.nspname::TEXT AS "schema", c.relname::TEXT AS "name",
  pg_catalog.quote_ident(n.nspname) AS "schemaSqlName",
  pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS "sqlName",
  CASE c.relkind::TEXT WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table'
    WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'foreign table' END AS "kind",
  r.rolname::TEXT AS "owner",
  pg_catalog.has_schema_privilege('sallyport_app', n.oid, 'USAGE') AS "schemaUsable",
  (pg_catalog.has_any_column_privilege('sallyport_app', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
    OR pg_catalog.has_table_privilege('sallyport_app', c.oid, 'DELETE, TRUNCATE, TRIGGER')) AS "touchable",
  c.relrowsecurity AS "enabled", c.relforcerowsecurity AS "forced",
  coalesce(pg_catalog.array_to_string(c.reloptions, ','), '') AS "options"
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_roles AS r ON r.oid = c.relowner
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ${OURS_ASIDE}
  ORDER BY 2, 3`;

const COLUMNS = `SELECT a.attrelid::TEXT AS "table", a.attnum::INT4 AS "number",
  a.attname::TEXT AS "name", pg_catalog.quote_ident(a.attname) AS "sqlName",
  pg_catalog.format_type(a.atttypid, a.atttypmod) AS "type", a.attnotnull AS "notNull"
  FROM pg_catalog.pg_attribute AS a
  JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE a.attnum > 0 AND NOT a.attisdropped
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ${OURS_ASIDE}
  ORDER BY 1, 2`;

const INDEXES = `SELECT i.indrelid::TEXT AS "table", x.relname::TEXT AS "name",
  pg_catalog.quote_ident(x.relname) AS "sqlName", i.indisunique AS "unique",
  i.indisprimary AS "primary", i.indkey::TEXT AS "columns",
  pg_catalog.pg_get_indexdef(i.indexrelid) AS "definition"
  FROM pg_catalog.pg_index AS i
  JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
  JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE ${OURS_ASIDE}
  ORDER BY 1, 2`;

const CONSTRAINTS = `SELECT k.conrelid::TEXT AS "table", k.conname::TEXT AS "name",
  pg_catalog.quote_ident(k.conname) AS "sqlName", k.contype::TEXT AS "kind",
  pg_catalog.array_to_string(k.conkey, ' ') AS "columns",
  k.condeferrable AS "deferrable", k.condeferred AS "deferred",
  fn.nspname::TEXT AS "referencedSchema", f.relname::TEXT AS "referencedName",
  pg_catalog.quote_ident(fn.nspname) || '.' || pg_catalog.quote_ident(f.relname) AS "referencedSqlName",
  k.confrelid::TEXT AS "referencedTable",
  pg_catalog.array_to_string(k.confkey, ' ') AS "referencedColumns",
  k.confdeltype::TEXT AS "onDelete", k.confupdtype::TEXT AS "onUpdate"
  FROM pg_catalog.pg_constraint AS k
  JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_class AS f ON f.oid = k.confrelid AND k.contype = 'f'
  LEFT JOIN pg_catalog.pg_namespace AS fn ON fn.oid = f.relnamespace
  WHERE k.contype IN ('p', 'u', 'f', 'x') AND ${OURS_ASIDE}
  ORDER BY 1, 2`;

const POLICIES = `SELECT c.oid::TEXT AS "table", p.policyname::TEXT AS "name", pg_catalog.quote_ident(p.policyname) AS "sqlName",
  upper(p.permissive) AS "kind", upper(p.cmd) AS "command",
  pg_catalog.array_to_string(p.roles, ',') AS "roles", p.qual AS "using", p.with_check AS "check"
  FROM pg_catalog.pg_policies AS p
  JOIN pg_catalog.pg_namespace AS n ON n.nspname = p.schemaname
  JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = p.tablename
  WHERE ${OURS_ASIDE}
  ORDER BY 1, 2`;

/** Asked by the owner or by sallyport_app, of which each sees the privileges of all. */
const PRIVILEGES = `SELECT c.oid::TEXT AS "table", NULL::TEXT AS "column",
  coalesce(g.rolname::TEXT, 'PUBLIC') AS "grantee", a.privilege_type AS "privilege",
  a.is_grantable AS "grantable"
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  CROSS JOIN pg_catalog.aclexplode(c.relacl) AS a
  LEFT JOIN pg_catalog.pg_roles AS g ON g.oid = a.grantee
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ${OURS_ASIDE}
  UNION ALL SELECT c.oid::TEXT, pg_catalog.quote_ident(t.attname),
  coalesce(g.rolname::TEXT, 'PUBLIC'), a.privilege_type, a.is_grantable
  FROM pg_catalog.pg_attribute AS t
  JOIN pg_catalog.pg_class AS c ON c.oid = t.attrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  CROSS JOIN pg_catalog.aclexplode(t.attacl) AS a
  LEFT JOIN pg_catalog.pg_roles AS g ON g.oid = a.grantee
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ${OURS_ASIDE}
  ORDER BY 1, 2, 3, 4`;

/** CockroachDB keeps no access list in pg_class, and has no privileges on columns. */
const PRIVILEGES_COCKROACHDB = `SELECT c.oid::TEXT AS "table", NULL::TEXT AS "column",
  CASE p.grantee WHEN 'public' THEN 'PUBLIC' ELSE p.grantee END AS "grantee",
  upper(p.privilege_type) AS "privilege", p.is_grantable = 'YES' AS "grantable"
  FROM information_schema.table_privileges AS p
  JOIN pg_catalog.pg_namespace AS n ON n.nspname = p.table_schema
  JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = p.table_name
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ${OURS_ASIDE}
  ORDER BY 1, 3, 4`;

/** The catalog's flat lists, each a statement; application-tables.ts puts them together. */
export function tableStatements(engine: Engine): readonly Statement[] {
  const privileges = engine === 'cockroachdb' ? PRIVILEGES_COCKROACHDB : PRIVILEGES;
  const lists = [RELATIONS, COLUMNS, INDEXES, CONSTRAINTS, POLICIES, privileges];
  return lists.map((sql) => ({ sql, parameters: [] }));
}
