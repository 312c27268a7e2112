// Installs the dependencies when what is in node_modules is not what package-lock.json asks for.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, link?: boolean }} Package
 * @typedef {{ packages?: Record<string, Package> }} Lockfile
 */

/** @param {string} root */
export function installWhenStale(root) {
  const wanted = readJson(join(root, 'package-lock.json'));
  // npm writes this file last, so an interrupted installation has none. Comparing contents, not
  // dates or a stamp of ours, also accepts an `npm ci` done by hand.
  const present = readJson(join(root, 'node_modules', '.package-lock.json'));
  if (present && isInstalled(wanted, present)) return;
  console.log('Installing dependencies...');
  const { status, output } = npm(root, [
    'ci',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    // The compiler is a development dependency, and NODE_ENV=production would leave it out.
    '--include=dev',
    '--include=optional',
  ]);
  if (status === 0) return;
  throw new Error(`${output}\nnpm ci failed; its output stands above.`);
}

/**
 * Whether each package of the lockfile is there in that version. Optional ones may be missing:
 * most are for other platforms.
 * @param {Lockfile} wanted
 * @param {Lockfile} present
 */
export function isInstalled(wanted, present) {
  return Object.entries(wanted.packages ?? {}).every(([path, { version, integrity, optional }]) => {
    if (path === '') return true;
    const installed = present.packages?.[path];
    if (!installed) return optional === true;
    return installed.version === version && installed.integrity === integrity;
  });
}

/**
 * @param {string} root
 * @param {string[]} args
 */
function npm(root, args) {
  // Under `npm start` npm tells where it is itself; run directly, the one on the PATH has to do.
  const own = process.env['npm_execpath'];
  const result = own?.endsWith('.js')
    ? spawnSync(process.execPath, [own, ...args], { cwd: root, encoding: 'utf8' })
    : spawnSync('npm', args, { cwd: root, encoding: 'utf8', shell: process.platform === 'win32' });
  if (result.error) return { status: 1, output: `npm could not be run: ${result.error.message}` };
  return { status: result.status, output: result.stdout + result.stderr };
}

/** @param {string} path */
function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
