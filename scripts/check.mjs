// Everything that is judged without running the program: types, lint, format, unused code and the
// package's manifest. All of it runs even if one fails, so that one look shows everything.
import { runToEnd } from './processes.mjs';

const linted = ['src', 'test', 'bench', 'scripts', 'examples'];

/**
 * @param {string} root
 * @param {string} node
 */
export async function check(root, node) {
  /** @type {Record<string, string[]>} */
  const steps = {
    // --force: the compiler's incremental state has outlived changes of its own configuration.
    types: ['typescript/bin/tsc', '-b', '--force'],
    lint: ['oxlint/bin/oxlint', '--type-aware', '--deny-warnings', ...linted],
    format: ['oxfmt/bin/oxfmt', '--check', '.'],
    'unused code': ['knip/bin/knip.js'],
    // --pack false: packing would build again; test/package.test.ts looks into the packed file.
    manifest: ['publint/src/cli.js', '--strict', '--pack', 'false'],
  };
  const failed = [];
  for (const [name, [tool = '', ...args]] of Object.entries(steps)) {
    console.log(`\n${name}: ${tool.split('/')[0]} ${args.join(' ')}`);
    if ((await runToEnd(node, [`node_modules/${tool}`, ...args], root)) !== 0) failed.push(name);
  }
  console.log(failed.length === 0 ? '\nAll checks passed.' : `\nFailed: ${failed.join(', ')}.`);
  return failed.length === 0 ? 0 : 1;
}

/**
 * @param {string} root
 * @param {string} node
 */
export function format(root, node) {
  return runToEnd(node, ['node_modules/oxfmt/bin/oxfmt', '.'], root);
}
