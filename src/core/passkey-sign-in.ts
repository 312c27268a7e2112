import { findAccount } from '../db/identities.ts';
import { insertSecurityEvent } from '../db/security-events.ts';
import type { Core } from './core.ts';
import { type RelyingParty, requestOptions } from './passkey-ceremony.ts';
import { findAndVerify, proveByPasskey } from './passkey-proof.ts';
import type { Secret } from './secret.ts';
import { type SignedIn, type SigningBrowser, startSession } from './session-start.ts';
import { advance, assuranceOf } from './sign-in-flow.ts';

/** What a visitor's browser is asked for: whichever passkey of ours it has. */
export async function signInOptions(
  core: Core,
  presession: Secret,
  relyingParty: RelyingParty,
  now: Date,
) {
  const ceremony = { purpose: 'sign-in', secret: presession } as const;
  return await requestOptions(core, ceremony, relyingParty, now);
}

/**
 * Signs in with a passkey alone, and with no address typed: the passkey was unlocked by its owner,
 * so it is two factors in one (ASVS 6.3.3; NIST SP 800-63B-4 2.2.1). Everything that does not fit
 * is one answer. There is nothing to guess, so nothing is taken of the account's budget: whoever
 * uses that up does not keep the owner of a passkey out.
 *
 * @param presession the secret of the visitor's browser, which the challenge was made for.
 */
export async function signInWithPasskey(
  core: Core,
  presession: Secret,
  relyingParty: RelyingParty,
  response: unknown,
  browser: SigningBrowser,
): Promise<SignedIn | 'wrong-credentials'> {
  const ceremony = { purpose: 'sign-in', secret: presession } as const;
  const assertion = await findAndVerify(core, ceremony, relyingParty, response);
  const { caller } = browser;
  return await core.database.transaction(async (tx) => {
    const identityId = assertion?.passkey.identityId ?? null;
    const account = identityId === null ? undefined : await findAccount(tx, identityId);
    const fits = assertion && identityId && account && !account.disabled;
    const holder = { email: account?.email ?? '', caller };
    const proved = fits && (await proveByPasskey(core, tx, assertion, holder));
    if (!proved || advance('nothing-proved', 'passkey') !== 'complete') {
      const reason = account?.disabled ? 'identity-disabled' : 'wrong-credentials';
      await insertSecurityEvent(tx, { kind: 'sign-in-failed', identityId, reason, caller });
      return 'wrong-credentials';
    }
    const identity = { id: identityId, email: account.email, displayName: account.displayName };
    const assurance = assuranceOf(['passkey'], assertion.passkey.id);
    return await startSession(tx, core, identity, browser, assurance);
  });
}
