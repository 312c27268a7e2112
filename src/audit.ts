export { audit } from './audit/audit.ts';
export type { Check, Need, Phase } from './audit/check.ts';
export { exitCodeOf, type CheckReport, type ExitCode, type Report } from './audit/report.ts';
export { AuditError, type AuditOptions } from './audit/setup.ts';
export type { Confidence, Finding, Severity, Verdict } from './audit/verdict.ts';
