import { type Finding, judged } from './finding.ts';

/**
 * The first minor release of each major one in which row-level security cannot be got around:
 * CVE-2024-10976 (a plan reused under another role) and CVE-2025-8713 (statistics that give hidden
 * rows away). R-94. 18 had both from its beginning.
 */
const MINORS: Readonly<Record<number, number>> = { 15: 14, 16: 10, 17: 6 };

/** Row-level security came with CockroachDB 25.2. */
const COCKROACHDB = { major: 25, minor: 2 };

/** Judges what `SELECT version()` answered. */
export function checkVersion(version: string): readonly Finding[] {
  const [, engine, major, minor] =
    /^(PostgreSQL) (\d+)\.?(\d+)?/.exec(version) ??
    /(CockroachDB)\D* v(\d+)\.(\d+)/.exec(version) ??
    [];
  const problem =
    engine === 'CockroachDB'
      ? cockroachdbProblem(Number(major), Number(minor))
      : postgresqlProblem(Number(major ?? NaN), Number(minor ?? 0));
  const sound = `${engine} ${major}${minor === undefined ? '' : `.${minor}`}.`;
  return judged('server-version', sound, problem === null ? [] : [problem]);
}

function postgresqlProblem(major: number, minor: number): string | null {
  if (major >= 18) return null;
  const needed = MINORS[major];
  if (needed === undefined) {
    return `The server is not PostgreSQL 15 or newer: upgrade it.`;
  }
  if (minor >= needed) return null;
  return `PostgreSQL ${major}.${minor} has holes in row-level security (CVE-2024-10976, CVE-2025-8713): upgrade it to ${major}.${needed} or newer.`;
}

function cockroachdbProblem(major: number, minor: number): string | null {
  const { major: leastMajor, minor: leastMinor } = COCKROACHDB;
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return null;
  return `CockroachDB ${major}.${minor} has no row-level security: upgrade it to ${leastMajor}.${leastMinor} or newer.`;
}
