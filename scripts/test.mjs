// Runs the tests and ends with one line that says how many passed, failed and were skipped.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runToEnd } from './processes.mjs';

/**
 * @typedef {object} Assertion
 * @property {string} title
 * @property {string} fullName
 * @property {string} status
 * @property {string[]} [failureMessages]
 *
 * @typedef {object} TestFile
 * @property {string} name
 * @property {string} status
 * @property {string} [message] of an error outside of the tests of this file
 * @property {Assertion[]} assertionResults
 *
 * @typedef {{ testResults: TestFile[] }} Report what vitest's JSON reporter writes
 */

export const reportPath = 'test-results/vitest.json';

/**
 * @param {string} root
 * @param {string} node
 * @param {string[]} args
 */
export async function runTests(root, node, args) {
  // What an earlier run left (its report, the statements that it sent) must not count for this one.
  rmSync(join(root, 'test-results'), { recursive: true, force: true });
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const exitCode = await runToEnd(node, [vitest, 'run', ...args], root);
  const path = join(root, reportPath);
  /** @type {Report | undefined} */
  const report = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
  for (const title of skippedTitles(report)) console.log(`Skipped: ${title}`);
  const counts = count(report);
  // An error outside of any test, such as an unhandled rejection, fails the run without a test.
  if (exitCode !== 0 && counts.failed === 0) counts.failed = 1;
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed === 0 ? 0 : 1;
}

/**
 * A file that could not be loaded has no tests in the report: it counts as one failure.
 * @param {Report | undefined} report
 */
export function count(report) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  if (!report) return { ...counts, failed: 1 };
  for (const file of report.testResults) {
    const statuses = file.assertionResults.map(({ status }) => status);
    const failed = statuses.filter((status) => status === 'failed').length;
    counts.passed += statuses.filter((status) => status === 'passed').length;
    counts.failed += file.status === 'failed' ? Math.max(failed, 1) : failed;
    counts.skipped += file.assertionResults.filter(isSkipped).length;
  }
  return counts;
}

/** @param {Report | undefined} report */
function skippedTitles(report) {
  return (report?.testResults ?? []).flatMap(({ assertionResults }) =>
    assertionResults.filter(isSkipped).map(({ fullName }) => fullName),
  );
}

/** @param {Assertion} assertion */
function isSkipped({ status }) {
  return status !== 'passed' && status !== 'failed';
}
