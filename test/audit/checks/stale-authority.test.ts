// Authority that outlives the role it came from, and accounts that only a superior makes: each hole
// is one finding, the sound twin has none, and nothing stays as the audit made it.
import { describe, expect, test } from 'vitest';
import { exitCodeOf } from '../../../src/audit.ts';
import { auditTwin, findingsOf, verdictLines } from '../../support/audit.ts';
import {
  ROLES_ACCOUNTS,
  ROLES_DOCUMENT,
  type RolesFlaw,
  type RolesShape,
  rolesTwin,
  SEVERAL_ROLES_DOCUMENT,
} from '../../support/roles-twin.ts';
import { startTwin, type TwinRequest } from '../../support/twin.ts';

async function attacked(...flaws: readonly (RolesFlaw | RolesShape)[]) {
  const target = rolesTwin(...flaws);
  const isSeveral = flaws.includes('several-roles');
  const document = isSeveral ? SEVERAL_ROLES_DOCUMENT : ROLES_DOCUMENT;
  const twin = await startTwin(target.routes, document);
  const report = await auditTwin({
    url: twin.origin,
    accounts: ROLES_ACCOUNTS,
    checks: ['stale-authority'],
  });
  await twin.close();
  // B has its own role, and no other role is left.
  const robert = target.people.find(({ username }) => username === 'robert');
  expect([1, 'member']).toContain(robert?.role);
  expect([...(robert?.others ?? ['nobody'])]).toEqual([]);
  expect(target.roles.map(({ name }) => name)).toEqual(['member', 'manager']);
  return { report, lines: verdictLines(report).join('\n') };
}

test.each<[flaw: RolesFlaw, causes: readonly string[]]>([
  // A role that goes on in a session goes on when it is taken away, too.
  ['permissions-in-session', ['roles outlive their deletion', 'roles outlive their withdrawal']],
  ['role-by-name', ['roles are held by a name that others may take']],
  ['deleted-keeps-session', ['sessions outlive their account']],
  ['name-is-the-session', ['sessions are bound to a name that others may take']],
])('[CWE-613] [CWE-863] [ASVS 8.3.2] %s is found', async (flaw, causes) => {
  const { report, lines } = await attacked(flaw);
  const found = findingsOf(report);
  expect(
    found.map(({ cause }) => cause).toSorted((one, other) => one.localeCompare(other)),
    lines,
  ).toEqual(causes);
  expect(new Set(found.map(({ confidence }) => confidence))).toEqual(new Set(['confirmed']));
  expect(found.every(({ controls }) => controls.length > 0)).toBe(true);
});

test('[CWE-613] a role beside others, given and taken by its id', async () => {
  const { report, lines } = await attacked('permissions-in-session', 'several-roles');
  expect(
    findingsOf(report).map(({ cause }) => cause),
    lines,
  ).toEqual(['roles outlive their deletion']);
  const sound = await attacked('several-roles');
  expect(findingsOf(sound.report), sound.lines).toEqual([]);
  expect(sound.lines).toMatch(/^sound stale-authority: DELETE \/roles\/\{role_id\}/m);
});

describe.each<[name: string, shapes: readonly RolesShape[], deletion: RegExp]>([
  ['roles are held by their ids', [], /another role of its name is not taken for it/],
  ['a role that somebody has stays', ['roles-in-use-stay'], /is not deleted: 409/],
])('the sound twin: %s', (_, shapes, deletion) => {
  test('nothing is found, and all of it was attacked', async () => {
    const { report, lines } = await attacked(...shapes);
    expect(findingsOf(report), lines).toEqual([]);
    expect(report.checks[0]?.inconclusive, lines).toEqual([]);
    const sound = new Map(report.checks[0]?.sound.map(({ subject, detail }) => [subject, detail]));
    expect([...sound.keys()], lines).toEqual([
      'PUT /people/{person_id}/role',
      'DELETE /roles/{role_id}',
      'PATCH /roles/{role_id}',
      'DELETE /people/{person_id}',
      'PATCH /people/{person_id}',
    ]);
    expect(sound.get('DELETE /roles/{role_id}')).toMatch(deletion);
    expect(exitCodeOf(report, 'low')).toBe(0);
  });
});

test('roles of a target that breaks when one was deleted are not judged', async () => {
  let down = false;
  const { routes } = rolesTwin('permissions-in-session');
  const broken = Object.fromEntries(
    Object.entries(routes).map(([key, route]) => [
      key,
      (request: TwinRequest) => {
        const answer = down ? { status: 500, body: 'down' } : route(request);
        if (key === 'DELETE /roles/{role_id}') down = true;
        return answer;
      },
    ]),
  );
  const twin = await startTwin(broken, ROLES_DOCUMENT);
  const report = await auditTwin({
    url: twin.origin,
    accounts: ROLES_ACCOUNTS,
    checks: ['stale-authority'],
  });
  await twin.close();
  const lines = verdictLines(report).join('\n');
  expect(
    findingsOf(report).map(({ cause }) => cause),
    lines,
  ).not.toContain('roles outlive their deletion');
  expect(exitCodeOf(report, 'low'), lines).toBe(2);
});
