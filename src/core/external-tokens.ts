import { runAuthorizedTransaction } from '../db/authorization.ts';
import {
  type ExternalIdentity,
  findIdentityOf,
  insertExternalToken,
  revokeExternalTokens,
} from '../db/external-tokens.ts';
import { insertSecurityEvent } from '../db/security-events.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { parseEmailAddress } from './email-address.ts';
import type { VerifiedToken } from './external-issuers.ts';
import { digestOf, tokenProofOf } from './secret.ts';

/**
 * Makes a token of an issuer that we trust known to the database, for five minutes at most, so that
 * it decides on requests with it as on every other: the row is what can be revoked, and what a
 * membership that ends takes along. Whatever is not such a token, or stands for nobody of ours, or
 * was revoked here, is not made known. @returns whether it was.
 * @throws IssuerUnreachableError
 */
export async function admitExternalToken(core: Core, token: string): Promise<boolean> {
  const verified = await core.issuers?.verify(token);
  if (!verified) return false;
  const identity = lookUpOf(verified);
  if (!identity) return false;
  const { issuer, tokenId, tenantId, permissions, issuedAt, expiresAt } = verified;
  return await core.database.transaction(async (tx) => {
    const identityId = await findIdentityOf(tx, tenantId, identity);
    if (identityId === undefined) return false;
    return await insertExternalToken(tx, tenantId, {
      identityId,
      issuer,
      tokenId,
      proofDigest: digestOf(tokenProofOf(token)),
      permissions,
      issuedAt: new Date(issuedAt * 1000),
      expiresAt: new Date(expiresAt * 1000),
    });
  });
}

function lookUpOf({ identity: { by, value } }: VerifiedToken): ExternalIdentity | null {
  if (by === 'id') return { by, value: value.toLowerCase() };
  const parsed = parseEmailAddress(value);
  return 'email' in parsed ? { by, value: parsed.email.folded } : null;
}

/**
 * Refuses every token of another issuer that stands for the person and was issued until now, those
 * that were never seen here too. One that is issued within the same second is refused as well.
 */
export async function revokeTokens(core: Core, authority: Authority): Promise<'revoked' | Refused> {
  const { principal, requirement, caller } = authority;
  const { identityId } = principal;
  const outcome = await runAuthorizedTransaction(core.database, requirement, async (tx) => {
    await revokeExternalTokens(tx, identityId);
    await insertSecurityEvent(tx, { kind: 'external-tokens-revoked', identityId, caller });
  });
  return 'refusal' in outcome ? outcome : 'revoked';
}
