import { findPasswordByAddress, type PasswordRow } from '../db/identities.ts';
import { type Caller, insertSecurityEvent } from '../db/security-events.ts';
import { deleteSessionByProof, insertSession, type SessionRow } from '../db/sessions.ts';
import type { Tx } from '../db/transaction.ts';
import type { Core } from './core.ts';
import { knownDevice, noteDevice } from './device.ts';
import { parseEmailAddress } from './email-address.ts';
import { type Guessed, guessWithinBudget } from './guess-budget.ts';
import { noteWrongGuess } from './guess-notice.ts';
import { normalizePassword } from './password.ts';
import { type RotatedSecret, sessionSecretOf } from './session-rotation.ts';
import { digestOf, newSecret, proofOf, type Secret } from './secret.ts';

export interface SignedIn extends RotatedSecret {
  readonly identity: {
    readonly id: string;
    readonly email: string;
    readonly displayName: string;
  };
  readonly session: SessionRow;
  /** What the browser is known by from now on; null where it is known already. */
  readonly device: Secret | null;
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
 * @throws TooManyAttemptsError after too many wrong ones, and HashingBusyError when too many
 *   sign-ins wait; nothing was checked.
 */
export async function signIn(
  core: Core,
  input: { readonly email: string; readonly password: string },
  previous: Secret | null,
  caller: Caller,
): Promise<SignedIn | 'wrong-credentials'> {
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
    const matches = await core.passwords.verify(
      admitted.open ? (found.row?.hash ?? null) : null,
      normalizePassword(input.password),
    );
    const outcome = await core.database.transaction(async (tx) => {
      // Read again: between the first look and the end of hashing the identity may have been
      // disabled or its password changed, and a session must not outlive that.
      const current = await findPasswordByAddress(tx, folded);
      const accepted = matches && current?.hash === found.row?.hash && current?.disabled === false;
      if (accepted) return await startSession(tx, core, current, previous, caller);
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

async function startSession(
  tx: Tx,
  core: Core,
  { identityId, email, displayName }: PasswordRow,
  previous: Secret | null,
  caller: Caller,
): Promise<SignedIn> {
  const secret = newSecret();
  if (previous) await deleteSessionByProof(tx, digestOf(proofOf(previous)));
  const session = await insertSession(tx, {
    browser: caller.browser,
    system: caller.system,
    identityId,
    ...sessionSecretOf(secret, FIRST_GENERATION),
  });
  // Nobody was signed in when the request came; whoever it was is known now.
  const person = { ...caller, identityId, sessionId: session.id };
  await insertSecurityEvent(tx, { kind: 'signed-in', identityId, caller: person });
  const identity = { id: identityId, email, displayName };
  const device = await noteDevice(tx, core, identity, person);
  return { identity, session, secret, synchronizerGeneration: FIRST_GENERATION, device };
}
