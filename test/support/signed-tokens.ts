import { type JWTPayload, SignJWT } from 'jose';
import type { Core } from '../../src/core/core.ts';
import { findCurrentKey } from '../../src/core/signing-keys.ts';

export interface SignedToken {
  readonly type: string;
  readonly issuer: string;
  readonly audience: string;
  readonly subject: string;
  readonly claims: JWTPayload;
  readonly seconds: number;
}

/** A token of any kind, with the key that signs now. */
export async function signToken(core: Core, token: SignedToken): Promise<string> {
  const { kid, privateKey } = await findCurrentKey(core);
  const { type, issuer, audience, subject, claims, seconds } = token;
  const issuedAt = Math.floor(Date.now() / 1000);
  return await new SignJWT(claims)
    .setProtectedHeader({ alg: 'EdDSA', kid, typ: type })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(subject)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + seconds)
    .sign(privateKey);
}
