// A policy asks a function that reads tables. Asked for each row it would make a join of thousands
// of rows slow; the plan says how often it is asked, and unlike a time it is the same everywhere.
import pg from 'pg';
import { beforeEach, expect, inject, test } from 'vitest';
import { openTestDatabase } from '../support/databases.ts';
import { APPLICATION, insertTenants, protect, TABLES } from './application-schema.ts';
import { loginUrl } from './principals.ts';

beforeEach(({ skip }) => {
  if (inject('engine') === 'cockroachdb') skip('a plan of PostgreSQL');
});

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Parent Relationship'?: string;
  readonly 'Subplan Name'?: string;
  readonly 'Actual Loops': number;
  readonly 'Actual Rows': number;
  readonly Plans?: readonly PlanNode[];
  readonly [detail: string]: unknown;
}

const JOIN = `SELECT o.amount FROM billing."Order" AS o
  JOIN invoices AS i ON i.tenant_id = o.tenant_id AND i.number = o.invoice_number
  JOIN customers AS c ON c.tenant_id = i.tenant_id AND c.id = i.customer_id`;

async function explained(url: string, proof: string, sql: string): Promise<readonly PlanNode[]> {
  const client = new pg.Client(loginUrl(url, 'sallyport_app'));
  await client.connect();
  await client.query('BEGIN');
  await client.query(`SELECT set_config('sallyport.proof', $1, true)`, [proof]);
  // The join that asks the inner side once for each outer row: the worst case.
  await client.query('SET LOCAL enable_hashjoin = off');
  await client.query('SET LOCAL enable_mergejoin = off');
  const { rows } = await client.query(`EXPLAIN (ANALYZE, VERBOSE, TIMING OFF, FORMAT JSON) ${sql}`);
  await client.end();
  const [{ Plan: plan }] = rows[0]['QUERY PLAN'] as [{ Plan: PlanNode }];
  const flat = (node: PlanNode): readonly PlanNode[] => [node, ...(node.Plans ?? []).flatMap(flat)];
  return flat(plan);
}

function detailsOf({ Plans: _below, ...node }: PlanNode): string {
  return JSON.stringify(node);
}

async function protectedWithRows(options: { read: string | null }) {
  const opened = await openTestDatabase();
  const { admin } = opened;
  await admin.query(APPLICATION);
  const tenants = await insertTenants(admin);
  await protect(opened, TABLES, options);
  await admin.query(
    `INSERT INTO invoices (tenant_id, number, customer_id, currency)
      SELECT c.tenant_id, n, c.id, 'EUR' FROM customers AS c, generate_series(10, 3009) AS n`,
  );
  await admin.query(
    `INSERT INTO billing."Order" (tenant_id, invoice_number, "select", amount)
      SELECT i.tenant_id, i.number, 1, 1 FROM invoices AS i WHERE i.number >= 10`,
  );
  await admin.query('ANALYZE');
  return { ...opened, ...tenants };
}

test.each([
  ['the tenant', { read: null }, 3],
  ['the tenant and a permission', { read: 'invoices:read' }, 6],
])(
  'policies that ask for %s ask once a query and table, not once a row',
  async (_, options, asked) => {
    const { url, ours } = await protectedWithRows(options);
    const plan = await explained(url, ours.proof, JOIN);
    expect(plan[0]?.['Actual Rows']).toBe(3002);
    const asking = plan.filter((node) => /sallyport\.\w+\(/.test(detailsOf(node)));
    expect(asking.length).toBe(asked);
    for (const node of asking) {
      expect(node).toMatchObject({ 'Parent Relationship': 'InitPlan', 'Actual Loops': 1 });
    }
  },
);

test('the control: a bare call in the policy is asked again and again', async () => {
  const { url, admin, ours } = await protectedWithRows({ read: null });
  await admin.query(
    `ALTER POLICY tenant_select ON invoices USING (tenant_id = sallyport.current_tenant())`,
  );
  const plan = await explained(url, ours.proof, JOIN);
  const bare = plan.filter(
    (node) =>
      /sallyport\.\w+\(/.test(detailsOf(node)) && node['Parent Relationship'] !== 'InitPlan',
  );
  expect(bare.length).toBeGreaterThan(0);
});

test('the tenant leads into the index: no scan of the rows of others', async () => {
  const { url, ours } = await protectedWithRows({ read: null });
  const plan = await explained(url, ours.proof, 'SELECT title FROM invoices WHERE number = 10');
  const scan = plan.find((node) => node['Node Type'].includes('Scan'));
  expect(scan?.['Index Cond']).toMatch(/tenant_id = .*\(InitPlan 1\)/);
  expect(scan?.['Index Cond']).toMatch(/number = 10/);
});
