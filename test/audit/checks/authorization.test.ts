// The checks of authorization that one API of notes can show, each with its flaw and without.
import { describe, expect, test } from 'vitest';
import { exitCodeOf } from '../../../src/audit.ts';
import { auditTwin, findingsOf, verdictLines } from '../../support/audit.ts';
import { type Flaw, NOTES_ACCOUNTS, NOTES_DOCUMENT, notesTwin } from '../../support/notes-twin.ts';
import { startTwin, type TwinRequest, type TwinRoutes } from '../../support/twin.ts';

async function attacked(check: string, routes: TwinRoutes) {
  const twin = await startTwin(routes, NOTES_DOCUMENT);
  const report = await auditTwin({ url: twin.origin, accounts: NOTES_ACCOUNTS, checks: [check] });
  await twin.close();
  return { report, lines: verdictLines(report).join('\n') };
}

describe.each<[check: string, flaw: Flaw, subject: string]>([
  ['foreign-selector', 'tenant-by-query', 'GET /api/notes'],
  ['foreign-selector', 'tenant-by-header', 'GET /api/notes'],
  ['function-level', 'members-may-ban', 'GET /api/admin/report'],
  ['mass-assignment', 'role-in-profile', 'PATCH /api/me'],
  ['stale-authority', 'sign-out-keeps-session', 'POST /api/sign-out'],
  ['stale-authority', 'password-change-keeps-sessions', 'POST /api/me/password'],
  ['stale-authority', 'role-in-session', 'GET /api/admin/people'],
  ['stale-authority', 'disabled-keeps-session', 'PUT /api/admin/people/{person_id}/disabled'],
  ['stale-authority', 'deleted-keeps-session', 'DELETE /api/me'],
  ['stale-authority', 'name-is-the-session', 'PATCH /api/me'],
  ['stale-authority', 'removed-keeps-access', 'DELETE /api/groups/{group_id}/members/{user_id}'],
  ['missing-authentication', 'open-write', 'PUT /api/notes/{note_id}'],
  ['missing-authentication', 'open-delete', 'DELETE /api/notes/{note_id}'],
])('%s [ASVS 8.2.1] [CWE-285] [CWE-306] [CWE-613] [CWE-915]', (check, flaw, subject) => {
  test(`${flaw} is one finding`, async () => {
    const { report, lines } = await attacked(check, notesTwin(flaw));
    expect(
      findingsOf(report).map(({ subjects }) => subjects),
      lines,
    ).toEqual([[subject]]);
    expect(findingsOf(report)[0]?.confidence).toBe('confirmed');
    expect(exitCodeOf(report, 'low')).toBe(1);
  });
});

describe.each([
  'foreign-selector',
  'function-level',
  'mass-assignment',
  'stale-authority',
  'missing-authentication',
])('%s', (check) => {
  test('the sound twin has no finding, and was attacked', async () => {
    const { report, lines } = await attacked(check, notesTwin());
    expect(findingsOf(report), lines).toEqual([]);
    expect(report.checks[0]?.inconclusive, lines).toEqual([]);
    expect(report.checks[0]?.sound.length, lines).toBeGreaterThan(0);
    expect(exitCodeOf(report, 'low')).toBe(0);
  });

  test('a target that breaks as soon as it is attacked is not clean', async () => {
    let down = false;
    const routes = Object.fromEntries(
      Object.entries(notesTwin()).map(([key, route]) => [
        key,
        (request: TwinRequest) => (down ? { status: 500, body: 'down' } : route(request)),
      ]),
    );
    const twin = await startTwin(routes, NOTES_DOCUMENT);
    const report = await auditTwin({
      url: twin.origin,
      accounts: NOTES_ACCOUNTS,
      checks: [check],
      // The title of the check is announced when its turn has come.
      progress: (line) => {
        if (/^[A-Z]/.test(line)) down = true;
      },
    });
    await twin.close();
    expect(findingsOf(report)).toEqual([]);
    expect(exitCodeOf(report, 'low'), verdictLines(report).join('\n')).toBe(2);
  });
});
