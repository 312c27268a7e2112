// Keys and foreign keys are checked past row-level security, so their errors can tell whether
// another tenant has a row. Each question here is asked twice: of a row of another tenant, and of
// one that nobody has. The answers must be the same in every byte but for the value asked.
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { beforeEach, expect, inject, test } from 'vitest';
import { APPLICATION, insertTenants, type Member, protect } from '../db/application-schema.ts';
import { loginUrl } from '../db/principals.ts';
import { openTestDatabase } from '../support/databases.ts';

beforeEach(({ skip }) => {
  if (inject('engine') === 'cockroachdb') skip('protect has not been tried there yet');
});

async function openApplication() {
  const opened = await openTestDatabase();
  await opened.admin.query(APPLICATION);
  const tenants = await insertTenants(opened.admin);
  await protect(opened);
  return { ...opened, ...tenants };
}

/** All that an application could see of the answer, rolled back afterwards. */
async function ask(url: string, member: Member, sql: string, values: readonly unknown[]) {
  const client = new pg.Client(loginUrl(url, 'sallyport_app'));
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query(`SELECT set_config('sallyport.proof', $1, true)`, [member.proof]);
    const { rowCount, rows, command } = await client.query(sql, [...values]);
    return { rowCount, rows: rows as unknown[], command };
  } catch (error) {
    const { code, message, detail, hint, constraint, table, schema, where } =
      error as pg.DatabaseError;
    return { code, message, detail, hint, constraint, table, schema, where };
  } finally {
    await client.end();
  }
}

/** The value that was asked for is known to whoever asks. */
function withoutValue(answer: unknown, value: unknown): unknown {
  const whole = new RegExp(`(?<![\\w-])${String(value)}(?![\\w-])`, 'g');
  return JSON.parse(JSON.stringify(answer).replaceAll(whole, 'VALUE'));
}

interface Question {
  readonly name: string;
  readonly sql: string;
  /** What the statement is given, besides the tenant: the value of theirs, and an unused one. */
  readonly theirs: (theirs: Member) => unknown;
  readonly nobodys: () => unknown;
  readonly ours: (ours: Member) => unknown;
  /** What comes back if the row is our own: the question does distinguish. */
  readonly control: object;
}

const MISSING = { code: '23503' };
const TAKEN = { code: '23505' };

const questions: readonly Question[] = [
  {
    name: 'a number that is unique, inserted',
    sql: `INSERT INTO customers (tenant_id, email, organisation) VALUES ($1, $2, 'New')`,
    theirs: () => 'Theirs@example.com',
    nobodys: () => 'nobody@example.com',
    ours: () => 'Ours@example.com',
    control: TAKEN,
  },
  {
    name: "an id of the client's choice, inserted [R-88] [trap 71]",
    sql: `INSERT INTO customers (tenant_id, id, email, organisation) VALUES ($1, $2, 'x', 'New')`,
    theirs: ({ customerId }) => customerId,
    nobodys: randomUUID,
    ours: ({ customerId }) => customerId,
    control: TAKEN,
  },
  {
    name: 'a unique number, updated',
    sql: `UPDATE invoices SET number = $2::INT4 WHERE tenant_id = $1 AND number <> $2::INT4`,
    theirs: () => 2,
    nobodys: () => 77,
    ours: () => 1,
    control: { rowCount: 0 },
  },
  {
    name: 'a unique expression of open rows',
    sql: `INSERT INTO invoices (tenant_id, number, customer_id, currency, title)
      SELECT $1, 9, c.id, 'EUR', $2 FROM customers AS c`,
    theirs: () => 'invoice of theirs',
    nobodys: () => 'invoice of nobody',
    ours: () => 'invoice of ours',
    control: { rowCount: 1 },
  },
  {
    name: 'a reference to a row [R-88]',
    sql: `INSERT INTO invoices (tenant_id, number, customer_id, currency) VALUES ($1, 9, $2, 'EUR')`,
    theirs: ({ customerId }) => customerId,
    nobodys: randomUUID,
    ours: ({ customerId }) => customerId,
    control: { rowCount: 1 },
  },
  {
    name: 'a reference to a row by its number',
    sql: `INSERT INTO billing."Order" VALUES ($2::INT4, 9, 1, $1)`,
    theirs: () => 2,
    nobodys: () => 77,
    ours: () => 1,
    control: { rowCount: 1 },
  },
  {
    name: 'a reference to a row, updated',
    sql: `UPDATE invoices SET replaces = $2 WHERE tenant_id = $1`,
    theirs: ({ invoiceId }) => invoiceId,
    nobodys: randomUUID,
    ours: ({ invoiceId }) => invoiceId,
    control: { rowCount: 1 },
  },
  {
    name: 'ON CONFLICT DO NOTHING [R-97]',
    sql: `INSERT INTO customers (tenant_id, email, organisation) VALUES ($1, $2, 'New')
      ON CONFLICT DO NOTHING RETURNING organisation`,
    theirs: () => 'Theirs@example.com',
    nobodys: () => 'nobody@example.com',
    ours: () => 'Ours@example.com',
    control: { rowCount: 0 },
  },
  {
    name: 'ON CONFLICT DO UPDATE [R-97]',
    sql: `INSERT INTO customers (tenant_id, email, organisation) VALUES ($1, $2, 'New')
      ON CONFLICT (tenant_id, email) DO UPDATE SET organisation = customers.organisation || ' again'
      RETURNING organisation`,
    theirs: () => 'Theirs@example.com',
    nobodys: () => 'nobody@example.com',
    ours: () => 'Ours@example.com',
    control: { rows: [{ organisation: 'Ours again' }] },
  },
  {
    name: 'a row deleted that others refer to',
    sql: `DELETE FROM invoices WHERE number = $2::INT4 AND $1::UUID IS NOT NULL`,
    theirs: () => 2,
    nobodys: () => 77,
    ours: () => 1,
    control: MISSING,
  },
  {
    name: 'counts and totals [R-91] [trap 74]',
    sql: `SELECT count(*) OVER () AS total, max(number) OVER () AS last FROM invoices
      WHERE number >= $2::INT4 AND $1::UUID IS NOT NULL`,
    theirs: () => 2,
    nobodys: () => 77,
    ours: () => 1,
    control: { rowCount: 1 },
  },
];

test.each(questions)(
  "$name: another tenant's row answers like none at all [R-97] [CWE-203]",
  async ({ sql, theirs: ofTheirs, nobodys, ours: ofOurs, control }) => {
    const { url, admin, ours, theirs } = await openApplication();
    const rows = async () => (await admin.query('SELECT * FROM customers ORDER BY id')).rows;
    const before = await rows();
    const [foreign, absent, own] = [ofTheirs(theirs), nobodys(), ofOurs(ours)];
    const toForeign = await ask(url, ours, sql, [ours.tenantId, foreign]);
    const toAbsent = await ask(url, ours, sql, [ours.tenantId, absent]);
    expect(withoutValue(toForeign, foreign)).toEqual(withoutValue(toAbsent, absent));
    expect(await ask(url, ours, sql, [ours.tenantId, own])).toMatchObject(control);
    expect(await rows()).toEqual(before);
  },
);

test('of several references, one to another tenant refuses them all [R-90]', async () => {
  const { url, admin, ours, theirs } = await openApplication();
  const insert = `INSERT INTO billing."Order" (tenant_id, invoice_number, "select", amount)
    SELECT $1::UUID, n, 9, 1 FROM unnest($2::INT4[]) AS n`;
  const mixed = await ask(url, ours, insert, [ours.tenantId, [1, 2]]);
  expect(mixed).toMatchObject(MISSING);
  expect(await ask(url, ours, insert, [ours.tenantId, [1]])).toMatchObject({ rowCount: 1 });
  const { rows } = await admin.query(
    'SELECT DISTINCT tenant_id FROM billing."Order" WHERE amount = 1',
  );
  expect(rows).toEqual([]);
  expect(theirs.tenantId).not.toBe(ours.tenantId);
});

test('the same ids and numbers live in two tenants side by side', async () => {
  const { url, admin, ours, theirs } = await openApplication();
  await admin.query(
    `INSERT INTO customers (tenant_id, id, email, organisation)
      SELECT $1, id, email, 'Copied' FROM customers WHERE tenant_id = $2`,
    [ours.tenantId, theirs.tenantId],
  );
  const seen = async (member: Member) =>
    await ask(url, member, 'SELECT organisation FROM customers WHERE id = $1', [theirs.customerId]);
  expect(await seen(ours)).toMatchObject({ rows: [{ organisation: 'Copied' }] });
  expect(await seen(theirs)).toMatchObject({ rows: [{ organisation: 'Theirs' }] });
});
