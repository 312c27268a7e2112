import { insertIdentity, findProvedAddress } from '../db/identities.ts';
import { consumeOneTimeToken } from '../db/one-time-tokens.ts';
import { insertSecurityEvent } from '../db/security-events.ts';
import { consumeSignUp } from '../db/sign-ups.ts';
import type { Core } from './core.ts';
import { digestOf, parseSecret } from './secret.ts';

/**
 * Proves the address that the token was mailed to, and makes the identity of its sign-up. Unknown,
 * expired, used and replaced tokens are refused alike. What anybody else had typed for this address
 * was replaced by the newest sign-up, and nothing of it survives the first proof.
 */
export async function confirmEmail(core: Core, text: string): Promise<'confirmed' | 'invalid'> {
  const token = parseSecret(text);
  if (!token) return 'invalid';
  return await core.database.transaction(async (tx) => {
    const folded = await consumeOneTimeToken(tx, 'email-confirmation', digestOf(token.bytes));
    if (folded === undefined) return 'invalid';
    const signUp = await consumeSignUp(tx, folded);
    if (!signUp || (await findProvedAddress(tx, folded)) !== undefined) return 'invalid';
    const identityId = await insertIdentity(tx, signUp);
    await insertSecurityEvent(tx, { kind: 'address-proved', identityId });
    return 'confirmed';
  });
}
