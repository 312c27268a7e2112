import { momentText } from '../moment.tsx';
import type { Texts } from '../texts.ts';
import { renderMail } from './mail.tsx';
import type { Mail } from './mail.tsx';

interface EmailChangeMailValues {
  readonly link: string;
  readonly expiresInHours: number;
}

/** To the address that an account shall have: whoever reads it there proves that it is theirs. */
export function emailChangeMail(texts: Texts, values: EmailChangeMailValues): Mail {
  const { before, ...rest } = texts.mails.emailChange;
  return renderMail(texts, { ...rest, before: before(values.expiresInHours), link: values.link });
}

interface EmailChangeNoticeMailValues {
  readonly revertLink: string;
  /** The new address, but for its domain made unreadable. */
  readonly newAddressMasked: string;
  readonly expiresInDays: number;
}

/** To the address that an account has, when another is to take its place: the means to stop it. */
export function emailChangeNoticeMail(texts: Texts, values: EmailChangeNoticeMailValues): Mail {
  const { before, ...rest } = texts.mails.emailChangeNotice;
  const paragraphs = before(oneWord(values.newAddressMasked), values.expiresInDays);
  return renderMail(texts, { ...rest, before: paragraphs, link: values.revertLink });
}

/**
 * Nothing that a person typed may start a line of its own, turn the direction of the text around,
 * or become a link: a masked address is one word, of the characters that addresses have.
 */
function oneWord(masked: string): string {
  return masked.replaceAll(/[^\p{L}\p{M}\p{N}!#$%&'*+.=?@^_`{|}~\u2026-]/gu, '').slice(0, 254);
}

interface PasswordChangedMailValues {
  readonly accountLink: string;
}

export function passwordChangedMail(texts: Texts, values: PasswordChangedMailValues): Mail {
  const { before, ...rest } = texts.mails.passwordChanged;
  return renderMail(texts, { ...rest, before: before(), link: values.accountLink });
}

interface PasswordRecoveryMailValues {
  readonly link: string;
  readonly expiresInMinutes: number;
}

/** To the owner of an account whose password somebody says they have forgotten. */
export function passwordRecoveryMail(texts: Texts, values: PasswordRecoveryMailValues): Mail {
  const { before, ...rest } = texts.mails.passwordRecovery;
  return renderMail(texts, { ...rest, before: before(values.expiresInMinutes), link: values.link });
}

interface FactorResetMailValues {
  readonly link: string;
  readonly expiresInHours: number;
}

/** To a member who has lost their second factor, because an owner of their tenant asked for it. */
export function factorResetMail(texts: Texts, values: FactorResetMailValues): Mail {
  const { before, ...rest } = texts.mails.factorReset;
  return renderMail(texts, { ...rest, before: before(values.expiresInHours), link: values.link });
}

export function passwordRecoveredMail(texts: Texts, { link }: { readonly link: string }): Mail {
  const { before, ...rest } = texts.mails.passwordRecovered;
  return renderMail(texts, { ...rest, before: before(), link });
}

export function passwordCompromisedMail(texts: Texts, { link }: { readonly link: string }): Mail {
  const { before, ...rest } = texts.mails.passwordCompromised;
  return renderMail(texts, { ...rest, before: before(), link });
}

interface AccountDeletionMailValues {
  readonly signInLink: string;
  readonly deletesAt: Date;
}

/** Tells until when signing in keeps the account; in UTC, since a mail knows no reader's zone. */
export function accountDeletionMail(texts: Texts, values: AccountDeletionMailValues): Mail {
  const { before, ...rest } = texts.mails.accountDeletion;
  const deletesAt = momentText({ texts, at: values.deletesAt });
  return renderMail(texts, { ...rest, before: before(deletesAt), link: values.signInLink });
}
