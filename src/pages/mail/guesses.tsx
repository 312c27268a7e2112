import type { GuessedFactor } from '../mail-texts.ts';
import type { Texts } from '../texts.ts';
import { deviceText } from '../session-end.tsx';
import { renderMail } from './mail.tsx';
import type { Mail } from './mail.tsx';

interface NewDeviceMailValues {
  /** To the page that lets a password be chosen anew. */
  readonly link: string;
  readonly browser: string | null;
  readonly system: string | null;
}

/** To the owner of an account, in which somebody signed in where nobody had before. */
export function newDeviceMail(texts: Texts, { link, ...device }: NewDeviceMailValues): Mail {
  const { before, ...rest } = texts.mails.newDevice;
  return renderMail(texts, { ...rest, before: before(deviceText(texts, device)), link });
}

/** To the owner of an account at which somebody keeps guessing. */
export function guessesLimitedMail(texts: Texts, { link }: { readonly link: string }): Mail {
  const { before, ...rest } = texts.mails.guessesLimited;
  return renderMail(texts, { ...rest, before: before(), link });
}

interface AuthenticatorClosedMailValues {
  readonly factor: GuessedFactor;
  readonly link: string;
}

/** To the owner of what was guessed at too often in a row: it has to be set anew. */
export function authenticatorClosedMail(
  texts: Texts,
  { factor, link }: AuthenticatorClosedMailValues,
): Mail {
  const { before, ...rest } = texts.mails.authenticatorClosed[factor];
  return renderMail(texts, { ...rest, before: before(), link });
}
