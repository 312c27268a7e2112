import { audit, type AuditOptions, type Finding, type Report } from '../../src/audit.ts';

type Given = Partial<Omit<AuditOptions, 'settings'>> & {
  readonly url: string;
  readonly settings?: Partial<AuditOptions['settings']>;
};

/** An account with a name and a password. */
export function account(username: string, password: string) {
  return { kind: 'password' as const, username, password };
}

/** An audit with everything allowed, by these checks only, that waits for nothing. */
export function auditTwin(given: Given): Promise<Report> {
  return audit({
    document: null,
    accounts: {},
    requestsMax: 5_000,
    timeoutMilliseconds: 2_000,
    pauseMilliseconds: 0,
    checks: null,
    operations: {},
    exclude: [],
    expected: null,
    now: () => new Date(),
    progress: () => {},
    log: () => {},
    ...given,
    settings: {
      allowWrites: true,
      browser: false,
      waitSecondsMax: 0,
      signInAttempts: 12,
      ...given.settings,
    },
  });
}

export function findingsOf(report: Report): readonly Finding[] {
  return report.checks.flatMap(({ findings }) => findings);
}

/** `inconclusive` and what else was said, as lines: for the message of a failed test. */
export function verdictLines(report: Report): readonly string[] {
  return report.checks.flatMap(({ check, findings, inconclusive, sound, notTested }) => [
    ...findings.map(({ cause, title }) => `finding ${check.id}: ${cause} (${title})`),
    ...inconclusive.map(({ subject, reason }) => `inconclusive ${check.id}: ${subject}: ${reason}`),
    ...sound.map(({ subject, detail }) => `sound ${check.id}: ${subject}: ${detail}`),
    ...notTested.map(({ subject, reason }) => `not tested ${check.id}: ${subject}: ${reason}`),
  ]);
}
