import type { CheckReport, Report } from '../report.ts';

/**
 * JUnit: a suite for each check, a case for each thing that it looked at. What was not tested is
 * skipped and what was inconclusive is an error, so that neither passes for clean.
 */
export function junitReport(report: Report): string {
  const suites = report.checks.map((one) => suiteOf(one, report.mask));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="sallyport audit" time="${report.seconds.toFixed(1)}">\n${suites.join('\n')}\n</testsuites>\n`;
}

function suiteOf(
  { check, findings, inconclusive, sound, notTested }: CheckReport,
  mask: (text: string) => string,
): string {
  const name = check.id;
  const cases = [
    ...findings.map(({ title, detail, subjects }) =>
      caseOf(
        name,
        subjects.join(', '),
        `<failure message="${escape(mask(title))}">${escape(mask(detail))}</failure>`,
      ),
    ),
    ...inconclusive.map(({ subject, reason }) =>
      caseOf(name, subject, `<error message="${escape(mask(reason))}"/>`),
    ),
    ...notTested.map(({ subject, reason }) =>
      caseOf(name, subject, `<skipped message="${escape(mask(reason))}"/>`),
    ),
    ...sound.map(({ subject }) => caseOf(name, subject, '')),
  ];
  const counts = `tests="${cases.length}" failures="${findings.length}" errors="${inconclusive.length}" skipped="${notTested.length}"`;
  return `  <testsuite name="${escape(name)}" ${counts}>\n${cases.join('\n')}\n  </testsuite>`;
}

function caseOf(suite: string, name: string, inner: string): string {
  return `    <testcase classname="${escape(suite)}" name="${escape(name)}">${inner}</testcase>`;
}

/** XML 1.0 has no way to write most control characters, so they go. */
function escape(text: string): string {
  return text
    .replaceAll(/\p{Cc}/gu, (character) => (/[\t\n\r]/.test(character) ? ' ' : ''))
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
