import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import pg from 'pg';

// The yardstick: a bare Fastify that answers with one row, read by one prepared query by primary
// key.

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 16 });
const app = fastify();
app.get<{ Params: { id: string } }>('/profiles/:id', async (request) => {
  const { rows } = await pool.query<Record<string, unknown>>({
    name: 'profile',
    text: 'SELECT identity_id, display_name, updated_at FROM sallyport.profiles WHERE identity_id = $1',
    values: [request.params.id],
  });
  return rows[0];
});
await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`http://localhost:${(app.server.address() as AddressInfo).port}\n`);
process.once('SIGTERM', () => process.exit(0));
