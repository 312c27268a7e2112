import { replaceOneTimeToken } from '../db/one-time-tokens.ts';
import { insertSecurityEvent } from '../db/security-events.ts';
import { deleteSignUp, findSignUpHash, replaceSignUp } from '../db/sign-ups.ts';
import type { Core } from './core.ts';
import { type DisplayNameProblem, parseDisplayName } from './display-name.ts';
import { type EmailAddressProblem, parseEmailAddress } from './email-address.ts';
import { ownerAddress } from './email-change.ts';
import { type MailLanguage, queueMail } from './mail.ts';
import { mayMail } from './mail-limit.ts';
import { parseNewPassword, type PasswordProblem } from './password.ts';
import { digestOf, newSecret, secretText } from './secret.ts';

export interface SignUpInput {
  readonly email: string;
  readonly password: string;
  readonly displayName: string;
}

/** What is wrong with a field; the code is stable. */
export interface FieldProblem {
  readonly field: 'email' | 'password' | 'displayName';
  readonly reason: EmailAddressProblem | DisplayNameProblem | PasswordProblem;
}

const LINK_HOURS = 24;

/**
 * Notes the sign-up and mails a link that proves the address; nothing can sign in before that. An
 * address that somebody has already proved gets another mail, and the caller the same answer after
 * the same work (CWE-204, R-48). Only what is wrong with the input itself is told.
 */
export async function signUp(
  core: Core,
  input: SignUpInput,
  language: MailLanguage,
): Promise<{ readonly problems: readonly FieldProblem[] } | 'check-mail'> {
  const email = parseEmailAddress(input.email);
  const displayName = parseDisplayName(input.displayName);
  const personal = [input.email, input.displayName];
  const password = await parseNewPassword(input.password, personal);
  const problems: FieldProblem[] = [];
  if ('problem' in email) problems.push({ field: 'email', reason: email.problem });
  if ('problem' in displayName) {
    problems.push({ field: 'displayName', reason: displayName.problem });
  }
  if ('problem' in password) problems.push({ field: 'password', reason: password.problem });
  if ('problem' in email || 'problem' in displayName || 'problem' in password) return { problems };

  const { address, folded } = email.email;
  const passwordHash = await core.passwords.hash(password.password);
  const token = newSecret();
  const unmailed = await core.database.transaction(async (tx) => {
    if (!(await mayMail(tx, folded))) return await findSignUpHash(tx, folded);
    // To the address that was proved: another spelling of it may be another person's mailbox.
    const owner = await ownerAddress(tx, folded, null);
    if (owner !== undefined) {
      await queueMail(tx, core.encryptionKey, { kind: 'existing-account', to: owner, language });
      await insertSecurityEvent(tx, {
        kind: 'signed-up',
        identityId: null,
        reason: 'address-already-proved',
      });
      return undefined;
    }
    const signUpRow = { folded, address, displayName: displayName.displayName, passwordHash };
    await replaceSignUp(tx, signUpRow, LINK_HOURS);
    await replaceOneTimeToken(
      tx,
      { purpose: 'email-confirmation', digest: digestOf(token.bytes), folded },
      LINK_HOURS,
    );
    await queueMail(tx, core.encryptionKey, {
      kind: 'sign-up',
      to: address,
      language,
      token: secretText(token),
      expiresInHours: LINK_HOURS,
    });
    await insertSecurityEvent(tx, { kind: 'signed-up', identityId: null });
    return undefined;
  });
  if (unmailed !== undefined) await voidForeignSignUp(core, folded, unmailed, password.password);
  return 'check-mail';
}

/**
 * Beyond the limit the link of the last mail goes on working, but only for whoever signs up with
 * the password that it would activate. Any other password is another person's: the mailbox has a
 * stranger's link in it, or its owner has changed their mind, and that link must make no account
 * . Fails closed: nobody can confirm until the hour is over.
 */
async function voidForeignSignUp(
  core: Core,
  folded: string,
  pendingHash: string,
  password: string,
): Promise<void> {
  if (await core.passwords.verify(pendingHash, password)) return;
  await core.database.transaction((tx) => deleteSignUp(tx, folded, pendingHash));
}
