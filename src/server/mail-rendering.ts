import type { MailMessage } from '../core/mail.ts';
import {
  accountDeletionMail,
  emailChangeMail,
  emailChangeNoticeMail,
  passwordChangedMail,
  passwordCompromisedMail,
  factorResetMail,
  passwordRecoveredMail,
  passwordRecoveryMail,
} from '../pages/mail/account.tsx';
import { authenticatorsChangedMail, recoveryCodeUsedMail } from '../pages/mail/authenticators.tsx';
import {
  authenticatorClosedMail,
  guessesLimitedMail,
  newDeviceMail,
} from '../pages/mail/guesses.tsx';
import { invitationMail } from '../pages/mail/invitation.tsx';
import type { Mail } from '../pages/mail/mail.tsx';
import { existingAccountMail, signUpMail } from '../pages/mail/sign-up.tsx';
import { tenantDeletionMail, tenantRestoredMail } from '../pages/mail/tenant.tsx';
import { languages } from '../pages/texts.ts';

/**
 * A queued message as mail. Links are built from the configured origin alone: no request's Host or
 * Forwarded header comes near them (R-35, CWE-640).
 */
export function renderMessage(
  message: MailMessage,
  origin: string,
): Mail & { readonly links: readonly string[] } {
  const texts = languages[message.language];
  const signInLink = `${origin}/sign-in`;
  switch (message.kind) {
    case 'sign-up': {
      const link = `${origin}/confirm-email?token=${message.token}`;
      const { expiresInHours } = message;
      return { ...signUpMail(texts, { link, expiresInHours }), links: [link] };
    }
    case 'existing-account':
      return { ...existingAccountMail(texts, { signInLink }), links: [signInLink] };
    case 'invitation': {
      const link = `${origin}/join?token=${message.token}`;
      const { expiresInHours } = message;
      return { ...invitationMail(texts, { link, expiresInHours }), links: [link] };
    }
    case 'email-change': {
      const link = `${origin}/confirm-email?token=${message.token}`;
      const { expiresInHours } = message;
      return { ...emailChangeMail(texts, { link, expiresInHours }), links: [link] };
    }
    case 'email-change-notice': {
      const revertLink = `${origin}/revert-email?token=${message.token}`;
      const { newAddressMasked, expiresInDays } = message;
      const values = { revertLink, newAddressMasked, expiresInDays };
      return { ...emailChangeNoticeMail(texts, values), links: [revertLink] };
    }
    case 'password-changed': {
      const accountLink = `${origin}/account`;
      return { ...passwordChangedMail(texts, { accountLink }), links: [accountLink] };
    }
    case 'password-recovered': {
      const link = `${origin}/sign-in`;
      return { ...passwordRecoveredMail(texts, { link }), links: [link] };
    }
    case 'password-recovery': {
      const link = `${origin}/reset-password?token=${message.token}`;
      const { expiresInMinutes } = message;
      return { ...passwordRecoveryMail(texts, { link, expiresInMinutes }), links: [link] };
    }
    case 'factor-reset': {
      const link = `${origin}/reset-factors?token=${message.token}`;
      const { expiresInHours } = message;
      return { ...factorResetMail(texts, { link, expiresInHours }), links: [link] };
    }
    case 'password-compromised': {
      const link = `${origin}/forgot-password`;
      return { ...passwordCompromisedMail(texts, { link }), links: [link] };
    }
    case 'new-device': {
      const link = `${origin}/forgot-password`;
      const { browser, system } = message;
      return { ...newDeviceMail(texts, { link, browser, system }), links: [link] };
    }
    case 'guesses-limited': {
      const link = `${origin}/forgot-password`;
      return { ...guessesLimitedMail(texts, { link }), links: [link] };
    }
    case 'authenticator-closed': {
      const { factor } = message;
      const path = factor === 'password' ? '/forgot-password' : '/account';
      const link = `${origin}${path}`;
      return { ...authenticatorClosedMail(texts, { factor, link }), links: [link] };
    }
    case 'authenticators-changed': {
      const accountLink = `${origin}/account/authenticators`;
      const values = { change: message.change, accountLink };
      return { ...authenticatorsChangedMail(texts, values), links: [accountLink] };
    }
    case 'recovery-code-used': {
      const accountLink = `${origin}/account/authenticators`;
      const values = { left: message.left, accountLink };
      return { ...recoveryCodeUsedMail(texts, values), links: [accountLink] };
    }
    case 'account-deletion': {
      const values = { signInLink, deletesAt: new Date(message.deletesAt) };
      return { ...accountDeletionMail(texts, values), links: [signInLink] };
    }
    case 'tenant-deletion': {
      const tenantsLink = `${origin}/tenants`;
      const { slug } = message;
      const values = { slug, tenantsLink, deletesAt: new Date(message.deletesAt) };
      return { ...tenantDeletionMail(texts, values), links: [tenantsLink] };
    }
    case 'tenant-restored': {
      const tenantsLink = `${origin}/tenants`;
      const { slug } = message;
      return { ...tenantRestoredMail(texts, { slug, tenantsLink }), links: [tenantsLink] };
    }
  }
}
