import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { audit, type AuditOptions, type Report } from 'sallyport/audit';
import { PASSWORD } from './start.ts';

const ACCOUNTS = {
  a: 'bob@acme.example',
  b: 'carol@acme.example',
  stranger: 'heidi@globex.example',
  superior: 'ada@acme.example',
} as const;

/** Attacks one of the two applications with the same four accounts and everything allowed. */
export async function auditNotes(
  url: string,
  document: string | null,
  checks: readonly string[] | null = null,
): Promise<Report> {
  const accounts = Object.fromEntries(
    Object.entries(ACCOUNTS).map(([role, username]) => [
      role,
      { kind: 'password', username, password: PASSWORD },
    ]),
  ) as AuditOptions['accounts'];
  return await audit({
    url,
    document,
    accounts,
    settings: { allowWrites: true, browser: false, waitSecondsMax: 0, signInAttempts: 12 },
    requestsMax: 10_000,
    // A password hash on a loaded machine is slow, not broken.
    timeoutMilliseconds: 30_000,
    pauseMilliseconds: 0,
    checks,
    operations: {},
    exclude: [],
    expected: null,
    now: () => new Date(),
    progress: () => {},
    log: () => {},
  });
}

interface Document {
  readonly paths: Readonly<Record<string, object>>;
  readonly components?: Readonly<Record<string, object>>;
}

/**
 * What is behind the gateway has two documents, the application's and that of the account's own
 * API: one file of both, for the auditor. It is gone when `work` is done.
 */
export async function withDocumentOf<T>(
  origin: string,
  work: (file: string) => Promise<T>,
): Promise<T> {
  const read = async (path: string) => (await (await fetch(`${origin}${path}`)).json()) as Document;
  const [app, own] = await Promise.all([read('/openapi.json'), read('/sallyport/openapi.json')]);
  const paths = Object.entries(own.paths).map(([path, item]) => [`/sallyport${path}`, item]);
  const sections = { ...app.components, ...own.components };
  const components = Object.fromEntries(
    Object.keys(sections).map((name) => [
      name,
      { ...app.components?.[name], ...own.components?.[name] },
    ]),
  );
  const both = { ...app, paths: { ...app.paths, ...Object.fromEntries(paths) }, components };
  const folder = await mkdtemp(join(tmpdir(), 'team-notes-'));
  try {
    const file = join(folder, 'openapi.json');
    await writeFile(file, JSON.stringify(both));
    return await work(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Two reports, check by check beside each other, and what each finding is about. */
export function sideBySide(
  left: readonly [title: string, report: Report],
  right: readonly [title: string, report: Report],
): string {
  const width = Math.max(...left[1].checks.map(({ check }) => check.id.length)) + 2;
  const row = (name: string, one: string, two: string) =>
    `${name.padEnd(width)}${one.padEnd(28)}${two}`;
  const verdicts = left[1].checks.map(({ check }) =>
    row(check.id, verdictOf(left[1], check.id), verdictOf(right[1], check.id)),
  );
  const findings = [left, right].flatMap(([title, report]) => {
    const lines = report.checks.flatMap(({ check, findings: found }) =>
      found.map(({ severity, title: what, subjects }) =>
        report.mask(`  ${severity.padEnd(9)}${check.id}: ${what} (${subjects.join(', ')})`),
      ),
    );
    return [
      '',
      `${title}: ${lines.length === 0 ? 'no findings' : `${lines.length} findings`}`,
      ...lines,
    ];
  });
  return [row('', left[0], right[0]), ...verdicts, ...findings].join('\n');
}

function verdictOf({ checks }: Report, id: string): string {
  const one = checks.find(({ check }) => check.id === id);
  if (!one) return '-';
  const { findings, sound, inconclusive } = one;
  if (findings.length > 0) return `${findings.length} FOUND`;
  if (inconclusive.length > 0) return `${sound.length} sound, ${inconclusive.length} unclear`;
  return sound.length > 0 ? `${sound.length} sound` : 'not tested';
}
