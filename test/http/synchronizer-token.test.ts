import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  equalTokens,
  maskToken,
  readTokenHeader,
  unmaskToken,
} from '../../src/http/synchronizer-token.ts';
import { postWith } from './heads.ts';

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

describe('maskToken and unmaskToken', () => {
  test('what is masked comes back', () => {
    fc.assert(
      fc.property(bytes32, bytes32, (token, mask) => {
        expect(unmaskToken(maskToken(token, mask))).toEqual(token);
      }),
    );
  });

  test('the masked form is the mask and then the difference, 86 characters', () => {
    const token = Buffer.alloc(32, 0b1100);
    const mask = Buffer.alloc(32, 0b1010);
    const expected = Buffer.concat([mask, Buffer.alloc(32, 0b0110)]).toString('base64url');
    expect(maskToken(token, mask)).toBe(expected);
    expect(expected).toHaveLength(86);
  });

  // The attacker makes the victim's browser load a page with a guess in it, many times, and
  // watches the size of the compressed answer: it shrinks when the guess is in the page already.
  test('shares nothing between two responses but its length (BREACH)', () => {
    const token = randomBytes(32);
    const first = maskToken(token, randomBytes(32));
    const second = maskToken(token, randomBytes(32));
    const common = first.split('').filter((character, index) => character === second[index]);
    expect(common.length).toBeLessThan(20);
    expect(first).not.toContain(token.toString('base64url').slice(0, 8));
  });

  test('changing any one character gives another token or none', () => {
    const index = fc.nat(85);
    const character = fc.constantFrom(...alphabet.split(''), '=', '+', '/', ' ', '\n', 'é');
    fc.assert(
      fc.property(bytes32, bytes32, index, character, (token, mask, at, changed) => {
        const masked = maskToken(token, mask);
        fc.pre(masked[at] !== changed);
        const result = unmaskToken(masked.slice(0, at) + changed + masked.slice(at + 1));
        expect(result === null || !equalTokens(result, token)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test('the last character has four spellings, not sixty-four', () => {
    const masked = maskToken(Buffer.alloc(32, 1), Buffer.alloc(32, 2));
    const accepted = alphabet.split('').filter((last) => unmaskToken(masked.slice(0, 85) + last));
    expect(accepted.join('')).toBe('AQgw');
  });

  const masked = maskToken(Buffer.alloc(32, 0xff), Buffer.alloc(32, 0x01));

  test.each([
    '',
    'null',
    'undefined',
    masked.slice(1),
    masked.slice(0, 85),
    `${masked}A`,
    `${masked}==`,
    ` ${masked}`,
    `${masked}\n`,
    `"${masked}"`,
    `${masked.slice(0, 40)}\n${masked.slice(40)}`,
    `${masked.slice(0, 40)}+${masked.slice(41)}`,
    `${masked}, ${masked}`,
    masked.slice(0, 43),
    masked.repeat(1000),
  ])('refuses %j', (text) => {
    expect(unmaskToken(text)).toBeNull();
  });

  test.each([
    [0, 32],
    [32, 0],
    [31, 32],
    [32, 33],
    [64, 64],
  ])('throws for a token of %i and a mask of %i bytes', (token, mask) => {
    expect(() => maskToken(Buffer.alloc(token), Buffer.alloc(mask))).toThrow(RangeError);
  });
});

describe('equalTokens', () => {
  test('two tokens are equal if and only if their bytes are', () => {
    fc.assert(
      fc.property(bytes32, bytes32, (a, b) => {
        expect(equalTokens(a, Buffer.from(a))).toBe(true);
        expect(equalTokens(a, b)).toBe(a.equals(b));
      }),
    );
  });

  test('one bit anywhere makes them unequal', () => {
    fc.assert(
      fc.property(bytes32, fc.nat(31), fc.nat(7), (a, byte, bit) => {
        const b = Buffer.from(a);
        b[byte] = (b[byte] ?? 0) ^ (1 << bit);
        expect(equalTokens(a, b)).toBe(false);
      }),
    );
  });

  test('another length is unequal, and no throw: a missing token refuses [CWE-697]', () => {
    const token = Buffer.alloc(32, 7);
    expect(equalTokens(token, token.subarray(0, 31))).toBe(false);
    expect(equalTokens(Buffer.alloc(33, 7), token)).toBe(false);
    expect(equalTokens(token, Buffer.alloc(0))).toBe(false);
    expect(equalTokens(Buffer.alloc(0), Buffer.alloc(0))).toBe(false);
    expect(equalTokens(Buffer.alloc(16, 7), Buffer.alloc(16, 7))).toBe(false);
  });
});

describe('readTokenHeader', () => {
  test('reads the one header, in any case of its name', () => {
    expect(readTokenHeader(postWith({ 'X-CSRF-Token': 'abc' }))).toBe('abc');
    expect(readTokenHeader(postWith({ 'x-csrf-token': 'abc' }))).toBe('abc');
  });

  test('reads nothing where it is absent, twice there, or under another name [CWE-352]', () => {
    expect(readTokenHeader(postWith({}))).toBeNull();
    expect(readTokenHeader(postWith({ 'X-CSRF-Token': ['abc', 'abc'] }))).toBeNull();
    expect(readTokenHeader(postWith({ 'X-CSRF-Token': ['abc', 'def'] }))).toBeNull();
    expect(readTokenHeader(postWith({ 'X-XSRF-Token': 'abc', 'CSRF-Token': 'abc' }))).toBeNull();
  });

  // The attacker plants a cookie from a subdomain and sends its value along (double submit).
  test('never takes a token from a cookie', () => {
    expect(readTokenHeader(postWith({ Cookie: '__Host-csrf=abc; X-CSRF-Token=abc' }))).toBeNull();
  });
});
