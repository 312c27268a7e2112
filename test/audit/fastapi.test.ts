// The audit on real FastAPI with asyncpg and PostgreSQL: all of the twelve holes of the one
// application, and nothing in the other, which has them repaired.
import { expect, onTestFinished, test } from 'vitest';
import type { Report } from '../../src/audit/report.ts';
import { account, auditTwin, findingsOf, verdictLines } from '../support/audit.ts';
import { noPython } from '../support/python.ts';
import { ACCOUNTS, PASSWORD, startTeamNotes, type Twin } from '../support/team-notes.ts';

/** The check that finds each hole of README.md, and the operation or the thing that it is about. */
const HOLES: readonly (readonly [hole: number, check: string, subject: RegExp])[] = [
  [1, 'cross-site-request-forgery', /POST \/api\/me/],
  [2, 'cookie-attributes', /cookie session/],
  [3, 'cors', /GET \/api\/me/],
  [4, 'unsafe-get', /GET \/api\/notes\/\{note_id\}\/archive/],
  [5, 'session-fixation', /POST \/api\/login/],
  [6, 'jwt-signature', /authorization/],
  [7, 'object-level', /GET \/api\/notes\/\{note_id\}/],
  [8, 'object-level', /PUT \/api\/projects\/\{project_id\}/],
  [9, 'unapplied-write', /PATCH \/api\/notes\/\{note_id\}/],
  [10, 'stale-authority', /GET \/api\/members\/addresses/],
  [11, 'server-side-request-forgery', /POST \/api\/projects\/\{project_id\}\/clippings/],
  [12, 'foreign-selector', /GET \/api\/projects/],
];

test('[CWE-352] all twelve holes of the insecure application are found', async ({ skip }) => {
  if (noPython) skip(noPython);
  const report = await auditNotes('insecure');
  const found = report.checks.flatMap(({ check, findings }) =>
    findings.map(({ subjects }) => ({ check: check.id, subjects: subjects.join(', ') })),
  );
  for (const [hole, check, subject] of HOLES) {
    expect(found, `hole ${hole}`).toContainEqual({
      check,
      subjects: expect.stringMatching(subject),
    });
  }
  expect(found.length, verdictLines(report).join('\n')).toBe(HOLES.length);
});

test('nothing is found in the repaired application', async ({ skip }) => {
  if (noPython) skip(noPython);
  const report = await auditNotes('repaired');
  expect(findingsOf(report), verdictLines(report).join('\n')).toEqual([]);
  expect(report.stopped).toBeNull();
});

async function auditNotes(twin: Twin): Promise<Report> {
  const app = await startTeamNotes(twin);
  onTestFinished(() => app.stop());
  return await auditTwin({
    url: app.origin,
    accounts: {
      a: account(ACCOUNTS.bob, PASSWORD),
      b: account(ACCOUNTS.carol, PASSWORD),
      stranger: account(ACCOUNTS.heidi, PASSWORD),
      superior: account(ACCOUNTS.ada, PASSWORD),
    },
    // A password hash on a loaded machine is slow, not broken.
    timeoutMilliseconds: 30_000,
  });
}
