// `sallyport routes --diff`: what a change lets each role reach that it could not before.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AccessRow } from '../../src/fastify/access-table.ts';
import { accessDiffLines, compareAccess } from '../../src/server/access-diff.ts';

const ALL = ['visitor', 'signed-in', 'viewer', 'member', 'admin', 'owner'];
const ROLES: Readonly<Record<string, readonly string[]>> = {
  public: ALL,
  'signed-in': ALL.slice(1),
  'invoices:read': ALL.slice(2),
  'invoices:write': ALL.slice(3),
};

function row(
  method: string,
  url: string,
  who: string,
  stepUpSeconds: number | null = null,
  roles = ROLES[who] ?? [],
): AccessRow {
  const access = who === 'public' || who === 'signed-in' ? who : { permission: who };
  return {
    method,
    url,
    access,
    roles,
    stepUpSeconds,
    stepUpAal: null,
    bearer: false,
    bodyType: null,
    load: false,
  };
}

const linesOf = (before: readonly AccessRow[], now: readonly AccessRow[]) =>
  accessDiffLines(compareAccess(before, now));

describe('a change of who may call what is told role by role [ASVS 8.1.1] [CWE-862]', () => {
  const routes = [
    row('GET', '/invoices', 'invoices:read'),
    row('POST', '/invoices', 'invoices:write', 300),
  ];

  test('the same table opens nothing', () => {
    expect(linesOf(routes, routes)).toEqual(['Nobody can reach more or less than before.']);
  });

  test('a permission that asks for less, and another that custom roles may have', () => {
    const now = [routes[0] as AccessRow, row('POST', '/invoices', 'invoices:read', 300)];
    expect(linesOf(routes, now)).toEqual([
      'Opened',
      '  viewer          POST /invoices',
      '  invoices:read   POST /invoices',
      'Closed',
      '  invoices:write  POST /invoices',
    ]);
  });

  test('a route that becomes public, a new one, and one that is gone', () => {
    const now = [row('GET', '/invoices', 'public'), row('DELETE', '/invoices', 'invoices:write')];
    const { opened, closed } = compareAccess(routes, now);
    expect(opened.map(({ who, method }) => `${who} ${method}`)).toEqual([
      'visitor GET',
      'signed-in GET',
      'member DELETE',
      'admin DELETE',
      'owner DELETE',
      'invoices:write DELETE',
    ]);
    expect(closed.map(({ who, method }) => `${who} ${method}`)).toEqual([
      'member POST',
      'admin POST',
      'owner POST',
      'invoices:read GET',
      'invoices:write POST',
    ]);
  });

  test.each([
    [null, 'without step-up, was 300 s'],
    [600, 'step-up 600 s, was 300 s'],
  ])('a step-up that asks for less: %s', (seconds, text) => {
    const now = [routes[0] as AccessRow, row('POST', '/invoices', 'invoices:write', seconds)];
    const lines = linesOf(routes, now);
    expect(lines[0]).toBe('Opened');
    expect(lines.slice(1)).toHaveLength(4);
    for (const line of lines.slice(1)) expect(line).toContain(`POST /invoices  ${text}`);
  });

  test('a step-up that asks for more opens nothing', () => {
    const now = [routes[0] as AccessRow, row('POST', '/invoices', 'invoices:write', 60)];
    expect(compareAccess(routes, now).opened).toEqual([]);
    expect(compareAccess(routes, now).closed).toHaveLength(4);
  });

  test('a role that is given a permission by default', () => {
    const now = [
      row('GET', '/invoices', 'invoices:read'),
      row('POST', '/invoices', 'invoices:write', 300, ALL.slice(2)),
    ];
    expect(linesOf(routes, now)).toEqual(['Opened', '  viewer  POST /invoices']);
  });

  test('what one way opens, the other way closes', () => {
    const table = fc.uniqueArray(
      fc
        .tuple(
          fc.constantFrom('GET', 'POST'),
          fc.constantFrom('/a', '/b'),
          fc.constantFrom(...Object.keys(ROLES)),
          fc.constantFrom(null, 60, 300),
        )
        .map(([method, url, who, seconds]) => row(method, url, who, seconds)),
      { selector: ({ method, url }) => `${method} ${url}` },
    );
    fc.assert(
      fc.property(table, table, (before, now) => {
        const { opened, closed } = compareAccess(before, now);
        const back = compareAccess(now, before);
        expect(back).toEqual({ opened: closed, closed: opened });
        for (const { who, method, url } of opened) {
          const after = now.find((each) => each.method === method && each.url === url);
          expect([...(after?.roles ?? []), after?.access]).toContainEqual(
            who.includes(':') ? { permission: who } : who,
          );
        }
      }),
    );
  });
});

describe('as a command of a pipeline', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-diff-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function routes(...words: string[]) {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['dist/bin.js', 'routes', ...words],
      { encoding: 'utf8', env: { PATH: process.env['PATH'] } },
    );
    return { status, stdout, stderr };
  }

  function keep(name: string, text: string): string {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  }

  test('0 where nothing was opened, 1 where something was', () => {
    const table = routes('--json').stdout;
    const same = routes('--diff', keep('same.json', table));
    expect(same).toEqual({
      status: 0,
      stdout: 'Nobody can reach more or less than before.\n',
      stderr: '',
    });
    const rows = (JSON.parse(table) as AccessRow[]).map((each) =>
      each.url === '/api/sessions' && each.method === 'GET' ? { ...each, roles: ['owner'] } : each,
    );
    const opened = routes('--diff', keep('before.json', JSON.stringify(rows)));
    expect(opened.status).toBe(1);
    expect(opened.stdout).toMatch(/^Opened\n {2}signed-in +GET \/api\/sessions\n/);
    expect(opened.stdout).not.toContain('Closed');
    const shut = [...(JSON.parse(table) as AccessRow[]), row('GET', '/gone', 'public')];
    const closed = routes('--diff', keep('more.json', JSON.stringify(shut)), '--json');
    expect(closed.status).toBe(0);
    expect(JSON.parse(closed.stdout)).toMatchObject({ opened: [], closed: { length: 6 } });
  });

  test.each([
    ['a file that is not there', () => join(folder, 'none.json'), /cannot be read: ENOENT/],
    ['a file that is no JSON', () => keep('a.json', 'x'), /no table of `sallyport routes/],
    ['another JSON', () => keep('b.json', '[{"method":"GET"}]'), /no table of `sallyport routes/],
  ])('3 for %s, and one line', (_name, file, line) => {
    const { status, stdout, stderr } = routes('--diff', file());
    expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(line);
  });
});
