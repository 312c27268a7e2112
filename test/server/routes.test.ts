// `sallyport routes`: who may call what, for a person and for programs.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AccessRow } from '../../src/fastify.ts';
import type { TestDatabase } from '../support/databases.ts';
import { createInvoices } from '../support/plugin-apps.ts';
import { TEST_KEY } from '../support/test-key.ts';

// Inside of the repository, so that the module finds the packages that it imports.
mkdirSync('test-results', { recursive: true });
const folder = mkdtempSync('test-results/routes-');
let database: TestDatabase;

beforeAll(async () => {
  database = await createInvoices();
});

afterAll(async () => {
  rmSync(folder, { recursive: true });
  await database.drop();
});

function routes(...words: string[]) {
  const child = spawnSync(process.execPath, ['dist/bin.js', 'routes', ...words], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  });
  return { status: child.status, stdout: child.stdout, stderr: child.stderr };
}

function moduleOf(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

test("prints the product's own table without a database", () => {
  const { status, stdout } = routes();
  expect(status).toBe(0);
  expect(stdout).toMatch(/^POST +\/api\/sign-in +public +json$/m);
  expect(stdout).toMatch(/^POST +\/account\/email +signed-in +step-up 300 s, form, load$/m);
  const rows = JSON.parse(routes('--json').stdout) as AccessRow[];
  expect(rows).toHaveLength(stdout.trimEnd().split('\n').length);
  expect(rows.filter(({ method }) => method === 'HEAD')).toEqual([]);
});

test('prints the table of the app that a module builds, and lets its database go', () => {
  const options = {
    databaseUrl: database.url,
    origin: 'http://localhost:3000',
    encryptionKey: TEST_KEY.toString('base64url'),
    sharedTables: ['fruits'],
    permissions: { 'invoices:read': { text: 'See invoices' } },
  };
  const entry = JSON.stringify(resolve('dist/fastify.js'));
  const file = moduleOf(
    'app.mjs',
    `import { fastify } from 'fastify';
    import sallyport from ${entry};
    export async function buildApp() {
      const app = fastify();
      await app.register(sallyport, ${JSON.stringify(options)});
      app.get('/invoices', { access: { permission: 'invoices:read' }, load: () => ({}) }, async () => 'x');
      return app;
    }`,
  );
  const { status, stdout, stderr } = routes(file);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^GET +\/invoices +invoices:read +bearer, load$/m);
  expect(stdout).toMatch(/^POST +\/sallyport\/api\/sign-in +public +json$/m);
});

test('a module without an app is told in one line', () => {
  const { status, stderr } = routes(moduleOf('none.mjs', 'export const one = 1;'));
  expect(status).toBe(1);
  expect(stderr).toMatch(/^.*none\.mjs exports no Fastify app.*\n$/);
});
