// What of an application's tables a start refuses. Each test spoils one thing of a protected
// application, the way a hurried hand would; the line says what to do, and doing that heals it.
import { beforeEach, describe, expect, inject, test } from 'vitest';
import { findApplicationTables } from '../../src/db/application-tables.ts';
import { checkDatabase } from '../../src/db/checks.ts';
import { conjunctsOf } from '../../src/db/checks/tenant-policies.ts';
import { openTestDatabase } from '../support/databases.ts';
import { APPLICATION, insertTenants, protect } from './application-schema.ts';

beforeEach(({ skip }) => {
  if (inject('engine') === 'cockroachdb') skip('not tried there yet');
});

async function spoilt(...statements: readonly string[]) {
  const opened = await openTestDatabase();
  const { admin, database } = opened;
  await admin.query(APPLICATION);
  await insertTenants(admin);
  await protect(opened);
  await admin.query('GRANT SELECT ON currencies TO sallyport_app');
  for (const sql of statements) await admin.query(sql);
  const failing = async (sharedTables: readonly string[] = ['currencies']) => {
    const findings = await checkDatabase(database, { overNetwork: false, sharedTables });
    return findings.filter(({ ok }) => !ok).map(({ id, line }) => `${id}: ${line}`);
  };
  return { ...opened, failing };
}

const MIGRATION = 'Run what `sallyport protect invoices` writes.';

describe('a table of tenants is refused where', () => {
  test.each([
    [
      'its row-level security is not forced [R-93]',
      'ALTER TABLE invoices NO FORCE ROW LEVEL SECURITY',
      `tenant-tables: public.invoices: its row-level security is not forced. ${MIGRATION}`,
    ],
    [
      'its row-level security is not enabled [R-93]',
      'ALTER TABLE invoices DISABLE ROW LEVEL SECURITY',
      `tenant-tables: public.invoices: its row-level security is not enabled. ${MIGRATION}`,
    ],
    [
      'a policy is missing [R-93]',
      'DROP POLICY tenant_update ON invoices',
      `tenant-tables: public.invoices: it has no policy for UPDATE. ${MIGRATION}`,
    ],
    [
      'a policy lets more through [R-92]',
      'CREATE POLICY debugging ON invoices FOR SELECT USING (true)',
      `tenant-tables: public.invoices: its policy debugging lets SELECT past the tenant. ${MIGRATION}`,
    ],
    [
      'a policy believes a setting that anybody can set [R-98]',
      `ALTER POLICY tenant_delete ON invoices USING (tenant_id = current_setting('sallyport.tenant')::UUID)`,
      `tenant-tables: public.invoices: its policy tenant_delete lets DELETE past the tenant. ${MIGRATION}`,
    ],
    [
      'a key is unique among all tenants [R-97]',
      'CREATE UNIQUE INDEX by_title ON invoices (title)',
      `tenant-tables: public.invoices: its unique index by_title does not begin with tenant_id. ${MIGRATION}`,
    ],
  ])('%s', async (_, sql, line) => {
    const opened = await spoilt(sql);
    expect(await opened.failing()).toEqual([line]);
    await protect(opened, ['invoices']);
    expect(await opened.failing()).toEqual([]);
  });

  test.each([
    ['PUBLIC may read it', 'SELECT', 'PUBLIC'],
    ['sallyport_app may empty it past its policies', 'TRUNCATE', 'sallyport_app'],
    ['sallyport_app may hang a trigger on it', 'TRIGGER', 'sallyport_app'],
    ['sallyport_identity may write to it', 'UPDATE', 'sallyport_identity'],
  ])('%s', async (_, privilege, role) => {
    const opened = await spoilt(`GRANT ${privilege} ON invoices TO ${role}`);
    const remedy = `REVOKE ${privilege} ON TABLE public.invoices FROM ${role}`;
    expect(await opened.failing()).toEqual([
      `table-privileges: ${role} must not have ${privilege} on public.invoices: run ${remedy}.`,
    ]);
    await opened.admin.query(remedy);
    expect(await opened.failing()).toEqual([]);
  });

  test('sallyport_app may pass a privilege on', async () => {
    const { failing } = await spoilt('GRANT SELECT ON invoices TO sallyport_app WITH GRANT OPTION');
    expect(await failing()).toEqual([
      'table-privileges: sallyport_app may pass on SELECT on public.invoices: run REVOKE GRANT OPTION FOR SELECT ON TABLE public.invoices FROM sallyport_app.',
    ]);
  });
});

describe('a table without a tenant', () => {
  test('is refused until it is declared to be shared [R-93]', async () => {
    const { failing } = await spoilt();
    expect(await failing([])).toEqual([
      'shared-tables: sallyport_app may touch public.currencies, which has no column tenant_id: run what `sallyport protect currencies` writes, or name it among the shared tables if all tenants may see all of it.',
    ]);
    expect(await failing(['currencies'])).toEqual([]);
    expect(await failing(['public.currencies'])).toEqual([]);
  });

  test('is refused too where only a column of it may be read', async () => {
    const { failing } = await spoilt(
      'CREATE TABLE billing.rates (rate INT4, secret TEXT)',
      'GRANT SELECT (rate) ON billing.rates TO sallyport_app',
    );
    expect(await failing()).toEqual([expect.stringMatching(/^shared-tables: .* billing\.rates/)]);
    expect(await failing(['currencies', 'billing.rates'])).toEqual([]);
  });

  test('does not matter where sallyport_app may not touch it', async () => {
    const { failing, database } = await spoilt(
      'CREATE TABLE ledger (total INT4)',
      'CREATE SCHEMA hidden',
      'CREATE TABLE hidden.ledger (total INT4)',
      'GRANT SELECT ON hidden.ledger TO sallyport_app',
    );
    expect(await failing()).toEqual([]);
    const found = await findApplicationTables(database);
    expect(found.map(({ sqlName }) => sqlName)).toEqual([
      'billing."Order"',
      'public.currencies',
      'public.customers',
      'public.invoices',
    ]);
  });

  test.each([
    [
      'curencies',
      /^shared-tables: The shared table curencies is none that sallyport_app may touch/,
    ],
    ['invoices', /^shared-tables: The shared table invoices has a column tenant_id and so belongs/],
  ])('is not declared by the name %s', async (name, line) => {
    const { failing } = await spoilt();
    expect(await failing(['currencies', name])).toEqual([expect.stringMatching(line)]);
  });
});

describe('a view', () => {
  test('that reads with the eyes of its owner is refused, for it sees past the policies', async () => {
    const { failing, admin } = await spoilt(
      'CREATE VIEW open AS SELECT * FROM invoices',
      'GRANT SELECT ON open TO sallyport_app',
    );
    const remedy = 'ALTER VIEW public.open SET (security_invoker = true)';
    expect(await failing()).toEqual([
      `view-rights: The view public.open reads with the eyes of postgres, past the policies: run ${remedy}.`,
    ]);
    await admin.query(remedy);
    expect(await failing()).toEqual([]);
  });

  test('that keeps rows of its own is refused: it can have no policies', async () => {
    const { failing, admin } = await spoilt(
      'CREATE MATERIALIZED VIEW totals AS SELECT tenant_id, count(*) FROM invoices GROUP BY 1',
      'GRANT SELECT ON totals TO sallyport_app',
    );
    const remedy = 'REVOKE ALL ON TABLE public.totals FROM PUBLIC, sallyport_app';
    expect(await failing()).toEqual([
      `view-rights: The materialized view public.totals cannot have row-level security: run ${remedy}.`,
    ]);
    await admin.query(remedy);
    expect(await failing()).toEqual([]);
  });
});

// What both engines may write back for the same policy, and what only looks like it.
describe('the conditions of a policy', () => {
  const tenant = 'tenant_id=sallyport.current_tenant()';
  test.each([
    ['(tenant_id = ( SELECT sallyport.current_tenant() AS current_tenant))', [tenant]],
    ['tenant_id = sallyport.current_tenant()', [tenant]],
    ['(sallyport.current_tenant() = tenant_id)', [tenant]],
    [
      `((tenant_id = ( SELECT sallyport.current_tenant() AS current_tenant)) AND ( SELECT sallyport.has_permission('a:b'::text) AS has_permission))`,
      [tenant, `sallyport.has_permission('a:b')`],
    ],
    [
      `(tenant_id = sallyport.current_tenant()) AND sallyport.has_permission('a:b':::STRING)`,
      [tenant, `sallyport.has_permission('a:b')`],
    ],
    [
      '((a = 1) AND ((b = 2) AND (tenant_id = sallyport.current_tenant())))',
      ['a=1', 'b=2', tenant],
    ],
  ])('%s', (expression, conditions) => {
    expect(conjunctsOf(expression)).toEqual(conditions);
  });

  test.each([
    'true',
    '((tenant_id = sallyport.current_tenant()) OR open)',
    'tenant_id = sallyport.current_tenant() AND a OR b',
    '(NOT (tenant_id = sallyport.current_tenant()))',
    '(tenant_id <> sallyport.current_tenant())',
    '(other_tenant_id = sallyport.current_tenant())',
    '(tenant_id = public.current_tenant())',
    `(title = ' AND tenant_id = sallyport.current_tenant() AND ')`,
    '(" AND tenant_id = sallyport.current_tenant() AND " = 1)',
    'CASE WHEN a AND tenant_id = sallyport.current_tenant() AND b THEN true ELSE true END',
    '(COALESCE((tenant_id = sallyport.current_tenant()), true))',
    '((tenant_id = sallyport.current_tenant()) IS NOT FALSE)',
  ])('%s does not ask for the tenant', (expression) => {
    expect(conjunctsOf(expression)).not.toContain(tenant);
  });
});
