import type { AccountPrincipal } from '../db/authorization.ts';
import { type Assurance, rotateSession } from '../db/sessions.ts';
import type { SessionSecret } from '../db/session-secret.ts';
import { switchSession } from '../db/session-tenant.ts';
import type { Tx } from '../db/transaction.ts';
import {
  digestOf,
  newSecret,
  proofOf,
  type Secret,
  selectionKeyOf,
  synchronizerTokenOf,
} from './secret.ts';

/** The new secret of a session; it exists only here and in the cookie that is made of it. */
export interface RotatedSecret {
  readonly secret: Secret;
  readonly synchronizerGeneration: number;
}

/**
 * Gives the principal's session a new secret and a new generation of synchronizer tokens, for what
 * its person has just proved; null where nothing was, and the time of the last proof stays.
 */
export async function rotate(
  tx: Tx,
  principal: AccountPrincipal,
  assurance: Assurance | null,
): Promise<RotatedSecret> {
  const { rotated, digests } = nextSecret(principal);
  await rotateSession(tx, principal.sessionId, digests, assurance);
  return rotated;
}

/**
 * The same, in another tenant: what was minted in the one before works in neither (ASVS 7.2.4). It
 * is no proof of who is at the browser, so the time of that stays.
 */
export async function rotateInto(
  tx: Tx,
  principal: AccountPrincipal,
  tenantId: string | null,
): Promise<RotatedSecret> {
  const { rotated, digests } = nextSecret(principal);
  await switchSession(tx, principal.sessionId, digests, tenantId);
  return rotated;
}

function nextSecret(principal: AccountPrincipal): {
  readonly rotated: RotatedSecret;
  readonly digests: SessionSecret;
} {
  const secret = newSecret();
  const synchronizerGeneration = principal.synchronizerGeneration + 1;
  const digests = sessionSecretOf(secret, synchronizerGeneration);
  return { rotated: { secret, synchronizerGeneration }, digests };
}

/** What the row of a session keeps of its secret. */
export function sessionSecretOf(secret: Secret, synchronizerGeneration: number): SessionSecret {
  return {
    proofDigest: digestOf(proofOf(secret)),
    synchronizerDigest: digestOf(synchronizerTokenOf(secret, synchronizerGeneration)),
    synchronizerGeneration,
    selectionKey: selectionKeyOf(secret),
  };
}
