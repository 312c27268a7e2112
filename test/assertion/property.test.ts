// For whatever request: its assertion verifies for exactly this method, target and body, and for
// no other.
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ArrivedRequest, verifier } from '../../src/assertion.ts';
import { assertionClaims } from '../../src/assertion/claims.ts';
import { assertionSigner } from '../../src/assertion/signer.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const sign = assertionSigner({ kid: 'key', privateKey });
const keys = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'key' }] };
const now = new Date('2026-06-01T12:00:00Z');
const issuer = 'https://app.example.com';
const audience = 'notes';
const verify = verifier({ issuer, audience, keys, now: () => now });

const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS');
const visible = fc
  .string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCodePoint(code)) })
  .map((text) => text.replaceAll('?', ''));
const query = fc.option(
  fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCodePoint(code)),
  }),
);
const body = fc.uint8Array({ maxLength: 64 });
const request = fc.record({ method, path: visible, query, body });

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly query: string | null;
  readonly body: Uint8Array;
}

const targetOf = ({ path, query: asked }: Sent) => `/${path}${asked === null ? '' : `?${asked}`}`;

function assertionOf(sent: Sent): string {
  const principal = { identityId: 'ada', tenantId: null, permissions: [] };
  const said = { issuer, audience, principal, method: sent.method, body: sent.body };
  return sign(assertionClaims({ ...said, target: targetOf(sent) }, now));
}

async function taken(sent: Sent, assertion: string): Promise<boolean> {
  const headers = { 'sallyport-assertion': assertion };
  const arrived: ArrivedRequest = { method: sent.method, url: targetOf(sent), headers };
  return await verify(arrived, sent.body).then(
    (principal) => principal?.identityId === 'ada',
    () => false,
  );
}

const isSame = (one: Sent, other: Sent) =>
  one.method === other.method &&
  targetOf(one) === targetOf(other) &&
  Buffer.compare(one.body, other.body) === 0;

test('an assertion is of one request [R-76] [R-85]', async () => {
  await fc.assert(
    fc.asyncProperty(
      request,
      request,
      fc.constantFrom('method', 'path', 'query', 'body'),
      async (sent, another, part) => {
        const changed = { ...sent, [part]: another[part] };
        const assertion = assertionOf(sent);
        const others = [changed, another].filter((each) => !isSame(sent, each));
        for (const other of others) expect(await taken(other, assertion)).toBe(false);
        expect(await taken(sent, assertion)).toBe(true);
        expect(await taken(sent, assertion)).toBe(false);
      },
    ),
    { numRuns: 500 },
  );
});
