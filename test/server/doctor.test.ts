// `sallyport doctor` as a person runs it: the built program, a process of its own.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { newEncryptionKey } from '../../src/core/encryption.ts';
import { startServer } from '../../src/server/server.ts';
import { createDatabase, openTestDatabase } from '../support/databases.ts';
import { testConfig } from '../support/servers.ts';
import { TEST_KEY } from '../support/test-key.ts';

interface Diagnosis {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines that say FAILED, without that word. */
  readonly failed: readonly string[];
}

const key = TEST_KEY.toString('base64url');
const anotherKey = newEncryptionKey().toString('base64url');

/** What the server keeps of the passwords of our roles; other tests make and drop their own. */
async function verifiers(admin: pg.Client): Promise<readonly unknown[]> {
  const sql = `SELECT rolname, rolpassword FROM pg_authid WHERE rolname LIKE 'sallyport%' ORDER BY 1`;
  const { rows } = await admin.query(sql);
  expect(rows.length).toBeGreaterThan(1);
  return rows;
}

async function doctor(settings: Readonly<Record<string, string>>): Promise<Diagnosis> {
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(SALLYPORT_|DATABASE_URL$)/.test(name)),
  );
  const child = spawn(process.execPath, ['dist/bin.js', 'doctor'], {
    env: { ...environment, ...settings },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const failed = [...stdout.matchAll(/^FAILED {2}(\S+) +(.*)$/gm)].map(
    ([, id, line]) => `${id}: ${line}`,
  );
  return { exitCode, stdout, stderr, failed };
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-doctor-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe('with a database server', () => {
  test('a sound database: a line for each check, all of them ok', async () => {
    const { url } = await openTestDatabase();
    const said = await doctor({ DATABASE_URL: url, SALLYPORT_ENCRYPTION_KEY: key });
    expect(said).toMatchObject({ exitCode: 0, stderr: '', failed: [] });
    const lines = said.stdout.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.filter((line) => !/^ok {6}[a-z-]+ +\S.*\.$/.test(line))).toEqual([]);
    expect(said.stdout).not.toContain(new URL(url).password + '@');
  });

  test('what a start refuses, in the same words', async () => {
    const { url, admin } = await openTestDatabase();
    await admin.query('GRANT SELECT ON sallyport.sessions TO sallyport_app');
    const said = await doctor({ DATABASE_URL: url, SALLYPORT_ENCRYPTION_KEY: key });
    expect(said).toMatchObject({ exitCode: 1, stderr: '' });
    expect(said.failed).toEqual([expect.stringContaining('app-grants: sallyport_app must not')]);
    const refusal = startServer(testConfig({ DATABASE_URL: url }));
    await expect(refusal).rejects.toThrow(said.failed[0]?.replace('app-grants: ', ''));
  });

  test('an empty database is not migrated, nothing is made in it', async () => {
    const { url, admin, drop } = await createDatabase({ migrated: false });
    onTestFinished(drop);
    const said = await doctor({ DATABASE_URL: url, SALLYPORT_ENCRYPTION_KEY: key });
    expect(said.exitCode).toBe(1);
    expect(said.failed).toEqual([expect.stringMatching(/^migrations: \d+ .*`sallyport migrate`/)]);
    const { rows } = await admin.query(`SELECT 1 FROM pg_namespace WHERE nspname = 'sallyport'`);
    expect(rows).toEqual([]);
  });

  test('with another key than the one of the database, the passwords stay as they are', async () => {
    const { url, admin } = await openTestDatabase();
    const before = await verifiers(admin);
    const said = await doctor({ DATABASE_URL: url, SALLYPORT_ENCRYPTION_KEY: anotherKey });
    expect(said.exitCode).toBe(1);
    expect(said.failed).toEqual([
      expect.stringMatching(
        /^encryption-key: This database was set up with another encryption key/,
      ),
    ]);
    expect(await verifiers(admin)).toEqual(before);
  });

  test('roles that cannot sign in are told of, and their passwords stay as they are', async () => {
    const { url, admin } = await openTestDatabase();
    await admin.query('DELETE FROM sallyport.encryption_key');
    const before = await verifiers(admin);
    const said = await doctor({ DATABASE_URL: url, SALLYPORT_ENCRYPTION_KEY: anotherKey });
    expect(said.exitCode).toBe(1);
    expect(said.failed).toEqual([
      expect.stringContaining('No connection as sallyport_app: password authentication failed'),
      expect.stringContaining('No connection as sallyport_identity: password authentication'),
    ]);
    expect(await verifiers(admin)).toEqual(before);
  });

  test('the key is not noted as used', async () => {
    const { url, admin } = await openTestDatabase();
    await admin.query('DELETE FROM sallyport.encryption_key');
    const said = await doctor({ DATABASE_URL: url, SALLYPORT_ENCRYPTION_KEY: key });
    expect(said.exitCode).toBe(0);
    expect((await admin.query('SELECT 1 FROM sallyport.encryption_key')).rows).toEqual([]);
  });

  test('no key is generated', async () => {
    const { url } = await openTestDatabase();
    const folder = temporaryFolder();
    const said = await doctor({ DATABASE_URL: url, SALLYPORT_DATA: folder });
    expect(said.exitCode).toBe(1);
    expect(said.failed).toEqual([
      expect.stringMatching(/^data-folder: .*generated encryption key/),
    ]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a server that does not answer', async () => {
    const said = await doctor({
      DATABASE_URL: 'postgresql://nobody:secret@127.0.0.1:1/none',
      SALLYPORT_ENCRYPTION_KEY: key,
    });
    expect(said).toMatchObject({ exitCode: 1, stderr: '' });
    expect(said.failed).toEqual([
      expect.stringMatching(/^connection: No connection to the database none at 127\.0\.0\.1:1/),
    ]);
    expect(said.stdout).not.toContain('secret');
  });
});

describe('with the embedded database', () => {
  test('before the first start: says so and makes nothing', async () => {
    const folder = join(temporaryFolder(), 'data');
    const said = await doctor({ SALLYPORT_DATA: folder });
    expect(said.exitCode).toBe(1);
    expect(said.failed).toEqual([expect.stringMatching(/^data-folder: There is no embedded/)]);
    expect(existsSync(folder)).toBe(false);
  });

  test('refused while a server has the folder, sound after it, locked no longer then', async () => {
    const folder = temporaryFolder();
    const config = testConfig({ SALLYPORT_DATA: folder });
    const server = await startServer(config);
    const settings = { SALLYPORT_DATA: folder, SALLYPORT_ENCRYPTION_KEY: key };
    const during = await doctor(settings);
    await server.close();
    expect(during.failed).toEqual([expect.stringContaining('is in use by process')]);

    const after = await doctor(settings);
    expect(after).toMatchObject({ exitCode: 0, stderr: '', failed: [] });
    expect(after.stdout).toContain('one session, which is a superuser');
    expect(readdirSync(folder)).toEqual(['database']);

    const other = await doctor({ ...settings, SALLYPORT_ENCRYPTION_KEY: anotherKey });
    expect(other.failed).toEqual([expect.stringMatching(/^encryption-key: .* another encryption/)]);
  });
});

describe('the settings', () => {
  test('each problem is a line, and the database is left alone', async () => {
    const folder = join(temporaryFolder(), 'data');
    const said = await doctor({
      SALLYPORT_DATA: folder,
      SALLYPORT_ORGIN: 'https://example.com',
      SALLYPORT_PORT: 'many',
    });
    expect(said).toMatchObject({ exitCode: 1, stderr: '' });
    expect(said.failed).toEqual([
      expect.stringContaining('configuration: SALLYPORT_ORGIN is not a setting'),
      expect.stringContaining('configuration: SALLYPORT_PORT must be a whole number'),
    ]);
    expect(existsSync(folder)).toBe(false);
  });
});
