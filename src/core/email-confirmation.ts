import { isUniqueViolation } from '../db/errors.ts';
import { insertIdentity } from '../db/identities.ts';
import { consumeOneTimeToken } from '../db/one-time-tokens.ts';
import { insertSecurityEvent } from '../db/security-events.ts';
import { consumeSignUp } from '../db/sign-ups.ts';
import type { Tx } from '../db/transaction.ts';
import type { Core } from './core.ts';
import { confirmEmailChange, ownerAddress } from './email-change.ts';
import { digestOf, parseSecret, type Secret } from './secret.ts';

/** What the token's address was proved for. */
export type Confirmation = 'signed-up' | 'email-changed';

/**
 * Proves the address that the token was mailed to, and makes the identity of its sign-up or gives
 * the identity that asked for it its new address. Unknown, expired, used and replaced tokens are
 * refused alike.
 * @param session the secret of the session in whose browser the link was followed, if any.
 */
export async function confirmEmail(
  core: Core,
  text: string,
  session: Secret | null = null,
): Promise<Confirmation | 'invalid'> {
  const token = parseSecret(text);
  if (!token) return 'invalid';
  const digest = digestOf(token.bytes);
  try {
    return await core.database.transaction(
      async (tx) => (await confirmSignUp(tx, digest)) ?? (await confirmEmailChange(tx, digest, session)),
    );
  } catch (error) {
    // Somebody else has proved the same address in the same moment.
    if (isUniqueViolation(error)) return 'invalid';
    throw error;
  }
}

/**
 * What anybody else had typed for this address was replaced by the newest sign-up, and nothing of
 * it survives the first proof. Undefined where the token is not a sign-up's.
 */
async function confirmSignUp(
  tx: Tx,
  digest: string,
): Promise<Confirmation | 'invalid' | undefined> {
  const folded = await consumeOneTimeToken(tx, 'email-confirmation', digest);
  if (folded === undefined) return undefined;
  const signUp = await consumeSignUp(tx, folded);
  if (!signUp || (await ownerAddress(tx, folded, null)) !== undefined) return 'invalid';
  const identityId = await insertIdentity(tx, signUp);
  await insertSecurityEvent(tx, { kind: 'address-proved', identityId });
  return 'signed-up';
}
