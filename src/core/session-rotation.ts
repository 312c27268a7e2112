import type { Principal } from '../db/authorization.ts';
import { rotateSession } from '../db/sessions.ts';
import type { Tx } from '../db/transaction.ts';
import { digestOf, newSecret, proofOf, type Secret, synchronizerTokenOf } from './secret.ts';

/** The new secret of a session; it exists only here and in the cookie that is made of it. */
export interface RotatedSecret {
  readonly secret: Secret;
  readonly synchronizerGeneration: number;
}

/** Gives the principal's session a new secret and a new generation of synchronizer tokens. */
export async function rotate(tx: Tx, principal: Principal): Promise<RotatedSecret> {
  const secret = newSecret();
  const synchronizerGeneration = principal.synchronizerGeneration + 1;
  await rotateSession(tx, principal.sessionId, {
    proofDigest: digestOf(proofOf(secret)),
    synchronizerDigest: digestOf(synchronizerTokenOf(secret, synchronizerGeneration)),
    synchronizerGeneration,
  });
  return { secret, synchronizerGeneration };
}
