import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { API_KEY_PATTERN, apiKeyHint, apiKeyText, parseApiKey } from '../../src/core/api-key.ts';
import { bearerProofOf, newSecret, parseSecret, proofOf } from '../../src/core/secret.ts';

const secretFrom = (bytes: Uint8Array) => {
  const secret = parseSecret(Buffer.from(bytes).toString('base64url'));
  if (!secret) throw new Error('32 bytes are a secret');
  return secret;
};
const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('the form of a key', () => {
  test('holds every secret, and is what scanners are told to look for', () => {
    fc.assert(
      fc.property(bytes, (given) => {
        const text = apiKeyText(secretFrom(given));
        expect(text).toMatch(API_KEY_PATTERN);
        expect(parseApiKey(text)?.bytes.equals(Buffer.from(given))).toBe(true);
      }),
      { examples: [[new Uint8Array(32)], [new Uint8Array(32).fill(255)]] },
    );
  });

  test('the checksum finds every single mistyped character', () => {
    const text = apiKeyText(newSecret());
    const mistyped = [...text].flatMap((_, place) =>
      ['0', 'Z', 'z'].map((other) => `${text.slice(0, place)}${other}${text.slice(place + 1)}`),
    );
    const taken = mistyped.filter((each) => each !== text && parseApiKey(each) !== null);
    expect(taken).toEqual([]);
  });

  test.each([
    '',
    'sallyport_',
    'sallyport_0',
    `sallyport_${'0'.repeat(49)} `,
    `Sallyport_${'0'.repeat(49)}`,
    // A right checksum over more than 32 bytes.
    `sallyport_${'z'.repeat(43)}${'0'.repeat(6)}`,
    newSecret().bytes.toString('base64url'),
  ])('%j is none', (text) => {
    expect(parseApiKey(text)).toBeNull();
  });

  test('its hint gives less than a tenth of it away', () => {
    const text = apiKeyText(newSecret());
    expect(apiKeyHint(text)).toHaveLength(4);
    expect(text.slice(14)).not.toBe(text);
  });

  test("a key's proof is never a session's: the same bytes give another one [R-68]", () => {
    const secret = newSecret();
    expect(bearerProofOf(secret)).toMatch(/^bearer [0-9a-f]{64}$/);
    expect(bearerProofOf(secret)).not.toContain(proofOf(secret));
  });
});
