import { ASSERTION_TYPE, type AssertionClaims } from './claims.ts';
import { AssertionRejectedError } from './rejected.ts';

/** Node.js takes heads of 16 KiB; what is longer cannot have come through one. */
const LENGTH_MAX = 16_384;
/** Canonical base64url, and a signature of 64 bytes. */
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{85}[AQgw]$/;

/**
 * The name of the key that has signed. A header may have these three members and no other: none
 * that names a key's address, carries a key, or must be understood (RFC 8725 3.1, 3.10; R-58,
 *
 */
export function parseHeader(assertion: string): string {
  if (assertion.length > LENGTH_MAX || !COMPACT.test(assertion)) {
    throw new AssertionRejectedError('malformed');
  }
  const { alg, kid, typ, ...more } = parseObject(assertion.split('.')[0] ?? '', 'malformed');
  if (Object.keys(more).length > 0) throw new AssertionRejectedError('malformed');
  if (typ !== ASSERTION_TYPE) throw new AssertionRejectedError('type');
  if (alg !== 'EdDSA') throw new AssertionRejectedError('algorithm');
  if (typeof kid !== 'string' || kid === '') throw new AssertionRejectedError('key');
  return kid;
}

/** What was signed, if it has the form of claims. Its signature must have been verified. */
export function parseClaims(assertion: string): AssertionClaims {
  const claims = parseObject(assertion.split('.')[1] ?? '', 'claims');
  if (!hasClaims(claims)) throw new AssertionRejectedError('claims');
  return claims;
}

/** Claims that it does not know are none of its business. */
function hasClaims(claims: Readonly<Record<string, unknown>>): claims is Claims {
  const { iss, aud, sub, tenant, permissions, iat, nbf, exp, jti } = claims;
  const { method, path, query, body, proof } = claims;
  const isText = (value: unknown) => typeof value === 'string' && value !== '';
  return (
    [iss, aud, jti, method, path, body].every(isText) &&
    [sub, proof].every((value) => value === undefined || isText(value)) &&
    (tenant === null || isText(tenant)) &&
    (query === null || typeof query === 'string') &&
    Array.isArray(permissions) &&
    permissions.every(isText) &&
    [iat, nbf, exp].every(Number.isSafeInteger) &&
    // Nobody is a member of nothing, and may do nothing.
    (sub !== undefined || (tenant === null && permissions.length === 0 && proof === undefined))
  );
}

type Claims = Readonly<Record<string, unknown>> & AssertionClaims;

function parseObject(
  part: string,
  code: 'malformed' | 'claims',
): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    const bytes = Buffer.from(part, 'base64url');
    if (bytes.toString('base64url') !== part) throw new AssertionRejectedError(code);
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw new AssertionRejectedError(code, error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AssertionRejectedError(code);
  }
  return value as Readonly<Record<string, unknown>>;
}
