import type { Report } from '../report.ts';
import type { Step } from '../verdict.ts';
import { curlOf, excerptOf } from './curl.ts';
import { fingerprintOf } from './fingerprint.ts';

/** The whole report for programs, secrets masked. Its form is described in docs/audit.md. */
export function jsonReport(report: Report): string {
  const origin = new URL(report.url).origin;
  const steps = (all: readonly Step[]) =>
    all.map(({ says, exchange }) => ({
      says,
      as: exchange.as,
      number: exchange.number,
      curl: curlOf(exchange.request, origin, report.mask),
      answer: excerptOf(exchange, report.mask),
    }));
  const document = {
    url: report.url,
    title: report.title,
    source: report.source,
    startedAt: report.startedAt.toISOString(),
    seconds: Math.round(report.seconds * 10) / 10,
    requests: report.requests,
    operations: report.operations,
    reached: report.reached,
    stopped: report.stopped,
    problems: report.problems,
    chosen: Object.values(report.chosen).map(({ purpose, operation, confirmed, signals }) => ({
      purpose,
      operation: operation.id,
      confirmed,
      signals,
    })),
    untried: report.untried.map(({ operation, reason }) => ({ operation: operation.id, reason })),
    checks: report.checks.map(({ check, findings, inconclusive, sound, notTested, requests }) => ({
      id: check.id,
      title: check.title,
      cwe: check.cwe,
      owaspApi: check.owaspApi,
      asvs: check.asvs,
      requests,
      findings: findings.map((finding) => ({
        fingerprint: fingerprintOf(check, finding),
        severity: finding.severity,
        confidence: finding.confidence,
        title: finding.title,
        detail: finding.detail,
        cause: finding.cause,
        subjects: finding.subjects,
        evidence: steps(finding.evidence),
        controls: steps(finding.controls),
        repair: check.repair,
      })),
      inconclusive: inconclusive.map(({ subject, reason, steps: all }) => ({
        subject,
        reason,
        steps: steps(all),
      })),
      sound: sound.map(({ subject, detail }) => ({ subject, detail })),
      notTested: notTested.map(({ subject, reason }) => ({ subject, reason })),
    })),
  };
  return report.mask(`${JSON.stringify(document, null, 2)}\n`);
}
