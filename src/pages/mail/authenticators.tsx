import type { Texts } from '../texts.ts';
import { renderMail } from './mail.tsx';
import type { Mail } from './mail.tsx';

type Change = keyof Texts['mails']['authenticatorsChanged'];

/** Tells the owner what was changed of the ways to prove who they are, and what to do about it. */
export function authenticatorsChangedMail(
  texts: Texts,
  { change, accountLink }: { readonly change: Change; readonly accountLink: string },
): Mail {
  const { before, ...rest } = texts.mails.authenticatorsChanged[change];
  return renderMail(texts, { ...rest, before: before(), link: accountLink });
}

/** Tells the owner that a recovery code was used, and how many are left. */
export function recoveryCodeUsedMail(
  texts: Texts,
  { left, accountLink }: { readonly left: number; readonly accountLink: string },
): Mail {
  const { before, ...rest } = texts.mails.recoveryCodeUsed;
  return renderMail(texts, { ...rest, before: before(left), link: accountLink });
}
