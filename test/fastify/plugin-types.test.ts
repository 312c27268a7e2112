// What the compiler says of a team's routes: it runs over a program, as in the team's editor.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';

mkdirSync('test-results', { recursive: true });
const folder = mkdtempSync('test-results/types-');

afterAll(() => rmSync(folder, { recursive: true }));

/** A line that must not compile says so at its end, with the code of the error. */
const PROGRAM = `
import { fastify } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Generated } from 'kysely';
import { z } from 'zod';
import sallyport, { accessTable, declareRoutes } from 'sallyport/fastify';

interface Tables {
  invoices: { id: Generated<string>; number: number; note: string | null };
  'billing.lines': { invoice_id: string; amount: number };
}
declare module 'sallyport/fastify' {
  interface Register { database: Tables; permissions: keyof typeof permissions }
}
const permissions = {
  'invoices:read': { text: { en: 'See invoices', de: 'Rechnungen sehen' }, roles: ['member', 'viewer'] },
  'invoices:write': { text: 'Write invoices' },
} as const;

const app = fastify();
await app.register(sallyport, { origin: 'https://app.example.com', databaseUrl: 'x' });
await app.register(sallyport, { origin: 'https://app.example.com', databaseURL: 'x' }); // 2769
await app.register(sallyport, { databaseUrl: 'x' }); // 2769
const origin = 'https://app.example.com';
await app.register(sallyport, { origin, permissions });
await app.register(sallyport, { origin, permissions: { 'invoices:read': { text: 'x' } } }); // 2769
const text = 'x';
await app.register(sallyport, { origin, permissions: { ...permissions, 'x:y': { text } } }); // 2769
const boss = { 'invoices:write': { text, roles: ['boss'] } } as const;
await app.register(sallyport, { origin, permissions: { ...permissions, ...boss } }); // 2769
app.get('/own', { access: { permission: 'members:read' } }, async () => 'x');

app.get('/invoices', {
  access: { permission: 'invoices:read' },
  load: (db) => ({
    invoices: db.selectFrom('invoices').select(['id', 'number']),
    lines: db.selectFrom('billing.lines').select('amount').where('invoice_id', '=', 'x'),
  }),
}, async (request) => {
  const [first] = request.loaded.invoices;
  const id: string | undefined = first?.id;
  const amounts: number[] = request.loaded.lines.map(({ amount }) => amount);
  const wrong: number | undefined = first?.id; // 2322
  request.loaded.invoice; // 2551
  first?.note; // 2339
  return [id, amounts, wrong, request.principal?.tenantId, request.principal?.permissions];
});

app.get('/raed', { access: { permission: 'invoices:raed' } }, async () => 'x'); // 2769
app.get('/misspelt', { access: 'signedin' }, async () => 'x'); // 2769
app.get('/unknown', { access: { permision: 'invoices:read' } }, async () => 'x'); // 2769

app.get('/query', { access: 'signed-in' }, async (request) => {
  const rows = await request.db.selectFrom('invoices').select('number').execute();
  await request.db.selectFrom('invoice').selectAll().execute(); // 2345
  return rows.map(({ number }): number => number);
});

app.post('/write', { access: { stepUp: { withinSeconds: 300 } }, bodyType: 'json' }, async (request) => {
  const added = await request.transaction(async (db) =>
    db.insertInto('invoices').values({ number: 1, note: null }).returning('id').executeTakeFirstOrThrow());
  const id: string = added.id;
  await request.transaction(async (db) =>
    db.insertInto('invoices').values({ number: 'one' }).execute()); // 2345
  return id;
});

const typed = app.withTypeProvider<ZodTypeProvider>();
typed.get('/invoices/:id', {
  access: 'signed-in',
  schema: { params: z.object({ id: z.uuid() }) },
  load: (db, { params }) => ({ invoice: db.selectFrom('invoices').selectAll().where('id', '=', params.id) }),
}, async ({ loaded, params }) => {
  const number: number | undefined = loaded.invoice[0]?.number;
  const id: string = params.id;
  return { id, number };
});
typed.get('/invoices/:id/wrong', {
  access: 'signed-in',
  schema: { params: z.object({ id: z.uuid() }) },
  load: (db, { params }) => ({
    invoice: db.selectFrom('invoices').where('id', '=', params.ident), // 2339
  }),
}, async () => 'x');

app.get<{ Params: { id: string } }>('/plain/:id', { access: 'signed-in' }, async ({ params }) => params.id);
await app.register(declareRoutes({ access: 'public' }, async (scope) => {
  scope.get('/metrics', async () => 'x');
}), { prefix: '/ops' });
export const table: readonly { readonly method: string; readonly url: string }[] = accessTable(app);
`;

const OPTIONS = {
  compilerOptions: {
    target: 'es2024',
    module: 'nodenext',
    types: ['node'],
    strict: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    jsx: 'react-jsx',
    jsxImportSource: 'preact',
    paths: { 'sallyport/fastify': [resolve('src/fastify.ts')] },
  },
  files: ['program.ts'],
};

test('tables, permissions, options and what load finds are typed; what is misspelt does not compile', () => {
  writeFileSync(join(folder, 'program.ts'), PROGRAM);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(OPTIONS));
  const compiler = resolve('node_modules/typescript/bin/tsc');
  const { stdout } = spawnSync(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], {
    encoding: 'utf8',
  });
  const told = [...stdout.matchAll(/program\.ts\((\d+),\d+\): error TS(\d+)/g)].map(
    ([, line, code]) => `${line}: ${code}`,
  );
  const expected = PROGRAM.split('\n').flatMap((line, index) => {
    const code = /\/\/ (\d{4})$/.exec(line)?.[1];
    return code === undefined ? [] : [`${index + 1}: ${code}`];
  });
  expect(expected.length).toBeGreaterThan(10);
  expect([...new Set(told)], stdout).toEqual(expected);
});
