// Judging and forwarding are the same bytes: a corpus of requests that proxies have read in two
// ways, and a property of all that is forwarded.
import { connect } from 'node:net';
import {
  array,
  assert,
  asyncProperty,
  constantFrom,
  integer,
  nat,
  oneof,
  option,
  record,
  string,
  tuple,
  uint8Array,
} from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ASSERTION_HEADER } from '../../src/assertion/claims.ts';
import type { Verify } from '../../src/assertion/verifier.ts';
import { fold } from '../../src/http/forwardable.ts';
import { startTestGateway, type TestGateway } from '../support/gateways.ts';
import { insertMember, type Member } from '../support/plugin-apps.ts';
import type { Recorded } from '../support/recording-upstream.ts';
import { corpusFor, type RawRequest } from './corpus.ts';

const FILE = `
routes:
  - { method: GET, path: '/open/{id}', access: public }
  - { method: POST, path: '/open', access: public, body: json, timeoutSeconds: 2 }
  - { method: GET, path: '/tree/*', access: public }
  - { method: GET, path: '/mine/*', access: signed-in }
  - { method: HEAD, path: '/mine/*', access: signed-in }
  - { method: OPTIONS, path: '/mine/*', access: signed-in }
  - { method: POST, path: '/mine/*', access: signed-in, body: any }
  - { method: PUT, path: '/mine/*', access: signed-in, body: any }
  - { method: PATCH, path: '/mine/*', access: signed-in, body: any }
  - { method: DELETE, path: '/mine/*', access: signed-in, body: any }
`;

let gateway: TestGateway;
let verify: Verify;
let ada: Member;
beforeAll(async () => {
  gateway = await startTestGateway(FILE);
  verify = await gateway.verifier();
  ada = await insertMember(gateway.database.admin, gateway.origin);
});
afterAll(() => gateway.close());

/** Sends the bytes on a connection of their own. @returns all that comes back. */
function exchange(bytes: Buffer): Promise<string> {
  const { hostname, port } = new URL(gateway.origin);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    let received = '';
    const timer = setTimeout(() => socket.destroy(), 20_000);
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      // Nothing more is coming: what was sent behind the request is answered, or is not.
      if (received.includes('\r\n\r\n')) socket.end();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(received);
    });
    socket.write(bytes);
  });
}

const statusesOf = (answer: string) =>
  [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));

/** What the upstream believes must be the gateway's word, in any spelling. */
async function expectHonest(request: Recorded): Promise<void> {
  const { rawHeaders } = request;
  const names = rawHeaders.filter((_, index) => index % 2 === 0).map(fold);
  const said = names.filter((name) => /^(x-)?sallyport-|^x-forwarded-|^x-request-id$/.test(name));
  expect(said.toSorted()).toEqual([
    'sallyport-assertion',
    'x-forwarded-for',
    'x-forwarded-host',
    'x-forwarded-proto',
    'x-request-id',
  ]);
  expect(new Set(names.filter((name) => ONCE.has(name))).size).toBe(
    names.filter((name) => ONCE.has(name)).length,
  );
  expect(rawHeaders.join('\n')).not.toMatch(/forged|__host-|A{43}/i);
  expect(request.headers['x-forwarded-for']).toBe('127.0.0.1');
  await verify(
    { method: request.method, url: request.target, headers: request.headers },
    request.body,
  );
}

const ONCE = new Set(['host', 'content-length', 'transfer-encoding', 'content-type', 'cookie']);

describe('raw requests [R-76] [R-78] [R-79] [R-80] [R-83] [R-84] [R-85] [CWE-444] [ASVS 4.2.1]', () => {
  test('the corpus has at least 300 of them', () => {
    expect(
      new Set(corpusFor('x').map(({ bytes }) => bytes.toString('latin1'))).size,
    ).toBeGreaterThan(300);
  });

  test('each is refused, or arrives as it was sent', async () => {
    const { requests } = gateway.upstream;
    const wrong: string[] = [];
    for (const raw of corpusFor(new URL(gateway.origin).host)) {
      requests.length = 0;
      const answer = await exchange(raw.bytes);
      const complaint = await complaintOf(raw, answer, [...requests]).catch(String);
      if (complaint !== null) wrong.push(`${JSON.stringify(raw.name)}: ${complaint}`);
    }
    expect(wrong).toEqual([]);
  });

  async function complaintOf(raw: RawRequest, answer: string, requests: readonly Recorded[]) {
    const statuses = statusesOf(answer);
    const passed = statuses.filter((status) => status === 200).length;
    if (requests.length !== passed) return `${requests.length} arrived, answers ${statuses.join()}`;
    if (passed > 1) return 'two requests were made of one';
    if (raw.fate === 'passes' && passed !== 1) return `refused with ${statuses.join()}`;
    if (raw.fate === 'is refused' && passed !== 0) return 'passed';
    const refused = statuses.find((status) => status !== 100 && status !== 200);
    if (refused !== undefined && ![400, 404, 405, 408, 413, 417, 421].includes(refused)) {
      return `answered with ${refused}`;
    }
    const [request] = requests;
    if (!request) return null;
    const [, method, target] = /^(?:\r\n)*(\S+) +(\S+) /.exec(raw.bytes.toString('latin1')) ?? [];
    if (request.method !== method || request.target !== target) return 'another request arrived';
    await expectHonest(request);
    return null;
  }
});

describe('what is forwarded', () => {
  const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
  const RUNS = 200;
  const letters = (text: string) => text.split('');
  const character = constantFrom(...letters('abcXYZ019-._~!$&()*+,=:@'), '%20', '%C3%A4', '%3A');
  const segment = oneof(
    string({ unit: character, minLength: 1, maxLength: 20 }),
    string({ unit: 'grapheme', minLength: 1, maxLength: 6 }).map(encodeURIComponent),
  );
  const path = tuple(array(segment, { minLength: 1, maxLength: 4 }), constantFrom('', '/')).map(
    ([segments, end]) => `/mine/${segments.join('/')}${end}`,
  );
  const query = option(
    string({ unit: constantFrom(...letters('ab=&%?/;[]{}|\\^.:01'), '%00', '%2e') }),
  );
  const names = [
    'sallyport-assertion',
    'Sallyport_Assertion',
    'x-sallyport-user',
    'x-forwarded-for',
    'x-original-url',
    'x-http-method-override',
    'accept',
  ];
  const anyName = oneof(
    constantFrom(...names),
    string({ unit: constantFrom(...letters("abz09-_.!'*")), maxLength: 12 }).map(
      (text) => `x-${text}`,
    ),
  );
  const anyValue = string({ unit: constantFrom(...letters('az09 ,;="\t\x80\xff/%'), '/admin') });
  const sent = record({
    method: constantFrom(...METHODS),
    path,
    query,
    headers: array(tuple(anyName, anyValue), { maxLength: 4 }),
    body: uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    // Which byte becomes which other one where something is changed.
    at: nat(),
    by: integer({ min: 1, max: 255 }),
  });

  test('verifies for exactly its method, path, query and body, and for no other [property]', async () => {
    const { requests } = gateway.upstream;
    let forwarded = 0;
    const property = asyncProperty(sent, async ({ method, headers, at, by, ...asked }) => {
      requests.length = 0;
      const search = asked.query === null ? '' : `?${asked.query}`;
      const target = `${asked.path}${search}`;
      const body = ['GET', 'HEAD', 'OPTIONS'].includes(method) ? Buffer.alloc(0) : asked.body;
      const [status] = statusesOf(await send(method, target, headers, body));
      const [request, ...more] = requests;
      expect([status, requests.length]).toEqual(request ? [200, 1] : [400, 0]);
      if (!request) return;
      forwarded += 1;
      expect(request).toMatchObject({ method, target });
      expect(request.body).toEqual(body);
      const said = request.rawHeaders.filter((each) => fold(each) === ASSERTION_HEADER);
      expect([said.length, more.length]).toEqual([1, 0]);
      const assertion = String(request.headers[ASSERTION_HEADER]);
      const arrived = { method, path: asked.path, search, body, assertion };
      for (const other of othersThan(arrived, at, by)) {
        await expect(taken(other)).rejects.toThrow('rejected');
      }
      await expect(taken({ ...arrived, body: 'unbound' })).rejects.toThrow('body');
      expect((await taken(arrived))?.identityId).toBe(ada.identityId);
      await expect(taken(arrived)).rejects.toThrow('replayed');
    });
    await assert(property, { numRuns: RUNS });
    expect(forwarded).toBeGreaterThan(RUNS / 2);
  });

  function send(
    method: string,
    target: string,
    headers: readonly (readonly [string, string])[],
    body: Buffer,
  ): Promise<string> {
    const own = {
      host: new URL(gateway.origin).host,
      connection: 'close',
      ...ada.browser.ownHeaders(),
      ...(body.length > 0 ? { 'content-length': String(body.length) } : {}),
    };
    const lines = [...Object.entries(own), ...headers].map(([name, value]) => `${name}: ${value}`);
    const head = `${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
    return exchange(Buffer.concat([Buffer.from(head, 'latin1'), body]));
  }

  interface Arrived {
    readonly method: string;
    readonly path: string;
    readonly search: string;
    readonly body: Buffer | 'unbound';
    readonly assertion: string;
  }

  const taken = ({ method, path: asked, search, body, assertion }: Arrived) =>
    verify({ method, url: asked + search, headers: { [ASSERTION_HEADER]: assertion } }, body);

  /** The request with each of its parts changed, in the place and to the byte that chance says. */
  function othersThan(
    whole: Arrived & { readonly body: Buffer },
    at: number,
    by: number,
  ): readonly Arrived[] {
    const { method, path: asked, search, body, assertion } = whole;
    const changed = (text: string) => {
      const place = at % text.length;
      return `${text.slice(0, place)}${text[place] === 'q' ? 'r' : 'q'}${text.slice(place + 1)}`;
    };
    const bytes = Buffer.from(body);
    if (bytes.length > 0) bytes.writeUInt8((bytes[at % bytes.length] ?? 0) ^ by, at % bytes.length);
    const middle = assertion.indexOf('.') + 1 + (at % 40);
    const forged = assertion[middle] === 'A' ? 'B' : 'A';
    return [
      ...METHODS.filter((each) => each !== method).map((each) => ({ ...whole, method: each })),
      { ...whole, path: `/${changed(asked.slice(1))}` },
      { ...whole, path: `${asked}x` },
      { ...whole, path: `/x${asked}` },
      { ...whole, path: asked.slice(0, -1) },
      { ...whole, search: search.length > 1 ? `?${changed(search.slice(1))}` : '?a' },
      { ...whole, search: search === '' ? '?' : '' },
      { ...whole, search: `${search === '' ? '?' : search}x` },
      { ...whole, body: bytes.length > 0 ? bytes : Buffer.from([by]) },
      { ...whole, body: Buffer.concat([body, Buffer.from([0])]) },
      ...(body.length > 0 ? [{ ...whole, body: body.subarray(1) }] : []),
      {
        ...whole,
        assertion: `${assertion.slice(0, middle)}${forged}${assertion.slice(middle + 1)}`,
      },
    ];
  }
});
