// A team's app on the built package, run as a process of its own by the tests beside it.
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import sallyport from 'sallyport/fastify';

const {
  DATABASE_URL: databaseUrl = '',
  SALLYPORT_ENCRYPTION_KEY: encryptionKey = '',
  SALLYPORT_ISSUERS_FILE: issuersFile,
} = process.env;
const access = { permission: 'invoices:write' } as const;

const app = fastify();
await app.register(sallyport, {
  databaseUrl,
  encryptionKey,
  ...(issuersFile === undefined ? {} : { issuersFile }),
  origin: 'http://localhost:0',
  sharedTables: ['fruits'],
  permissions: { 'invoices:write': { text: 'Write invoices' } },
});
app.get('/invoices', { access }, async ({ db }) =>
  db.selectFrom('invoices').select('number').limit(1).execute(),
);
app.post<{ Body: { number: number } }>(
  '/invoices',
  { access, bodyType: 'json' },
  async (request) => {
    const { number } = request.body;
    await request.transaction((db) => db.insertInto('invoices').values({ number }).execute());
    return {};
  },
);
await app.listen({ host: '127.0.0.1', port: 0 });
const { port } = app.server.address() as AddressInfo;
process.stdout.write(`ready at http://localhost:${port}\n`);
process.once('SIGTERM', () => void app.close());
