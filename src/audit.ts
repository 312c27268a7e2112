export type { Check, Need, Phase } from './audit/check.ts';
export type { Confidence, Finding, Severity, Verdict } from './audit/verdict.ts';
