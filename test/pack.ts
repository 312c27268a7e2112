import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Packs the package as `npm publish` would; what is in dist must be current. */
export function packInto(folder: string): { tarball: string; files: string[] } {
  if (!existsSync('dist/bin.js')) throw new Error('There is no dist/bin.js: npm run build first.');
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const [packed] = JSON.parse(npm(args, '.')) as [{ filename: string; files: { path: string }[] }];
  return {
    tarball: join(folder, packed.filename),
    files: packed.files.map(({ path }) => path),
  };
}

/** Runs npm to its end and returns what it printed. */
export function npm(args: string[], cwd: string): string {
  const shell = process.platform === 'win32';
  return execFileSync('npm', args, {
    cwd,
    encoding: 'utf8',
    shell,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
