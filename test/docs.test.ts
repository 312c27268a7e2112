// The documents say what the code says: each list in them is held against the list in the code.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { KeyProblem } from '../src/core/api-keys.ts';
import type { requestEmailChange } from '../src/core/email-change.ts';
import type { PasswordChangeProblem } from '../src/core/password-change.ts';
import type { FieldProblem } from '../src/core/sign-up.ts';
import type { RoleProblem } from '../src/core/role-changes.ts';
import type { PolicyProblem } from '../src/core/tenant-policy.ts';
import type { TenantProblem } from '../src/core/tenant-creation.ts';
import type { AccessRow } from '../src/fastify/access-table.ts';
import { SECURITY_EVENTS } from '../src/db/security-event-kinds.ts';
import { PROBLEMS } from '../src/http/problem.ts';
import { API_HEADERS, PAGE_HEADERS } from '../src/http/security-headers.ts';
import { languages } from '../src/pages/texts.ts';
import { SETTINGS } from '../src/server/config.ts';
import { ownAccessTable } from '../src/server/routes.ts';
import { ask } from './support/client.ts';
import { startTestServer } from './support/servers.ts';

const documents = ['.', 'docs', 'decisions'].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
);
const read = (file: string) => readFileSync(file, 'utf8');

/** What can be wrong with a field, as the operations and the schemas say it. */
type Reason =
  | FieldProblem['reason']
  | PasswordChangeProblem['reason']
  | KeyProblem['reason']
  | PolicyProblem['reason']
  | TenantProblem['reason']
  | RoleProblem['reason']
  | 'unknown-role'
  | 'malformed-cursor'
  | Extract<Awaited<ReturnType<typeof requestEmailChange>>, { problem: string }>['problem']
  | 'wrong-code'
  | 'not-text'
  | 'unknown-field';

/** The first cells of the rows of a document's tables, where they are code. */
function tableKeys(text: string): string[] {
  return [...text.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, key = '']) => key);
}

/** A section of a document: what stands below the heading, up to the next one of its level. */
function section(text: string, heading: string): string {
  const [, after = ''] = text.split(`\n${heading}\n`);
  return after.split(`\n${heading.split(' ')[0]} `)[0] ?? '';
}

describe('the documents are true of the code', () => {
  test('docs/errors.md has every problem code with its status, and no other', () => {
    const codes = section(read('docs/errors.md'), '## Codes');
    const documented = [...codes.matchAll(/^\| `([^`]+)` +\| (\d+) +\|/gm)];
    expect(
      Object.fromEntries(documented.map(([, code, status]) => [code, Number(status)])),
    ).toEqual(
      Object.fromEntries(Object.entries(PROBLEMS).map(([code, { status }]) => [code, status])),
    );
  });

  test('docs/errors.md has every field reason, and no other', () => {
    // The compiler keeps this list complete; the last two are the schemas' (fastify/refusals.ts).
    const reasons = {
      required: true,
      'too-long': true,
      'malformed-address': true,
      'invisible-characters': true,
      'password-too-short': true,
      'password-too-long': true,
      'password-common': true,
      'password-compromised': true,
      'password-personal': true,
      'password-repeated': true,
      'password-sequence': true,
      'same-address': true,
      'wrong-password': true,
      'wrong-code': true,
      'not-permitted': true,
      'out-of-range': true,
      'too-many-keys': true,
      unusable: true,
      'not-text': true,
      'unknown-field': true,
      'too-short': true,
      'malformed-slug': true,
      'slug-taken': true,
      'malformed-role-name': true,
      'role-name-taken': true,
      'unknown-role': true,
      'unknown-level': true,
      'unknown-permission': true,
      'too-many-roles': true,
      'malformed-cursor': true,
    } satisfies Record<Reason, true>;
    const documented = tableKeys(section(read('docs/errors.md'), '## Field reasons'));
    expect(documented.toSorted()).toEqual(Object.keys(reasons).toSorted());
  });

  test('every kind of security event has its words in each language, and no other has', () => {
    for (const [language, { events }] of Object.entries(languages)) {
      expect([language, Object.keys(events.kinds).toSorted()]).toEqual([
        language,
        Object.keys(SECURITY_EVENTS).toSorted(),
      ]);
    }
  });

  test('docs/security-events.md has every kind with its details, and no other [ASVS 16.1.1]', () => {
    const kinds = section(read('docs/security-events.md'), '## Kinds');
    const documented = [...kinds.matchAll(/^- `([\w-]+)`: (?:.* Details: (.*)|.*)$/gm)].map(
      ([, kind = '', details = '']) => [
        kind,
        [...details.matchAll(/`(\w+)`:/g)].map(([, name = '']) => name),
      ],
    );
    const declared = Object.entries(SECURITY_EVENTS).map(([kind, { details }]) => [
      kind,
      Object.keys(details),
    ]);
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(declared));
  });

  test.each(['README.md', 'docs/configuration.md'])(
    '%s has every setting, and no other',
    (file) => {
      const documented = tableKeys(read(file)).filter((key) => /^[A-Z_]+$/.test(key));
      expect(documented.toSorted()).toEqual(Object.keys(SETTINGS).toSorted());
    },
  );

  test('no document names a setting that does not exist', () => {
    const named = documents.flatMap((file) => read(file).match(/\bSALLYPORT_[A-Z_]+\b/g) ?? []);
    // The second is for a run of our own tests.
    const others = ['SALLYPORT_', 'SALLYPORT_PROPERTY_RUNS', 'SALLYPORT_ATTACKS'];
    const unknown = named.filter((name) => !(name in SETTINGS) && !others.includes(name));
    expect(unknown).toEqual([]);
  });

  test('docs/api.md has every operation of the OpenAPI document, and no other', async () => {
    const server = await startTestServer();
    const { paths } = (await ask(server.origin, '/openapi.json')).json();
    await server.close();
    const operations = Object.entries<object>(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const documented = read('docs/api.md').match(/(?<=^### )[A-Z]+ \/\S+$/gm) ?? [];
    expect(documented.toSorted()).toEqual([...operations, 'GET /openapi.json'].toSorted());
  });

  test('docs/fields.md has every field that an operation takes or answers, and for whom [ASVS 8.1.2]', async () => {
    const server = await startTestServer();
    const { paths } = (await ask(server.origin, '/openapi.json')).json() as OpenApi;
    await server.close();
    const access = new Map(
      (await ownAccessTable()).map((row) => [`${row.method} ${row.url}`, row]),
    );
    expect([...access.values()].filter(({ bearer }) => bearer)).toEqual([]);
    const inProduction = Object.entries(paths).filter(
      ([path]) => !path.startsWith('/development/'),
    );
    const declared = inProduction.flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => {
        const name = `${method.toUpperCase()} ${path}`;
        const row = access.get(name.replaceAll(/\{(\w+)\}/g, ':$1'));
        const who = row && callersOf(row);
        return { name, who, takes: taken(operation), answers: answered(operation) };
      }),
    );
    const rows = read('docs/fields.md').matchAll(/^\| `([A-Z]+ [^`]+)` +\|(.*)\|(.*)\|(.*)\|$/gm);
    const documented = [...rows].map(([, name = '', who = '', takes = '', answers = '']) => ({
      name,
      who: who.replaceAll('`', '').trim(),
      takes: takes.match(/(?<=`)[^`, ]+(?=`)/g) ?? [],
      answers: answers.match(/(?<=`)[^`, ]+(?=`)/g) ?? [],
    }));
    const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
    expect(documented.toSorted(byName)).toEqual(declared.toSorted(byName));
  });

  test('README.md counts the headers that pages and answers carry', () => {
    // `vary` is for caches, and stands apart.
    const count = (headers: object) =>
      Object.keys(headers).filter((name) => name !== 'vary').length;
    expect(read('README.md')).toContain(
      `Every page carries ${count(PAGE_HEADERS)} security headers, every JSON answer ${count(API_HEADERS)}`,
    );
  });

  test("README.md's first screen has at most 40 lines", () => {
    expect(read('README.md').split('\n## ')[0]?.split('\n').length).toBeLessThanOrEqual(40);
  });

  test('every npm script that a document names is in package.json', () => {
    const { scripts } = JSON.parse(read('package.json'));
    for (const file of documents) {
      const named = [...read(file).matchAll(/\bnpm (?:run (\w+)|(start|test)\b)/g)];
      for (const [, run, short] of named) expect(scripts, file).toHaveProperty(run ?? short ?? '');
    }
  });

  test('every sallyport command that a document names is one', () => {
    const written = ['src/cli.ts', 'src/audit-cli.ts', 'src/gateway/command.ts'].map(read).join('');
    const commands = [...written.matchAll(/\.command\('(\w+)'\)/g)].map(([, name]) => name);
    const named = documents.flatMap((file) => [
      ...read(file).matchAll(/(?<!import )\bsallyport ([a-z]+)(?=[`\n ])/g),
    ]);
    const inCode = named.filter(({ input, index }) => /[`$ ]$/.test(input.slice(0, index)));
    expect(inCode.length).toBeGreaterThan(0);
    for (const [, name] of inCode) expect(commands).toContain(name);
  });

  test.each(documents)('%s: every relative link leads to a file and a heading', (file) => {
    for (const [, target = ''] of read(file).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const found = path === '' ? file : join(dirname(file), path);
      expect(existsSync(found), `${file} links to ${target}`).toBe(true);
      const anchors = anchor ? anchorsOf(read(found)) : [anchor];
      expect(anchors, `${file} links to ${target}`).toContain(anchor);
    }
  });

  test.each(documents)('%s: every function stands in the file that is named for it', (file) => {
    for (const [, path = '', name = ''] of read(file).matchAll(/`([\w/.-]+\.tsx?) · (\w+)`/g)) {
      const source = existsSync(path) ? path : join('src', path);
      expect(existsSync(source), `${file} names ${path}`).toBe(true);
      expect(read(source), `${path} has ${name}`).toMatch(new RegExp(`\\b${name}\\b`));
    }
  });
});

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
}

interface OpenApiOperation {
  readonly requestBody?: OpenApiBody;
  readonly responses: Readonly<Record<string, OpenApiBody>>;
}

interface OpenApiBody {
  readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>>;
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

/** Who may call an operation, in the words of docs/fields.md. */
function callersOf({ access, stepUpSeconds }: AccessRow): string {
  const permission = typeof access === 'string' ? access : access.permission;
  const inTeam = typeof access !== 'string' && access.inTeam ? ' in the team' : '';
  return `${permission}${inTeam}${stepUpSeconds === null ? '' : ', step-up'}`;
}

function taken({ requestBody }: OpenApiOperation): readonly string[] {
  return requestBody ? fieldsOf(requestBody) : [];
}

/** Of every answer but a refusal: a problem has the same fields for everybody (docs/errors.md). */
function answered({ responses }: OpenApiOperation): readonly string[] {
  const answers = Object.entries(responses).filter(([status]) => Number(status) < 400);
  return [...new Set(answers.flatMap(([, answer]) => fieldsOf(answer)))];
}

function fieldsOf({ content = {} }: OpenApiBody): readonly string[] {
  return Object.values(content).flatMap(({ schema }) => fieldsIn(schema, ''));
}

/** The ends of a schema, as paths: `members[].email`. */
function fieldsIn(schema: JsonSchema, at: string): readonly string[] {
  const { properties = {}, items, anyOf = [] } = schema;
  const inside = Object.entries(properties).flatMap(([name, field]) => {
    const path = at === '' ? name : `${at}.${name}`;
    const fields = fieldsIn(field, path);
    return fields.length === 0 ? [path] : fields;
  });
  return [
    ...new Set([
      ...anyOf.flatMap((each) => fieldsIn(each, at)),
      ...inside,
      ...(items ? fieldsIn(items, `${at}[]`) : []),
    ]),
  ];
}

/** The anchors that GitHub gives to headings. */
function anchorsOf(text: string): string[] {
  return (text.match(/(?<=^#+ ).+$/gm) ?? []).map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
