import { sql } from 'kysely';
import { z } from 'zod';
import { type App, READ, refusal, search, WRITE } from './access.ts';

const customer = z.object({ name: z.string().min(1).max(200), email: z.email() });

export function customerRoutes(app: App): void {
  app.get(
    '/customers',
    {
      ...READ,
      schema: { querystring: search },
      load: (db, request) => ({
        customers: db
          .selectFrom('customers')
          .select(['id', 'name', 'email'])
          .where(sql<boolean>`strpos(lower(name), lower(${request.query.search})) > 0`)
          .orderBy('name')
          .limit(100),
      }),
    },
    async (request) => request.loaded.customers,
  );

  app.post('/customers', { ...WRITE, schema: { body: customer } }, async (request, reply) => {
    const made = await request.db
      .insertInto('customers')
      .values(request.body)
      .onConflict((conflict) => conflict.doNothing())
      .returning(['id', 'name', 'email'])
      .executeTakeFirst();
    if (!made) throw refusal(409, 'there is a customer of this name');
    return reply.code(201).send(made);
  });
}
