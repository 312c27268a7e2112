import { describe, expect, test } from 'vitest';
import { renderFailures } from '../../scripts/failures.mjs';
import type { Assertion } from '../../scripts/test.mjs';

const passed: Assertion = { title: '', fullName: 'signs in', status: 'passed' };
const failed: Assertion = {
  title: '',
  fullName: 'signs out',
  status: 'failed',
  failureMessages: ['Error: \u001B[31mexpected\u001B[39m 204\n    at line 1'],
};
const logOfSuccess = 'RUN\n1 passed, 0 failed, 0 skipped\n';
const logOfFailure = 'RUN\n1 passed, 1 failed, 0 skipped\n';

function reportOf(status: string, message: string, ...assertionResults: Assertion[]) {
  return { testResults: [{ name: '/repo/test/a.test.ts', status, message, assertionResults }] };
}

describe('what a failed run says last', () => {
  test('nothing where every test passed', () => {
    expect(renderFailures(reportOf('passed', '', passed), logOfSuccess, '/repo')).toEqual([]);
  });

  test('each failed test with its file and its message', () => {
    const report = reportOf('failed', '', passed, failed);
    expect(renderFailures(report, logOfFailure, '/repo')).toEqual([
      'Failed: test/a.test.ts: signs out',
      '  Error: expected 204',
      '      at line 1',
    ]);
  });

  test('a long message only as far as its beginning', () => {
    const failureMessages = [Array.from({ length: 99 }, (_, i) => `line ${i}`).join('\n')];
    const report = reportOf('failed', '', { ...failed, failureMessages });
    const lines = renderFailures(report, logOfFailure, '/repo');
    expect(lines).toHaveLength(16);
    expect(lines.at(-1)).toBe('  line 14');
  });

  test('a file whose hook failed, though all of its tests passed', () => {
    const report = reportOf('failed', 'Hook timed out', passed);
    expect(renderFailures(report, logOfFailure, '/repo')).toEqual([
      'Failed: test/a.test.ts',
      '  Hook timed out',
    ]);
  });

  test('an error outside of any test, which only the log has', () => {
    const log = 'RUN\n--- Unhandled Rejection ---\nError: late\n1 passed, 1 failed, 0 skipped\n';
    expect(renderFailures(reportOf('passed', '', passed), log, '/repo').slice(0, 3)).toEqual([
      'Failed: outside of any test',
      '  --- Unhandled Rejection ---',
      '  Error: late',
    ]);
  });

  test('the end of the log where nothing else tells why', () => {
    expect(renderFailures(undefined, 'RUN\nkilled\n', '/repo')).toEqual([
      'Failed: without a word in the report. The log ends:',
      '  RUN',
      '  killed',
    ]);
  });

  test('each skipped test', () => {
    const report = reportOf('passed', '', { ...passed, status: 'pending' });
    const lines = renderFailures(report, '0 passed, 0 failed, 1 skipped\n', '/repo');
    expect(lines).toEqual(['Skipped: test/a.test.ts: signs in']);
  });
});
