// Targets that answer anything at all, and documents that say anything at all: the audit ends, with
// a report, and finds nothing that it was not shown.
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { account, auditTwin, findingsOf, verdictLines } from '../support/audit.ts';

/** A generator of its own, so that a failure comes again: mulberry32. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  };
}

const nested = `${'['.repeat(5_000)}1${']'.repeat(5_000)}`;

const BODIES: readonly (readonly [type: string, body: string])[] = [
  ['application/json', 'null'],
  ['application/json', '[]'],
  ['application/json', '[[], {}, null, 7, "x", [[["deep"]]]]'],
  ['application/json', '{"id": null, "items": {"id": []}, "detail": {"loc": {}}}'],
  ['application/json', '{"__proto__": {"id": 1}, "constructor": "x", "id": "../../etc/passwd"}'],
  ['application/json', '{"detail": [{"loc": ["body", 0, null], "msg": null}, null, 4]}'],
  ['application/json', '{"error": {"errors": [[["title"]], {"title": {"a": ["b"]}}]}}'],
  [
    'application/json',
    '{"id": "%E0%A4%A", "next": "http://[", "self": "//", "link": "/things/%ZZ"}',
  ],
  ['application/json', '{"broken": '],
  ['application/json', nested],
  ['application/json', `{"id": ${'9'.repeat(400)}, "e": 1e999}`],
  ['text/html', '<form method=post action="http://["><input type=password name="a[b]"><p'],
  ['text/html', '<a href="%E0%A4%A">x</a><a href="//:">y</a><script src="http://["></script>'],
  ['text/plain', '\u0000\u0001\ufffd<>&"\'`$(id)'],
  ['application/octet-stream', 'x'.repeat(70_000)],
  ['', ''],
];

const STATUSES = [200, 200, 200, 201, 202, 204, 302, 304, 400, 401, 403, 404, 405, 409, 422, 500];

const HEADERS: readonly Readonly<Record<string, string | string[]>>[] = [
  {},
  { location: '%E0%A4%A' },
  { location: 'http://[' },
  { location: '/things/%ZZ' },
  { 'set-cookie': ['=', ';', 'a', 'a=b; Max-Age=x; Expires=never', 'c=%E0%A4%A'] },
  { 'retry-after': 'soon', 'www-authenticate': 'Basic Bearer =, ,' },
  { 'content-type': 'application/json; charset=utf-16' },
];

/** What a document might say where another thing belongs. */
const ODD: readonly unknown[] = [
  null,
  [],
  {},
  7,
  'text',
  [null],
  { $ref: '#/nowhere' },
  { $ref: '#/components/schemas/Thing' },
  { type: ['string', 'null'], enum: [] },
  { type: 'object', properties: null, required: 'name' },
  { allOf: [{ $ref: '#/components/schemas/Thing' }], type: 'array' },
  { type: 'string', pattern: '(a+)+$', minLength: 1e9, maxLength: -1 },
  { type: 'integer', minimum: 1e300, maximum: -1e300, multipleOf: 0 },
];

function documentOf(roll: (sides: number) => number): object {
  const odd = () => ODD[roll(ODD.length)];
  const text = { type: 'string' };
  const person = { type: 'object', properties: { username: text, password: text } };
  const json = (schema: unknown) => ({ content: { 'application/json': { schema } } });
  const operation = () => ({
    parameters: [{ name: 'thing_id', in: 'path', schema: odd() }, odd(), odd()],
    requestBody: roll(3) === 0 ? odd() : json(odd()),
    responses: roll(3) === 0 ? odd() : { 200: odd() },
    tags: odd(),
    security: roll(2) === 0 ? odd() : [{ account: [] }],
  });
  const thing = { type: 'object', properties: { self: { $ref: '#/components/schemas/Thing' } } };
  return {
    openapi: '3.1.0',
    info: odd(),
    servers: roll(2) === 0 ? odd() : [],
    components: {
      schemas: { Thing: thing },
      securitySchemes: { account: { type: 'http', scheme: 'bearer' }, odd: odd() },
    },
    paths: {
      '/sign-in': { post: { security: [], requestBody: json(person), responses: {} } },
      '/me': { get: { responses: {} } },
      '/things': { get: operation(), post: operation(), put: operation() },
      '/things/{thing_id}': { get: operation(), patch: operation(), delete: operation() },
      '/things/{thing_id}/{': { get: operation() },
      '/odd': odd(),
    },
  };
}

async function startHostile(seed: number): Promise<{ server: Server; origin: string }> {
  const roll = dice(seed);
  const document = documentOf(roll);
  const server = createServer((request, response) => {
    request.resume();
    const send = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const name = /^Bearer of-(ada|bob)$/.exec(request.headers.authorization ?? '')?.[1];
    if (request.url === '/openapi.json') send(200, document);
    else if (request.url === '/sign-in') signIn(request.method === 'POST', request, send);
    else if (request.url === '/me') send(name === undefined ? 401 : 200, { username: name });
    else answerAnything(response, roll);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function signIn(
  isPost: boolean,
  request: NodeJS.ReadableStream,
  send: (status: number, body: unknown) => void,
): void {
  let text = '';
  request.on('data', (chunk: Buffer) => (text += chunk.toString()));
  request.on('end', () => {
    const name = /"username":"(ada|bob)","password":"right-(?:ada|bob)"/.exec(text)?.[1];
    if (isPost && name !== undefined) send(200, { token: `of-${name}` });
    else send(401, { detail: 'Wrong' });
  });
}

function answerAnything(response: ServerResponse, roll: (sides: number) => number): void {
  const [type, body] = BODIES[roll(BODIES.length)] ?? ['', ''];
  const status = STATUSES[roll(STATUSES.length)] ?? 200;
  if (roll(40) === 0) {
    response.destroy();
    return;
  }
  response.writeHead(status, {
    ...(type === '' ? {} : { 'content-type': type }),
    ...HEADERS[roll(HEADERS.length)],
  });
  response.end(body);
}

const seeds = Array.from(
  { length: Number(process.env['HOSTILE_SEEDS'] ?? 6) },
  (_, index) => index,
);

test.each(seeds)('anything at all is survived: %i', async (seed) => {
  const { server, origin } = await startHostile(seed);
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const report = await auditTwin({
    url: origin,
    accounts: { a: account('ada', 'right-ada'), b: account('bob', 'right-bob') },
    settings: { signInAttempts: 4 },
    timeoutMilliseconds: 2_000,
    requestsMax: 1_500,
  });
  const lines = [...report.problems, ...verdictLines(report)].join('\n');
  expect(report.checks.length).toBeGreaterThan(20);
  expect(lines).not.toMatch(/TypeError|RangeError|Cannot read|is not a function|undefined/);
  // The sign-in is in earnest, and has no limit: that much is true.
  const allowed = new Set(['guessing-limit']);
  const found = report.checks.filter(({ findings }) => findings.length > 0);
  expect(
    found.filter(({ check }) => !allowed.has(check.id)).map(({ check }) => check.id),
    lines,
  ).toEqual([]);
  expect(findingsOf(report).length, lines).toBeLessThan(2);
});
