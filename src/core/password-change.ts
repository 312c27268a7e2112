import { runAuthorizedTransaction } from '../db/authorization.ts';
import { deleteDevices } from '../db/devices.ts';
import { deleteEmailChange } from '../db/email-changes.ts';
import { findPasswordHash, replacePasswordHash } from '../db/identities.ts';
import { insertSecurityEvent } from '../db/security-events.ts';
import { deleteSessions } from '../db/sessions.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { guessOwnPassword } from './guess-budget.ts';
import { noteWrongGuess } from './guess-notice.ts';
import { type MailLanguage, queueMail } from './mail.ts';
import { chooseNewPassword } from './new-password.ts';
import { normalizePassword, type PasswordProblem } from './password.ts';
import { type RotatedSecret, rotate } from './session-rotation.ts';

/** What is wrong with a field of the form. */
export interface PasswordChangeProblem {
  readonly field: 'currentPassword' | 'newPassword';
  readonly reason: PasswordProblem | 'wrong-password';
}

type PasswordChanged = RotatedSecret | { readonly problem: PasswordChangeProblem } | Refused;

/**
 * Replaces the password after the current one was proved. All other sessions end, and this one gets
 * a new secret (ASVS 6.2.3, 7.4.3; R-25): whoever knew the old password is out.
 * @throws TooManyAttemptsError, HashingBusyError: nothing was checked.
 */
export async function changePassword(
  core: Core,
  authority: Authority,
  input: { readonly currentPassword: string; readonly newPassword: string },
  language: MailLanguage,
): Promise<PasswordChanged> {
  const { identityId, sessionId, email, displayName } = authority.principal;
  const { caller } = authority;
  const next = await chooseNewPassword(core, input.newPassword, [email, displayName]);
  if ('problem' in next) return { problem: { field: 'newPassword', reason: next.problem } };
  const stored = await core.database.transaction((tx) => findPasswordHash(tx, identityId));
  const current = normalizePassword(input.currentPassword);
  return await guessOwnPassword<PasswordChanged>(core, authority, async (admitted) => {
    const matches = await core.passwords.verify(admitted.open ? (stored ?? null) : null, current);
    const hash = matches ? await core.passwords.hash(next.password) : null;
    const outcome = await runAuthorizedTransaction(
      core.database,
      authority.requirement,
      async (tx) => {
        const replaced =
          stored !== undefined &&
          hash !== null &&
          (await replacePasswordHash(tx, identityId, stored, { hash, leakCheck: next.leakCheck }));
        if (!replaced) {
          await insertSecurityEvent(tx, { kind: 'password-change-failed', identityId, caller });
          await noteWrongGuess(tx, core, authority.principal, admitted, { factor, caller });
          return null;
        }
        await deleteSessions(tx, identityId, sessionId);
        // A browser of whoever knew the old password is no longer one of the owner's.
        await deleteDevices(tx, identityId, caller.deviceDigest);
        // A change of address that is under way may be theirs too.
        await deleteEmailChange(tx, identityId);
        const rotated = await rotate(tx, authority.principal, null);
        await queueMail(tx, core.encryptionKey, { kind: 'password-changed', to: email, language });
        await insertSecurityEvent(tx, { kind: 'password-changed', identityId, caller });
        return rotated;
      },
    );
    if ('refusal' in outcome) return { right: matches, outcome };
    return { right: matches, outcome: outcome.result ?? WRONG };
  });
}

const factor = 'password';
const WRONG = { problem: { field: 'currentPassword', reason: 'wrong-password' } } as const;
