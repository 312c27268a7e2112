import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import pg from 'pg';

// The yardstick: a bare Fastify that answers anybody with one row, read by one prepared query by
// primary key.

const pool = new pg.Pool({
  connectionString: process.env['DATABASE_URL'],
  max: Number(process.env['POOL_SIZE']),
  // Under steady load none would be idle; here others are asked in between.
  idleTimeoutMillis: 0,
});
const app = fastify();
app.get<{ Params: { tenant: string; id: string } }>(
  '/tenants/:tenant/invoices/:id',
  async (request) => {
    const { rows } = await pool.query<Record<string, unknown>>({
      name: 'invoice',
      text: 'SELECT id, customer, number, total FROM invoices WHERE tenant_id = $1 AND id = $2',
      values: [request.params.tenant, request.params.id],
    });
    return rows[0];
  },
);
await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`http://localhost:${(app.server.address() as AddressInfo).port}\n`);
process.once('SIGTERM', () => process.exit(0));
