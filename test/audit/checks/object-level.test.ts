import { describe, expect, test } from 'vitest';
import { exitCodeOf } from '../../../src/audit.ts';
import { auditTwin, findingsOf, verdictLines } from '../../support/audit.ts';
import { type Flaw, NOTES_ACCOUNTS, NOTES_DOCUMENT, notesTwin } from '../../support/notes-twin.ts';
import { startTwin, type TwinRoutes } from '../../support/twin.ts';

const checks = ['object-level'];

async function attacked(routes: TwinRoutes, settings = {}) {
  const twin = await startTwin(routes, NOTES_DOCUMENT);
  const report = await auditTwin({ url: twin.origin, accounts: NOTES_ACCOUNTS, checks, settings });
  await twin.close();
  return { report, asked: twin.asked, lines: verdictLines(report).join('\n') };
}

describe('object-level authorization [CWE-639] [ASVS 8.2.2]', () => {
  test.each<[Flaw, string]>([
    ['read-any-note', 'GET /api/notes/{note_id}'],
    ['write-any-note', 'PUT /api/notes/{note_id}'],
    ['delete-any-note', 'DELETE /api/notes/{note_id}'],
    ['comment-anywhere', 'POST /api/notes/{note_id}/comments'],
  ])('%s is one finding, on %s', async (flaw, subject) => {
    const { report, lines } = await attacked(notesTwin(flaw));
    expect(
      findingsOf(report).map(({ subjects }) => subjects),
      lines,
    ).toEqual([[subject]]);
    expect(findingsOf(report)[0]?.confidence).toBe('confirmed');
    expect(exitCodeOf(report, 'low')).toBe(1);
  });

  test('the sound twin has none, and each attack was made', async () => {
    const { report, lines } = await attacked(notesTwin());
    expect(findingsOf(report), lines).toEqual([]);
    expect(report.checks[0]?.inconclusive, lines).toEqual([]);
    const attackedOn = new Set(report.checks[0]?.sound.map(({ subject }) => subject));
    expect([...attackedOn].toSorted(), lines).toEqual(
      expect.arrayContaining([
        'DELETE /api/notes/{note_id}',
        'GET /api/notes/{note_id}',
        'POST /api/notes/{note_id}/comments',
        'PUT /api/notes/{note_id}',
      ]),
    );
    expect(exitCodeOf(report, 'low')).toBe(0);
  });

  test('without leave to write, reading is proved with what A has already, and nothing is sent that writes', async () => {
    const { report, asked, lines } = await attacked(notesTwin('read-any-note', 'write-any-note'), {
      allowWrites: false,
    });
    expect(
      findingsOf(report).map(({ subjects }) => subjects),
      lines,
    ).toEqual([['GET /api/notes/{note_id}']]);
    expect(asked.filter((line) => !/^GET |^POST \/api\/sign-in/.test(line))).toEqual([]);
  });

  test('a target that breaks under the attack is inconclusive, and never clean', async () => {
    const sound = notesTwin();
    const routes = Object.fromEntries(
      Object.entries(sound).map(([key, route]) => [
        key,
        async (request: Parameters<typeof route>[0]) => {
          const answer = await route(request);
          return answer.status === 404 ? { status: 503, body: 'overloaded' } : answer;
        },
      ]),
    );
    const { report, lines } = await attacked(routes);
    expect(findingsOf(report), lines).toEqual([]);
    expect(report.checks[0]?.inconclusive.length, lines).toBeGreaterThan(0);
    expect(exitCodeOf(report, 'low')).toBe(2);
  });
});
