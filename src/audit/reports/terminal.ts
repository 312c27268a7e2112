import { SEVERITIES, type CheckReport, type Report } from '../report.ts';
import type { Finding, Step } from '../verdict.ts';
import { curlOf, excerptOf } from './curl.ts';
import { fingerprintOf } from './fingerprint.ts';

/** For a person: findings from the worst, what could not be said and why, and what it took. */
export function terminalReport(report: Report): string {
  const lines: string[] = ['', ...understood(report), ''];
  for (const severity of SEVERITIES) {
    for (const one of report.checks) {
      for (const finding of one.findings) {
        if (finding.severity === severity) lines.push(...findingLines(report, one, finding), '');
      }
    }
  }
  lines.push(...coverage(report));
  return report.mask(`${printable(lines.join('\n'))}\n`);
}

function understood(report: Report): string[] {
  const chosen = Object.values(report.chosen).map(
    ({ purpose, operation, confirmed }) =>
      `  ${purpose.padEnd(16)}${operation.id}${confirmed ? '' : ' (by its looks)'}`,
  );
  const title = report.title === '' ? report.url : `${report.title} at ${report.url}`;
  return [
    title,
    `  ${'document'.padEnd(16)}${report.source ?? 'none'}`,
    ...chosen,
    ...report.problems.map((line) => `  ! ${line}`),
  ];
}

function findingLines(report: Report, { check }: CheckReport, finding: Finding): string[] {
  const { severity, confidence, title, detail } = finding;
  const origin = new URL(report.url).origin;
  const stepLines = ({ says, exchange }: Step) => [
    `    ${says}`,
    `      ${curlOf(exchange.request, origin, report.mask)}`,
    `      -> ${excerptOf(exchange, report.mask)}`,
  ];
  return [
    `${severity.toUpperCase()}  ${title}`,
    `  ${check.id}, ${check.cwe.map((number) => `CWE-${number}`).join(', ')}, ${check.owaspApi.join(', ')}; ${confidence}; ${fingerprintOf(check, finding)}`,
    `  ${detail}`,
    '  Evidence',
    ...finding.evidence.slice(0, 4).flatMap(stepLines),
    '  Controls',
    ...finding.controls.slice(0, 4).flatMap(stepLines),
    `  Repair: ${check.repair.sallyport} See docs/audit/${check.id}.md.`,
  ];
}

function coverage(report: Report): string[] {
  const count = (of: (one: CheckReport) => number) =>
    report.checks.reduce((sum, one) => sum + of(one), 0);
  const findings = count((one) => one.findings.length);
  const width = Math.max(...report.checks.map(({ check }) => check.id.length), 0) + 2;
  const rows = report.checks.map(({ check, findings: found, inconclusive, sound, notTested }) => {
    const reasons = [...new Set([...inconclusive, ...notTested].map(({ reason }) => reason))];
    const numbers = `${found.length} found, ${sound.length} sound, ${inconclusive.length} inconclusive, ${notTested.length} not tested`;
    return `  ${check.id.padEnd(width)}${numbers}${reasons[0] === undefined ? '' : `: ${reasons[0]}${reasons.length > 1 ? ` (and ${reasons.length - 1} more reasons)` : ''}`}`;
  });
  const untried = report.untried
    .slice(0, 12)
    .map(({ operation, reason }) => `  ${operation.id}: ${reason}`);
  const more = report.untried.length - untried.length;
  return [
    'Coverage',
    ...rows,
    ...(untried.length === 0
      ? []
      : [
          'Operations that were not reached',
          ...untried,
          ...(more > 0 ? [`  and ${more} more`] : []),
        ]),
    ...(report.stopped === null ? [] : [`Stopped early: ${report.stopped}`]),
    `${findings} ${findings === 1 ? 'finding' : 'findings'}; ${report.reached} of ${report.operations} operations reached, ${report.requests} requests, ${report.seconds.toFixed(1)} s`,
  ];
}

/** A target's answer must not steer the terminal it is shown on. CWE-150. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => (character === '\n' ? '\n' : '?'));
}
