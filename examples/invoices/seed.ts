import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestKit } from 'sallyport/testing';
import type { App } from './access.ts';

const folder = join(import.meta.dirname, 'migrations');

/** The tables, and behind them what `sallyport protect` has written. */
export const migrations: readonly string[] = readdirSync(folder)
  .toSorted()
  .map((name) => readFileSync(join(folder, name), 'utf8'));

export const PASSWORD = 'a mango under the piano';
const CUSTOMERS = ['Blue Bicycle Ltd', 'Café Central', 'Harbour & Sons'];

/** A tenant with the same customers and invoice numbers as every other, and who keeps its books. */
export async function seedTenant(kit: TestKit, app: App, name: string, email: string) {
  const tenant = await kit.tenant(name);
  const clerk = await kit.person({ tenant, role: 'member', email, password: PASSWORD });
  const post = async (url: string, payload: object) => {
    const answer = await clerk.inject(app, { method: 'POST', url, payload });
    if (answer.statusCode >= 300) throw new Error(`${url}: ${answer.body}`);
    return JSON.parse(answer.body || '{}') as { readonly id?: string };
  };
  for (const [index, customer] of CUSTOMERS.entries()) {
    const books = { name: customer, email: `books-${index + 1}@${email.split('@')[1]}` };
    const { id: customerId } = await post('/customers', books);
    const lines = [
      { description: `Consulting for ${name}`, quantity: 8 + index, unitCents: 12_500 },
      { description: 'Travel', quantity: 1, unitCents: 4_990 },
    ];
    const { id } = await post('/invoices', { customerId, number: `2026-00${index + 1}`, lines });
    if (index > 0) await post(`/invoices/${id}/payments`, { amountCents: 50_000 });
  }
  return clerk;
}
