import { findPasswordByAddress, type PasswordRow } from '../db/identities.ts';
import { type Caller, insertSecurityEvent } from '../db/security-events.ts';
import type { Core } from './core.ts';
import { knownDevice } from './device.ts';
import { parseEmailAddress } from './email-address.ts';
import { type FactorNeeded, firstFactorProved } from './first-factor.ts';
import { type Guessed, guessWithinBudget } from './guess-budget.ts';
import { noteWrongGuess } from './guess-notice.ts';
import { refuseLeakedPassword } from './leaked-password.ts';
import { normalizePassword } from './password.ts';
import type { Secret } from './secret.ts';
import type { SignedIn } from './session-start.ts';

/**
 * Checks the password and starts a session with a new secret; the session that the browser had
 * before, if any, ends in the same transaction (CWE-384, R-20, R-21, ASVS 7.2.4). Whoever has a
 * second factor gets no session, but five minutes to prove that too.
 *
 * An unknown, unproved, disabled or malformed address and a wrong password are one answer after one
 * and the same work: a hash is computed in each case (CWE-204, CWE-208, R-57, ASVS 6.3.8).
 *
 * @param returnTo a path of our own, for the page that follows the last proof.
 * @throws CompromisedPasswordError for a right one that everybody can know.
 * @throws TooManyAttemptsError after too many wrong ones, and HashingBusyError when too many
 *   sign-ins wait; nothing was checked.
 */
export async function signIn(
  core: Core,
  input: { readonly email: string; readonly password: string },
  previous: Secret | null,
  caller: Caller,
  returnTo: string | null = null,
): Promise<SignedIn | FactorNeeded | 'wrong-credentials'> {
  const parsed = parseEmailAddress(input.email);
  const folded = 'email' in parsed ? parsed.email.folded : '';
  const found = await core.database.transaction(async (tx) => {
    const row = await findPasswordByAddress(tx, folded);
    return { row, device: await knownDevice(tx, row?.identityId, caller) };
  });
  const guess = {
    factor: 'password',
    guessed: guessedBy(found.row, folded),
    network: caller.network,
    deviceDigest: found.device,
  } as const;
  return await guessWithinBudget(core, guess, async (admitted) => {
    const password = normalizePassword(input.password);
    const hash = admitted.open ? (found.row?.hash ?? null) : null;
    const matches = await core.passwords.verify(hash, password);
    if (matches && found.row?.disabled === false) {
      await refuseLeakedPassword(core, found.row, password, caller);
    }
    const outcome = await core.database.transaction(async (tx) => {
      // Read again: between the first look and the end of hashing the identity may have been
      // disabled or its password changed, and a session must not outlive that.
      const current = await findPasswordByAddress(tx, folded);
      const accepted = matches && current?.hash === found.row?.hash && current?.disabled === false;
      if (accepted) {
        const { identityId: id, email, displayName, hash: proved } = current;
        const identity = { id, email, displayName };
        const factor = { method: 'password', hash: proved } as const;
        const browser = { previous, caller };
        return await firstFactorProved(tx, core, identity, factor, browser, returnTo);
      }
      await insertSecurityEvent(tx, {
        kind: 'sign-in-failed',
        identityId: current?.identityId ?? null,
        reason: current?.disabled ? 'identity-disabled' : 'wrong-credentials',
        caller,
      });
      await noteWrongGuess(tx, core, current, admitted, { factor: guess.factor, caller });
      return 'wrong-credentials' as const;
    });
    return { right: outcome !== 'wrong-credentials', outcome };
  });
}

function guessedBy(row: PasswordRow | undefined, folded: string): Guessed | null {
  if (row) return { identityId: row.identityId };
  return folded === '' ? null : { folded };
}
