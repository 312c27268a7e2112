import { deleteDevices } from '../db/devices.ts';
import { deleteEmailChange } from '../db/email-changes.ts';
import { findIdentityByAddress } from '../db/identities.ts';
import { type LeakCheck, setPasswordHash } from '../db/passwords.ts';
import { consumeRecovery, findRecovery, replaceRecovery } from '../db/recoveries.ts';
import { type Caller, insertSecurityEvent } from '../db/security-events.ts';
import { deleteSessions } from '../db/sessions.ts';
import type { Tx } from '../db/transaction.ts';
import type { Core } from './core.ts';
import { knownDevice } from './device.ts';
import { parseEmailAddress } from './email-address.ts';
import { forgetGuesses } from './guess-budget.ts';
import { queueMail } from './mail.ts';
import { countMailRequest, mayMail } from './mail-limit.ts';
import { chooseNewPassword } from './new-password.ts';
import { digestOf, newSecret, parseSecret, secretText } from './secret.ts';
import type { FieldProblem } from './sign-up.ts';

const LINK_MINUTES = 15;

/**
 * Mails a link by which a forgotten password can be chosen anew. An address that nobody has gets
 * the same answer after the same statements: its row opens nothing, and its mail has expired as it
 * is queued (CWE-204, CWE-208, R-57, ASVS 6.3.8).
 *
 * Five links an hour go to one address, and five more if they are asked for in a browser where its
 * owner has signed in before: strangers cannot keep the owner from getting one (CWE-799).
 *
 * @throws TooManyAttemptsError when this network has asked for too many mails.
 */
export async function requestRecovery(
  core: Core,
  email: string,
  caller: Caller,
): Promise<{ readonly problems: readonly FieldProblem[] } | 'check-mail'> {
  const parsed = parseEmailAddress(email);
  if ('problem' in parsed) return { problems: [{ field: 'email', reason: parsed.problem }] };
  const { folded, address } = parsed.email;
  await countMailRequest(core, caller);
  const token = newSecret();
  await core.database.transaction(async (tx) => {
    const found = await findIdentityByAddress(tx, folded);
    const device = await knownDevice(tx, found?.identityId, caller);
    if (!(await mayMail(tx, `recovery ${device ?? ''} ${folded}`))) return;
    const identityId = found?.disabled === false ? found.identityId : null;
    await replaceRecovery(tx, folded, identityId, digestOf(token.bytes), LINK_MINUTES);
    const message = {
      kind: 'password-recovery',
      // To the address that was proved: another spelling of it may be another person's mailbox.
      to: found?.email ?? address,
      language: caller.language,
      token: secretText(token),
      expiresInMinutes: identityId === null ? 0 : LINK_MINUTES,
    } as const;
    await queueMail(tx, core.encryptionKey, message);
    await insertSecurityEvent(tx, { kind: 'recovery-requested', identityId, caller });
  });
  return 'check-mail';
}

/** Whose password the token lets be chosen anew; null where it does not work. Consumes nothing. */
export async function recoveryAddress(core: Core, text: string): Promise<string | null> {
  const token = parseSecret(text);
  if (!token) return null;
  const digest = digestOf(token.bytes);
  const found = await core.database.transaction((tx) => findRecovery(tx, digest));
  return found?.email ?? null;
}

/**
 * Replaces the password of whoever reads the mailbox, once. It ends all sessions, forgets all known
 * browsers, and calls a change of address off: whoever had taken the account over is out. Nobody is
 * signed in by it, so a second factor is asked for as ever (ASVS 6.4.3, R-37); and the failures at
 * the old password are forgotten, for this is how it is bound anew (NIST SP 800-63B-4 3.2.2).
 *
 * Unknown, expired, used and replaced tokens are refused alike. A password that is refused leaves
 * the token as it is.
 *
 * @throws HashingBusyError when too many passwords wait; nothing was changed.
 */
export async function recoverPassword(
  core: Core,
  input: { readonly token: string; readonly password: string },
  caller: Caller,
): Promise<{ readonly problems: readonly FieldProblem[] } | 'recovered' | 'invalid'> {
  const token = parseSecret(input.token);
  if (!token) return 'invalid';
  const digest = digestOf(token.bytes);
  const found = await core.database.transaction((tx) => findRecovery(tx, digest));
  if (!found) return 'invalid';
  const next = await chooseNewPassword(core, input.password, [found.email, found.displayName]);
  if ('problem' in next) return { problems: [{ field: 'password', reason: next.problem }] };
  const hash = await core.passwords.hash(next.password);
  return await core.database.transaction(async (tx) => {
    // Looked up again: meanwhile the address may have become another's, or the identity disabled.
    const current = await findRecovery(tx, digest);
    if (!current || !(await consumeRecovery(tx, digest))) return 'invalid';
    const { identityId, email } = current;
    await rebindPassword(tx, identityId, { hash, leakCheck: next.leakCheck });
    const { language } = caller;
    await queueMail(tx, core.encryptionKey, { kind: 'password-recovered', to: email, language });
    await insertSecurityEvent(tx, { kind: 'password-recovered', identityId, caller });
    return 'recovered';
  });
}

/** A password that a mailed link has set: whoever had taken the account over is out. */
export async function rebindPassword(
  tx: Tx,
  identityId: string,
  password: { readonly hash: string; readonly leakCheck: LeakCheck },
): Promise<void> {
  await setPasswordHash(tx, identityId, password);
  await deleteSessions(tx, identityId, null);
  await deleteDevices(tx, identityId, null);
  await deleteEmailChange(tx, identityId);
  await forgetGuesses(tx, identityId, 'password');
}
