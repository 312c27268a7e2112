// Judging and forwarding are the same bytes: a corpus of requests that proxies have read in two
// ways, and a property of all that is forwarded.
import { connect } from 'node:net';
import { assert, asyncProperty, constantFrom, option, string, uint8Array } from 'fast-check';
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
  - { method: POST, path: '/open', access: public, body: json, timeoutSeconds: 0.5 }
  - { method: GET, path: '/tree/*', access: public }
  - { method: GET, path: '/mine/{id}', access: signed-in }
  - { method: POST, path: '/mine/{id}', access: signed-in, body: any }
  - { method: PUT, path: '/mine/{id}', access: signed-in, body: any }
  - { method: DELETE, path: '/mine/{id}', access: signed-in, body: any }
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
    const timer = setTimeout(() => socket.destroy(), 3_000);
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

describe('raw requests [R-76] [R-78] [R-79] [R-80] [R-83] [R-84] [R-85] [CWE-444]', () => {
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
  const letters = (text: string) => text.split('');
  const character = constantFrom(...letters('abcXYZ019-._~!$&()*+,=:@'), '%20', '%C3%A4', '%3A');
  const segment = string({ unit: character, minLength: 1, maxLength: 20 }).filter(
    (text) => text !== '.' && text !== '..',
  );
  const query = option(
    string({ unit: constantFrom(...letters('ab=&%?/;[]{}|\\^.:01'), '%00', '%2e') }),
  );

  test('verifies for exactly its method, path, query and body, and for no other [property]', async () => {
    const { requests } = gateway.upstream;
    const methods = constantFrom('GET', 'POST', 'PUT', 'DELETE');
    const property = asyncProperty(
      methods,
      segment,
      query,
      uint8Array({ maxLength: 300 }),
      async (method, id, search, bytes) => {
        requests.length = 0;
        const target = `/mine/${id}${search === null ? '' : `?${search}`}`;
        const body = method === 'GET' ? Buffer.alloc(0) : Buffer.from(bytes);
        const answer = await send(method, target, body);
        expect(statusesOf(answer)).toEqual([200]);
        const [request] = requests;
        if (!request) throw new Error('nothing arrived');
        expect(request).toMatchObject({ method, target });
        expect(request.body).toEqual(body);
        const assertion = String(request.headers[ASSERTION_HEADER]);
        const headers = { [ASSERTION_HEADER]: assertion };
        const whole = { method, url: target, headers };
        const others: readonly [object, Buffer][] = [
          [{ method: method === 'GET' ? 'POST' : 'GET' }, body],
          [{ url: `${target}x` }, body],
          [{ url: search === null ? `${target}?` : `/mine/${id}` }, body],
          [{ url: `/x${target}` }, body],
          [{}, Buffer.concat([body, Buffer.from([0])])],
          [{ headers: { [ASSERTION_HEADER]: flipped(assertion) } }, body],
        ];
        for (const [other, otherBody] of others) {
          await expect(verify({ ...whole, ...other }, otherBody)).rejects.toThrow('rejected');
        }
        await expect(verify(whole, 'unbound')).rejects.toThrow('body');
        const verified = await verify(whole, body);
        expect(verified?.identityId).toBe(ada.identityId);
        await expect(verify(whole, body)).rejects.toThrow('replayed');
      },
    );
    await assert(property, { numRuns: 150 });
  });

  function send(method: string, target: string, body: Buffer): Promise<string> {
    const lines = Object.entries({
      host: new URL(gateway.origin).host,
      connection: 'close',
      ...ada.browser.ownHeaders(),
      ...(method === 'GET' ? {} : { 'content-length': String(body.length) }),
    }).map(([name, value]) => `${name}: ${value}`);
    const head = `${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
    return exchange(Buffer.concat([Buffer.from(head), body]));
  }

  /** The same with one letter of what was signed changed. */
  function flipped(assertion: string): string {
    const at = assertion.indexOf('.') + 40;
    const other = assertion[at] === 'A' ? 'B' : 'A';
    return `${assertion.slice(0, at)}${other}${assertion.slice(at + 1)}`;
  }
});
