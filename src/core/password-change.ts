import { runAuthorizedTransaction } from '../db/authorization.ts';
import { deleteDevices } from '../db/devices.ts';
import { deleteEmailChange } from '../db/email-changes.ts';
import {
  deletePasswordHash,
  findPasswordHash,
  insertPasswordHash,
  replacePasswordHash,
} from '../db/passwords.ts';
import { insertSecurityEvent } from '../db/security-events.ts';
import { deleteSessions } from '../db/sessions.ts';
import type { Tx } from '../db/transaction.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { noteChange } from './factors.ts';
import { guessOwnPassword } from './guess-budget.ts';
import { noteWrongGuess } from './guess-notice.ts';
import { type MailLanguage, queueMail } from './mail.ts';
import { chooseNewPassword, type NewPassword } from './new-password.ts';
import { normalizePassword, type PasswordProblem } from './password.ts';
import { type RotatedSecret, rotate } from './session-rotation.ts';
import { hasOtherWayIn } from './ways-in.ts';

/** What is wrong with a field of the form. */
export interface PasswordChangeProblem {
  readonly field: 'currentPassword' | 'newPassword';
  readonly reason: PasswordProblem | 'wrong-password' | 'required';
}

type PasswordChanged = RotatedSecret | { readonly problem: PasswordChangeProblem } | Refused;

/**
 * Replaces the password after the current one was proved. All other sessions end, and this one gets
 * a new secret (ASVS 6.2.3, 7.4.3; R-25): whoever knew the old password is out. An account without
 * one gets its first: then there is none to prove, and the route's step-up took a passkey.
 * @throws TooManyAttemptsError, HashingBusyError: nothing was checked.
 */
export async function changePassword(
  core: Core,
  authority: Authority,
  input: { readonly currentPassword?: string | undefined; readonly newPassword: string },
  language: MailLanguage,
): Promise<PasswordChanged> {
  const { identityId, email, displayName } = authority.principal;
  const { caller } = authority;
  const next = await chooseNewPassword(core, input.newPassword, [email, displayName]);
  if ('problem' in next) return { problem: { field: 'newPassword', reason: next.problem } };
  const stored = await core.database.transaction((tx) => findPasswordHash(tx, identityId));
  if (stored === undefined) return await addPassword(core, authority, next);
  if (input.currentPassword === undefined) return MISSING;
  const current = normalizePassword(input.currentPassword);
  return await guessOwnPassword<PasswordChanged>(core, authority, async (admitted) => {
    const matches = await core.passwords.verify(admitted.open ? stored : null, current);
    const hash = matches ? await core.passwords.hash(next.password) : null;
    const outcome = await runAuthorizedTransaction(
      core.database,
      authority.requirement,
      async (tx) => {
        const replaced =
          hash !== null &&
          (await replacePasswordHash(tx, identityId, stored, { hash, leakCheck: next.leakCheck }));
        if (!replaced) {
          await insertSecurityEvent(tx, { kind: 'password-change-failed', identityId, caller });
          await noteWrongGuess(tx, core, authority.principal, admitted, { factor, caller });
          return null;
        }
        await shutOutOthers(tx, authority);
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

/** Whoever knew the password that is gone is out. */
async function shutOutOthers(
  tx: Tx,
  { principal: { identityId, sessionId }, caller }: Authority,
): Promise<void> {
  await deleteSessions(tx, identityId, sessionId);
  // A browser of theirs is no longer one of the owner's.
  await deleteDevices(tx, identityId, caller.deviceDigest);
  // A change of address that is under way may be theirs too.
  await deleteEmailChange(tx, identityId);
}

async function addPassword(
  core: Core,
  authority: Authority,
  next: NewPassword,
): Promise<PasswordChanged> {
  const { identityId } = authority.principal;
  const { leakCheck } = next;
  const hash = await core.passwords.hash(next.password);
  const outcome = await runAuthorizedTransaction(
    core.database,
    authority.requirement,
    async (tx) => {
      if (!(await insertPasswordHash(tx, identityId, { hash, leakCheck }))) return null;
      const rotated = await rotate(tx, authority.principal, null);
      await noteChange(core, tx, authority, 'password-added');
      return rotated;
    },
  );
  // Null where another request has added one meanwhile: there is a current one to prove now.
  return 'refusal' in outcome ? outcome : (outcome.result ?? MISSING);
}

/**
 * Takes the password of an account away that has another way in to go on with; without one it stays
 * (ASVS 6.4.4). All other sessions end, as with a new password.
 */
export async function removePassword(
  core: Core,
  authority: Authority,
): Promise<RotatedSecret | 'not-found' | 'last-way-in' | Refused> {
  const { identityId } = authority.principal;
  const outcome = await runAuthorizedTransaction(
    core.database,
    authority.requirement,
    async (tx) => {
      const others = await hasOtherWayIn(core, tx, identityId, 'password');
      if (!others) return 'last-way-in' as const;
      if (!(await deletePasswordHash(tx, identityId))) return 'not-found' as const;
      await shutOutOthers(tx, authority);
      const rotated = await rotate(tx, authority.principal, null);
      await noteChange(core, tx, authority, 'password-removed');
      return rotated;
    },
  );
  return 'refusal' in outcome ? outcome : outcome.result;
}

const factor = 'password';
const MISSING = { problem: { field: 'currentPassword', reason: 'required' } } as const;
const WRONG = { problem: { field: 'currentPassword', reason: 'wrong-password' } } as const;
