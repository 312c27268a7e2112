import type { CheckReport, Report } from '../report.ts';
import type { Finding } from '../verdict.ts';
import { curlOf, excerptOf } from './curl.ts';
import { fingerprintOf } from './fingerprint.ts';

const LEVELS = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  low: 'note',
  informational: 'note',
} as const;

/** What code hosts sort by: as CVSS scores. */
const SCORES = { critical: '9.5', high: '8.0', medium: '5.5', low: '3.0', informational: '0.0' };

/**
 * SARIF 2.1.0: a rule for each check, a result for each finding. The place is the operation; the
 * physical one is the document, because code hosts show nothing without one.
 */
export function sarifReport(report: Report, version: string): string {
  const document = {
    $schema:
      'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: 'sallyport audit', version, rules: report.checks.map(ruleOf) },
        },
        invocations: [
          {
            executionSuccessful: report.stopped === null,
            startTimeUtc: report.startedAt.toISOString(),
            toolExecutionNotifications: report.problems.map((text) => ({
              level: 'warning',
              message: { text: report.mask(text) },
            })),
          },
        ],
        results: report.checks.flatMap((one, ruleIndex) => [
          ...one.findings.map((finding) => resultOf(report, one, finding, ruleIndex)),
          ...report.suppressed
            .filter(({ check }) => check.id === one.check.id)
            .map(({ finding, reason }) => ({
              ...resultOf(report, one, finding, ruleIndex),
              suppressions: [{ kind: 'external', justification: report.mask(reason) }],
            })),
        ]),
      },
    ],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function ruleOf({ check, findings }: CheckReport) {
  const worst = findings
    .map(({ severity }) => Number(SCORES[severity]))
    .toSorted((one, other) => other - one)[0];
  return {
    id: check.id,
    name: check.title,
    shortDescription: { text: check.title },
    help: {
      text: `FastAPI: ${check.repair.fastapi}\n\nFastify: ${check.repair.fastify}\n\nSallyport: ${check.repair.sallyport}`,
    },
    properties: {
      tags: [
        'security',
        ...check.cwe.map((number) => `external/cwe/cwe-${number}`),
        ...check.owaspApi,
      ],
      'security-severity': (worst ?? 0).toFixed(1),
    },
  };
}

function resultOf(report: Report, { check }: CheckReport, finding: Finding, ruleIndex: number) {
  const origin = new URL(report.url).origin;
  const evidence = [...finding.evidence, ...finding.controls]
    .map(
      ({ says, exchange }) =>
        `${says}:\n  ${curlOf(exchange.request, origin, report.mask)}\n  ${excerptOf(exchange, report.mask)}`,
    )
    .join('\n');
  return {
    ruleId: check.id,
    ruleIndex,
    level: LEVELS[finding.severity],
    message: { text: report.mask(`${finding.title}. ${finding.detail}\n\n${evidence}`) },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: (report.source ?? 'openapi.json').replace(/^\/+/, '') },
          region: { startLine: 1 },
        },
        logicalLocations: finding.subjects.map((name) => ({
          fullyQualifiedName: name,
          kind: 'function',
        })),
      },
    ],
    partialFingerprints: { 'sallyportAudit/v1': fingerprintOf(check, finding) },
    properties: { confidence: finding.confidence, severity: finding.severity },
  };
}
