import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  newRecoveryCodes,
  parseRecoveryCode,
  recoveryCodeDigest,
} from '../../src/core/recovery-code.ts';

describe('a set of recovery codes', () => {
  test('is ten codes of 120 random bits, none twice [ASVS 6.5.3] [ASVS 6.5.4] [NIST 4.2.1.1]', () => {
    const codes = Array.from({ length: 50 }, newRecoveryCodes);
    for (const set of codes) expect(set).toHaveLength(10);
    expect(new Set(codes.flat()).size).toBe(500);
    for (const code of codes.flat()) {
      expect(code).toMatch(/^(?:[0-9A-HJKMNP-TV-Z]{6}-){3}[0-9A-HJKMNP-TV-Z]{6}$/);
    }
    // Every letter comes at every place: no bit is always the same.
    for (let at = 0; at < 27; at++) {
      const seen = new Set(codes.flat().map((code) => code[at]));
      expect(seen.size).toBe(at % 7 === 6 ? 1 : 32);
    }
  });

  test('shows nothing of itself in its digests', () => {
    const [code = ''] = newRecoveryCodes();
    expect(recoveryCodeDigest(code)).toMatch(/^[0-9a-f]{64}$/);
    expect(recoveryCodeDigest(code)).toBe(recoveryCodeDigest(code.toLowerCase()));
  });
});

describe('a code that is typed', () => {
  test('is read in small letters, with other blanks, with letters for digits', () => {
    const [code = ''] = newRecoveryCodes();
    const plain = code.replaceAll('-', '');
    const asTyped = plain.toLowerCase().replaceAll('0', 'o').replaceAll('1', 'l');
    for (const text of [code, plain, asTyped, ` ${code.replaceAll('-', ' ')} `]) {
      expect(parseRecoveryCode(text), text).toBe(plain);
    }
  });

  test('is none, unless it has 24 of the letters that codes are made of', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        expect(parseRecoveryCode(text) ?? 'A'.repeat(24)).toMatch(/^[0-9A-HJKMNP-TV-Z]{24}$/);
      }),
    );
    const [code = ''] = newRecoveryCodes();
    for (const text of ['', code.slice(1), `${code}0`, code.replace(/.$/, 'U')]) {
      expect(parseRecoveryCode(text), text).toBeNull();
    }
  });
});
