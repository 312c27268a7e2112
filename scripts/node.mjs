// Which Node.js runs the program. The one on the PATH may be older than what Sallyport needs, so
// the private workspace in runtime/ brings one along where a package for the platform exists.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @param {string} version such as `v24.21.0`
 * @param {string} minimum such as `22.19`
 */
export function isAtLeast(version, minimum) {
  const [major = 0, minor = 0] = numbersOf(version);
  const [leastMajor = 0, leastMinor = 0] = numbersOf(minimum);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}

/**
 * The path of a Node.js that is new enough: the runtime workspace's, else the one running this.
 * @param {string} root
 */
export function findNode(root) {
  const minimum = minimumOf(root);
  // Asked for its version, because node_modules may have been copied from another platform.
  const bundled = join(root, 'node_modules', '.bin', 'node');
  const answer = spawnSync(bundled, ['--version'], { encoding: 'utf8' });
  if (answer.status === 0 && isAtLeast(answer.stdout, minimum)) return bundled;
  if (isAtLeast(process.version, minimum)) return process.execPath;
  throw new Error(
    `Sallyport needs Node.js ${minimum} or newer; this is ${process.version}, and none came with ` +
      `the dependencies for ${process.platform}-${process.arch}. Install one and try again.`,
  );
}

/** @param {string} root */
function minimumOf(root) {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return engines.node.replace('>=', '');
}

/** @param {string} version */
function numbersOf(version) {
  return version.trim().replace(/^v/, '').split('.').map(Number);
}
