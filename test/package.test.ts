// What a stranger gets from the registry: the packed file, its manifest, what it depends on.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packInto } from './pack.ts';

interface Locked {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  hasInstallScript?: boolean;
}

const folder = mkdtempSync(join(tmpdir(), 'sallyport-pack-'));
let files: string[];
let manifest: Record<string, Record<string, string>>;

beforeAll(() => {
  const packed = packInto(folder);
  files = packed.files;
  execFileSync('tar', ['-xzf', packed.tarball, '-C', folder]);
  manifest = JSON.parse(readFileSync(join(folder, 'package', 'package.json'), 'utf8'));
});

afterAll(() => rmSync(folder, { recursive: true }));

test('it holds the compiled program, the licence and the documents, and nothing else', () => {
  expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']));
  expect(files).toEqual(
    expect.arrayContaining(['dist/bin.js', 'dist/index.js', 'dist/index.d.ts', 'dist/cli.js']),
  );
  const allowed = /^(dist\/.*\.(js|d\.ts|css|svg|ico|woff2)|[A-Z]+(\.md)?|package\.json)$/;
  expect(files.filter((file) => !allowed.test(file))).toEqual([]);
});

test('each compiled file has a source: nothing of an earlier build is left in it', () => {
  const orphans = files
    .filter((file) => /^dist\/.*\.js$/.test(file))
    .map((file) => file.replace(/^dist/, 'src'))
    .filter((file) => {
      const source = file.replace(/\.js$/, '');
      return ![file, `${source}.ts`, `${source}.tsx`].some((candidate) => existsSync(candidate));
    });
  expect(orphans).toEqual([]);
});

test('the manifest pins its dependencies and brings no Node.js along', () => {
  const names = Object.keys({
    ...manifest['dependencies'],
    ...manifest['optionalDependencies'],
    ...manifest['peerDependencies'],
  });
  expect(names.filter((name) => /^node(-|$)|^sallyport-runtime$/.test(name))).toEqual([]);
  const versions = Object.values(manifest['dependencies'] ?? {});
  expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});

// npm no longer runs the install scripts of dependencies unasked: one that needs its script would
// be broken at a stranger's, and a script is code that runs before anybody has looked at it.
test('no dependency of the program has an install script', () => {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Record<string, Locked>;
  };
  const production = Object.entries(packages).filter(
    ([path, { dev }]) => path.startsWith('node_modules/') && !dev,
  );
  expect(production.length).toBeGreaterThan(Object.keys(manifest['dependencies'] ?? {}).length);
  const scripted = production.filter(([path, { hasInstallScript }]) => {
    if (hasInstallScript) return true;
    const installed = join(path, 'package.json');
    if (!existsSync(installed)) return false;
    const { scripts = {} } = JSON.parse(readFileSync(installed, 'utf8'));
    const own = ['preinstall', 'install', 'postinstall'].some((name) => name in scripts);
    return own || existsSync(join(path, 'binding.gyp'));
  });
  expect(scripted.map(([path]) => path)).toEqual([]);
});
