import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import sallyport from 'sallyport/fastify';

// The application under measurement: its route declares who may call it and what is to be loaded,
// and each request is decided on, and kept to its tenant, by the database.

declare module 'sallyport/fastify' {
  interface Register {
    database: {
      invoices: { tenant_id: string; id: string; customer: string; number: number; total: number };
    };
    permissions: 'invoices:read' | 'invoices:write';
  }
}

const COLUMNS = ['id', 'customer', 'number', 'total'] as const;

const { SALLYPORT_ISSUERS_FILE: issuersFile } = process.env;

const app = fastify();
await app.register(sallyport, {
  databaseUrl: process.env['DATABASE_URL'] ?? '',
  // Nothing is encrypted here, and nobody gets a mail.
  encryptionKey: Buffer.alloc(32, 1).toString('base64url'),
  origin: 'http://localhost:0',
  ...(issuersFile === undefined ? {} : { issuersFile }),
  permissions: {
    'invoices:read': { text: 'See invoices' },
    'invoices:write': { text: 'Change invoices' },
  },
});
app.get(
  '/invoices/:id',
  {
    access: { permission: 'invoices:read' },
    load: (db, { params }) => ({
      invoice: db.selectFrom('invoices').select(COLUMNS).where('id', '=', idOf(params)),
    }),
  },
  async (request, reply) => request.loaded.invoice[0] ?? reply.callNotFound(),
);
app.post(
  '/invoices/:id',
  {
    access: { permission: 'invoices:write' },
    bodyType: 'json',
    load: (db, { params }) => ({
      invoice: db
        .updateTable('invoices')
        .set((invoice) => ({ total: invoice('total', '+', 1) }))
        .where('id', '=', idOf(params))
        .returning(COLUMNS),
    }),
  },
  async (request, reply) => request.loaded.invoice[0] ?? reply.callNotFound(),
);
const idOf = (params: unknown) => (params as { id: string }).id;

await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`http://localhost:${(app.server.address() as AddressInfo).port}\n`);
process.once('SIGTERM', () => process.exit(0));
