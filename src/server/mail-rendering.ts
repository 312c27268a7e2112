import type { MailMessage } from '../core/mail.ts';
import type { Mail } from '../pages/mail/mail.tsx';
import { existingAccountMail, signUpMail } from '../pages/mail/sign-up.tsx';
import { english } from '../pages/texts.ts';

/**
 * A queued message as mail. Links are built from the configured origin alone: no request's Host or
 * Forwarded header comes near them (R-35, CWE-640).
 */
export function renderMessage(
  message: MailMessage,
  origin: string,
): Mail & { readonly links: readonly string[] } {
  switch (message.kind) {
    case 'sign-up': {
      const link = `${origin}/confirm-email?token=${message.token}`;
      const { expiresInHours } = message;
      return { ...signUpMail(english, { link, expiresInHours }), links: [link] };
    }
    case 'existing-account': {
      const signInLink = `${origin}/sign-in`;
      return { ...existingAccountMail(english, { signInLink }), links: [signInLink] };
    }
  }
}
