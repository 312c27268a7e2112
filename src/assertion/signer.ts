import { type KeyObject, sign } from 'node:crypto';
import { ASSERTION_TYPE, type AssertionClaims } from './claims.ts';

/** An Ed25519 key that is published under this name. */
export interface AssertionKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

/**
 * Makes assertions with one key: compact JWS, EdDSA (RFC 7515 section 3.1, RFC 8037). It is written
 * out because it stands in the way of every request: jose takes a promise and four times as long.
 */
export function assertionSigner({
  kid,
  privateKey,
}: AssertionKey): (claims: AssertionClaims) => string {
  const header = encode({ alg: 'EdDSA', kid, typ: ASSERTION_TYPE });
  return (claims) => {
    const signed = `${header}.${encode(claims)}`;
    return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`;
  };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
