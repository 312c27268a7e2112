// The packed file at a stranger's: installed into an empty folder, imported, type-checked, started.
// Slow, because npm fetches everything that the program depends on.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { refuseNodeVersion } from '../src/node-version.ts';
import { npm, packInto } from './pack.ts';
import { NOTES_ACCOUNTS, NOTES_DOCUMENT, notesTwin } from './support/notes-twin.ts';
import { startTwin } from './support/twin.ts';

interface Step {
  readonly name?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly with?: Readonly<Record<string, string | number>>;
}

const folder = mkdtempSync(join(tmpdir(), 'sallyport-stranger-'));
const project = join(folder, 'project');
let tarball: string;

beforeAll(() => {
  tarball = packInto(folder).tarball;
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  // Node's types are the one thing that a TypeScript program on Node brings itself.
  const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  const types = `@types/node@${devDependencies['@types/node']}`;
  npm(['install', '--ignore-scripts', '--prefer-offline', '--no-audit', tarball, types], project);
}, 900_000);

afterAll(() => rmSync(folder, { recursive: true }));

function run(command: string, args: string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: project, encoding: 'utf8' });
  return { status, stdout, stderr };
}

test('publint finds nothing to complain about', () => {
  const { status, stdout } = run(process.execPath, [
    resolve('node_modules/publint/src/cli.js'),
    'run',
    tarball,
    '--strict',
  ]);
  expect(stdout).toContain('All good!');
  expect(status).toBe(0);
});

test('every entry type-checks, its declarations included', () => {
  writeFileSync(
    join(project, 'program.ts'),
    `import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import * as sallyport from 'sallyport';
import { type VerifiedPrincipal, verifier } from 'sallyport/assertion';
import plugin, { accessTable } from 'sallyport/fastify';
import { startTesting, type TestPerson } from 'sallyport/testing';
export const names = Object.keys({ ...sallyport, plugin, accessTable });
export async function register(app: FastifyInstance): Promise<void> {
  await app.register(plugin, { origin: 'http://localhost' });
  app.get(
    '/notes',
    { access: 'signed-in', load: (db) => ({ notes: db.selectFrom('notes').select('id') }) },
    async (request) => [request.principal?.tenantId, request.loaded.notes[0]?.id],
  );
  app.post('/notes', { access: { permission: 'notes:write' }, bodyType: 'json' }, (request) =>
    request.db.deleteFrom('notes').execute(),
  );
}
const verify = verifier({ issuer: 'http://localhost', audience: 'notes', keys: { keys: [] } });
export async function asserted(request: IncomingMessage): Promise<VerifiedPrincipal | null> {
  return await verify(request, new Uint8Array());
}
export async function started(): Promise<TestPerson> {
  const kit = await startTesting({ migrate: 'CREATE TABLE notes (id UUID PRIMARY KEY)' });
  return await kit.person({ tenant: await kit.tenant(), permissions: ['notes:read'] });
}
`,
  );
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2024',
    strict: true,
    noEmit: true,
    types: ['node'],
    skipLibCheck: false,
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  const compiler = resolve('node_modules/typescript/bin/tsc');
  expect(run(process.execPath, [compiler, '-p', '.'])).toMatchObject({ stdout: '', status: 0 });
});

test.each([
  'sallyport',
  'sallyport/assertion',
  'sallyport/fastify',
  'sallyport/outbound',
  'sallyport/testing',
])("import '%s' runs", (entry) => {
  const program = `const names = Object.keys(await import('${entry}')); console.log(names.length);`;
  const { status, stdout, stderr } = run(process.execPath, ['--input-type=module', '-e', program]);
  expect(stderr).toBe('');
  expect(Number(stdout)).toBeGreaterThan(0);
  expect(status).toBe(0);
});

test('npx sallyport --help names the commands', () => {
  const { status, stdout } = run('npx', ['--offline', 'sallyport', '--help']);
  expect(stdout).toContain('serve');
  expect(status).toBe(0);
});

test("the workflow of examples/audit runs as it stands, but for the API's address", async () => {
  const text = readFileSync('examples/audit/github-actions.yml', 'utf8');
  const { steps } = (parse(text) as { jobs: { audit: { steps: readonly Step[] } } }).jobs.audit;
  const step = steps.find(({ name }) => name === 'Audit it');
  const twin = await startTwin(notesTwin(), NOTES_DOCUMENT);
  const { a, b, stranger, superior } = NOTES_ACCOUNTS;
  const accounts = [a, b, stranger, superior].map(({ username, password }, index) => [
    Object.keys(step?.env ?? {})[index],
    `${username}:${password}`,
  ]);
  const command = (step?.run ?? '').replace('http://localhost:8000', twin.origin);
  // What it starts is installed: npx fetches nothing.
  const child = spawn('bash', ['-ec', command.replace('npx --yes', 'npx --yes --offline')], {
    cwd: project,
    env: {
      ...process.env,
      // As after setup-node: this Node.js before any other.
      PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter),
      ...Object.fromEntries(accounts),
    },
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const code = await new Promise((done) => {
    child.on('exit', done);
  });
  await twin.close();
  // The twin lets anybody guess and takes weak passwords: the job fails, and nothing stays unsaid.
  expect(code, printed).toBe(1);
  expect(printed).toMatch(/^2 findings; (\d+) of \1 operations reached/m);
  const files = steps.flatMap(({ with: inputs = {} }) => [inputs['sarif_file'], inputs['path']]);
  const uploaded = files.flatMap((names) => String(names ?? '').split('\n')).filter(Boolean);
  expect(uploaded.length).toBe(6);
  for (const name of uploaded) expect(existsSync(join(project, name)), name).toBe(true);
});

test('an older Node.js is refused in one line', (context) => {
  const old = findOldNode();
  if (old === undefined) {
    context.skip('no older Node.js on the PATH; test/bootstrap.test.ts has the rule itself');
    return;
  }
  const { status, stdout, stderr } = run(old.path, ['node_modules/sallyport/dist/bin.js', 'serve']);
  expect(stderr).toBe(`Sallyport needs Node.js 22.19 or newer; this is ${old.version}.\n`);
  expect(stdout).toBe('');
  expect(status).toBe(1);
});

function findOldNode() {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(directory, 'node');
    if (!existsSync(path)) continue;
    const version = spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout.trim();
    if (refuseNodeVersion(version) !== null) return { path, version };
  }
  return undefined;
}
