// The package for FastAPI: its own tests, with the real FastAPI, httpx and asyncpg, on the cases
// that the verifier for Node.js is held to and on a database with our schema; its types; its wheel.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { authorizeWithProof } from '../../src/core/transaction-proof.ts';
import { insertSessionOf } from '../db/principals.ts';
import { openTestCore } from '../support/cores.ts';
import { noPython, PYTHON, pythonEnvironment, runPython } from '../support/python.ts';
import { insertTestMember, insertTestTenant } from '../support/tenants.ts';

const PACKAGE = join(PYTHON, 'sallyport_fastapi');

beforeAll(() => void (noPython || pythonEnvironment()));
beforeEach(({ skip }) => {
  if (noPython) skip(noPython);
});

const python = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  runPython(join(pythonEnvironment(), 'bin', 'python'), args, {
    cwd: PACKAGE,
    env: { PATH: process.env['PATH'], PYTHONDONTWRITEBYTECODE: '1', ...env },
  });

test('its tests pass, none skipped', async () => {
  const upstream = await upstreamDatabase();
  const printed = python(['-m', 'pytest'], upstream);
  const [, passed] = /^(\d+) passed(?:, \d+ warnings?)? in /m.exec(printed) ?? [];
  expect(Number(passed)).toBeGreaterThan(240);
});

test('its types are complete, and so are those of its tests', () => {
  const cache = join(pythonEnvironment(), 'mypy-cache');
  expect(python(['-m', 'mypy', '--cache-dir', cache])).toContain('Success');
});

test('its wheel has the package, typed, and nothing else', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-wheel-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const options = ['--quiet', '--no-build-isolation', '--no-deps', '--no-index'];
  python(['-m', 'pip', 'wheel', ...options, '--wheel-dir', folder, '.']);
  const list = `import glob, zipfile
print('\\n'.join(sorted(zipfile.ZipFile(glob.glob('${folder}/*.whl')[0]).namelist())))`;
  const files = python(['-c', list]).trim().split('\n');
  expect(files).toContain('sallyport_fastapi/py.typed');
  expect(files.filter((file) => !/^sallyport_fastapi(-[\d.]+\.dist-info)?\//.test(file))).toEqual(
    [],
  );
});

test('what the examples need is what they are tested with, in exact versions, without the library that confused algorithms [R-72]', () => {
  const linesOf = (path: string) => readFileSync(path, 'utf8').trim().split('\n');
  const installed = linesOf(join(PYTHON, 'requirements.txt'));
  for (const line of installed) expect(line).toMatch(/^[\w-]+==[\w.]+$/);
  expect(installed.filter((line) => /^python-jose/i.test(line))).toEqual([]);
  for (const example of ['fastapi-insecure', 'fastapi-repaired']) {
    expect(installed).toEqual(
      expect.arrayContaining(linesOf(`examples/${example}/requirements.txt`)),
    );
  }
});

/** As test_transactions.py says that it must be. */
async function upstreamDatabase(): Promise<NodeJS.ProcessEnv> {
  const opened = await openTestCore();
  const { admin } = opened;
  const login = `upstream_${randomBytes(4).toString('hex')}`;
  const password = randomBytes(16).toString('hex');
  await admin.query(`CREATE ROLE ${login} LOGIN PASSWORD '${password}' IN ROLE sallyport_app`);
  onTestFinished(async () => {
    await admin.query(`DROP ROLE ${login}`);
    await opened.close();
  });
  await admin.query(`CREATE TABLE notes (
      tenant_id UUID NOT NULL, text TEXT NOT NULL, PRIMARY KEY (tenant_id, text));
    ALTER TABLE notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    CREATE POLICY notes_own ON notes FOR ALL TO sallyport_app
      USING (tenant_id = (SELECT sallyport.current_tenant()))
      WITH CHECK (tenant_id = (SELECT sallyport.current_tenant()));
    GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO sallyport_app`);
  const acme = await insertTestTenant(admin);
  const globex = await insertTestTenant(admin);
  await admin.query(`INSERT INTO notes VALUES ($1, 'ours'), ($2, 'theirs')`, [acme.id, globex.id]);
  const origin = 'http://localhost';
  const { identityId } = await insertTestMember(admin, origin, acme, ['notes:write']);
  const { proof } = await insertSessionOf(admin, identityId, acme.id);
  const proofFor = async (user: string) => {
    const authorized = await authorizeWithProof(opened.core, { proof, permission: null }, user);
    return 'proof' in authorized ? authorized.proof : authorized.refusal;
  };
  const url = new URL(opened.url);
  const owner = decodeURIComponent(url.username);
  url.username = login;
  url.password = password;
  const proofs = [await proofFor(login), await proofFor(owner)] as const;
  // They are good for seconds, of which Python and the tests before may take more.
  await admin.query(`UPDATE sallyport.transaction_proofs
    SET created_at = now() + INTERVAL '1 hour', expires_at = now() + INTERVAL '1 hour'`);
  return {
    UPSTREAM_DATABASE_URL: url.href,
    UPSTREAM_OWNER_URL: opened.url,
    UPSTREAM_TENANT: acme.id,
    UPSTREAM_PROOF: proofs[0],
    UPSTREAM_OWNER_PROOF: proofs[1],
  };
}
