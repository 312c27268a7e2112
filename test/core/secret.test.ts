import { createHash } from 'node:crypto';
import { format, inspect } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  digestOf,
  newSecret,
  parseSecret,
  proofOf,
  secretText,
  synchronizerTokenOf,
  visitorTokenOf,
} from '../../src/core/secret.ts';

describe('a secret', () => {
  test('is 32 random bytes, new each time [ASVS 7.2.3] [CWE-331]', () => {
    const texts = Array.from({ length: 100 }, () => secretText(newSecret()));
    expect(new Set(texts).size).toBe(100);
    for (const text of texts) expect(text).toMatch(/^[\w-]{43}$/);
  });

  test('is read from its one canonical text', () => {
    const secret = newSecret();
    expect(parseSecret(secretText(secret))?.bytes).toEqual(secret.bytes);
  });

  test.each([
    ['nothing', ''],
    ['31 bytes', 'A'.repeat(42)],
    ['33 bytes', 'A'.repeat(44)],
    ['spare bits that are set', `${'A'.repeat(42)}B`],
    ['padding', `${'A'.repeat(43)}=`],
    ['the other base64 alphabet', `${'+'.repeat(42)}A`],
    ['a blank before it', ` ${'A'.repeat(43)}`],
    ['a line end', `${'A'.repeat(43)}\n`],
    ['a NUL', `${'A'.repeat(43)}\0`],
    ['hex', 'a'.repeat(64)],
  ])('is not read from %s', (_what, text) => {
    expect(parseSecret(text)).toBeNull();
  });

  test('of any text, only one that it would write itself is read', () => {
    const near = fc.stringMatching(/^[\w+/=-]{41,45}$/);
    fc.assert(
      fc.property(fc.oneof(near, fc.string()), (text) => {
        const secret = parseSecret(text);
        expect(secret === null || secretText(secret) === text).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('what is derived from a secret', () => {
  const secret = newSecret();
  const derived = [
    proofOf(secret),
    synchronizerTokenOf(secret, 1).toString('hex'),
    synchronizerTokenOf(secret, 2).toString('hex'),
    visitorTokenOf(secret).toString('hex'),
  ];

  test('differs for each purpose and generation, and from the secret', () => {
    expect(new Set([...derived, secret.bytes.toString('hex')]).size).toBe(5);
    for (const each of derived) expect(each).toMatch(/^[0-9a-f]{64}$/);
  });

  // SP 800-56C Rev. 2 section 4.1: H(counter || Z || FixedInfo), of one block.
  test('is SHA-256 of a counter, the secret and the purpose', () => {
    const derivation = createHash('sha256').update(Buffer.from([0, 0, 0, 1]));
    derivation.update(secretText(secret)).update('sallyport proof');
    expect(proofOf(secret)).toBe(derivation.digest('hex'));
  });

  test('is the same each time, and another for another secret', () => {
    expect(proofOf(secret)).toBe(derived[0]);
    expect(proofOf(newSecret())).not.toBe(derived[0]);
  });

  test('is stored as SHA-256 in lower-case hex', () => {
    expect(digestOf('abc')).toBe(createHash('sha256').update('abc').digest('hex'));
    expect(digestOf(Buffer.from('abc'))).toBe(digestOf('abc'));
  });
});

describe('a secret that is printed by mistake [CWE-532]', () => {
  const secret = newSecret();
  const forms = (['hex', 'base64', 'base64url', 'latin1'] as const).map((encoding) =>
    secret.bytes.toString(encoding),
  );
  const hexPairs = secret.bytes.toString('hex').replaceAll(/../g, '$& ').trim().slice(0, 23);

  test.each([
    ['JSON', JSON.stringify({ secret })],
    ['inspect', inspect({ secret }, { depth: 5, showHidden: true })],
    ['inspect of itself', inspect(secret)],
    ['inspect in a list', inspect([[secret]], { depth: 9 })],
    ['console', format('%o %j %s', secret, secret, secret)],
    ['an error', inspect(new Error('failed', { cause: { secret } }))],
  ])('shows nothing of itself in %s', (_where, text) => {
    for (const form of forms) expect(text).not.toContain(form);
    expect(text).not.toContain(hexPairs);
    expect(text).toContain('[redacted]');
  });
});
