import { readFileSync } from 'node:fs';
import { validate } from '@readme/openapi-parser';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROBLEMS, type ProblemCode } from '../../src/http/problem.ts';
import { ask, Visitor } from '../support/client.ts';
import { newcomer } from '../support/people.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

interface ProblemAnswer {
  readonly description: string;
  readonly content: Readonly<
    Record<
      string,
      {
        readonly schema: {
          readonly properties: {
            readonly code: { readonly enum: readonly ProblemCode[] };
            readonly status: { readonly const: number };
          };
        };
      }
    >
  >;
}

interface Document {
  readonly openapi: string;
  readonly servers: unknown;
  readonly paths: Readonly<
    Record<
      string,
      Readonly<Record<string, { readonly responses: Readonly<Record<string, ProblemAnswer>> }>>
    >
  >;
}

let server: TestServer;
let document: Document;
beforeAll(async () => {
  server = await startTestServer();
  document = (await ask(server.origin, '/openapi.json')).json() as Document;
});
afterAll(() => server.close());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { responses }]) => ({
      name: `${method.toUpperCase()} ${path}`,
      refusals: Object.entries(responses).filter(([status]) => status >= '400'),
    })),
  );

/** The codes that an operation names, but for those that anything can answer for a while. */
const codesOf = (name: string) =>
  operations()
    .filter((operation) => operation.name === name)
    .flatMap(({ refusals }) => refusals.flatMap(([, answer]) => codesIn(answer)))
    .filter((code) => PROBLEMS[code].status < 500)
    .toSorted();

const codesIn = ({ content }: ProblemAnswer) =>
  content['application/problem+json']?.schema.properties.code.enum ?? [];

describe('the OpenAPI document', () => {
  test('is valid OpenAPI 3.1', async () => {
    expect(document.openapi).toBe('3.1.0');
    // The validator takes its argument apart, so it gets a copy.
    const validated = await validate(JSON.parse(JSON.stringify(document)));
    expect(validated).toMatchObject({ valid: true });
    const broken = JSON.parse(JSON.stringify({ ...document, paths: { 'no-slash': {} } }));
    expect(await validate(broken)).toMatchObject({ valid: false });
  });

  test('names the origin at which the process really answers, also on a free port', () => {
    expect(document.servers).toEqual([{ url: server.origin }]);
  });

  test('has every refusal as application/problem+json, with the codes of its status alone', () => {
    const refusals = operations().flatMap((operation) => operation.refusals);
    expect(refusals.length).toBeGreaterThan(50);
    for (const [status, answer] of refusals) {
      expect(Object.keys(answer.content)).toEqual(['application/problem+json']);
      const { code } = answer.content['application/problem+json']?.schema.properties ?? {};
      expect(code?.enum.length).toBeGreaterThan(0);
      expect(code?.enum.map((each) => String(PROBLEMS[each].status))).toEqual(
        code?.enum.map(() => status),
      );
      expect(answer.description).toBe(code?.enum.join(', '));
    }
    expect(JSON.stringify(document)).not.toContain('"refuses"');
  });

  test('and docs/api.md name the same refusals for every operation', () => {
    const text = readFileSync('docs/api.md', 'utf8');
    const sections = text.split(/^### (?=[A-Z]+ \/)/m).slice(1);
    const told = sections.flatMap((section) => {
      const [name = ''] = section.split('\n');
      const [, refusals] =
        /\nRefusals: ([^]*?)(?:\n\n|\n?$)|Refusals: ([^\n]*)/.exec(section) ?? [];
      const line = refusals ?? /Refusals: ([^\n]*)/.exec(section)?.[1] ?? '';
      const codes = [...line.replaceAll(/\([^)]*`[^)]*\)/g, '').matchAll(/`([a-z-]+)`/g)].map(
        ([, code]) => code ?? '',
      );
      const own = codes.filter(
        (code) => code in PROBLEMS && PROBLEMS[code as ProblemCode].status < 500,
      );
      return document.paths[name.split(' ')[1] ?? ''] ? [[name, own.toSorted()] as const] : [];
    });
    expect(told.length).toBeGreaterThan(15);
    expect(Object.fromEntries(told)).toEqual(
      Object.fromEntries(told.map(([name]) => [name, codesOf(name)])),
    );
  });

  test('foretells what is refused: each answer has a code that its operation names', async () => {
    const visitor = new Visitor(server.origin);
    const { browser } = await newcomer(server.origin);
    const token = browser.csrfToken;
    const answers = {
      'POST /api/email-confirmations': [
        await visitor.send('POST', '/api/email-confirmations', { token: 'A'.repeat(43) }),
        await visitor.send('POST', '/api/email-confirmations', { more: 1 }),
      ],
      'POST /api/sign-in': [
        await visitor.send('POST', '/api/sign-in', { email: 'a@example.com', password: 'x' }),
        await visitor.send('POST', '/api/sign-in', {}, { origin: 'https://evil.example' }),
        await visitor.send('POST', '/api/sign-in', {}, { 'content-type': 'text/plain' }),
      ],
      'GET /api/session': [await visitor.get('/api/session')],
      'DELETE /api/sessions/{id}': [
        await browser.send('DELETE', '/api/sessions/00000000-0000-4000-8000-000000000000'),
        await browser.send('DELETE', '/api/sessions/x'),
      ],
    };
    browser.csrfToken = undefined;
    const without = await browser.send('POST', '/api/sign-out');
    browser.csrfToken = token;
    for (const [name, given] of Object.entries({ ...answers, 'POST /api/sign-out': [without] })) {
      for (const answer of given) {
        expect(answer.headers['content-type']).toBe('application/problem+json');
        expect(codesOf(name), name).toContain((answer.json() as { code: string }).code);
      }
    }
  });
});
