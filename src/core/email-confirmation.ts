import { isUniqueViolation } from '../db/errors.ts';
import { insertIdentity } from '../db/identities.ts';
import { consumeOneTimeToken } from '../db/one-time-tokens.ts';
import { type Caller, insertSecurityEvent } from '../db/security-events.ts';
import {
  consumeSignUp,
  countPasswordTry,
  deleteSignUps,
  findOpenSignUp,
  findPendingSignUp,
} from '../db/sign-ups.ts';
import type { Tx } from '../db/transaction.ts';
import type { Core } from './core.ts';
import { confirmEmailChange, ownerAddress } from './email-change.ts';
import { guessWithinBudget } from './guess-budget.ts';
import { chooseNewPassword } from './new-password.ts';
import { normalizePassword, type PasswordProblem } from './password.ts';
import { browserDigestOf, digestOf, parseSecret, type Secret } from './secret.ts';
import type { SignedIn } from './session-start.ts';

/** What the token's address was proved for. */
export type Confirmation = 'signed-up' | 'email-changed';

/** Who confirms, beside the token. */
export interface Confirmer {
  /** The pre-session secret of the browser that it comes from, null where a program sends it. */
  readonly browser: Secret | null;
  /** The session of that browser, null where nobody is signed in. */
  readonly session: Secret | null;
  /** The password that was chosen at sign-up; where none was, the one that is chosen now. */
  readonly password?: string | undefined;
}

/** Nothing was confirmed, and the token still works, with the password of the sign-up. */
export interface PasswordAsked {
  readonly passwordProblem: 'required' | 'wrong-password' | PasswordProblem;
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
 * So a sign-up also asks for the browser that it was typed in, or for its password. One that
 * has none is given one here, by whoever reads the mailbox; or a passkey, see confirmWithPasskey.
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
  const chosen = await choosePassword(core, digest, confirmer.password);
  if (chosen && 'passwordProblem' in chosen) return chosen;
  const proof = chosen ? 'proved' : await proveByPassword(core, digest, confirmer.password, caller);
  if (typeof proof === 'object') return proof;
  try {
    return await core.database.transaction(
      async (tx) =>
        (await confirmSignUp(tx, digest, confirmer.browser, { proof, ...chosen }, caller)) ??
        (await confirmEmailChange(tx, digest, confirmer.session, caller)),
    );
  } catch (error) {
    // Somebody else has proved the same address in the same moment.
    if (isUniqueViolation(error)) return 'invalid';
    throw error;
  }
}

interface ChosenPassword {
  readonly hash: string;
}

/** The password that the reader of the mailbox gives a sign-up without one; null for any other. */
async function choosePassword(
  core: Core,
  digest: string,
  password: string | undefined,
): Promise<ChosenPassword | PasswordAsked | null> {
  const open = await core.database.transaction((tx) => findOpenSignUp(tx, digest));
  if (!open) return null;
  const { address, displayName } = open;
  if (password === undefined) return { passwordProblem: 'required', address };
  const next = await chooseNewPassword(core, password, [address, displayName]);
  if ('problem' in next) return { passwordProblem: next.problem, address };
  return { hash: await core.passwords.hash(next.password) };
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
  { proof, hash = null }: { readonly proof: PasswordProof; readonly hash?: string | null },
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
  if (!pending) return undefined;
  const identity = await makeSignedUp(tx, digest, hash, caller);
  return identity ? 'signed-up' : 'invalid';
}

/**
 * Consumes the token of a sign-up and makes its identity, with the password that was chosen at
 * sign-up, or behind the link, or none. @returns undefined where it is worth nothing.
 */
export async function makeSignedUp(
  tx: Tx,
  digest: string,
  chosenHash: string | null,
  caller: Caller,
): Promise<SignedIn['identity'] | undefined> {
  const folded = await consumeOneTimeToken(tx, 'email-confirmation', digest);
  const signUp = folded === undefined ? undefined : await consumeSignUp(tx, digest);
  if (!signUp || (await ownerAddress(tx, signUp.folded, null)) !== undefined) return undefined;
  await deleteSignUps(tx, signUp.folded);
  const passwordHash = signUp.passwordHash ?? chosenHash;
  const id = await insertIdentity(tx, { ...signUp, passwordHash });
  await insertSecurityEvent(tx, { kind: 'address-proved', identityId: id, caller });
  return { id, email: signUp.address, displayName: signUp.displayName };
}
