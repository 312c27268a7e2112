import { randomBytes } from 'node:crypto';
import { digestOf } from './secret.ts';

/** Crockford's alphabet: no letter that is taken for a digit. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CODES = 10;
/** 120 bits are 24 letters of five bits each (NIST SP 800-63B-4 4.2.1.1 asks for 64). */
const CODE_BYTES = 15;
const CODE = /^[0-9A-HJKMNP-TV-Z]{24}$/;

/** A new set, each code in four groups; they exist only here and where their owner keeps them. */
export function newRecoveryCodes(): readonly string[] {
  return Array.from({ length: CODES }, () => {
    const bits = [...randomBytes(CODE_BYTES)]
      .map((byte) => byte.toString(2).padStart(8, '0'))
      .join('');
    const letters = bits.match(/.{5}/g)?.map((five) => ALPHABET[Number.parseInt(five, 2)]) ?? [];
    return letters.join('').match(/.{6}/g)?.join('-') ?? '';
  });
}

/**
 * The code as it was made, however somebody has typed it: in small letters, with other spaces, with
 * an O for a zero. Null where it is none.
 */
export function parseRecoveryCode(text: string): string | null {
  const letters = text
    .slice(0, 100)
    .toUpperCase()
    .replaceAll(/[\s-]/g, '')
    .replaceAll('O', '0')
    .replaceAll(/[IL]/g, '1');
  return CODE.test(letters) ? letters : null;
}

/** What the database keeps of a code. Right for random codes of this length, not for passwords. */
export function recoveryCodeDigest(code: string): string {
  return digestOf(`recovery code ${parseRecoveryCode(code)}`);
}
