import sallyport, { type SallyportOptions } from 'sallyport/fastify';
import { type App, newApp } from './access.ts';
import { customerRoutes } from './customers.ts';
import { invoiceRoutes } from './invoices.ts';
import { permissions } from './tables.ts';
import { totalRoutes } from './totals.ts';
import { wallRoutes } from './walls.ts';

/** The whole API. No route of it mentions a tenant: who asks decides which rows there are. */
export async function buildApp(options: SallyportOptions): Promise<App> {
  const app = newApp();
  await app.register(sallyport, { ...options, permissions });
  for (const add of [customerRoutes, invoiceRoutes, totalRoutes, wallRoutes]) add(app);
  return app;
}
