import { runAuthorizedTransaction } from '../db/authorization.ts';
import { findPasswordHash } from '../db/passwords.ts';
import { insertSecurityEvent } from '../db/security-events.ts';
import type { Tx } from '../db/transaction.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { findFactors } from './factors.ts';
import { guessOwnPassword } from './guess-budget.ts';
import { noteWrongGuess } from './guess-notice.ts';
import { normalizePassword } from './password.ts';
import { parseRecoveryCode } from './recovery-code.ts';
import { type CodeProof, guessCode, GUESSED, proveCode } from './second-factor.ts';
import { type RotatedSecret, rotate } from './session-rotation.ts';
import { assuranceOf, hasSecondFactor } from './sign-in-flow.ts';

export type Reauthenticated = RotatedSecret | 'wrong-credentials' | Refused;

/**
 * Proves again who is at the browser: the same identity, in the same session, which gets a new
 * secret and a new time of authentication (ASVS 7.5.3, R-25). Whoever has a second factor shows
 * both in one: nothing waits half proved.
 *
 * @param input.code of the authenticator app, or a recovery code.
 * @throws TooManyAttemptsError, HashingBusyError: nothing was checked.
 */
export async function reauthenticate(
  core: Core,
  authority: Authority,
  input: { readonly password: string; readonly code?: string | undefined },
): Promise<Reauthenticated> {
  const { principal, caller } = authority;
  const { identityId } = principal;
  const stored = await core.database.transaction((tx) => findPasswordHash(tx, identityId));
  const failed = await guessOwnPassword(core, authority, async (admitted) => {
    const right = await core.passwords.verify(
      admitted.open ? (stored ?? null) : null,
      normalizePassword(input.password),
    );
    const outcome = right
      ? null
      : await inTransaction(core, authority, async (tx) => {
          await noteWrongGuess(tx, core, principal, admitted, { factor: 'password', caller });
          return await noteFailure(tx, authority);
        });
    return { right, outcome };
  });
  if (failed) return failed;

  return await proveSecond(core, authority, input.code, {
    method: 'password',
    stands: async (tx) => (await findPasswordHash(tx, identityId)) === stored,
  });
}

/** What has been proved, and whether it still is when the session gets its new secret. */
export interface FirstProof {
  readonly method: 'password' | 'provider';
  stands(tx: Tx): Promise<boolean>;
}

/** Completes a re-authentication, with a code of whoever has a second factor. */
export async function proveSecond(
  core: Core,
  authority: Authority,
  code: string | undefined,
  first: FirstProof,
): Promise<Reauthenticated> {
  const { principal, caller } = authority;
  const { identityId } = principal;
  const factors = await core.database.transaction((tx) => findFactors(tx, identityId));
  if (!hasSecondFactor(factors)) return await finish(core, authority, first, null);
  const shown = code ?? '';
  const method = parseRecoveryCode(shown) ? 'recovery-code' : 'totp';
  return await guessCode(core, identityId, method, caller, async (admitted) => {
    const given = admitted.open ? ({ method, code: shown } as const) : null;
    const outcome = await finish(core, authority, first, given, async (tx) => {
      const guess = { factor: GUESSED[method], caller };
      await noteWrongGuess(tx, core, principal, admitted, guess);
    });
    return { right: typeof outcome === 'object' && 'secret' in outcome, outcome };
  });
}

/**
 * The session gets its new secret, if what was proved first still stands and the code is right,
 * where the account asks for one.
 */
async function finish(
  core: Core,
  authority: Authority,
  first: FirstProof,
  given: CodeProof | null,
  noteGuess: (tx: Tx) => Promise<void> = async () => {},
): Promise<Reauthenticated> {
  const { principal, caller } = authority;
  const { identityId } = principal;
  return await inTransaction(core, authority, async (tx) => {
    if (!(await first.stands(tx))) return await noteFailure(tx, authority);
    let assurance = assuranceOf([first.method]);
    if (hasSecondFactor(await findFactors(tx, identityId))) {
      const proved = given && (await proveCode(core, tx, { ...principal, caller }, given));
      if (!proved) {
        await noteGuess(tx);
        return await noteFailure(tx, authority);
      }
      assurance = assuranceOf([first.method, proved.method], proved.authenticatorId);
    }
    await insertSecurityEvent(tx, { kind: 'reauthenticated', identityId, caller });
    return await rotate(tx, principal, assurance);
  });
}

async function noteFailure(
  tx: Tx,
  { principal: { identityId }, caller }: Authority,
): Promise<'wrong-credentials'> {
  await insertSecurityEvent(tx, { kind: 'reauthentication-failed', identityId, caller });
  return 'wrong-credentials';
}

async function inTransaction(
  core: Core,
  authority: Authority,
  work: (tx: Tx) => Promise<RotatedSecret | 'wrong-credentials'>,
): Promise<Reauthenticated> {
  const outcome = await runAuthorizedTransaction(core.database, authority.requirement, work);
  return 'refusal' in outcome ? outcome : outcome.result;
}
