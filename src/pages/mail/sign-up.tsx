import type { Texts } from '../texts.ts';
import { renderMail } from './mail.tsx';
import type { Mail } from './mail.tsx';

interface SignUpMailValues {
  readonly link: string;
  readonly expiresInHours: number;
}

/**
 * To an address that somebody has signed up with. The display name is not taken: whoever signs up
 * chooses both it and the recipient, and could have us deliver their words (CVE-2022-31127).
 */
export function signUpMail(texts: Texts, { link, expiresInHours }: SignUpMailValues): Mail {
  const { before, ...rest } = texts.mails.signUp;
  return renderMail(texts, { ...rest, before: before(expiresInHours), link });
}

interface ExistingAccountMailValues {
  readonly signInLink: string;
}

/**
 * To the owner of an account whose address somebody, perhaps themself, has signed up with again.
 */
export function existingAccountMail(texts: Texts, values: ExistingAccountMailValues): Mail {
  const { before, ...rest } = texts.mails.existingAccount;
  return renderMail(texts, { ...rest, before: before(), link: values.signInLink });
}
