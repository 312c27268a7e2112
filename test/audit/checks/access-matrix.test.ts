// What a first run has seen and a person has reviewed, later runs enforce: a guard that is gone is
// one finding, the same target none, and one that cannot be asked is never clean.
import { describe, expect, test } from 'vitest';
import { exitCodeOf } from '../../../src/audit.ts';
import type { AuditOptions, Report } from '../../../src/audit.ts';
import { auditTwin, findingsOf, verdictLines } from '../../support/audit.ts';
import { type Flaw, NOTES_ACCOUNTS, NOTES_DOCUMENT, notesTwin } from '../../support/notes-twin.ts';
import { startTwin, type TwinRoutes } from '../../support/twin.ts';

async function audited(routes: TwinRoutes, more: Partial<AuditOptions> = {}) {
  const twin = await startTwin(routes, NOTES_DOCUMENT);
  const settings = { allowWrites: false, browser: false, waitSecondsMax: 0, signInAttempts: 5 };
  const report = await auditTwin({
    url: twin.origin,
    accounts: NOTES_ACCOUNTS,
    checks: ['access-matrix'],
    ...more,
    settings,
  });
  await twin.close();
  return { report, lines: verdictLines(report).join('\n') };
}

/** What a first run writes, as a person has left it. */
async function reviewed() {
  const { report, lines } = await audited(notesTwin());
  const [check] = report.checks;
  expect(check?.notTested, lines).toHaveLength(1);
  return Object.fromEntries(report.matrix);
}

const inconclusiveOf = ({ checks }: Report) => checks[0]?.inconclusive.length ?? 0;

describe('[CWE-284] [ASVS 8.1.1] the reviewed matrix', () => {
  test('holds on the target that it was written for', async () => {
    const { report, lines } = await audited(notesTwin(), { expected: await reviewed() });
    expect(findingsOf(report), lines).toEqual([]);
    expect(inconclusiveOf(report), lines).toBe(0);
    expect(report.checks[0]?.notTested, lines).toEqual([]);
    expect(report.checks[0]?.sound.length, lines).toBeGreaterThan(20);
    expect(exitCodeOf(report, 'low')).toBe(0);
  });

  test.each<[what: string, flaw: Flaw | null, cause: string, severity: string]>([
    [
      'a role',
      'members-may-ban',
      'GET /api/admin/report is granted to accounts that it should refuse',
      'high',
    ],
    ['the sign-in', null, 'GET /api/colleagues is granted to anybody', 'critical'],
  ])('%s that an operation asks no more for is a finding', async (_, flaw, cause, severity) => {
    const routes = flaw === null ? notesTwin() : notesTwin(flaw);
    const open = () => ({ status: 200, body: [{ id: 11, username: 'alice', tenant: 'acme' }] });
    const holed = flaw === null ? { ...routes, 'GET /api/colleagues': open } : routes;
    const { report, lines } = await audited(holed, { expected: await reviewed() });
    const [finding, ...others] = findingsOf(report);
    expect(others, lines).toEqual([]);
    expect(finding, lines).toMatchObject({ cause, severity, confidence: 'confirmed' });
    expect(finding?.controls.length).toBeGreaterThan(0);
    expect(exitCodeOf(report, 'low')).toBe(1);
  });

  test('an account that has expired is no guard that holds', async () => {
    const credential = { headers: { authorization: 'Bearer expired' }, cookies: {}, query: {} };
    const b = {
      kind: 'fixed' as const,
      username: 'robert',
      credential: { ...credential, fields: {}, synchronizer: null },
    };
    const accounts = { ...NOTES_ACCOUNTS, b };
    const { report, lines } = await audited(notesTwin(), { accounts, expected: await reviewed() });
    expect(findingsOf(report), lines).toEqual([]);
    const { sound = [], inconclusive = [] } = report.checks[0] ?? {};
    expect(
      sound.filter(({ subject }) => subject.endsWith(' as b')),
      lines,
    ).toEqual([]);
    const ofB = inconclusive.filter(({ subject }) => subject.endsWith(' as b'));
    expect(ofB.length, lines).toBe(inconclusive.length);
    expect(ofB.length, lines).toBeGreaterThan(5);
  });

  test.each<[how: string, answer: TwinRoutes[string]]>([
    ['errors', () => ({ status: 500, body: 'down' })],
    ['silence', () => new Promise<never>(() => {})],
    ['refusals', () => ({ status: 401, body: { detail: 'Expired' } })],
  ])('a target that breaks is not clean: %s', async (_, answer) => {
    let isDown = false;
    const routes = Object.fromEntries(
      Object.entries(notesTwin()).map(([key, route]) => [
        key,
        (request: Parameters<typeof route>[0]) => (isDown ? answer(request) : route(request)),
      ]),
    );
    const { report, lines } = await audited(routes, {
      expected: await reviewed(),
      // For an answer that does not come.
      timeoutMilliseconds: 400,
      progress: (line) => {
        if (line.startsWith('Access that differs')) isDown = true;
      },
    });
    expect(findingsOf(report), lines).toEqual([]);
    expect(report.checks[0]?.sound, lines).toEqual([]);
    expect(inconclusiveOf(report), lines).toBeGreaterThan(0);
    expect(exitCodeOf(report, 'low')).toBe(2);
  });
});
