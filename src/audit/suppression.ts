import { isObject, parseJson } from './json.ts';
import type { CheckReport, Report, Suppressed } from './report.ts';
import { fingerprintOf } from './reports/fingerprint.ts';
import { AuditError } from './setup.ts';

/** A finding that somebody has accepted, until a day. */
export interface Suppression {
  readonly fingerprint: string;
  readonly reason: string;
  /** The last day that it holds, `2027-01-31`; null for a baseline. */
  readonly until: string | null;
}

/**
 * The report without the findings that are suppressed; they stay in it under `suppressed`. One
 * that has expired suppresses nothing, and is said; so is one that nothing was found for.
 */
export function suppress(report: Report, suppressions: readonly Suppression[]): Report {
  const today = report.startedAt.toISOString().slice(0, 10);
  const current = suppressions.filter(({ until }) => until === null || until >= today);
  const expired = suppressions.filter((one) => !current.includes(one));
  const suppressed: Suppressed[] = [];
  const used = new Set<string>();
  const checks = report.checks.map((one): CheckReport => {
    const findings = one.findings.filter((finding) => {
      const fingerprint = fingerprintOf(one.check, finding);
      const found = current.find((suppression) => suppression.fingerprint === fingerprint);
      if (found === undefined) return true;
      used.add(fingerprint);
      suppressed.push({ check: one.check, finding, reason: found.reason });
      return false;
    });
    return { ...one, findings };
  });
  const problems = [
    ...report.problems,
    ...expired.map(
      ({ fingerprint, until }) => `the suppression of ${fingerprint} expired on ${until}`,
    ),
    ...current
      .filter(({ fingerprint, until }) => until !== null && !used.has(fingerprint))
      .map(({ fingerprint }) => `the suppression of ${fingerprint} suppresses nothing`),
  ];
  return { ...report, checks, suppressed, problems };
}

/** The findings of an earlier report in JSON. Throws `AuditError` where it is none. */
export function baselineOf(text: string, file: string): readonly Suppression[] {
  const document = parseJson(text);
  const checks = isObject(document) ? document['checks'] : undefined;
  if (!Array.isArray(checks))
    throw new AuditError(`${file} is no report of sallyport audit --json.`);
  return checks.flatMap((check: unknown) => {
    const findings = isObject(check) ? check['findings'] : undefined;
    if (!Array.isArray(findings)) return [];
    return findings.flatMap((finding: unknown) => {
      const fingerprint = isObject(finding) ? finding['fingerprint'] : undefined;
      if (typeof fingerprint !== 'string') return [];
      return [{ fingerprint, reason: `in the baseline ${file}`, until: null }];
    });
  });
}
