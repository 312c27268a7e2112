import { type Kysely, sql } from 'kysely';
import { type App, READ } from './access.ts';
import type { Tables } from './tables.ts';

// A sum of INT8 as a number, exact up to 2^53 cents. The database adds, not this process.
const lines = sql<number>`CAST(COALESCE(sum(CAST(quantity AS INT8) * unit_cents), 0) AS FLOAT8)`;
const payments = sql<number>`CAST(COALESCE(sum(amount_cents), 0) AS FLOAT8)`;

/** Each invoice with its customer, what it comes to and what has been paid of that. */
export function invoicesWithTotals(db: Kysely<Tables>) {
  return db
    .selectFrom('invoices as i')
    .innerJoin('customers as c', 'c.id', 'i.customer_id')
    .select(['i.id', 'i.number', 'c.name as customer'])
    .select(sql<string>`CAST(i.issued_on AS TEXT)`.as('issuedOn'))
    .select((row) => [
      row
        .selectFrom('invoice_lines as l')
        .whereRef('l.invoice_id', '=', 'i.id')
        .select(lines.as('cents'))
        .as('totalCents'),
      row
        .selectFrom('payments as p')
        .whereRef('p.invoice_id', '=', 'i.id')
        .select(payments.as('cents'))
        .as('paidCents'),
    ])
    .orderBy('i.number');
}

export function totalRoutes(app: App): void {
  app.get(
    '/totals',
    {
      ...READ,
      load: (db) => ({
        customers: db
          .selectFrom(invoicesWithTotals(db).as('t'))
          .select('customer')
          .select((row) => [
            row.fn.sum<number>('totalCents').as('invoicedCents'),
            row.fn.sum<number>('paidCents').as('paidCents'),
          ])
          .groupBy('customer')
          .orderBy('customer'),
      }),
    },
    async (request) => request.loaded.customers,
  );

  app.get(
    '/invoices.csv',
    { ...READ, load: (db) => ({ invoices: invoicesWithTotals(db) }) },
    async (request, reply) => {
      const header = ['id', 'number', 'customer', 'issued on', 'total cents', 'paid cents'];
      const rows = [header, ...request.loaded.invoices.map((invoice) => Object.values(invoice))];
      return reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', 'attachment; filename="invoices.csv"')
        .send(rows.map((row) => `${row.map(csvCell).join(',')}\r\n`).join(''));
    },
  );
}

/** RFC 4180; a text that a spreadsheet would take for a formula is kept one (CWE-1236). */
function csvCell(value: unknown): string {
  const text = String(value);
  const harmless = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
