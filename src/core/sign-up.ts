import { replaceOneTimeToken } from '../db/one-time-tokens.ts';
import { type Caller, insertSecurityEvent } from '../db/security-events.ts';
import {
  deleteEarlierSignUp,
  findSufficingHash,
  hasBrowserSignUp,
  insertSignUp,
  requireMoreThanToken,
  type SignUp,
} from '../db/sign-ups.ts';
import type { Tx } from '../db/transaction.ts';
import type { Core } from './core.ts';
import { type DisplayNameProblem, parseDisplayName } from './display-name.ts';
import { type EmailAddressProblem, parseEmailAddress } from './email-address.ts';
import { ownerAddress } from './email-change.ts';
import { type MailLanguage, queueMail } from './mail.ts';
import { countMailRequest, mayMail } from './mail-limit.ts';
import { chooseNewPassword } from './new-password.ts';
import type { PasswordProblem } from './password.ts';
import { browserDigestOf, digestOf, newSecret, type Secret, secretText } from './secret.ts';

export interface SignUpInput {
  readonly email: string;
  /** Left out where whoever follows the link shall choose a passkey, or a password, behind it. */
  readonly password?: string | undefined;
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
 *
 * @param browser the secret of the browser that it was typed in, null where a program sent it.
 */
export async function signUp(
  core: Core,
  input: SignUpInput,
  language: MailLanguage,
  caller: Caller,
  browser: Secret | null = null,
): Promise<{ readonly problems: readonly FieldProblem[] } | 'check-mail'> {
  const email = parseEmailAddress(input.email);
  const displayName = parseDisplayName(input.displayName);
  const personal = [input.email, input.displayName];
  const password =
    input.password === undefined
      ? { password: null }
      : await chooseNewPassword(core, input.password, personal);
  const problems: FieldProblem[] = [];
  if ('problem' in email) problems.push({ field: 'email', reason: email.problem });
  if ('problem' in displayName) {
    problems.push({ field: 'displayName', reason: displayName.problem });
  }
  if ('problem' in password) problems.push({ field: 'password', reason: password.problem });
  if ('problem' in email || 'problem' in displayName || 'problem' in password) return { problems };

  const { address, folded } = email.email;
  await countMailRequest(core, caller);
  const passwordHash =
    password.password === null ? null : await core.passwords.hash(password.password);
  const token = newSecret();
  const unmailed = await core.database.transaction(async (tx) => {
    if (!(await mayMail(tx, folded))) return await findSufficingHash(tx, folded);
    // To the address that was proved: another spelling of it may be another person's mailbox.
    const owner = await ownerAddress(tx, folded, null);
    const isNew = owner === undefined;
    const name = isNew ? displayName.displayName : '';
    const typed = { folded, address, displayName: name, passwordHash };
    // What is typed for an address that somebody has is kept for no time, after the same
    // statements: its token is mailed to nobody (CWE-208).
    await keepSignUp(tx, typed, browser, digestOf(token.bytes), isNew ? LINK_HOURS : 0);
    const link = { token: secretText(token), expiresInHours: LINK_HOURS };
    const message = isNew
      ? ({ kind: 'sign-up', to: address, language, ...link } as const)
      : ({ kind: 'existing-account', to: owner, language } as const);
    await queueMail(tx, core.encryptionKey, message);
    const event = { kind: 'signed-up', identityId: null, caller } as const;
    const reason = isNew ? {} : { reason: 'address-already-proved' };
    await insertSecurityEvent(tx, { ...event, ...reason });
    return undefined;
  });
  if (unmailed !== undefined) await guardLastLink(core, folded, unmailed, password.password);
  return 'check-mail';
}

/**
 * Beyond the limit the link of the last mail goes on working. For whoever signs up now with another
 * password it is the newest link in the mailbox all the same, and may be a stranger's: from now on
 * it asks for its own password.
 */
async function guardLastLink(
  core: Core,
  folded: string,
  itsHash: string,
  password: string | null,
): Promise<void> {
  if (password !== null && (await core.passwords.verify(itsHash, password))) return;
  await core.database.transaction((tx) => requireMoreThanToken(tx, folded));
}

/**
 * In place of the sign-up that the same browser, or a program, has sent before; others stay, each
 * with its own link. As soon as a browser is among them, a link confirms nothing by itself: of
 * several people's links in one mailbox, only a browser or a password tells whose is whose.
 */
async function keepSignUp(
  tx: Tx,
  typed: SignUp,
  browser: Secret | null,
  tokenDigest: string,
  hours: number,
): Promise<void> {
  const { folded } = typed;
  const browserDigest = browser ? browserDigestOf(browser) : '';
  const replaced = await deleteEarlierSignUp(tx, folded, browserDigest);
  if (browser) await requireMoreThanToken(tx, folded);
  const tokenSuffices = !browser && !(await hasBrowserSignUp(tx, folded));
  await insertSignUp(tx, typed, { browserDigest, tokenDigest, tokenSuffices }, hours);
  const token = { purpose: 'email-confirmation', digest: tokenDigest, folded } as const;
  await replaceOneTimeToken(tx, replaced ?? tokenDigest, token, hours);
}
