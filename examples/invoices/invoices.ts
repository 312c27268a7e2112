import { sql } from 'kysely';
import { z } from 'zod';
import { type App, READ, refusal, search, WRITE } from './access.ts';
import { invoicesWithTotals } from './totals.ts';

const text = (length: number) => z.string().min(1).max(length);
const positive = z.int32().positive();
const line = z.object({ description: text(500), quantity: positive, unitCents: z.int32() });
const list = z.array(line).min(1).max(200);
const invoice = z.object({ customerId: z.uuid(), number: text(50), lines: list });
const byId = z.object({ id: z.uuid() });

export function invoiceRoutes(app: App): void {
  app.get(
    '/invoices',
    {
      ...READ,
      schema: { querystring: search },
      load: (db, { query }) => {
        const name = sql`lower(i.number || ' ' || c.name)`;
        const found = sql<boolean>`strpos(${name}, lower(${query.search})) > 0`;
        return { invoices: invoicesWithTotals(db).where(found).limit(100) };
      },
    },
    async (request) => request.loaded.invoices,
  );

  app.get(
    '/invoices/:id',
    {
      ...READ,
      schema: { params: byId },
      load: (db, { params: { id } }) => ({
        invoices: invoicesWithTotals(db).where('i.id', '=', id),
        lines: db
          .selectFrom('invoice_lines')
          .select(['description', 'quantity', 'unit_cents as unitCents'])
          .where('invoice_id', '=', id)
          .orderBy('position'),
        payments: db
          .selectFrom('payments')
          .select(['id', 'amount_cents as amountCents'])
          .where('invoice_id', '=', id)
          .orderBy('paid_on'),
      }),
    },
    async (request) => {
      const { invoices, lines, payments } = request.loaded;
      if (!invoices[0]) throw refusal(404, 'no such invoice');
      return { ...invoices[0], lines, payments };
    },
  );

  app.post('/invoices', { ...WRITE, schema: { body: invoice } }, async (request, reply) => {
    const { customerId, number, lines } = request.body;
    const id = await request.transaction(async (db) => {
      const customer = db.selectFrom('customers').select('id').where('id', '=', customerId);
      if (!(await customer.executeTakeFirst())) throw refusal(404, 'no such customer');
      const made = await db
        .insertInto('invoices')
        .values({ number, customer_id: customerId })
        .onConflict((conflict) => conflict.doNothing())
        .returning('id')
        .executeTakeFirst();
      if (!made) throw refusal(409, 'there is an invoice of this number');
      const rows = lines.map(({ unitCents, ...rest }, index) => {
        return { ...rest, unit_cents: unitCents, position: index + 1, invoice_id: made.id };
      });
      await db.insertInto('invoice_lines').values(rows).execute();
      return made.id;
    });
    return reply.code(201).send({ id });
  });

  app.post(
    '/invoices/:id/payments',
    { ...WRITE, schema: { params: byId, body: z.object({ amountCents: positive }) } },
    async (request, reply) => {
      const { id } = request.params;
      const { amountCents } = request.body;
      await request.transaction(async (db) => {
        const due = await invoicesWithTotals(db).where('i.id', '=', id).executeTakeFirst();
        if (!due) throw refusal(404, 'no such invoice');
        const open = (due.totalCents ?? 0) - (due.paidCents ?? 0);
        if (amountCents > open) throw refusal(409, `only ${open} cents are open`);
        const payment = { invoice_id: id, amount_cents: amountCents };
        await db.insertInto('payments').values(payment).execute();
      });
      return reply.code(204).send();
    },
  );
}
