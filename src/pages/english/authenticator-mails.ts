import type { Texts } from '../texts.ts';
import { providerMails } from './providers.ts';

export const NOT_YOU = [
  'If it was not you, somebody else was signed in as you: change your password, ' +
    'end all other sessions, and look at your ways to sign in.',
];

export const authenticatorsChanged: Texts['mails']['authenticatorsChanged'] = {
  ...providerMails(NOT_YOU),
  'totp-added': {
    subject: 'An authenticator app was added to your Sallyport account',
    before: () => [
      'An authenticator app has just been set up for your Sallyport account. ' +
        'From now on its codes are asked for when you sign in.',
      'If it was you, there is nothing to do. You find your account here:',
    ],
    action: 'Go to your account',
    after: NOT_YOU,
  },
  'totp-removed': {
    subject: 'The authenticator app of your Sallyport account was removed',
    before: () => [
      'The authenticator app of your Sallyport account has just been removed. ' +
        'Its codes are not asked for any more.',
      'If it was you, there is nothing to do. You find your account here:',
    ],
    action: 'Go to your account',
    after: NOT_YOU,
  },
  'passkey-added': {
    subject: 'A passkey was added to your Sallyport account',
    before: () => [
      'A passkey has just been added to your Sallyport account. One can sign in with it from now on.',
      'If it was you, there is nothing to do. You find your account here:',
    ],
    action: 'Go to your account',
    after: NOT_YOU,
  },
  'passkey-removed': {
    subject: 'A passkey of your Sallyport account was removed',
    before: () => [
      'A passkey of your Sallyport account has just been removed. Nobody can sign in with it any more.',
      'If it was you, there is nothing to do. You find your account here:',
    ],
    action: 'Go to your account',
    after: NOT_YOU,
  },
  'passkey-suspected': {
    subject: 'A passkey of your Sallyport account may have been copied',
    before: () => [
      'Somebody, most likely you, has just used a passkey of your Sallyport account. ' +
        'Its counter went back, which may mean that there is a copy of it.',
      'If you are not sure, remove the passkey in your account and add a new one:',
    ],
    action: 'Look at your passkeys',
    after: NOT_YOU,
  },
  'password-added': {
    subject: 'A password was added to your Sallyport account',
    before: () => [
      'A password has just been added to your Sallyport account.',
      'If it was you, there is nothing to do. You find your account here:',
    ],
    action: 'Go to your account',
    after: NOT_YOU,
  },
  'password-removed': {
    subject: 'The password of your Sallyport account was removed',
    before: () => [
      'The password of your Sallyport account has just been removed. ' +
        'One signs in with a passkey from now on.',
      'If it was you, there is nothing to do. You find your account here:',
    ],
    action: 'Go to your account',
    after: NOT_YOU,
  },
  'factors-kept': {
    subject: 'The second factors of your Sallyport account were not reset',
    before: () => [
      'An owner of a tenant asked for a link by which you could replace a lost second factor. ' +
        'Your Sallyport account does not belong to that tenant alone, which cannot decide this ' +
        'by itself: nothing was changed.',
      'If you have lost your second factor, use a recovery code, or ask whoever runs this ' +
        'service. You find your account here:',
    ],
    action: 'Go to your account',
    after: [],
  },
  'factors-reset': {
    subject: 'The second factors of your Sallyport account were reset',
    before: () => [
      'By a mailed link, a new password was chosen for your Sallyport account, and all its ' +
        'passkeys, its authenticator app and its recovery codes have stopped working.',
      'If it was you, sign in and set up a second factor:',
    ],
    action: 'Go to your account',
    after: NOT_YOU,
  },
  'recovery-codes-replaced': {
    subject: 'Your Sallyport account has new recovery codes',
    before: () => [
      'New recovery codes have just been made for your Sallyport account. ' +
        'All earlier ones have stopped working.',
      'If it was you, there is nothing to do. You find your account here:',
    ],
    action: 'Go to your account',
    after: NOT_YOU,
  },
};
