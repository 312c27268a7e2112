import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MIGRATOR_TABLES, migrationStatements } from '../../src/db/migrations.ts';
import { databaseStatements, roleStatements } from '../../src/db/roles.ts';

// What sets CockroachDB up never runs in a test run on PostgreSQL. It is written down here for the
// grammar check of .ci/run, beside what the tests send.

const statements = [
  ...roleStatements('cockroachdb').map(({ sql }) => sql),
  ...databaseStatements('cockroachdb', 'app'),
  ...MIGRATOR_TABLES,
  ...migrationStatements('cockroachdb').map(({ sql }) => sql),
  ...migrationStatements('cockroachdb', 'settings').flatMap(({ sql, replaces }) =>
    replaces === undefined ? [] : [sql],
  ),
];

test('every statement that sets CockroachDB up is written down for the grammar check', () => {
  mkdirSync('test-results', { recursive: true });
  const lines = statements.map((sql) => `${JSON.stringify(sql)}\n`);
  writeFileSync('test-results/cockroach-migrations.jsonl', lines.join(''));
  expect(statements.length).toBeGreaterThan(40);
});

/** What the grammar lets through and CockroachDB does not do, or does otherwise. */
const REFUSED: readonly [string, RegExp][] = [
  ['advisory locks, which do not lock there', /pg_(?:try_)?advisory/i],
  ['anonymous blocks', /^\s*DO\b/i],
  ['sequential ids, which make a hot range', /\bSERIAL\b|\bAS IDENTITY\b|nextval/i],
  ['INT without a width, which is INT8 there', /\bINT(?:EGER)?\b/],
  ['row locks that are best effort used as a mutex', /FOR NO KEY UPDATE|FOR KEY SHARE/i],
  ['deferrable and exclusion constraints', /\bDEFERRABLE\b|\bEXCLUDE\b/i],
  ['CREATE POLICY IF NOT EXISTS, which PostgreSQL does not have', /CREATE POLICY IF NOT/i],
  ['expressions as conflict targets', /ON CONFLICT \(\(/i],
  ['the catalog of PostgreSQL', /pg_catalog|search_path/i],
  ['TEMPORARY, which is no privilege there', /TEMPORARY/i],
  ['cascading drops', /DROP (?:TABLE|SCHEMA|ROLE)|TRUNCATE/i],
];

test.each(REFUSED)('none of them uses %s', (_, pattern) => {
  expect(statements.filter((sql) => pattern.test(sql))).toEqual([]);
});

test('no policy has a subquery: CockroachDB takes none there', () => {
  const policies = statements.filter((sql) => /^\s*CREATE POLICY/i.test(sql));
  expect(policies.length).toBeGreaterThan(0);
  expect(policies.filter((sql) => /\(\s*SELECT\b/i.test(sql))).toEqual([]);
  const postgres = migrationStatements('postgresql').map(({ sql }) => sql);
  expect(postgres.filter((sql) => /^\s*CREATE POLICY.*\(SELECT /i.test(sql))).not.toEqual([]);
});

test('each statement may run twice: it says so, or is a grant, a replacement or a repair', () => {
  const repeatable =
    /IF NOT EXISTS|IF EXISTS|CREATE OR REPLACE|OWNER TO|^\s*(?:GRANT|REVOKE)|(?:ENABLE|FORCE) ROW LEVEL SECURITY|DROP NOT NULL|^\s*UPDATE\b[^;]*(?:<>|IS NULL)/i;
  const others = statements.filter((sql) => !repeatable.test(sql));
  // A policy and a constraint are dropped by the statement before.
  for (const sql of others) {
    const [, what, name] =
      /\b(?:CREATE (POLICY)|ADD (CONSTRAINT)) (\w+)/.exec(sql)?.filter(Boolean) ?? [];
    const before = statements[statements.indexOf(sql) - 1];
    expect(before, sql).toMatch(new RegExp(`DROP ${what} IF EXISTS ${name}\\b`));
  }
});

test('what holds expired rows is emptied by the database: row-level TTL on its expiry', () => {
  const tables = statements.filter((sql) => /^\s*CREATE TABLE/i.test(sql));
  const expiring = tables.filter((sql) => /ttl_expiration_expression = 'expires_at'/.test(sql));
  const names = expiring.map((sql) => /sallyport\.(\w+)/.exec(sql)?.[1]);
  expect(names).toEqual(expect.arrayContaining(['one_time_tokens', 'sessions', 'sign_ups']));
});

test('every id of a migration statement is unique', () => {
  const ids = migrationStatements('cockroachdb').map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(migrationStatements('postgresql').map(({ id }) => id)).toEqual(ids);
});
