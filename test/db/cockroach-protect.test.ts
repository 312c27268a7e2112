// What `sallyport protect` writes for CockroachDB never runs in a test run on PostgreSQL. It is
// written down here for the grammar check of .ci/run: for shapes of tables that a cluster's catalog
// would give, as its documentation shows them. It has not been run on a cluster yet.
import { mkdirSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { tableStatements } from '../../src/db/application-catalog.ts';
import { type ApplicationTable, tablesFrom } from '../../src/db/application-tables.ts';
import { runBatch } from '../../src/db/batch.ts';
import { protectionOf, type ProtectOptions } from '../../src/db/protect.ts';
import { createDatabase } from '../support/databases.ts';
import { APPLICATION, NO_OPTIONS } from './application-schema.ts';

let tables: readonly ApplicationTable[];
beforeAll(async () => {
  const { admin, drop } = await createDatabase();
  // What PostgreSQL alone has: a GIN index by function, and an action that spares the tenant.
  await admin.query(APPLICATION.replace('ON DELETE SET NULL', ''));
  await admin.query(`SET search_path TO pg_catalog`);
  const engine = inject('engine');
  const answers = await runBatch(admin, tableStatements(engine), { idleAfter: true });
  tables = tablesFrom(answers.map(({ rows }) => rows));
  await drop();
});

function named(...names: readonly string[]): readonly ApplicationTable[] {
  return tables.filter(({ name }) => names.includes(name));
}

function rendered(options: Partial<ProtectOptions> = {}): readonly string[] {
  const wanted = named('customers', 'invoices', 'Order');
  const all = { ...NO_OPTIONS, ...options };
  const protection = protectionOf('cockroachdb', wanted, tables, new Set(wanted), all);
  if ('problems' in protection) throw new Error(protection.problems.join('\n'));
  return protection.steps.map(({ sql }) => sql);
}

describe('what protect writes for CockroachDB', () => {
  test('is written down for the grammar check', () => {
    const permitted = rendered({ read: 'invoices:read', write: 'invoices:write' });
    const wanted = named('customers');
    const own = protectionOf('cockroachdb', wanted, wanted, new Set(), {
      ...NO_OPTIONS,
      owner: 'owner_id',
    });
    const settings = protectionOf('cockroachdb', wanted, wanted, new Set(), {
      ...NO_OPTIONS,
      form: 'settings',
    });
    const set = 'steps' in settings ? settings.steps.map(({ sql }) => sql) : [];
    const owned = 'steps' in own ? own.steps.map(({ sql }) => sql) : [];
    const statements = new Set([...rendered(), ...permitted, ...owned, ...set]);
    mkdirSync('test-results', { recursive: true });
    // The check takes every SELECT in a policy for a subquery, that of FOR SELECT too: it is
    // written down as ALL, which the grammar has in the same place. The next test looks for
    // subqueries.
    const lines = [...statements].map(
      (sql) => `${JSON.stringify(sql.replace(' FOR SELECT TO ', ' FOR ALL TO '))}\n`,
    );
    writeFileSync('test-results/cockroach-protect.jsonl', lines.join(''));
    expect(owned.length).toBeGreaterThan(10);
    expect(statements.size).toBeGreaterThan(60);
  });

  test('has no subquery in a policy, no column privilege and no constraint to defer', () => {
    const statements = rendered({ read: 'invoices:read', write: 'invoices:write' });
    const policies = statements.filter((sql) => sql.startsWith('CREATE POLICY'));
    expect(policies).toHaveLength(12);
    expect(policies.filter((sql) => /\(\s*SELECT\b/i.test(sql))).toEqual([]);
    expect(policies)
      .toContain(`CREATE POLICY tenant_update ON public.customers FOR UPDATE TO sallyport_app
  USING (tenant_id = sallyport.current_tenant() AND sallyport.has_permission('invoices:write'))
  WITH CHECK (tenant_id = sallyport.current_tenant() AND sallyport.has_permission('invoices:write'))`);
    expect(statements.filter((sql) => /UPDATE \(|DEFERRABLE|^DO\b/.test(sql))).toEqual([]);
  });

  test('drops a unique constraint as the index that it is there, and what is left of a key', () => {
    const statements = rendered();
    expect(statements).toContain(
      'DROP INDEX IF EXISTS public.customers@customers_email_key CASCADE',
    );
    expect(statements).toContain('DROP INDEX IF EXISTS public.customers@customers_id_key CASCADE');
    expect(
      statements.filter((sql) => /DROP CONSTRAINT IF EXISTS customers_email/.test(sql)),
    ).toEqual([]);
  });

  test('may run again: it says so, or the statement before it makes room', () => {
    const statements = rendered();
    const repeatable =
      /IF NOT EXISTS|IF EXISTS|^(?:GRANT|REVOKE|UPDATE)|(?:ENABLE|FORCE) ROW LEVEL SECURITY|SET NOT NULL|DROP CONSTRAINT \S+,\s+ADD CONSTRAINT/;
    for (const [index, sql] of statements.entries()) {
      if (repeatable.test(sql)) continue;
      const [, name] = /^CREATE POLICY (\S+)|/.exec(sql) ?? [];
      const constraint = /ADD CONSTRAINT (\S+)/.exec(sql)?.[1];
      expect(statements[index - 1]).toMatch(
        new RegExp(`DROP (?:POLICY|CONSTRAINT) IF EXISTS ${name ?? constraint}`),
      );
    }
  });

  test('a foreign key that would set the tenant to NULL has no form there: it is refused', () => {
    const wanted = named('customers', 'invoices', 'Order').map((table) => ({
      ...table,
      constraints: table.constraints.map((each) =>
        each.references
          ? { ...each, references: { ...each.references, onDelete: 'SET NULL' } }
          : each,
      ),
    }));
    expect(protectionOf('cockroachdb', wanted, wanted, new Set(), NO_OPTIONS)).toEqual({
      problems: expect.arrayContaining([
        expect.stringContaining('would take the tenant from a row'),
      ]),
    });
  });
});
