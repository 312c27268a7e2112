// What the verifier does beside judging one assertion: the gateway's keys and the nonces.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type PublishedKeys, verifier, type VerifierOptions } from '../../src/assertion.ts';
import { type Assertable, assertionClaims } from '../../src/assertion/claims.ts';
import { assertionSigner } from '../../src/assertion/signer.ts';

const issuer = 'https://app.example.com';
const audience = 'invoices';
const REQUEST = { method: 'GET', url: '/invoices?limit=10' };
const NOTHING = new Uint8Array();

let clock = Date.parse('2026-06-01T12:00:00Z');
const now = () => new Date(clock);
const pass = (seconds: number) => void (clock += seconds * 1000);

interface Pair {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly jwk: PublishedKeys['keys'][number];
}

function newPair(kid: string): Pair {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid } };
}

function asserted(pair: Pair, over: Partial<Assertable> = {}): string {
  const principal = { identityId: 'ada', tenantId: 'engines', permissions: ['invoices:read'] };
  const claims = assertionClaims(
    {
      issuer,
      audience,
      principal,
      method: REQUEST.method,
      target: REQUEST.url,
      body: NOTHING,
      ...over,
    },
    now(),
  );
  return assertionSigner(pair)(claims);
}

const arrived = (assertion: string) => ({
  ...REQUEST,
  headers: { 'sallyport-assertion': assertion },
});
const rejected = (code: string) => ({ name: 'AssertionRejectedError', code });

/** Where keys are published. What it answers, and whether, can change. */
async function publish(...first: readonly Pair[]) {
  const published = { pairs: first, requests: 0, answer: null as RequestListener | null };
  const server = createServer((request, response) => {
    published.requests += 1;
    if (published.answer) published.answer(request, response);
    else response.end(JSON.stringify({ keys: published.pairs.map(({ jwk }) => jwk) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return Object.assign(published, { url: `http://127.0.0.1:${port}/jwks.json` });
}

const fetching = (jwksUrl: string) => verifier({ issuer, audience, jwksUrl, now });
const first = newPair('first');
const second = newPair('second');

describe('a nonce', () => {
  test('is taken once, of fifty requests at once too [CWE-294]', async () => {
    const verify = verifier({ issuer, audience, keys: { keys: [first.jwk] }, now });
    const assertion = asserted(first);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, () => verify(arrived(assertion), NOTHING)),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(verify(arrived(asserted(first)), NOTHING)).resolves.toMatchObject({
      identityId: 'ada',
    });
  });

  test('is remembered as long as its assertion is valid [CWE-294]', async () => {
    const verify = verifier({ issuer, audience, keys: { keys: [first.jwk] }, now });
    const assertion = asserted(first);
    await verify(arrived(assertion), NOTHING);
    for (let seconds = 0; seconds < 12; seconds += 1) {
      await expect(verify(arrived(assertion), NOTHING)).rejects.toMatchObject(rejected('replayed'));
      pass(1);
    }
    await expect(verify(arrived(assertion), NOTHING)).rejects.toMatchObject(rejected('expired'));
  });

  test('of a request that was refused is not used up', async () => {
    const verify = verifier({ issuer, audience, keys: { keys: [first.jwk] }, now });
    const assertion = asserted(first);
    const other = { ...arrived(assertion), method: 'DELETE' };
    await expect(verify(other, NOTHING)).rejects.toMatchObject(rejected('method'));
    await expect(verify(arrived(assertion), NOTHING)).resolves.toMatchObject({ proof: null });
  });
});

describe('the published keys', () => {
  test('are fetched once for many requests', async () => {
    const published = await publish(first);
    const verify = fetching(published.url);
    const requests = Array.from({ length: 20 }, () => verify(arrived(asserted(first)), NOTHING));
    await Promise.all(requests);
    expect(published.requests).toBe(1);
  });

  test('are fetched again for a key that was not among them, but not for every name [CWE-400]', async () => {
    const published = await publish(first);
    const verify = fetching(published.url);
    await verify(arrived(asserted(first)), NOTHING);
    published.pairs = [first, second];
    pass(11);
    await expect(verify(arrived(asserted(second)), NOTHING)).resolves.toBeTruthy();
    expect(published.requests).toBe(2);
    for (let name = 0; name < 50; name += 1) {
      const unknown = arrived(asserted(newPair(`made-up-${name}`)));
      await expect(verify(unknown, NOTHING)).rejects.toMatchObject(rejected('key'));
    }
    expect(published.requests).toBe(2);
    pass(11);
    await expect(verify(arrived(asserted(newPair('more'))), NOTHING)).rejects.toThrow(/key/);
    expect(published.requests).toBe(3);
  });

  test('one that was withdrawn is taken no longer than five minutes', async () => {
    const published = await publish(first, second);
    const verify = fetching(published.url);
    await verify(arrived(asserted(first)), NOTHING);
    published.pairs = [second];
    pass(301);
    await verify(arrived(asserted(second)), NOTHING);
    await expect.poll(() => published.requests).toBe(2);
    await expect
      .poll(async () => await verify(arrived(asserted(first)), NOTHING).catch(String))
      .toContain('rejected: key');
  });

  test('are believed for an hour when they cannot be fetched, and no longer', async () => {
    const published = await publish(first);
    const verify = fetching(published.url);
    await verify(arrived(asserted(first)), NOTHING);
    published.answer = (_request, response) => void response.writeHead(503).end();
    for (let minute = 0; minute < 59; minute += 1) {
      pass(60);
      await expect(verify(arrived(asserted(first)), NOTHING)).resolves.toBeTruthy();
    }
    await expect.poll(() => published.requests).toBeGreaterThan(10);
    pass(60);
    const late = verify(arrived(asserted(first)), NOTHING);
    await expect(late).rejects.toMatchObject(rejected('keys-unavailable'));
    published.answer = null;
    pass(11);
    await expect(verify(arrived(asserted(first)), NOTHING)).resolves.toBeTruthy();
  });

  test.each<[string, RequestListener]>([
    ['an error', (_request, response) => void response.writeHead(500).end()],
    ['no JSON', (_request, response) => void response.end('<html>')],
    ['no set', (_request, response) => void response.end('{"keys":7}')],
    ['too much', (_request, response) => void response.end(`{"keys":[]${' '.repeat(70_000)}}`)],
    [
      'the way to somewhere else',
      (request, response) =>
        void (request.url === '/jwks.json'
          ? response.writeHead(302, { location: '/elsewhere' }).end()
          : response.end(JSON.stringify({ keys: [first.jwk] }))),
    ],
  ])('where %s comes instead, nothing is taken [CWE-636]', async (_what, answer) => {
    const published = await publish(first);
    published.answer = answer;
    const verify = fetching(published.url);
    const refused = verify(arrived(asserted(first)), NOTHING);
    await expect(refused).rejects.toMatchObject(rejected('keys-unavailable'));
    published.answer = null;
    pass(11);
    await expect(verify(arrived(asserted(first)), NOTHING)).resolves.toBeTruthy();
  });
});

describe('options', () => {
  test.each<[string, VerifierOptions]>([
    ['no issuer', { issuer: '', audience, keys: { keys: [] } }],
    ['no audience', { issuer, audience: '', keys: { keys: [] } }],
    ['keys without TLS', { issuer, audience, jwksUrl: 'http://app.example.com/jwks.json' }],
    ['keys in a file', { issuer, audience, jwksUrl: 'file:///etc/jwks.json' }],
  ])('%s are refused', (_what, options) => {
    expect(() => verifier(options)).toThrow(TypeError);
  });

  test('keys without TLS are taken where it says that it is insecure', () => {
    const jwksUrl = 'http://gateway:4000/.well-known/jwks.json';
    expect(verifier({ issuer, audience, jwksUrl, insecureJwksUrl: true })).toBeTruthy();
  });
});

test('no error says what was presented [CWE-532]', async () => {
  const verify = verifier({ issuer, audience, keys: { keys: [first.jwk] }, now });
  const assertion = asserted(first, { proof: 'transaction secret' });
  const error: Error = await verify({ ...arrived(assertion), url: '/other' }, NOTHING).then(
    () => new Error('taken'),
    (reason: Error) => reason,
  );
  expect(error.message).toBe('identity assertion rejected: path');
  expect(`${error.stack}`).not.toContain(assertion.slice(0, 20));
});
