import { findPasswordByAddress } from '../db/identities.ts';
import { type Caller, insertSecurityEvent } from '../db/security-events.ts';
import { deleteSessionByProof, insertSession, type SessionRow } from '../db/sessions.ts';
import type { Core } from './core.ts';
import { parseEmailAddress } from './email-address.ts';
import { normalizePassword } from './password.ts';
import type { RotatedSecret } from './session-rotation.ts';
import { digestOf, newSecret, proofOf, type Secret, synchronizerTokenOf } from './secret.ts';

export interface SignedIn extends RotatedSecret {
  readonly identity: {
    readonly id: string;
    readonly email: string;
    readonly displayName: string;
  };
  readonly session: SessionRow;
}

/** The generation that a session's row starts with. */
const FIRST_GENERATION = 1;

/**
 * Checks the password and starts a session with a new secret; the session that the browser had
 * before, if any, ends in the same transaction (CWE-384, R-20, R-21, ASVS 7.2.4).
 *
 * An unknown, unproved, disabled or malformed address and a wrong password are one answer after one
 * and the same work: a hash is computed in each case (CWE-204, CWE-208, R-57, ASVS 6.3.8).
 *
 * @throws HashingBusyError when too many sign-ins wait; nothing was checked.
 */
export async function signIn(
  core: Core,
  input: { readonly email: string; readonly password: string },
  previous: Secret | null,
  caller: Caller,
): Promise<SignedIn | 'wrong-credentials'> {
  const parsed = parseEmailAddress(input.email);
  const folded = 'email' in parsed ? parsed.email.folded : '';
  const found = await core.database.transaction((tx) => findPasswordByAddress(tx, folded));
  const matches = await core.passwords.verify(
    found?.hash ?? null,
    normalizePassword(input.password),
  );

  const secret = newSecret();
  return await core.database.transaction(async (tx) => {
    // Read again: between the first look and the end of hashing the identity may have been disabled
    // or its password changed, and a session must not outlive that.
    const current = await findPasswordByAddress(tx, folded);
    const accepted = matches && current && current.hash === found?.hash && !current.disabled;
    if (!accepted) {
      await insertSecurityEvent(tx, {
        kind: 'sign-in-failed',
        identityId: current?.identityId ?? null,
        reason: current?.disabled ? 'identity-disabled' : 'wrong-credentials',
        caller,
      });
      return 'wrong-credentials';
    }
    const { identityId, email, displayName } = current;
    if (previous) await deleteSessionByProof(tx, digestOf(proofOf(previous)));
    const session = await insertSession(tx, {
      browser: caller.browser,
      system: caller.system,
      identityId,
      proofDigest: digestOf(proofOf(secret)),
      synchronizerDigest: digestOf(synchronizerTokenOf(secret, FIRST_GENERATION)),
    });
    // Nobody was signed in when the request came; whoever it was is known now.
    const person = { ...caller, identityId, sessionId: session.id };
    await insertSecurityEvent(tx, { kind: 'signed-in', identityId, caller: person });
    return {
      identity: { id: identityId, email, displayName },
      session,
      secret,
      synchronizerGeneration: FIRST_GENERATION,
    };
  });
}
