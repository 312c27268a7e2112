import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { renderEvidence } from '../../scripts/evidence.mjs';

const requirements = {
  'ASVS 7.10.1': { level: 2, asks: 'A session ends' },
  'ASVS 7.2.4': { level: 1, asks: 'A session | token changes' },
  'ASVS 10.5.5': {
    level: 2,
    asks: 'Log-out tokens are checked',
    notApplicable: 'None are taken',
  },
  'CWE-384': { asks: 'A session known before sign-in is used after it' },
  'R-20': { asks: 'The session secret changes at sign-in' },
};

function evidenceOf(...tests: [fullName: string, status: string][]) {
  const assertionResults = tests.map(([fullName, status]) => ({ fullName, title: '', status }));
  const file = { name: '/repo/test/core/session.test.ts', status: 'passed', assertionResults };
  return renderEvidence({ testResults: [file] }, requirements, '/repo').split('\n');
}

test('an id is proved by each test whose title names it', () => {
  const lines = evidenceOf(
    ['sessions rotate at sign-in [R-20] [ASVS 7.2.4]', 'passed'],
    ['[R-20] the old secret is refused', 'passed'],
  );
  expect(lines).toContain(
    '| R-20 |  | The session secret changes at sign-in | `test/core/session.test.ts`: ' +
      'sessions rotate at sign-in; the old secret is refused | pass |',
  );
  expect(lines).toContain(
    '| ASVS 7.2.4 | 1 | A session \\| token changes | `test/core/session.test.ts`: ' +
      'sessions rotate at sign-in | pass |',
  );
});

test('a long table of cases is cut short, but no failure is left out', () => {
  const cases = ['a', 'b', 'c', 'd', 'e'].map((name): [string, string] => [
    `${name} [R-20]`,
    'passed',
  ]);
  const lines = evidenceOf(...cases, ['f [R-20]', 'failed']);
  const row = lines.find((line) => line.startsWith('| R-20'));
  expect(row).toContain(': **fails:** f; a; b; c; and 2 more |');
});

test('one failing test fails the id and is named', () => {
  const lines = evidenceOf(['one [CWE-384]', 'passed'], ['other [CWE-384]', 'failed']);
  const row = lines.find((line) => line.startsWith('| CWE-384'));
  expect(row).toContain('**fails:** other');
  expect(row).toMatch(/\| \*\*fail\*\* \|$/);
});

test('ids without a test come last, in the order of their numbers; a skipped test is none', () => {
  const lines = evidenceOf(['[ASVS 7.2.4] rotates', 'skipped'], ['[R-20] rotates', 'passed']);
  const open = lines
    .slice(lines.indexOf('## Without a test'), lines.indexOf('## Not applicable'))
    .filter((line) => /^\| \w+[- ]\d/.test(line));
  expect(open).toEqual([
    '| ASVS 7.2.4 | 1 | A session \\| token changes |',
    '| ASVS 7.10.1 | 2 | A session ends |',
    '| CWE-384 |  | A session known before sign-in is used after it |',
  ]);
});

test('what does not apply says why, and does not count as left without a test', () => {
  const lines = evidenceOf(['[R-20] rotates', 'passed']);
  const outside = lines.slice(lines.indexOf('## Not applicable'));
  expect(outside.filter((line) => /^\| \w+[- ]\d/.test(line))).toEqual([
    '| ASVS 10.5.5 | 2 | Log-out tokens are checked | None are taken |',
  ]);
});

test('every id that a title names is explained, and none of them is said not to apply', () => {
  const explained = JSON.parse(readFileSync('docs/evidence-ids.json', 'utf8')) as Readonly<
    Record<string, { readonly notApplicable?: string }>
  >;
  const files = globSync('test/**/*.test.{ts,tsx}').filter((file) => !file.includes('scripts/'));
  const named = files.flatMap(
    (file) => readFileSync(file, 'utf8').match(/(?<=\[)(ASVS|CWE|R|trap)[ -]\d[\w.]*(?=\])/g) ?? [],
  );
  expect(named.length).toBeGreaterThan(500);
  const wrong = named.filter((id) => !explained[id] || explained[id].notApplicable !== undefined);
  expect([...new Set(wrong)]).toEqual([]);
});

test('an id that no requirement explains is shown all the same', () => {
  const lines = evidenceOf(['[trap 5a] metadata is missing', 'passed']);
  expect(lines).toContain('## Traps');
  expect(lines.find((line) => line.startsWith('| trap 5a'))).toContain('(not in docs/evidence-ids');
});
