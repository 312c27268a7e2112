import { crc32 } from 'node:zlib';
import { parseSecret, type Secret } from './secret.ts';

/**
 * What scanners for leaked secrets look for, as documented: the prefix, 43 characters that hold 32
 * random bytes and 6 of a checksum, by which they tell a key from a placeholder without asking us.
 */
export const API_KEY_PATTERN = /^sallyport_[0-9A-Za-z]{49}$/;

const PREFIX = 'sallyport_';
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SECRET_CHARACTERS = 43;
const CHECKSUM_CHARACTERS = 6;

/** The key as its maker is shown it, once. */
export function apiKeyText(secret: Secret): string {
  const digits = toDigits(BigInt(`0x${secret.bytes.toString('hex')}`), SECRET_CHARACTERS);
  return `${PREFIX}${digits}${checksumOf(digits)}`;
}

/** Null unless the text is the one canonical form of a key; then it may be one of ours. */
export function parseApiKey(text: string): Secret | null {
  if (!API_KEY_PATTERN.test(text)) return null;
  const digits = text.slice(PREFIX.length, PREFIX.length + SECRET_CHARACTERS);
  if (text.slice(-CHECKSUM_CHARACTERS) !== checksumOf(digits)) return null;
  const hex = fromDigits(digits).toString(16).padStart(64, '0');
  // 43 digits hold a little more than 32 bytes do.
  return hex.length > 64 ? null : parseSecret(Buffer.from(hex, 'hex').toString('base64url'));
}

/** The first four characters, by which a person tells keys apart, and nobody guesses one. */
export function apiKeyHint(text: string): string {
  return text.slice(PREFIX.length, PREFIX.length + 4);
}

/** CRC-32 of the digits (ISO 3309): it finds what was mistyped, and proves nothing. */
function checksumOf(digits: string): string {
  let rest = crc32(digits);
  let checksum = '';
  for (let place = 0; place < CHECKSUM_CHARACTERS; place++) {
    checksum = `${DIGITS[rest % 62]}${checksum}`;
    rest = Math.floor(rest / 62);
  }
  return checksum;
}

function toDigits(value: bigint, length: number): string {
  let rest = value;
  let digits = '';
  for (let place = 0; place < length; place++) {
    digits = `${DIGITS[Number(rest % 62n)]}${digits}`;
    rest /= 62n;
  }
  return digits;
}

/** So many digits at a time, which fit into a number: large integers take ten times as long. */
const AT_A_TIME = 8;

function fromDigits(digits: string): bigint {
  let value = 0n;
  for (let start = 0; start < digits.length; start += AT_A_TIME) {
    const some = digits.slice(start, start + AT_A_TIME);
    let part = 0;
    for (const digit of some) part = part * 62 + DIGITS.indexOf(digit);
    value = value * BigInt(62 ** some.length) + BigInt(part);
  }
  return value;
}
