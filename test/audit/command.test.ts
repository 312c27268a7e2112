// `sallyport audit` as a person meets it: its files, its exit codes, and what a later run holds to.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type AuditFlags, runAudit } from '../../src/audit/command.ts';
import { type Flaw, NOTES_DOCUMENT, notesTwin } from '../support/notes-twin.ts';
import { startTwin, type Twin, type TwinRoutes } from '../support/twin.ts';
import { junitErrors, sarifErrors } from './schemas.ts';

/** What a report must neither run nor be steered by. */
const HOSTILE = '<script>alert(1)</script>"&\u001b[2J';

const DAY = '2026-11-29';

let folder: string;
let twin: Twin;
/** What the target is at the moment. */
let routes: TwinRoutes = notesTwin();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-audit-'));
  const all = Object.keys(notesTwin()).map((key) => [
    key,
    (request: Parameters<TwinRoutes[string]>[0]) =>
      routes[key]?.(request) ?? { status: 404, body: {} },
  ]);
  const document = { ...NOTES_DOCUMENT, info: { title: `Notes ${HOSTILE}`, version: '1' } };
  twin = await startTwin(Object.fromEntries(all) as TwinRoutes, document);
});

afterAll(async () => {
  await twin.close();
  rmSync(folder, { recursive: true });
});

const file = (name: string) => join(folder, name);

const read = (name: string) => readFileSync(file(name), 'utf8');

interface Ran {
  readonly code: number;
  readonly printed: string;
  readonly said: string;
}

async function audited(flaws: readonly Flaw[], given: Partial<AuditFlags> = {}): Promise<Ran> {
  routes = notesTwin(...flaws);
  let printed = '';
  let said = '';
  const flags: AuditFlags = {
    a: 'env:ALICE',
    b: 'env:ROBERT',
    config: file('sallyport-audit.yaml'),
    wait: '0',
    attempts: '5',
    requests: '3000',
    timeout: '5000',
    pause: '0',
    failOn: 'low',
    allowWrites: true,
    log: file('log.jsonl'),
    checks: 'object-level,access-matrix',
    ...given,
  };
  const code = await runAudit(twin.origin, flags, {
    environment: { ALICE: 'alice:password-of-alice', ROBERT: 'robert:password-of-robert' },
    version: '1.2.3',
    now: () => new Date(`${DAY}T10:00:00Z`),
    progress: (line) => {
      said += `${line}\n`;
    },
    print: (text) => {
      printed += text;
    },
  });
  return { code, printed, said };
}

describe('a first run and later ones', () => {
  test('the first writes what it chose and who was answered what', async () => {
    const { code, printed } = await audited([]);
    expect(code, printed).toBe(0);
    expect(printed).toContain('sallyport-audit.yaml: review it');
    const written = parse(read('sallyport-audit.yaml')) as Record<string, Record<string, unknown>>;
    expect(written['operations']).toMatchObject({
      'sign-in': 'POST /api/sign-in',
      'who-am-i': 'GET /api/me',
    });
    expect(written['matrix']?.['GET /api/notes']).toEqual({
      a: 'granted',
      b: 'granted',
      anonymous: 'refused',
    });
  });

  test('[CWE-284] a later one enforces the matrix that was reviewed', async () => {
    const { code } = await audited([], { checks: 'access-matrix' });
    expect(code).toBe(0);
    const before = read('sallyport-audit.yaml');
    const reviewed = before.replace(
      /("?GET \/api\/offers"?:\n(?: {4}\w+: granted\n)*? {4}anonymous: )granted/,
      '$1refused',
    );
    expect(reviewed).not.toBe(before);
    writeFileSync(file('reviewed.yaml'), reviewed);
    const config = file('reviewed.yaml');
    const { code: later, printed } = await audited([], { checks: 'access-matrix', config });
    expect(later, printed).toBe(1);
    expect(printed).toContain('anonymous is answered where the reviewed matrix says refused');
    expect(read('reviewed.yaml')).toBe(reviewed);
  });

  test('what a person pins is taken, and what they exclude is not called', async () => {
    const config = file('pinned.yaml');
    writeFileSync(
      config,
      'operations: { who-am-i: GET /api/colleagues }\nexclude: [GET /api/offers]\n',
    );
    twin.asked.length = 0;
    await audited([], { checks: 'object-level', config });
    expect(twin.asked).not.toContain('GET /api/offers');
    expect(twin.asked).toContain('GET /api/colleagues');
  });
});

describe('exit codes', () => {
  test('findings end with 1, and with 0 where only worse ones count', async () => {
    expect((await audited(['read-any-note'])).code).toBe(1);
    expect((await audited(['read-any-note'], { failOn: 'critical' })).code).toBe(0);
  });

  test('a target that cannot be judged ends with 2', async () => {
    const { code, printed } = await audited([], { a: 'alice:wrong', b: 'robert:wrong' });
    expect(code).toBe(2);
    expect(printed).toContain('without account A nothing can be compared');
  });

  test('a budget that is spent ends with 2', async () => {
    const { code, printed } = await audited([], { requests: '90' });
    expect(code, printed).toBe(2);
    expect(printed).toContain('the budget of 90 requests is spent');
  });

  test.each<[what: string, flags: Partial<AuditFlags>, says: string]>([
    ['an unknown check', { checks: 'no-such' }, 'There is no check no-such'],
    ['an unknown severity', { failOn: 'awful' }, '--fail-on takes one of'],
    ['no number', { requests: 'many' }, '--requests takes a whole number'],
    ['a missing variable', { a: 'env:NOBODY' }, 'NOBODY'],
    ['no document', { document: '/nowhere/openapi.json' }, 'cannot be read'],
    ['a baseline that is none', { baseline: '/dev/null' }, 'is no report'],
  ])('%s ends with 3 and says why', async (_, flags, says) => {
    const { code, said } = await audited([], flags);
    expect(said).toContain(says);
    expect(code).toBe(3);
  });

  test('a key that is misspelt ends with 3: it would be a setting that does not hold', async () => {
    writeFileSync(file('misspelt.yaml'), 'excludes: [GET /api/offers]\n');
    const { code, said } = await audited([], { config: file('misspelt.yaml') });
    expect(code).toBe(3);
    expect(said).toContain('misspelt.yaml');
  });
});

describe('what is accepted', () => {
  const config = () => file('accepted.yaml');

  test('a baseline takes what it has, and nothing else', async () => {
    writeFileSync(config(), '');
    await audited(['read-any-note'], { json: file('baseline.json'), config: config() });
    const baseline = file('baseline.json');
    const flags = { baseline, config: config() };
    expect((await audited(['read-any-note'], flags)).code).toBe(0);
    expect((await audited(['read-any-note', 'delete-any-note'], flags)).code).toBe(1);
  });

  test('a suppression holds until its last day, and is said when it has expired', async () => {
    const report = JSON.parse(read('baseline.json')) as {
      readonly checks: readonly {
        readonly findings: readonly { readonly fingerprint: string }[];
      }[];
    };
    const fingerprint = report.checks.flatMap(({ findings }) => findings)[0]?.fingerprint ?? '';
    const until = (day: string) => {
      writeFileSync(
        config(),
        `suppressions: [{ fingerprint: '${fingerprint}', reason: known, until: ${day} }]\n`,
      );
      return audited(['read-any-note'], { config: config() });
    };
    expect((await until(DAY)).code).toBe(0);
    const expired = await until('2026-11-28');
    expect(expired.code).toBe(1);
    expect(expired.printed).toContain(`the suppression of ${fingerprint} expired on 2026-11-28`);
  });

  test('what is suppressed stands in SARIF as such', async () => {
    writeFileSync(config(), '');
    const sarif = file('suppressed.sarif');
    const flags = { baseline: file('baseline.json'), config: config(), sarif };
    await audited(['read-any-note'], flags);
    const [result] = sarifOf('suppressed.sarif').results;
    expect(result?.suppressions).toEqual([
      { kind: 'external', justification: expect.stringContaining('baseline') },
    ]);
  });
});

interface Sarif {
  readonly tool: {
    readonly driver: { readonly name: string; readonly rules: { readonly id: string }[] };
  };
  readonly invocations: { readonly executionSuccessful: boolean; readonly startTimeUtc: string }[];
  readonly results: {
    readonly ruleId: string;
    readonly ruleIndex: number;
    readonly level: string;
    readonly message: { readonly text: string };
    readonly locations: {
      readonly physicalLocation: {
        readonly artifactLocation: { readonly uri: string };
        readonly region: { readonly startLine: number };
      };
      readonly logicalLocations: { readonly fullyQualifiedName: string }[];
    }[];
    readonly partialFingerprints: Record<string, string>;
    readonly suppressions?: readonly object[];
  }[];
}

function sarifOf(name: string): Sarif {
  const document = JSON.parse(read(name)) as { version: string; $schema: string; runs: Sarif[] };
  expect(document.version).toBe('2.1.0');
  expect(document.$schema).toContain('sarif-schema-2.1.0');
  const [run] = document.runs;
  if (run === undefined) throw new Error('there is no run');
  return run;
}

describe('reports of one finding', () => {
  beforeAll(async () => {
    writeFileSync(file('reports.yaml'), '');
    const { printed } = await audited(['read-any-note'], {
      config: file('reports.yaml'),
      json: file('report.json'),
      sarif: file('report.sarif'),
      junit: file('report.xml'),
      html: file('report.html'),
    });
    writeFileSync(file('report.txt'), printed);
  });

  test('no secret stands in any of them, nor in the log', () => {
    const names = [
      'report.json',
      'report.sarif',
      'report.xml',
      'report.html',
      'report.txt',
      'log.jsonl',
    ];
    for (const name of names) {
      const text = read(name);
      expect(text, name).not.toMatch(/password-of-|session-[0-9a-f]{48}/);
      expect(text.length, name).toBeGreaterThan(500);
    }
    expect(read('log.jsonl')).toContain('$A_PASSWORD');
  });

  test('HTML has no script, loads nothing, and shows hostile text as text [CWE-79]', () => {
    const html = read('report.html');
    expect(html).not.toMatch(/<script|\son\w+=|javascript:|<(img|link|iframe|object)\b|url\(/i);
    expect(html).toContain('&lt;script>alert(1)');
    expect(html).toMatch(/content="default-src 'none'; style-src 'sha256-[\w+/=]+'"/);
    expect(html).toContain('curl --include');
    for (const part of [
      'Evidence',
      'Controls',
      'How to repair it',
      'FastAPI:',
      'Fastify:',
      'Sallyport:',
    ])
      expect(html).toContain(part);
  });

  test('the terminal is not steered by the target [CWE-150]', () => {
    const text = read('report.txt');
    expect(text).not.toMatch(/[^\P{Cc}\n]/u);
    expect(text).toMatch(
      /HIGH {2}Another account can read what is A's: GET \/api\/notes\/\{note_id\}/,
    );
    expect(text).toMatch(/1 finding; \d+ of \d+ operations reached, \d+ requests, \d+\.\d s/);
  });

  test('JSON has the finding with evidence, controls and how to repair it', () => {
    const report = JSON.parse(read('report.json')) as {
      readonly checks: readonly { readonly id: string; readonly findings: readonly object[] }[];
    };
    const [finding] = report.checks.find(({ id }) => id === 'object-level')?.findings ?? [];
    const step = {
      says: expect.any(String),
      curl: expect.stringMatching(/^curl /),
      number: expect.any(Number),
    };
    expect(finding).toMatchObject({
      severity: 'high',
      confidence: 'confirmed',
      subjects: ['GET /api/notes/{note_id}'],
      evidence: expect.arrayContaining([expect.objectContaining(step)]),
      controls: expect.arrayContaining([expect.objectContaining(step)]),
      repair: {
        fastapi: expect.any(String),
        fastify: expect.any(String),
        sallyport: expect.any(String),
      },
    });
  });

  test('SARIF keeps to the rules of its schema', () => {
    const { tool, results, invocations } = sarifOf('report.sarif');
    expect(tool.driver.name).toBe('sallyport audit');
    expect(new Set(tool.driver.rules.map(({ id }) => id)).size).toBe(tool.driver.rules.length);
    expect(invocations).toMatchObject([
      { executionSuccessful: true, startTimeUtc: `${DAY}T10:00:00.000Z` },
    ]);
    expect(results.length).toBe(1);
    for (const { ruleId, ruleIndex, level, message, locations, partialFingerprints } of results) {
      expect(tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
      expect(['none', 'note', 'warning', 'error']).toContain(level);
      expect(message.text.length).toBeGreaterThan(0);
      for (const { physicalLocation, logicalLocations } of locations) {
        const { uri } = physicalLocation.artifactLocation;
        // A URI reference, relative to the repository. SARIF 2.1.0, 3.4.3.
        expect(new URL(uri, 'file:///repository/').href).toBe(`file:///repository/${uri}`);
        expect(physicalLocation.region.startLine).toBeGreaterThan(0);
        expect(logicalLocations[0]?.fullyQualifiedName).toBe('GET /api/notes/{note_id}');
      }
      expect(Object.values(partialFingerprints)).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)]);
    }
  });

  test.each(['report.sarif', 'suppressed.sarif'])('%s is valid by the schema of OASIS', (name) => {
    const text = read(name);
    expect(sarifErrors(text)).toEqual([]);
    // The schema is one that refuses.
    expect(sarifErrors(text.replace('"version": "2.1.0"', '"version": "2.2"'))).not.toEqual([]);
    expect(sarifErrors(text.replace('"level": "error"', '"level": "high"'))).not.toEqual([]);
  });

  test('JUnit is valid by the schema of Jenkins', async () => {
    const text = read('report.xml');
    expect(await junitErrors(text)).toEqual([]);
    expect(await junitErrors(text.replace('<skipped ', '<omitted '))).not.toEqual([]);
    expect(await junitErrors(text.replace(/ failures="\d+"/, ''))).not.toEqual([]);
  });

  test('JUnit counts what it has, and what was not tested is skipped', () => {
    const xml = read('report.xml');
    const suites = [
      ...xml.matchAll(
        /<testsuite name="([^"]+)" tests="(\d+)" failures="(\d+)" errors="(\d+)" skipped="(\d+)">([\s\S]*?)<\/testsuite>/g,
      ),
    ];
    expect(
      suites.map(([, name]) => name).toSorted((one = '', other = '') => one.localeCompare(other)),
    ).toEqual(['access-matrix', 'object-level']);
    const count = (text: string, tag: string) => text.split(`<${tag}`).length - 1;
    for (const [, , tests, failures, errors, skipped, inner = ''] of suites) {
      expect(count(inner, 'testcase ')).toBe(Number(tests));
      expect(count(inner, 'failure ')).toBe(Number(failures));
      expect(count(inner, 'error ')).toBe(Number(errors));
      expect(count(inner, 'skipped ')).toBe(Number(skipped));
    }
    expect(xml).toContain('<skipped message="no matrix was reviewed yet');
  });

  test('a curl command is the request again', async () => {
    const report = JSON.parse(read('report.json')) as {
      readonly checks: readonly {
        readonly findings: readonly { readonly evidence: readonly { readonly curl: string }[] }[];
      }[];
    };
    const [step] = report.checks
      .flatMap(({ findings }) => findings)
      .flatMap(({ evidence }) => evidence);
    expect(step?.curl).toMatch(
      new RegExp(
        String.raw`^curl --include --header "authorization: Bearer \$B_TOKEN(_\d+)?" '${twin.origin}/api/notes/\d+'$`,
      ),
    );
  });
});
