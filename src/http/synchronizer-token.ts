import { timingSafeEqual } from 'node:crypto';
import { type RequestHead, headerValues } from './request-head.ts';

/** The length in bytes of a synchronizer token and of its mask. */
const TOKEN_BYTES = 32;

// 86 characters carry 516 bits; the last must leave the four spare ones zero. RFC 4648 3.5.
const MASKED = /^[A-Za-z0-9_-]{85}[AQgw]$/;

/**
 * A synchronizer token as a response may show it: base64url of the mask and the token XOR the
 * mask, 86 characters.
 *
 * `mask` comes from the cryptographic random generator, fresh for every response: a token that
 * looks the same in each compressed body can be guessed byte by byte from their sizes (BREACH,
 * CVE-2013-3587). The mask hides the token from that, and from nobody who reads the response.
 * Throws a RangeError unless both are 32 bytes.
 */
export function maskToken(token: Buffer, mask: Buffer): string {
  if (token.length !== TOKEN_BYTES || mask.length !== TOKEN_BYTES) {
    throw new RangeError('A synchronizer token and its mask are 32 bytes each.');
  }
  return Buffer.concat([mask, xor(token, mask)]).toString('base64url');
}

/**
 * The token under its mask, or null if the text is not the canonical base64url of exactly 64
 * bytes. Node's decoder skips what it does not know and accepts several spellings of one value,
 * so the text is checked first. What comes back is a claim, to be compared by `equalTokens`.
 */
export function unmaskToken(text: string): Buffer | null {
  if (!MASKED.test(text)) return null;
  const bytes = Buffer.from(text, 'base64url');
  return xor(bytes.subarray(TOKEN_BYTES), bytes.subarray(0, TOKEN_BYTES));
}

function xor(left: Buffer, right: Buffer): Buffer {
  const result = Buffer.alloc(TOKEN_BYTES);
  for (let index = 0; index < TOKEN_BYTES; index += 1) {
    result[index] = (left[index] ?? 0) ^ (right[index] ?? 0);
  }
  return result;
}

/**
 * Whether two tokens are the same 32 bytes, in a time that does not tell where they differ.
 *
 * Any other length is unequal, also to itself, and never a throw: a missing token that became an
 * empty buffer on both sides must not compare as equal. CWE-208, CWE-697, ASVS 11.2.4.
 */
export function equalTokens(a: Buffer, b: Buffer): boolean {
  if (a.length !== TOKEN_BYTES || b.length !== TOKEN_BYTES) return false;
  return timingSafeEqual(a, b);
}

/**
 * The value of the request's one `X-CSRF-Token` header; null if it is absent or occurs twice.
 *
 * A script reads the token from this header alone. There is no second place to fall back to: a
 * token looked for in body, query and header in turn is how csurf was defeated. CWE-352.
 */
export function readTokenHeader(head: RequestHead): string | null {
  const values = headerValues(head, 'x-csrf-token');
  return values.length === 1 ? (values[0] ?? null) : null;
}
