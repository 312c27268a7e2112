import * as fc from 'fast-check';
import { Secret } from 'otpauth';
import { describe, expect, test } from 'vitest';
import { newTotpSecret, totpStep, totpUri } from '../../src/core/totp-code.ts';

/** RFC 6238, appendix B: the secret of its SHA-1 rows, and the last six of their eight digits. */
const SECRET = Secret.fromLatin1('12345678901234567890').base32;
const VECTORS = [
  [59, '94287082'],
  [1_111_111_109, '07081804'],
  [1_111_111_111, '14050471'],
  [1_234_567_890, '89005924'],
  [2_000_000_000, '69279037'],
  [20_000_000_000, '65353130'],
] as const;

describe('a code', () => {
  test.each(VECTORS)('at %d s is that of RFC 6238', (seconds, digits) => {
    expect(totpStep(SECRET, digits.slice(2), seconds)).toBe(Math.floor(seconds / 30));
  });

  test('is taken one step early and one step late, and not two [ASVS 6.5.5] [NIST 3.1.4.2]', () => {
    const [seconds, digits] = VECTORS[3];
    const code = digits.slice(2);
    const step = Math.floor(seconds / 30);
    expect(totpStep(SECRET, code, seconds - 30)).toBe(step);
    expect(totpStep(SECRET, code, seconds + 30)).toBe(step);
    expect(totpStep(SECRET, code, seconds - 60)).toBeNull();
    expect(totpStep(SECRET, code, seconds + 60)).toBeNull();
  });

  test('is six digits, which may be typed with blanks, and nothing else', () => {
    expect(totpStep(SECRET, '287 082', 59)).toBe(1);
    for (const text of ['', '28708', '2870820', '94287082', '+87082', '28708a', '２８７０８２']) {
      expect(totpStep(SECRET, text, 59), text).toBeNull();
    }
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(text.replaceAll(/\s/g, '') !== '287082' && !/^\d{6}$/.test(text.trim()));
        expect(totpStep(SECRET, text, 59)).toBeNull();
      }),
    );
  });

  test('of another secret is not taken', () => {
    expect(totpStep(newTotpSecret(), '287082', 59)).toBeNull();
  });
});

describe('a secret', () => {
  test('has 160 random bits, in base32 [ASVS 6.5.3] [NIST 3.1.4.1]', () => {
    const secrets = Array.from({ length: 20 }, newTotpSecret);
    expect(new Set(secrets).size).toBe(20);
    for (const secret of secrets) expect(secret).toMatch(/^[A-Z2-7]{32}$/);
  });

  test('is handed to the app in an address, whose account cannot add a parameter [CWE-74]', () => {
    const uri = new URL(totpUri(SECRET, 'a&secret=B@example.com?x=1', 'accounts.example.com'));
    expect(uri.searchParams.getAll('secret')).toEqual([SECRET]);
    expect(uri.searchParams.get('issuer')).toBe('accounts.example.com');
    expect(uri.searchParams.has('x')).toBe(false);
  });
});
