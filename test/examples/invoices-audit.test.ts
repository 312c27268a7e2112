// examples/invoices under the auditor, with the accounts of two tenants: nothing is found.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTesting, type TestKit } from 'sallyport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApp } from '../../examples/invoices/app.ts';
import { migrations, PASSWORD, seedTenant } from '../../examples/invoices/seed.ts';
import { accessTable } from '../../src/fastify.ts';
import { account, auditTwin, findingsOf, verdictLines } from '../support/audit.ts';
import { freePort } from '../support/ports.ts';

const text = { type: 'string' };
const cents = { type: 'integer', minimum: 1, maximum: 100 };
const line = { description: text, quantity: cents, unitCents: cents };

/** What the routes take; the rest of the document is the table of routes. */
const BODIES: Readonly<Record<string, object>> = {
  'POST /sallyport/api/sign-in': object({ email: text, password: text }),
  'POST /customers': object({ name: text, email: { type: 'string', format: 'email' } }),
  'POST /invoices': object({
    customerId: { type: 'string', format: 'uuid' },
    number: text,
    lines: { type: 'array', minItems: 1, items: object(line) },
  }),
  'POST /invoices/{id}/payments': object({ amountCents: cents }),
};

let kit: TestKit;
let app: Awaited<ReturnType<typeof buildApp>>;
let url: string;
let folder: string;

beforeAll(async () => {
  const port = await freePort();
  url = `http://localhost:${port}`;
  kit = await startTesting({ origin: url, migrate: migrations });
  app = await buildApp(kit.options);
  await app.listen({ host: 'localhost', port });
  folder = mkdtempSync(join(tmpdir(), 'sallyport-'));
});

afterAll(async () => {
  await app.close();
  await kit.close();
  rmSync(folder, { recursive: true });
});

test('[CWE-639] nothing is found by the accounts of two tenants', async () => {
  const ada = await seedTenant(kit, app, 'Acme', 'ada@acme.example');
  const grace = await seedTenant(kit, app, 'Globex', 'grace@globex.example');
  const document = join(folder, 'openapi.json');
  writeFileSync(document, JSON.stringify(documentOf()));
  const report = await auditTwin({
    url,
    document,
    accounts: { a: account(ada.email, PASSWORD), stranger: account(grace.email, PASSWORD) },
    timeoutMilliseconds: 30_000,
  });
  const lines = [...report.problems, ...verdictLines(report)].join('\n');
  expect(findingsOf(report), lines).toEqual([]);
  expect(report.problems, lines).toEqual([]);
  expect(report.stopped, lines).toBeNull();
  expect(
    report.checks.flatMap(({ inconclusive }) => inconclusive),
    lines,
  ).toEqual([]);
  const walls = report.checks.find(({ check }) => check.id === 'object-level')?.sound ?? [];
  expect(
    walls.map(({ subject }) => subject),
    lines,
  ).toContain('GET /invoices/{id}');
});

function documentOf(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const { method, url: route, access } of accessTable(app)) {
    const path = route.replaceAll(/:(\w+)/g, '{$1}');
    const body = BODIES[`${method} ${path}`];
    const own = !path.startsWith('/sallyport') || body !== undefined;
    const session = /^\/sallyport\/api\/(session|sign-out)$/.test(path);
    if (!own && !session) continue;
    paths[path] = {
      ...paths[path],
      [method.toLowerCase()]: {
        security: access === 'public' ? [] : [{ session: [] }],
        responses: { 200: { description: 'OK' } },
        ...(body === undefined
          ? {}
          : { requestBody: { content: { 'application/json': { schema: body } } } }),
      },
    };
  }
  const session = { type: 'apiKey', in: 'cookie', name: '__Host-session' };
  return {
    openapi: '3.1.0',
    info: { title: 'Invoices', version: '1' },
    components: { securitySchemes: { session } },
    paths,
  };
}

function object(properties: Readonly<Record<string, object>>): object {
  return { type: 'object', properties, required: Object.keys(properties) };
}
