import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { digestSources, orphansOf } from '../scripts/build.mjs';
import { isInstalled } from '../scripts/install.mjs';
import { isAtLeast } from '../scripts/node.mjs';
import { count } from '../scripts/test.mjs';
import { refuseNodeVersion } from '../src/node-version.ts';

describe('the version of Node.js', () => {
  test.each([
    ['v22.19.0', true],
    ['v22.18.9', false],
    ['v24.0.0', true],
    ['v20.20.2', false],
    ['v18.20.8', false],
    ['v100.0.0', true],
  ])('%s is new enough: %s', (version, enough) => {
    expect(isAtLeast(version, '22.19')).toBe(enough);
    expect(refuseNodeVersion(version) === null).toBe(enough);
  });

  test('the refusal is one line that names both versions', () => {
    expect(refuseNodeVersion('v20.20.2')).toBe(
      'Sallyport needs Node.js 22.19 or newer; this is v20.20.2.',
    );
  });

  test('the program refuses what the manifest excludes', () => {
    const { engines } = JSON.parse(readFileSync('package.json', 'utf8'));
    const minimum = engines.node.replace('>=', '');
    expect(refuseNodeVersion('v1.0.0')).toContain(`Node.js ${minimum} or newer`);
  });
});

describe('the dependencies are installed', () => {
  const wanted = {
    packages: {
      '': { version: '1.0.0' },
      'node_modules/pg': { version: '8.0.0', integrity: 'sha512-a' },
      'node_modules/only-for-macos': { version: '1.0.0', integrity: 'sha512-b', optional: true },
    },
  };
  const pg = (version: string, integrity: string) => ({
    packages: { 'node_modules/pg': { version, integrity } },
  });

  test('when each package is there in its version; optional ones may be missing', () => {
    expect(isInstalled(wanted, pg('8.0.0', 'sha512-a'))).toBe(true);
  });

  test('not when one is missing, older or other than the lockfile says', () => {
    expect(isInstalled(wanted, {})).toBe(false);
    expect(isInstalled(wanted, pg('7.9.0', 'sha512-a'))).toBe(false);
    expect(isInstalled(wanted, pg('8.0.0', 'sha512-c'))).toBe(false);
  });
});

test('a build is due when a source is changed, renamed or added, not when it is only touched', () => {
  const root = mkdtempSync(join(tmpdir(), 'sallyport-build-'));
  const write = (file: string, content: string) => writeFileSync(join(root, file), content);
  mkdirSync(join(root, 'src'));
  write('tsconfig.base.json', '{}');
  write('src/a.ts', 'one');
  const digests = [digestSources(root)];
  write('src/a.ts', 'one');
  expect(digestSources(root)).toBe(digests[0]);
  write('src/a.ts', 'two');
  digests.push(digestSources(root));
  renameSync(join(root, 'src/a.ts'), join(root, 'src/b.ts'));
  digests.push(digestSources(root));
  write('src/c.ts', '');
  digests.push(digestSources(root));
  write('tsconfig.base.json', '{"compilerOptions":{}}');
  digests.push(digestSources(root));
  expect(new Set(digests).size).toBe(digests.length);
  rmSync(root, { recursive: true });
});

test('a build takes away what has no source any more, and nothing else', () => {
  const sources = ['bin.ts', 'pages/layout.tsx', 'pages/assets/form.js'];
  const outputs = [
    '.tsbuildinfo',
    'bin.d.ts',
    'bin.js',
    'pages/assets/form.js',
    'pages/assets/old.css',
    'pages/layout.js',
    'removed.d.ts',
    'removed.js',
  ];
  expect(orphansOf(outputs, sources)).toEqual(['removed.d.ts', 'removed.js']);
});

test('a second build starts no compiler and prints nothing', () => {
  const build = () => {
    const { status, stdout, stderr } = spawnSync('node', ['scripts/run.mjs', 'build'], {
      encoding: 'utf8',
    });
    return { status, output: stdout + stderr, built: statSync('dist/.built-from').mtimeMs };
  };
  const { built } = build();
  expect(build()).toEqual({ status: 0, output: '', built });
});

test('an unknown task is answered with the ones there are', () => {
  const { status, stderr } = spawnSync('node', ['scripts/run.mjs', 'lanch'], { encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^Usage: node scripts\/run\.mjs start\|test\|.*\n$/);
});

test('the program is told once to stop, and its exit code is passed on', async (context) => {
  if (process.platform === 'win32') context.skip('Windows has no signals to pass on');
  const program = `
    process.on('SIGTERM', () => { console.log('stopping'); setTimeout(() => process.exit(3), 2_000); });
    setInterval(() => {}, 1000);
    console.log('ready');`;
  const parent = `
    import { runToEnd } from './scripts/processes.mjs';
    process.exitCode = await runToEnd(process.execPath, ['-e', ${JSON.stringify(program)}], '.');`;
  const started = spawn(process.execPath, ['--input-type=module', '-e', parent]);
  let output = '';
  started.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  await once(started.stdout, 'data');
  started.kill('SIGTERM');
  await once(started.stdout, 'data');
  started.kill('SIGTERM');
  const [code] = await once(started, 'close');
  expect(output).toBe('ready\nstopping\n');
  expect(code).toBe(3);
});

describe('the count of tests', () => {
  const file = (status: string, ...statuses: string[]) => ({
    name: 'a.test.ts',
    status,
    assertionResults: statuses.map((s) => ({ title: '', fullName: '', status: s })),
  });

  test('counts each test once, whatever the reason that it was skipped', () => {
    const report = {
      testResults: [
        file('passed', 'passed', 'pending', 'todo', 'skipped'),
        file('failed', 'passed', 'failed', 'failed'),
      ],
    };
    expect(count(report)).toEqual({ passed: 2, failed: 2, skipped: 3 });
  });

  test('a file that could not be loaded is a failure', () => {
    expect(count({ testResults: [file('failed')] })).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  test('no report is a failure', () => {
    expect(count(undefined)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
});
