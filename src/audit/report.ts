import type { Check } from './check.ts';
import type { Chosen, Knowledge, Purpose } from './knowledge.ts';
import type { Finding, Inconclusive, NotTested, Severity, Sound } from './verdict.ts';

/** Verdicts of one check. */
export interface CheckReport {
  readonly check: Check;
  readonly findings: readonly Finding[];
  readonly inconclusive: readonly Inconclusive[];
  readonly sound: readonly Sound[];
  readonly notTested: readonly NotTested[];
  readonly requests: number;
}

/** A finding that does not count, and why. */
export interface Suppressed {
  readonly check: Check;
  readonly finding: Finding;
  readonly reason: string;
}

/** All that an audit saw, with what it could not see. */
export interface Report {
  readonly url: string;
  readonly title: string;
  /** Where the document was found; null where there was none. */
  readonly source: string | null;
  readonly startedAt: Date;
  readonly seconds: number;
  readonly requests: number;
  readonly operations: number;
  readonly checks: readonly CheckReport[];
  readonly chosen: Partial<Record<Purpose, Chosen>>;
  readonly untried: Knowledge['untried'];
  readonly matrix: Knowledge['matrix'];
  /** Findings that somebody has accepted. */
  readonly suppressed: readonly Suppressed[];
  /** Operations that at least one account was answered on. */
  readonly reached: number;
  /** What went wrong with the audit itself, one line each. */
  readonly problems: readonly string[];
  /** Why it ended early, or null. */
  readonly stopped: string | null;
  /** Masks secrets in what is shown of exchanges. */
  readonly mask: (text: string) => string;
}

/** From the worst. */
export const SEVERITIES: readonly Severity[] = [
  'critical',
  'high',
  'medium',
  'low',
  'informational',
];

/** What a process ends with: 0 clean, 1 findings, 2 it could not be tested. */
export type ExitCode = 0 | 1 | 2;

/**
 * 1 where something of at least this severity was found and proved; 2 where the audit could not
 * judge: it was stopped, no control held, or most of what it tried was inconclusive; else 0.
 */
export function exitCodeOf(report: Report, threshold: Severity): ExitCode {
  const least = SEVERITIES.indexOf(threshold);
  const findings = report.checks.flatMap((one) => one.findings);
  const counted = findings.filter(
    ({ severity, confidence }) =>
      confidence !== 'informational' && SEVERITIES.indexOf(severity) <= least,
  );
  if (counted.length > 0) return 1;
  const sound = report.checks.flatMap((one) => one.sound).length;
  const unclear = report.checks.flatMap((one) => one.inconclusive).length;
  const blind = sound === 0 || unclear > sound;
  return report.stopped !== null || blind ? 2 : 0;
}
