// Prints what failed and what was skipped in the last run of the tests, short enough to be read at
// the end of a long log: node scripts/failures.mjs LOG. It prints nothing when every test passed.
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { reportPath } from './test.mjs';

const linesOfEach = 15;
const linesOutsideOfTests = 40;

/**
 * @param {import('./test.mjs').Report | undefined} report
 * @param {string} log what the runner printed: only there stand errors outside of any test
 * @param {string} root what the names of files are relative to
 */
export function renderFailures(report, log, root) {
  const files = report?.testResults ?? [];
  const failures = files.flatMap((file) => failuresOf(file, relative(root, file.name)));
  const skipped = files.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status !== 'passed' && status !== 'failed')
      .map(({ fullName }) => `Skipped: ${relative(root, name)}: ${fullName}`),
  );
  return [...failures, ...errorsOutsideOfTests(log, failures.length > 0), ...skipped];
}

/**
 * @param {import('./test.mjs').TestFile} file
 * @param {string} name
 */
function failuresOf({ status, message, assertionResults }, name) {
  const failed = assertionResults.filter((assertion) => assertion.status === 'failed');
  const lines = failed.flatMap(({ fullName, failureMessages }) => [
    `Failed: ${name}: ${fullName}`,
    ...beginning((failureMessages ?? []).join('\n'), linesOfEach),
  ]);
  // A file fails by itself where it could not be loaded, or a hook around all of its tests failed.
  if (status !== 'failed' || (failed.length > 0 && !message)) return lines;
  return [...lines, `Failed: ${name}`, ...beginning(message ?? '', linesOfEach)];
}

/**
 * @param {string} log
 * @param {boolean} otherFailures whether there is something else that explains a run that failed
 */
function errorsOutsideOfTests(log, otherFailures) {
  const text = stripVTControlCharacters(log);
  const start = text.search(/^.*\bUnhandled (Error|Rejection)/m);
  if (start !== -1) {
    return ['Failed: outside of any test', ...beginning(text.slice(start), linesOutsideOfTests)];
  }
  const passed = /^\d+ passed, 0 failed, \d+ skipped$/m.test(text);
  if (passed || otherFailures) return [];
  const last = text.trimEnd().split('\n').slice(-linesOutsideOfTests);
  return ['Failed: without a word in the report. The log ends:', ...last.map(indent)];
}

/**
 * @param {string} text
 * @param {number} count
 */
function beginning(text, count) {
  return stripVTControlCharacters(text).trimEnd().split('\n').slice(0, count).map(indent);
}

/** @param {string} line */
function indent(line) {
  return `  ${line}`.slice(0, 300);
}

function main() {
  const path = process.argv[2];
  const log = path ? readFileSync(path, 'utf8') : '';
  const report = existsSync(reportPath) ? JSON.parse(readFileSync(reportPath, 'utf8')) : undefined;
  for (const line of renderFailures(report, log, process.cwd())) console.log(line);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
