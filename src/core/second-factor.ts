import { findAccount } from '../db/identities.ts';
import { findPasskeysOf } from '../db/passkeys.ts';
import { consumeRecoveryCode, countRecoveryCodes } from '../db/recovery-codes.ts';
import { type Caller, insertSecurityEvent } from '../db/security-events.ts';
import { countSignInTry, deleteSignInFlow, findSignInFlow } from '../db/sign-in-flows.ts';
import { consumeTotpStep, findTotp } from '../db/totp.ts';
import type { Tx } from '../db/transaction.ts';
import type { Core } from './core.ts';
import { knownDevice } from './device.ts';
import { decrypt } from './encryption.ts';
import { findFactors } from './factors.ts';
import { type AdmittedGuess, type Factor, guessWithinBudget } from './guess-budget.ts';
import { noteWrongGuess } from './guess-notice.ts';
import { queueMail } from './mail.ts';
import { type RelyingParty, requestOptions } from './passkey-ceremony.ts';
import { findAndVerify, proveByPasskey } from './passkey-proof.ts';
import { parseRecoveryCode, recoveryCodeDigest } from './recovery-code.ts';
import { digestOf, type Secret, signInDigestOf } from './secret.ts';
import { type SignedIn, type SigningBrowser, startSession } from './session-start.ts';
import {
  advance,
  assuranceOf,
  hasSecondFactor,
  type Method,
  type SecondFactor,
  secondFactorsOf,
} from './sign-in-flow.ts';
import { totpStep } from './totp-code.ts';
import { totpContext } from './totp.ts';

/** Wrong proofs within one sign-in; then the password is asked for again. */
const TRIES_MAX = 5;

/** A sign-in that waits for its second factor, for the page that asks. */
export interface PendingSignIn {
  readonly needed: readonly SecondFactor[];
  readonly email: string;
}

/** The sign-in that this browser has under way; null where it has none, or it is over. */
export async function findPendingSignIn(core: Core, flow: Secret): Promise<PendingSignIn | null> {
  return await core.database.transaction(async (tx) => {
    const found = await findSignInFlow(tx, signInDigestOf(flow), TRIES_MAX);
    const account = found && (await findAccount(tx, found.identityId));
    if (!found || !account) return null;
    const factors = await findFactors(tx, found.identityId);
    return { needed: secondFactorsOf(factors), email: account.email };
  });
}

/** What the browser of a sign-in under way is asked for: one of its account's own passkeys. */
export async function secondFactorOptions(
  core: Core,
  flow: Secret,
  relyingParty: RelyingParty,
  now: Date,
) {
  const allowed = await core.database.transaction(async (tx) => {
    const found = await findSignInFlow(tx, signInDigestOf(flow), TRIES_MAX);
    return found ? await findPasskeysOf(tx, found.identityId) : [];
  });
  if (allowed.length === 0) return null;
  const ceremony = { purpose: 'second-factor', secret: flow } as const;
  return await requestOptions(core, ceremony, relyingParty, now, allowed);
}

/** Under what name the guesses at a second factor are counted. */
export const GUESSED: Readonly<Record<CodeProof['method'], Factor>> = {
  totp: 'one-time-password',
  'recovery-code': 'recovery-code',
};

/** A code that somebody shows to complete a sign-in. */
export interface CodeProof {
  readonly method: Exclude<SecondFactor, 'passkey'>;
  readonly code: string;
}

/** What somebody shows to complete a sign-in. */
export type SecondProof =
  | CodeProof
  | {
      readonly method: 'passkey';
      /** What the browser has answered. */
      readonly response: unknown;
      readonly relyingParty: RelyingParty;
    };

/**
 * Judges the second factor of the sign-in that this browser has under way, and starts the session.
 * The try is counted before it is judged, in the flow's own row, which goes in the same transaction
 * as the session comes: of parallel requests with one right code one is signed in, and a flow gives
 * five tries to whoever holds its secret (R-16, R-26, R-50, R-51; ASVS 6.3.4, 6.6.3).
 * @throws TooManyAttemptsError when the account, the network or the service has none left.
 */
export async function completeSignIn(
  core: Core,
  flow: Secret,
  given: SecondProof,
  browser: SigningBrowser,
): Promise<Completed | 'wrong-code' | 'over'> {
  const digest = signInDigestOf(flow);
  const { caller } = browser;
  if (given.method === 'passkey') {
    const { response, relyingParty } = given;
    const ceremony = { purpose: 'second-factor', secret: flow } as const;
    const assertion = await findAndVerify(core, ceremony, relyingParty, response);
    return await judge(core, digest, browser, 'passkey', async (tx, { identityId, email }) => {
      if (assertion?.passkey.identityId !== identityId) return null;
      if (!(await proveByPasskey(core, tx, assertion, { email, caller }))) return null;
      const method = assertion.userVerified ? 'passkey' : 'passkey-touch';
      return { method, authenticatorId: assertion.passkey.id };
    });
  }
  const pending = await core.database.transaction((tx) => findSignInFlow(tx, digest, TRIES_MAX));
  if (!pending) return 'over';
  return await guessCode(core, pending.identityId, given.method, caller, async (admitted) => {
    const outcome = await judge(core, digest, browser, given.method, async (tx, account) => {
      const owner = { ...account, caller };
      const proved = admitted.open ? await proveCode(core, tx, owner, given) : null;
      if (!proved) {
        const factor = GUESSED[given.method];
        await noteWrongGuess(tx, core, account, admitted, { factor, caller });
      }
      return proved;
    });
    return { right: typeof outcome === 'object', outcome };
  });
}

/** Counts a guess at somebody's code in the budget of all guesses at their account. */
export async function guessCode<T>(
  core: Core,
  identityId: string,
  method: CodeProof['method'],
  caller: Caller,
  make: (admitted: AdmittedGuess) => Promise<{ readonly right: boolean; readonly outcome: T }>,
): Promise<T> {
  const deviceDigest = await core.database.transaction((tx) => knownDevice(tx, identityId, caller));
  const { network } = caller;
  const guess = { factor: GUESSED[method], guessed: { identityId }, network, deviceDigest };
  return await guessWithinBudget(core, guess, make);
}

export interface Completed extends SignedIn {
  readonly returnTo: string | null;
}

interface Account {
  readonly identityId: string;
  readonly email: string;
}

async function judge(
  core: Core,
  digest: string,
  browser: SigningBrowser,
  factor: SecondFactor,
  prove: (tx: Tx, account: Account) => Promise<Proved | null>,
): Promise<Completed | 'wrong-code' | 'over'> {
  return await core.database.transaction(async (tx) => {
    const found = await countSignInTry(tx, digest, TRIES_MAX);
    if (!found) return 'over';
    const { identityId, passwordDigest, linkId, returnTo } = found;
    const account = await findAccount(tx, identityId);
    // A flow of a link that is gone went with it.
    const standing = linkId !== null || digestOf(account?.hash ?? '') === passwordDigest;
    if (
      !account ||
      account.disabled ||
      !standing ||
      !hasSecondFactor(await findFactors(tx, identityId))
    ) {
      await deleteSignInFlow(tx, digest);
      return 'over';
    }
    const { email, displayName } = account;
    const proved = await prove(tx, { identityId, email });
    if (!proved || advance('first-factor-proved', proved.method) !== 'complete') {
      const { caller } = browser;
      const event = { kind: 'second-factor-failed', identityId, reason: factor, caller } as const;
      await insertSecurityEvent(tx, event);
      return 'wrong-code';
    }
    if (!(await deleteSignInFlow(tx, digest))) return 'over';
    const identity = { id: identityId, email, displayName };
    const first = linkId === null ? 'password' : 'provider';
    const assurance = assuranceOf([first, proved.method], proved.authenticatorId);
    return { ...(await startSession(tx, core, identity, browser, assurance)), returnTo };
  });
}

/** Whose code it is, and who shows it. */
export interface CodeOwner {
  readonly identityId: string;
  readonly email: string;
  readonly caller: Caller;
}

/** How somebody has proved themselves, and with which authenticator; a recovery code is none. */
interface Proved {
  readonly method: Method;
  readonly authenticatorId: string | null;
}

/**
 * Uses the code up, if it is right. The use of a recovery code is mailed: whoever has not used one
 * learns that somebody else has (ASVS 6.3.7).
 */
export async function proveCode(
  core: Core,
  tx: Tx,
  { identityId, email, caller }: CodeOwner,
  { method, code }: CodeProof,
): Promise<Proved | null> {
  if (method === 'totp') {
    const id = await consumeTotp(core, tx, identityId, code);
    return id === null ? null : { method, authenticatorId: id };
  }
  const parsed = parseRecoveryCode(code);
  if (!parsed || !(await consumeRecoveryCode(tx, identityId, recoveryCodeDigest(parsed)))) {
    return null;
  }
  const left = await countRecoveryCodes(tx, identityId);
  const details = { left };
  await insertSecurityEvent(tx, { kind: 'recovery-code-used', identityId, caller, details });
  const { language } = caller;
  const message = { kind: 'recovery-code-used', to: email, language, left } as const;
  await queueMail(tx, core.encryptionKey, message);
  return { method, authenticatorId: null };
}

/** The code's time step is used up. @returns the authenticator's id, null where it is not right. */
async function consumeTotp(
  core: Core,
  tx: Tx,
  identityId: string,
  code: string,
): Promise<string | null> {
  const row = await findTotp(tx, identityId);
  if (!row) return null;
  const context = totpContext(identityId);
  const secret = decrypt(core.encryptionKey, context, row.secret, core.previousKeys);
  const step = totpStep(secret, code, row.nowSeconds);
  if (step === null || !(await consumeTotpStep(tx, row.id, step))) return null;
  return row.id;
}
