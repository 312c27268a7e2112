import { startTesting } from 'sallyport/testing';
import { buildApp } from './app.ts';
import { migrations, PASSWORD, seedTenant } from './seed.ts';

const { DATABASE_URL: databaseUrl, SALLYPORT_ENCRYPTION_KEY: encryptionKey } = process.env;
if (databaseUrl && !encryptionKey) throw new Error('Set SALLYPORT_ENCRYPTION_KEY beside it.');
const origin = 'http://localhost:4000';
const server = databaseUrl && encryptionKey ? { databaseUrl, encryptionKey } : undefined;
const kit = await startTesting({ origin, migrate: migrations, ...(server ? { server } : {}) });
const app = await buildApp(kit.options);
const tag = server ? `.${Date.now()}` : ''; // A server remembers the people of the last time.
const ada = await seedTenant(kit, app, 'Acme', `ada${tag}@acme.example`);
const grace = await seedTenant(kit, app, 'Globex', `grace${tag}@globex.example`);
await app.listen({ host: 'localhost', port: 4000 });
console.log(`The invoices of two tenants, on ${server ? 'your server' : 'the embedded database'}:
  Sign in:    ${origin}/sallyport/sign-in
  As either:  ${ada.email} or ${grace.email}, with: ${PASSWORD}
  Then open:  ${origin}/walls, /invoices, /invoices.csv, /customers, /totals`);
