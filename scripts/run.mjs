#!/usr/bin/env node
// What every npm script runs: node scripts/run.mjs TASK [args]. It needs nothing but Node.js 20,
// installs and builds what is missing, and hands over to the Node.js that the program needs.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildWhenStale } from './build.mjs';
import { check, format } from './check.mjs';
import { installWhenStale } from './install.mjs';
import { findNode, isAtLeast } from './node.mjs';
import { hydrateEmbeddedPostgres } from './postgres.mjs';
import { runToEnd } from './processes.mjs';
import { runTests } from './test.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @type {Record<string, (node: string, args: string[]) => Promise<number> | number>} */
const tasks = {
  start: (node, args) => runToEnd(node, ['dist/bin.js', 'serve', ...args], root),
  test: (node, args) => runTests(root, node, args),
  example: (node, [name = 'invoices']) => runToEnd(node, [`examples/${name}/main.ts`], root),
  bench: (node, args) => runToEnd(node, ['bench/run.ts', ...args], root),
  build: () => 0,
  check: (node) => check(root, node),
  format: (node) => format(root, node),
  evidence: (node) => runToEnd(node, ['scripts/evidence.mjs'], root),
};
const tasksWithPostgres = new Set(['test', 'example', 'bench']);
const tasksWithoutBuild = new Set(['format', 'evidence']);

async function main() {
  const [name = '', ...args] = process.argv.slice(2);
  const task = tasks[name];
  if (!task) throw new Error(`Usage: node scripts/run.mjs ${Object.keys(tasks).join('|')} [args]`);
  if (!isAtLeast(process.version, '20.0')) {
    throw new Error(`This needs Node.js 20 or newer; this is ${process.version}.`);
  }
  installWhenStale(root);
  const node = findNode(root);
  if (!tasksWithoutBuild.has(name)) buildWhenStale(root, node);
  if (tasksWithPostgres.has(name)) hydrateEmbeddedPostgres(root, node);
  return task(node, args);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
