import * as account from './english/account.ts';
import { authenticators, firstPasskey, passkeys, secondFactor } from './english/authenticators.ts';
import { events } from './english/events.ts';
import { errors, fields } from './english/forms.ts';
import { mails } from './english/mails.ts';
import { problems } from './english/problems.ts';
import { invitations, teams } from './english/teams.ts';
import { tenants } from './english/tenants.ts';
import { keys } from './english/keys.ts';
import { providers } from './english/providers.ts';
import { recovery } from './english/recovery.ts';
import type { Texts } from './texts.ts';

/** English, the language that every other one is translated from. */
export const english: Texts = {
  language: 'en',
  productName: 'Sallyport',
  skipToContent: 'Skip to the content',
  footer: 'Nobody who works here will ever ask for your password.',
  errorTitle: (title) => `Error: ${title}`,
  actions: {
    home: 'Go to the start page',
    signIn: 'Sign in',
    signUp: 'Create an account',
    signUpAgain: 'Sign up again',
    signOut: 'Sign out',
    account: 'Go to your account',
    tenants: 'Your tenants',
    reAuthenticate: 'Prove that it is you',
    cancel: 'Cancel',
    change: 'Change',
  },
  showPassword: 'Show',
  events,
  providers,
  keys,
  fields,
  errors,
  errorSummary: 'Please look at this again',
  home: {
    title: 'Every request passes two doors',
    lead:
      'A sally port is a gate with two doors: the second opens only when the first has closed. ' +
      'Sallyport is the front door of this service. It checks who is asking, ' +
      'and the database behind it checks again.',
    facts: [
      {
        title: 'Customers are kept apart',
        text: 'The database itself refuses to show one customer what belongs to another.',
      },
      {
        title: 'Signing out is final',
        text: 'When you sign out, that session is over at once, not some time later.',
      },
      {
        title: 'Secrets are not kept',
        text: 'We store neither your password nor your session secret, only what it takes to check them.',
      },
    ],
  },
  signUp: {
    title: 'Create your account',
    lead: 'We send you a mail to make sure that the address is yours.',
    submit: 'Create account',
    haveAccount: 'Already have an account?',
  },
  checkMail: {
    title: 'Check your mail',
    sentTo: 'We are sending a message to',
    next:
      'Follow the link in it to go on. ' +
      'If you already have an account with this address, the message says so.',
    noMailTitle: 'No message?',
    noMail: [
      'Give it a few minutes.',
      'Look in the folder for junk mail.',
      'Make sure that the address above is spelled right.',
    ],
    otherAddress: 'Sign up again',
  },
  emailConfirmation: {
    title: 'Confirm your email address',
    lead: 'One press and we know that it is yours.',
    submit: 'Confirm email address',
    notYou:
      'Go on only if you have just signed up, or changed your address, yourself. ' +
      'If it was somebody else, close this page and nothing happens.',
    withPassword: {
      lead:
        'Enter the password that you chose when you signed up. ' +
        'We ask because it was not in this browser, or some time ago.',
      notYou:
        'If you have not signed up, somebody else has typed your address. ' +
        'Close this page: without their password nothing happens.',
    },
  },
  emailConfirmed: {
    title: 'Your address is confirmed',
    text: 'Your account is ready. Sign in with the password that you have chosen.',
  },
  join: {
    title: 'You are invited',
    tenant: 'To',
    invited: 'Mailed to',
    lead: 'Choose a name and a password, and you are in.',
    submit: 'Create account and join',
    signInLead: 'This address has an account. Sign in to it, and you can join.',
    acceptLead:
      'Do you want to join? What you see there is theirs; they see your name and address.',
    accept: 'Join',
    notYou: 'If you do not know who has invited you, close this page and nothing happens.',
    dead: {
      title: 'This invitation does not work',
      text:
        'It may have expired, been used, replaced or taken back, or it was mailed to another ' +
        'address than that of your account. Ask for a new one.',
    },
  },
  invalidLink: {
    title: 'This link does not work any more',
    text: 'It may have expired, been used already, or been copied only in part.',
    next:
      'If you have used it before, it has done its work: sign in. ' +
      'Otherwise ask for a new one: sign up again, or change your address again in your account.',
  },
  signIn: {
    title: 'Sign in',
    failed:
      'That did not work. Check the email address and the password, ' +
      'and that you have confirmed your address.',
    submit: 'Sign in',
    noAccount: 'New here?',
  },
  recovery,
  signedOut: {
    title: 'You are signed out',
    text: 'Your session has ended, here and on our side.',
    again: 'Sign in again',
  },
  secondFactor,
  ...account,
  authenticators,
  tenants,
  passkeys,
  firstPasskey,
  teams,
  invitations,
  problems,
  reference: 'If you ask for help, quote this reference:',
  mails,
};
