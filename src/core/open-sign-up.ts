import { isUniqueViolation } from '../db/errors.ts';
import { type OpenSignUp, findOpenSignUp } from '../db/sign-ups.ts';
import type { Core } from './core.ts';
import { makeSignedUp } from './email-confirmation.ts';
import {
  type FirstPasskey,
  firstPasskeyOptions,
  keepFirstPasskey,
  verifyFirstPasskey,
} from './first-passkey.ts';
import type { RelyingParty } from './passkey-ceremony.ts';
import { digestOf, parseSecret, type Secret } from './secret.ts';
import { type SignedIn, type SigningBrowser, startSession } from './session-start.ts';
import { assuranceOf } from './sign-in-flow.ts';

/**
 * The sign-up of a mailed link, where it has no password: whoever follows the link chooses what the
 * account opens with. Null for every other link. Consumes nothing.
 */
export async function readOpenSignUp(core: Core, text: string): Promise<OpenSignUp | null> {
  const token = parseSecret(text);
  if (!token) return null;
  const digest = digestOf(token.bytes);
  return (await core.database.transaction((tx) => findOpenSignUp(tx, digest))) ?? null;
}

/** What the browser in which such a link was followed makes a passkey with. */
export async function openSignUpOptions(
  core: Core,
  { identityId, address, displayName }: OpenSignUp,
  presession: Secret,
  relyingParty: RelyingParty,
  now: Date,
) {
  const owner = { identityId, email: address, displayName };
  return await firstPasskeyOptions(core, presession, relyingParty, owner, now);
}

export interface SignedUp extends SignedIn {
  /** They are not shown again. */
  readonly recoveryCodes: readonly string[];
}

/**
 * Proves the address that the token was mailed to, and makes the identity of its sign-up with a
 * passkey of the browser in which the link was followed; signs it in, in one transaction. Nothing
 * that the author of the sign-up could keep opens the account, whoever that was: it belongs to the
 * reader of the mailbox from its first moment (R-43, CWE-287). Everything that does not fit is one
 * answer, and leaves the link as it is.
 */
export async function confirmWithPasskey(
  core: Core,
  text: string,
  passkey: FirstPasskey,
  browser: SigningBrowser,
): Promise<SignedUp | 'invalid' | 'refused'> {
  const token = parseSecret(text);
  if (!token) return 'invalid';
  const digest = digestOf(token.bytes);
  if (!(await readOpenSignUp(core, text))) return 'invalid';
  const verified = await verifyFirstPasskey(core, passkey);
  if (!verified) return 'refused';
  const { caller } = browser;
  try {
    return await core.database.transaction(async (tx) => {
      if (!(await findOpenSignUp(tx, digest))) return 'invalid';
      const identity = await makeSignedUp(tx, digest, null, caller);
      if (!identity) return 'invalid';
      const kept = await keepFirstPasskey(tx, identity.id, verified, passkey.name, caller);
      if (!kept) throw new UsedChallengeError();
      const assurance = assuranceOf(['passkey'], kept.id);
      const session = await startSession(tx, core, identity, browser, assurance);
      return { ...session, recoveryCodes: kept.recoveryCodes };
    });
  } catch (error) {
    // The credential is registered, or the address was proved by somebody else in that moment.
    if (error instanceof UsedChallengeError || isUniqueViolation(error)) return 'refused';
    throw error;
  }
}

/** Thrown so that the identity that was made for nothing is rolled back. */
class UsedChallengeError extends Error {}
