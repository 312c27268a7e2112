import type { AddressInfo } from 'node:net';
import { fastify, type FastifyRequest } from 'fastify';
import pg from 'pg';

// The yardstick: a bare Fastify that answers anybody with one row, read by one prepared query by
// primary key, or changed by one prepared UPDATE.

const pool = new pg.Pool({
  connectionString: process.env['DATABASE_URL'],
  max: Number(process.env['POOL_SIZE']),
  // Under steady load none would be idle; here others are asked in between.
  idleTimeoutMillis: 0,
});
const app = fastify();
const answer = (name: string, text: string) => async (request: FastifyRequest) => {
  const { tenant, id } = request.params as { tenant: string; id: string };
  const query = { name, text, values: [tenant, id] };
  return (await pool.query<Record<string, unknown>>(query)).rows[0];
};
const path = '/tenants/:tenant/invoices/:id';
const COLUMNS = 'id, customer, number, total';
const OWN = 'WHERE tenant_id = $1 AND id = $2';
app.get(path, answer('read', `SELECT ${COLUMNS} FROM invoices ${OWN}`));
app.post(
  path,
  answer('write', `UPDATE invoices SET total = total + 1 ${OWN} RETURNING ${COLUMNS}`),
);
await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`http://localhost:${(app.server.address() as AddressInfo).port}\n`);
process.once('SIGTERM', () => process.exit(0));
