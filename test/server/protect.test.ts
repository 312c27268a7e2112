// `sallyport protect` as a person runs it: the built program, a process of its own.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, inject, onTestFinished, test } from 'vitest';
import { APPLICATION, insertTenants, withTenantsNamed } from '../db/application-schema.ts';
import { openTestDatabase } from '../support/databases.ts';

beforeEach(({ skip }) => {
  if (inject('engine') === 'cockroachdb') skip('protect has not been tried there yet');
});

async function sallyport(url: string | null, ...words: readonly string[]) {
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(SALLYPORT_|DATABASE_URL$)/.test(name)),
  );
  const child = spawn(process.execPath, ['dist/bin.js', 'protect', ...words], {
    env: { ...environment, ...(url === null ? {} : { DATABASE_URL: url }) },
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()));
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { exitCode, ...said };
}

async function openApplication() {
  const opened = await openTestDatabase();
  await opened.admin.query(APPLICATION);
  await insertTenants(opened.admin);
  return opened;
}

const TABLES = ['customers', 'invoices', 'billing.Order'];

test('writes a migration that runs as it stands, once a person has said whose the rows are', async () => {
  const { url, admin } = await openApplication();
  const before = await sallyport(url, ...TABLES, '--check');
  expect(before).toMatchObject({ exitCode: 1, stderr: '' });
  expect(before.stdout).toMatch(
    /^public\.customers: it has no column tenant_id\. Run what `sallyport protect customers` writes\.$/m,
  );

  const written = await sallyport(url, ...TABLES, '--write', 'invoices:write');
  expect(written).toMatchObject({ exitCode: 0, stderr: '' });
  expect(written.stdout).toMatch(
    /^-- Written by: sallyport protect customers .* --write invoices:write\n/,
  );
  expect(
    written.stdout.split('\n').filter((line) => line.startsWith('--') && line.length > 100),
  ).toEqual([]);
  // It was written, and not run.
  expect((await sallyport(url, ...TABLES, '--check')).stdout).toBe(before.stdout);
  await expect(admin.query(written.stdout)).rejects.toMatchObject({ code: '22P02' });

  const [migration = ''] = withTenantsNamed([written.stdout]);
  await admin.query(migration);
  await admin.query(migration);
  expect(await sallyport(url, ...TABLES, '--check', '--write', 'invoices:write')).toEqual({
    exitCode: 0,
    stderr: '',
    stdout:
      'public.customers: nothing is missing.\npublic.invoices: nothing is missing.\nbilling."Order": nothing is missing.\n',
  });
});

test('writes to a new file, and never over one', async () => {
  const { url } = await openApplication();
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-protect-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'protect.sql');
  expect(
    await sallyport(url, 'currencies', 'invoices', 'customers', 'billing.Order', '--out', file),
  ).toEqual({
    exitCode: 0,
    stdout: '',
    stderr: '',
  });
  const text = readFileSync(file, 'utf8');
  expect(text).toContain('ALTER TABLE public.currencies ADD COLUMN IF NOT EXISTS tenant_id UUID;');
  const again = await sallyport(url, ...TABLES, '--out', file);
  expect(again).toMatchObject({ exitCode: 1, stdout: '' });
  expect(again.stderr).toMatch(/^.*protect\.sql could not be written: EEXIST.*\n$/);
  expect(readFileSync(file, 'utf8')).toBe(text);
});

test.each([
  [['no_such_table'], 'There is no table "no_such_table" outside the schema sallyport.\n'],
  [
    ['customers', '--read', `x' OR true`],
    `The permission "x' OR true" must look like invoices:read: small letters, digits, _, . and -, with colons between.\n`,
  ],
  [
    ['no_such_table', '--check'],
    'There is no table "no_such_table" outside the schema sallyport.\n',
  ],
])('protect %j is refused with one line and exit code 1', async (words, line) => {
  const { url } = await openApplication();
  expect(await sallyport(url, ...words)).toEqual({ exitCode: 1, stdout: '', stderr: line });
});

test('a table name that holds a line break cannot end a comment and begin a statement', async () => {
  const { url, admin } = await openApplication();
  const name = 'x\nDROP TABLE customers; --';
  await admin.query(`CREATE TABLE "${name}" (id UUID PRIMARY KEY)`);
  const { stdout, exitCode } = await sallyport(url, name);
  expect(exitCode).toBe(0);
  await admin.query(stdout);
  const { rows } = await admin.query(`SELECT count(*)::INT4 AS customers FROM customers`);
  expect(rows).toEqual([{ customers: 2 }]);
});

test('without DATABASE_URL there is nothing to look at', async () => {
  expect(await sallyport(null, 'invoices')).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: 'DATABASE_URL must be set to the database that is to be protected.\n',
  });
});
