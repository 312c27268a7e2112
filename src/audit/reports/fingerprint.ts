import { createHash } from 'node:crypto';
import type { Check } from '../check.ts';
import type { Finding } from '../verdict.ts';

/** Equal for the same cause in every run, on every host: baselines and SARIF know it by this. */
export function fingerprintOf(check: Check, finding: Finding): string {
  return createHash('sha256').update(`${check.id}\n${finding.cause}`).digest('hex').slice(0, 16);
}
