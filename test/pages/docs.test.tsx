import { spawnSync } from 'node:child_process';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { docsScript } from '../../src/pages/assets.ts';
import { docsPage, type OpenApiDocument } from '../../src/pages/docs.tsx';
import { openTags, shape, tokenize, visibleText } from './html.ts';
import { hostileText } from './samples.ts';

type Values = Parameters<typeof docsPage>[0];
type Paths = NonNullable<OpenApiDocument['paths']>;

const origin = 'http://localhost:4000';
const problems = { 'invalid-fields': { status: 400, title: 'Some fields need to be corrected.' } };

function pageOf(paths: Paths, values: Partial<Values> = {}): string {
  const document = { info: { title: 'Sallyport', version: '1' }, paths };
  return docsPage({ document, origin, problems, tryIt: { csrfToken: 'csrf' }, ...values });
}

/** A page in which everything that comes from outside is made from this one text. */
function pageMadeOf(text: string): string {
  // A text in front, because some of the page depends on whether there is one at all; and no
  // braces, which would make a parameter of what is inside.
  const value = `a${text}`;
  const path = `/${text.replaceAll(/[{}]/g, '')}/{id}`;
  const field = { type: value, format: value, description: value, maxLength: 1 };
  const schema = {
    type: 'object',
    properties: {
      [value]: field,
      list: { type: 'array', items: { enum: [value] } },
      pattern: { type: 'string', pattern: value, examples: [value] },
    },
    required: [value],
  };
  const content = { [value]: { schema } };
  return docsPage({
    document: {
      info: { title: value, version: value, description: value },
      paths: {
        [path]: {
          post: {
            summary: value,
            description: value,
            security: [{ [value]: [] }],
            parameters: [{ name: value, in: 'path', description: value, schema: field }],
            requestBody: { content },
            responses: { 200: { content }, 400: { content } },
          },
        },
      },
    },
    origin: value,
    problems: { [value]: { status: 400, title: value } },
    tryIt: { csrfToken: value },
  });
}

const operation = fc.record({ summary: hostileText, description: hostileText });
const paths: fc.Arbitrary<Paths> = fc.dictionary(
  hostileText.map((text) => `/${text}`),
  fc.record(
    { get: operation, post: operation, put: operation, patch: operation, delete: operation },
    { requiredKeys: [] },
  ),
);

describe('the documentation page', () => {
  it('keeps its tags and attributes whatever the document says [CWE-79] [ASVS 1.2.1]', () => {
    const plain = shape(pageMadeOf('plain'));
    fc.assert(
      fc.property(hostileText, (text) => {
        expect(shape(pageMadeOf(text))).toEqual(plain);
      }),
    );
  });

  it('has every operation of a document once, and a link to it', () => {
    fc.assert(
      fc.property(paths, (all) => {
        const html = pageOf(all);
        const operations = Object.entries(all).flatMap(([path, item]) =>
          Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
        );
        expect(headings(html).toSorted()).toEqual(operations.toSorted());
        const targets = openTags(html, 'article').map((tag) => `#${tag.attributes.get('id')}`);
        const links = openTags(html, 'a').map((tag) => tag.attributes.get('href'));
        expect(links).toEqual(expect.arrayContaining(targets));
      }),
    );
  });

  it('never gives one id twice, and every reference to an id is met', () => {
    fc.assert(
      fc.property(paths, (all) => {
        const tags = openTags(pageOf(all));
        const ids = tags.flatMap(({ attributes }) => attributes.get('id') ?? []);
        expect(new Set(ids).size).toBe(ids.length);
        const references = tags.flatMap(({ attributes }) => [
          attributes.get('for') ?? [],
          attributes.get('aria-labelledby') ?? [],
          attributes.get('href')?.match(/^#(.*)$/)?.[1] ?? [],
        ]);
        expect(references.flat().filter((id) => !ids.includes(id))).toEqual([]);
      }),
    );
  });

  it('needs no inline style or script [CWE-79] [ASVS 3.4.3]', () => {
    const html = pageMadeOf('plain');
    const tokens = tokenize(html);
    const scripts = tokens.filter((token) => token.kind === 'open' && token.name === 'script');
    expect(scripts).toEqual([
      {
        kind: 'open',
        name: 'script',
        attributes: new Map([
          ['type', 'module'],
          ['src', docsScript.path],
        ]),
      },
    ]);
    expect(html).toMatch(/<script [^>]*><\/script>/);
    for (const tag of openTags(html)) {
      expect(['style', 'base', 'iframe', 'object', 'embed']).not.toContain(tag.name);
      for (const attribute of tag.attributes.keys()) {
        expect(attribute).not.toMatch(/^(on.*|style|srcdoc|formaction|action|target)$/);
      }
    }
  });

  it('has its forms in templates, where they wait for the script', () => {
    const html = pageMadeOf('plain');
    expect(openTags(html, 'form')).toHaveLength(1);
    const outside = html.replaceAll(/<template.*?<\/template>/gs, '');
    expect(outside).not.toMatch(/<(form|input|textarea|button)\b/);
  });

  it('has neither forms nor a script nor a token where nothing can be tried', () => {
    const html = pageOf({ '/a': { post: { summary: 'Do' } } }, { tryIt: null });
    expect(html).not.toMatch(/<(template|form|input|textarea|button|script)\b|data-csrf-token/);
    expect(headings(html)).toEqual(['POST /a']);
  });
});

describe('an operation', () => {
  it('tells its fields with their types and limits, inner ones too', () => {
    const text = visibleText(
      pageOf({
        '/a': {
          post: {
            requestBody: {
              required: true,
              content: {
                'application/json': {
                  schema: {
                    type: 'object',
                    required: ['name', 'tags'],
                    properties: {
                      name: { type: 'string', minLength: 1, maxLength: 100 },
                      note: { anyOf: [{ type: 'string', maxLength: 5 }, { type: 'null' }] },
                      count: { type: 'integer', minimum: -9007199254740991, maximum: 9 },
                      tags: {
                        type: 'array',
                        maxItems: 3,
                        items: { type: 'object', properties: { at: { format: 'date-time' } } },
                      },
                    },
                  },
                },
              },
            },
          },
        },
      }),
    );
    expect(text).toContain('name string 1 to 100 characters');
    expect(text).toContain('note string or null , optional at most 5 characters');
    expect(text).toContain('count integer , optional at most 9');
    expect(text).toContain('tags array of object at most 3 elements');
    expect(text).toContain('tags[].at anything (date-time) , optional');
  });

  it.each([
    [undefined, 'Anybody'],
    [[], 'Anybody'],
    [[{ session: [] }], 'Whoever is signed in'],
    [[{ session: [], synchronizerToken: [] }], 'Whoever is signed in, with the synchronizer token'],
    [[{ bearer: [] }], 'bearer'],
  ])('with the security %j tells who may call it', (security, expected) => {
    const text = visibleText(pageOf({ '/a': { get: { security } } }));
    expect(text).toContain(`Who may call it ${expected} Answers`);
  });

  it('says of a problem which codes its status has, each a link to what it means', () => {
    const schema = { type: 'object', properties: { code: { type: 'string' } } };
    const content = { 'application/problem+json': { schema } };
    const html = pageOf({ '/a': { get: { responses: { 400: { content }, 500: { content } } } } });
    expect(visibleText(html)).toContain('400 Bad Request invalid-fields');
    expect(visibleText(html)).toContain('500 Internal Server Error A problem');
    const links = openTags(html, 'a').map((tag) => tag.attributes.get('href'));
    expect(links).toContain('#problem-invalid-fields');
  });

  it('is told with curl in words that a shell takes apart as meant [CWE-78]', () => {
    const plain = hostileText.filter((text) => !/[\0{}]/.test(text) && text.isWellFormed());
    fc.assert(
      fc.property(plain, plain, (inPath, inBody) => {
        const schema = { type: 'object', properties: { a: { examples: [inBody] } } };
        const content = { 'application/json': { schema } };
        const security = [{ session: [], synchronizerToken: [] }];
        const path = `/x${inPath}`;
        const html = pageOf({ [path]: { put: { security, requestBody: { content } } } });
        const headers = [
          `Origin: ${origin}`,
          'Content-Type: application/json',
          'X-CSRF-Token: TOKEN',
        ];
        expect(wordsOf(example(html))).toEqual(
          [
            `${origin}${path}`,
            ['-b', 'jar', '-c', 'jar', '-X', 'PUT'],
            headers.flatMap((header) => ['-H', header]),
            ['-d', JSON.stringify({ a: inBody })],
          ].flat(),
        );
      }),
      { numRuns: 40 },
    );
  });

  it('takes from the shell what only an earlier answer can tell', () => {
    const schema = { type: 'object', properties: { token: { type: 'string' } } };
    const requestBody = { content: { 'application/json': { schema } } };
    const html = pageOf({ '/a/{id}/b': { delete: { requestBody } } });
    const words = wordsOf(`id=ID; token=T; ${example(html)}`);
    expect(words[0]).toBe(`${origin}/a/ID/b`);
    expect(words.at(-1)).toBe('{"token":"T"}');
  });
});

/** The headings of the operations as a reader sees them. */
function headings(html: string): string[] {
  const found = html.matchAll(/<h3 [^>]*>(.*?)<\/h3>/gs);
  return [...found].map(([, heading = '']) =>
    tokenize(`<!doctype html>${heading}`)
      .map((token) => (token.kind === 'text' ? token.text : ''))
      .join(''),
  );
}

/** The text of the first curl example. */
function example(html: string): string {
  const [, escaped = ''] = /With curl<\/figcaption><pre><code>(.*?)<\/code>/s.exec(html) ?? [];
  return tokenize(`<!doctype html>${escaped}`)
    .map((token) => (token.kind === 'text' ? token.text : ''))
    .join('');
}

/** What curl would be called with, by a real shell. */
function wordsOf(command: string): string[] {
  const script = `curl() { printf '%s\\0' "$@"; }; csrf() { echo TOKEN; }; ${command}`;
  const ran = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
  expect(ran.stderr).toBe('');
  return ran.stdout.split('\0').slice(0, -1);
}
