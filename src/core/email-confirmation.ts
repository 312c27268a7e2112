import { isUniqueViolation } from '../db/errors.ts';
import { insertIdentity } from '../db/identities.ts';
import { consumeOneTimeToken } from '../db/one-time-tokens.ts';
import { type Caller, insertSecurityEvent } from '../db/security-events.ts';
import {
  consumeSignUp,
  countPasswordTry,
  deleteSignUps,
  findPendingSignUp,
} from '../db/sign-ups.ts';
import type { Tx } from '../db/transaction.ts';
import type { Core } from './core.ts';
import { confirmEmailChange, ownerAddress } from './email-change.ts';
import { guessWithinBudget } from './guess-budget.ts';
import { normalizePassword } from './password.ts';
import { browserDigestOf, digestOf, parseSecret, type Secret } from './secret.ts';

/** What the token's address was proved for. */
export type Confirmation = 'signed-up' | 'email-changed';

/** Who confirms, beside the token. */
export interface Confirmer {
  /** The pre-session secret of the browser that it comes from, null where a program sends it. */
  readonly browser: Secret | null;
  /** The session of that browser, null where nobody is signed in. */
  readonly session: Secret | null;
  /** The password that was chosen at sign-up. */
  readonly password?: string | undefined;
}

/** Nothing was confirmed, and the token still works, with the password of the sign-up. */
export interface PasswordAsked {
  readonly passwordProblem: 'required' | 'wrong-password';
  /** The address that the token was mailed to, for the form that asks. */
  readonly address: string;
}

const PROGRAM: Confirmer = { browser: null, session: null };

/**
 * Proves the address that the token was mailed to, and makes the identity of its sign-up or gives
 * the identity that asked for it its new address. Unknown, expired, used and replaced tokens are
 * refused alike.
 *
 * The token says that somebody reads the mailbox, and not that they signed up: whoever chose the
 * password may be somebody else, who waits for the owner to follow the link (CWE-287, CWE-640,
 * So a sign-up also asks for the browser that it was typed in, or for its password.
 *
 * @throws TooManyAttemptsError, HashingBusyError: nothing was checked.
 */
export async function confirmEmail(
  core: Core,
  text: string,
  caller: Caller,
  confirmer: Confirmer = PROGRAM,
): Promise<Confirmation | PasswordAsked | 'invalid'> {
  const token = parseSecret(text);
  if (!token) return 'invalid';
  const digest = digestOf(token.bytes);
  const proof = await proveByPassword(core, digest, confirmer.password, caller);
  if (typeof proof === 'object') return proof;
  try {
    return await core.database.transaction(
      async (tx) =>
        (await confirmSignUp(tx, digest, confirmer.browser, proof, caller)) ??
        (await confirmEmailChange(tx, digest, confirmer.session, caller)),
    );
  } catch (error) {
    // Somebody else has proved the same address in the same moment.
    if (isUniqueViolation(error)) return 'invalid';
    throw error;
  }
}

type PasswordProof = 'not-given' | 'proved' | 'nothing-to-compare';

/**
 * Compares the password with that of the token's sign-up, where there is one with tries left. Each
 * token has its own, so that whoever guesses at the address elsewhere does not use them up.
 */
async function proveByPassword(
  core: Core,
  digest: string,
  password: string | undefined,
  caller: Caller,
): Promise<PasswordProof | PasswordAsked> {
  if (password === undefined) return 'not-given';
  const { network } = caller;
  const guess = { factor: 'password', guessed: null, network, deviceDigest: null } as const;
  return await guessWithinBudget<PasswordProof | PasswordAsked>(core, guess, async () => {
    const signUp = await core.database.transaction((tx) => countPasswordTry(tx, digest));
    if (!signUp) return { right: false, outcome: 'nothing-to-compare' };
    const { address, passwordHash } = signUp;
    if (await core.passwords.verify(passwordHash, normalizePassword(password))) {
      return { right: true, outcome: 'proved' };
    }
    const event = {
      kind: 'address-proof-failed',
      identityId: null,
      reason: 'wrong-password',
      caller,
    } as const;
    await core.database.transaction((tx) => insertSecurityEvent(tx, event));
    return { right: false, outcome: { passwordProblem: 'wrong-password', address } };
  });
}

/** Undefined where the token is not a sign-up's. Of what others had typed, nothing is left. */
async function confirmSignUp(
  tx: Tx,
  digest: string,
  browser: Secret | null,
  proof: PasswordProof,
  caller: Caller,
): Promise<Confirmation | PasswordAsked | 'invalid' | undefined> {
  const pending = await findPendingSignUp(tx, digest);
  if (pending && proof !== 'proved') {
    if (proof === 'nothing-to-compare') return 'invalid';
    const enough = browser
      ? pending.browserDigest === browserDigestOf(browser)
      : pending.tokenSuffices;
    if (!enough && !pending.takesPassword) return 'invalid';
    if (!enough) return { passwordProblem: 'required', address: pending.address };
  }
  const folded = await consumeOneTimeToken(tx, 'email-confirmation', digest);
  if (folded === undefined) return undefined;
  const signUp = await consumeSignUp(tx, digest);
  if (!signUp || (await ownerAddress(tx, folded, null)) !== undefined) return 'invalid';
  await deleteSignUps(tx, folded);
  const identityId = await insertIdentity(tx, signUp);
  await insertSecurityEvent(tx, { kind: 'address-proved', identityId, caller });
  return 'signed-up';
}
