// examples/invoices as a stranger finds it: started, seeded and asked. It imports the package by
// its name, and so what was built.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTesting, type TestKit, type TestPerson } from 'sallyport/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildApp } from '../../examples/invoices/app.ts';
import { migrations, PASSWORD, seedTenant } from '../../examples/invoices/seed.ts';
import { accessTable } from '../../src/fastify.ts';
import { findMissingProtection, writeProtection } from '../../src/server/protect.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { TEST_KEY } from '../support/test-key.ts';

const folder = 'examples/invoices';
const server: { database?: TestDatabase } = {};

beforeAll(async () => {
  server.database = await createDatabase();
});

afterAll(() => server.database?.drop());

interface Customer {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}
interface Invoice {
  readonly id: string;
  readonly number: string;
  readonly customer: string;
  readonly totalCents: number;
  readonly paidCents: number;
}

describe.each(['the embedded database', 'a server'])('the API on %s', (where) => {
  let kit: TestKit;
  let app: Awaited<ReturnType<typeof buildApp>>;
  let ada: TestPerson;
  let grace: TestPerson;

  beforeAll(async () => {
    const databaseUrl = server.database?.url ?? '';
    const encryptionKey = TEST_KEY.toString('base64url');
    kit = await startTesting({
      migrate: migrations,
      ...(where === 'a server' ? { server: { databaseUrl, encryptionKey } } : {}),
    });
    app = await buildApp(kit.options);
    ada = await seedTenant(kit, app, 'Acme', 'ada@acme.example');
    grace = await seedTenant(kit, app, 'Globex', 'grace@globex.example');
  });

  afterAll(async () => {
    await app.close();
    await kit.close();
  });

  const get = async <T>(person: TestPerson, url: string) =>
    (await person.inject(app, { url })).json<T>();
  const post = (person: TestPerson, url: string, payload: object) =>
    person.inject(app, { method: 'POST', url, payload });
  const count = async (table: string) =>
    (await kit.query(`SELECT count(*)::INT4 AS n FROM ${table}`))[0]?.['n'];

  test('two tenants have the same customers and numbers, and each its own', async () => {
    const [ofAda, ofGrace] = await Promise.all(
      [ada, grace].map((person) => get<Customer[]>(person, '/customers')),
    );
    expect(ofAda?.map(({ name }) => name)).toEqual(ofGrace?.map(({ name }) => name));
    expect(ofAda?.map(({ email }) => email.split('@')[1])).toEqual(Array(3).fill('acme.example'));
    expect(ofGrace?.map(({ email }) => email.split('@')[1])).toEqual(
      Array(3).fill('globex.example'),
    );
    expect(await count('customers')).toBe(6);
  });

  test('invoices come with what they add up to, in cents', async () => {
    expect(await get<Invoice[]>(ada, '/invoices')).toMatchObject([
      { number: '2026-001', customer: 'Blue Bicycle Ltd', totalCents: 104_990, paidCents: 0 },
      { number: '2026-002', customer: 'Café Central', totalCents: 117_490, paidCents: 50_000 },
      { number: '2026-003', customer: 'Harbour & Sons', totalCents: 129_990, paidCents: 50_000 },
    ]);
    expect(await get(ada, '/totals')).toEqual([
      { customer: 'Blue Bicycle Ltd', invoicedCents: 104_990, paidCents: 0 },
      { customer: 'Café Central', invoicedCents: 117_490, paidCents: 50_000 },
      { customer: 'Harbour & Sons', invoicedCents: 129_990, paidCents: 50_000 },
    ]);
  });

  test('search finds part of a name or number, and takes % and _ as they are', async () => {
    expect(await get<Customer[]>(ada, '/customers?search=harbour')).toHaveLength(1);
    expect(await get<Customer[]>(ada, '/customers?search=%25')).toEqual([]);
    expect(await get<Invoice[]>(ada, '/invoices?search=-002')).toHaveLength(1);
    expect(await get<Invoice[]>(ada, '/invoices?search=central')).toHaveLength(1);
  });

  test('an invoice and its lines are made together or not at all', async () => {
    const [customer] = await get<Customer[]>(ada, '/customers');
    const line = { description: 'Paint', quantity: 2, unitCents: 150 };
    const before = [await count('invoices'), await count('invoice_lines')];
    const invoice = { customerId: customer?.id, number: '2026-100' };
    const tooMuch = { ...invoice, lines: [line, { ...line, quantity: 0 }] };
    expect((await post(ada, '/invoices', tooMuch)).statusCode).toBe(400);
    const taken = { ...invoice, number: '2026-001', lines: [line] };
    expect((await post(ada, '/invoices', taken)).statusCode).toBe(409);
    expect([await count('invoices'), await count('invoice_lines')]).toEqual(before);
    const made = await post(ada, '/invoices', { ...invoice, lines: [line, line] });
    expect(made.statusCode).toBe(201);
    const { id } = made.json() as { id: string };
    expect(await get(ada, `/invoices/${id}`)).toMatchObject({
      totalCents: 600,
      paidCents: 0,
      lines: [line, line],
      payments: [],
    });
    const pay = (amountCents: number) => post(ada, `/invoices/${id}/payments`, { amountCents });
    expect((await pay(601)).statusCode).toBe(409);
    expect((await pay(600)).statusCode).toBe(204);
    expect((await pay(1)).statusCode).toBe(409);
    expect(await get(ada, `/invoices/${id}`)).toMatchObject({ paidCents: 600 });
  });

  test("another tenant's rows are not there, by id, customer or payment", async () => {
    const [foreign] = await get<Invoice[]>(ada, '/invoices');
    const [customer] = await get<Customer[]>(ada, '/customers');
    const before = [await count('invoices'), await count('payments')];
    expect((await grace.inject(app, { url: `/invoices/${foreign?.id}` })).statusCode).toBe(404);
    const line = { description: 'x', quantity: 1, unitCents: 1 };
    const stolen = { customerId: customer?.id, number: 'stolen', lines: [line] };
    expect((await post(grace, '/invoices', stolen)).statusCode).toBe(404);
    const payments = `/invoices/${foreign?.id}/payments`;
    expect((await post(grace, payments, { amountCents: 1 })).statusCode).toBe(404);
    expect([await count('invoices'), await count('payments')]).toEqual(before);
  });

  test('a viewer reads and does not write; nobody else does either', async () => {
    const viewer = await kit.person({
      tenant: await kit.tenant(),
      permissions: ['invoices:read'],
    });
    const customer = { name: 'New', email: 'new@example.com' };
    expect(await get(viewer, '/customers')).toEqual([]);
    expect((await post(viewer, '/customers', customer)).statusCode).toBe(403);
    const stranger = await kit.person();
    expect((await stranger.inject(app, { url: '/customers' })).statusCode).toBe(403);
    expect((await app.inject({ url: '/customers' })).statusCode).toBe(401);
    expect(await kit.query("SELECT 1 FROM customers WHERE name = 'New'")).toEqual([]);
  });

  test('the CSV holds a name that is a formula as a text [CWE-1236]', async () => {
    const customer = { name: '=HYPERLINK("https://evil.example")', email: 'x@example.com' };
    const made = (await post(grace, '/customers', customer)).json() as Customer;
    const line = { description: 'x', quantity: 1, unitCents: 1 };
    await post(grace, '/invoices', { customerId: made.id, number: '2026-200', lines: [line] });
    const csv = await grace.inject(app, { url: '/invoices.csv' });
    expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8');
    const lines = csv.body.trimEnd().split('\r\n');
    expect(lines).toHaveLength(5);
    expect(lines.at(-1)).toContain(',2026-200,"\'=HYPERLINK(""https://evil.example"")",');
  });

  test('whoever signs in is in their tenant', async () => {
    const signIn = { email: ada.email, password: PASSWORD };
    const answer = await app.inject({
      method: 'POST',
      url: '/sallyport/api/sign-in',
      headers: { host: 'localhost', origin: 'http://localhost' },
      payload: signIn,
    });
    const cookie = answer.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
    const customers = await app.inject({
      url: '/customers?search=blue',
      headers: { host: 'localhost', cookie },
    });
    expect(customers.json()).toMatchObject([{ email: 'books-1@acme.example' }]);
  });

  describe('the page that attacks the walls', () => {
    test('each is stopped; but the embedded database lets a role be taken off, and it says so', async () => {
      const page = await ada.inject(app, { url: '/walls' });
      expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(page.body).not.toContain('<script');
      const verdicts = [...page.body.matchAll(/<strong>(.*?)<\/strong>/g)].map(([, text]) => text);
      const last = where === 'a server' ? 'Stopped.' : 'NOT STOPPED.';
      expect(verdicts).toEqual([...Array(5).fill('Stopped.'), last]);
      expect(page.body).toContain('permission denied for table sessions');
      expect(page.body).toContain('UnscopedQueryError');
    });

    test('without its policies a table would show what the page would then say', async () => {
      await kit.query('ALTER TABLE customers DISABLE ROW LEVEL SECURITY');
      try {
        const { body } = await ada.inject(app, { url: '/walls' });
        const verdicts = [...body.matchAll(/<strong>(.*?)<\/strong>/g)].map(([, text]) => text);
        expect(verdicts.slice(0, 5)).toEqual([
          'Stopped.',
          'Stopped.',
          'NOT STOPPED.',
          'NOT STOPPED.',
          'Stopped.',
        ]);
      } finally {
        await kit.query('ALTER TABLE customers ENABLE ROW LEVEL SECURITY');
      }
    });
  });

  test('every route of it asks for a permission', async () => {
    const open = accessTable(app).filter(
      ({ url, access }) => !url.startsWith('/sallyport') && typeof access === 'string',
    );
    expect(open).toEqual([]);
  });
});

describe('its migration', () => {
  const request = {
    tables: ['customers', 'invoices', 'invoice_lines', 'payments'],
    owner: null,
    read: 'invoices:read',
    write: 'invoices:write',
    form: 'functions' as const,
  };

  test('is what `sallyport protect` writes, and lacks nothing', async () => {
    const database = await createDatabase();
    const [tables = '', protection = ''] = migrations;
    await database.admin.query(tables);
    expect(protection).toBe(await writeProtection(database.url, request));
    await database.admin.query(protection);
    expect(await findMissingProtection(database.url, request)).toMatchObject({ ok: true });
    await database.drop();
  });
});

test('all of it that a person wrote is under 400 lines, blank ones aside', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => /\.(ts|sql)$/.test(name) && !name.endsWith('-protect.sql'),
  );
  const lines = files.flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'));
  expect(files.length).toBeGreaterThan(5);
  expect(lines.filter((line) => line.trim() !== '').length).toBeLessThan(400);
});
