import type { Texts } from '../texts.ts';
import { authenticatorsChanged, NOT_YOU } from './authenticator-mails.ts';

export const mails: Texts['mails'] = {
  signUp: {
    subject: 'Confirm your email address for Sallyport',
    before: (expiresInHours) => [
      'Somebody, most likely you, has signed up for Sallyport with this email address.',
      `If it was you, confirm the address within ${hours(expiresInHours)}. ` +
        'The link opens a page on which you finish it. ' +
        'In another browser it also asks for the password that you have chosen, if any.',
    ],
    action: 'Confirm email address',
    after: [
      'If it was not you, do not follow the link and delete this message. ' +
        'Without it nobody can sign in with your address.',
    ],
  },
  existingAccount: {
    subject: 'You already have a Sallyport account',
    before: () => [
      'Somebody, perhaps you, has tried to use this email address for a new or another ' +
        'Sallyport account. It already has an account, so nothing was changed.',
      'If it was you, sign in with the password that you have.',
    ],
    action: 'Sign in',
    after: [
      'If it was not you, there is nothing to do. Your account is unchanged, ' +
        'and whoever it was has not learned that it exists.',
    ],
  },
  invitation: {
    subject: 'You are invited to Sallyport',
    before: (expiresInDays) => [
      'Somebody who works with Sallyport has invited this email address to join them.',
      `The link says who they are. It works once, for ${days(expiresInDays)}.`,
    ],
    action: 'See the invitation',
    after: [
      'If you do not expect it, there is nothing to do: ' +
        'you join only if you follow the link and agree.',
    ],
  },
  emailChange: {
    subject: 'Confirm the new address of your Sallyport account',
    before: (expiresInHours) => [
      'Somebody, most likely you, wants to use this email address for their Sallyport account.',
      `If it was you, confirm the address within ${hours(expiresInHours)}. ` +
        'The link opens a page with one button. From then on you sign in with this address.',
    ],
    action: 'Confirm email address',
    after: [
      'If it was not you, do not follow the link and delete this message. ' +
        'Without the link your address is not used.',
    ],
  },
  emailChangeNotice: {
    subject: 'The address of your Sallyport account is to change',
    before: (newAddressMasked, expiresInDays) => [
      'Somebody, most likely you, has asked to change the email address of your ' +
        `Sallyport account to ${newAddressMasked}. ` +
        'It changes as soon as the new address is confirmed.',
      'If it was you, there is nothing to do.',
      'If it was not you, keep this address: ' +
        `the link takes the change back, for ${days(expiresInDays)}.`,
    ],
    action: 'Keep this address',
    after: [
      'The link also ends all sessions, for whoever asked for the change was signed in as you. ' +
        'If it was not you, sign in afterwards and choose a new password.',
    ],
  },
  passwordChanged: {
    subject: 'The password of your Sallyport account was changed',
    before: () => [
      'The password of your Sallyport account has just been changed, ' +
        'and all other sessions of your account have ended.',
      'If it was you, there is nothing to do. You find your account here:',
    ],
    action: 'Go to your account',
    after: [
      'If it was not you, somebody else knows your password. ' +
        'Tell those who run this service at once.',
    ],
  },
  authenticatorsChanged,
  recoveryCodeUsed: {
    subject: 'A recovery code of your Sallyport account was used',
    before: (left) => [
      'Somebody, most likely you, has just used a recovery code of your Sallyport account ' +
        'in place of the second factor.',
      left === 0
        ? 'No codes are left: make new ones in your account.'
        : `Codes that are left: ${left}. You can make new ones in your account.`,
    ],
    action: 'Go to your account',
    after: NOT_YOU,
  },
  accountDeletion: {
    subject: 'Your Sallyport account is going to be deleted',
    before: (deletesAt) => [
      'Somebody, most likely you, has asked to delete your Sallyport account. ' +
        'You are signed out everywhere.',
      `On ${deletesAt} the account and everything in it will be deleted. ` +
        'If you want to keep it, sign in before then.',
    ],
    action: 'Sign in and keep the account',
    after: [
      'If it was not you, sign in, keep the account, and choose a new password: ' +
        'somebody else was signed in as you.',
    ],
  },
  factorReset: {
    subject: 'Set up your Sallyport account anew',
    before: (expiresInHours) => [
      'An owner of a tenant that you are in lets you replace a lost second factor of your Sallyport account.',
      `If you have asked for that, follow the link within ${hours(expiresInHours)} and choose a new password. ` +
        'Your passkeys, your authenticator app and your recovery codes stop working then.',
    ],
    action: 'Choose a new password',
    after: [
      'If you have not asked for it, do not follow the link: your account stays as it is. ' +
        'Tell the people who look after the tenant.',
    ],
  },
  passwordRecovery: {
    subject: 'Choose a new password for Sallyport',
    before: (expiresInMinutes) => [
      'Somebody, most likely you, has said that they forgot the password of your Sallyport account.',
      `If it was you, choose a new one within ${expiresInMinutes} minutes. ` +
        'The link works once, and only the newest one does.',
    ],
    action: 'Choose a new password',
    after: [
      'If it was not you, do not follow the link and delete this message. ' +
        'Your password stays as it is.',
    ],
  },
  passwordRecovered: {
    subject: 'You have a new password for Sallyport',
    before: () => [
      'A new password was chosen for your Sallyport account, by a link that we mailed to this ' +
        'address. All sessions of your account have ended.',
      'If it was you, sign in with the new password:',
    ],
    action: 'Sign in',
    after: [
      'If it was not you, somebody else reads your mail. Secure your mailbox first, then choose ' +
        'another password, and tell those who run this service.',
    ],
  },
  passwordCompromised: {
    subject: 'Your Sallyport password has become known',
    before: () => [
      'The password of your Sallyport account stands in a list of passwords that have become ' +
        'known, here or elsewhere. It opens nothing any more, and all sessions have ended.',
      'Choose a new one that you use nowhere else:',
    ],
    action: 'Choose a new password',
    after: [
      'This came up when somebody signed in with the right password. ' +
        'If it was not you, somebody else knows it: look at your account once you have a new one.',
    ],
  },
  newDevice: {
    subject: 'New sign-in to your Sallyport account',
    before: (device) => [
      'Somebody, most likely you, has signed in to your Sallyport account in a browser where you ' +
        `have not signed in before: ${device}.`,
      'If it was you, there is nothing to do. If it was not you, choose a new password at once; ' +
        'that also ends all sessions:',
    ],
    action: 'Choose a new password',
    after: [],
  },
  guessesLimited: {
    subject: 'Somebody tries to sign in to your Sallyport account',
    before: () => [
      'Somebody has tried ten times in a row to sign in as you, with wrong details. ' +
        'For a while we look at no more attempts, except in browsers where you have signed in ' +
        'before.',
      'If it was you and you do not know your password any more, choose a new one:',
    ],
    action: 'Choose a new password',
    after: [
      'If it was not you, there is nothing to do: nobody has come in. ' +
        'We tell you of this once a day at most.',
    ],
  },
  authenticatorClosed: {
    password: {
      subject: 'Your Sallyport password does not work any more',
      before: () => [
        'There were so many wrong attempts at your password in a row that it is no longer taken. ' +
          'Nobody has come in.',
        'Choose a new one; until then you can still sign in with the old one only in a browser ' +
          'where you have signed in before, and not even there after ten more wrong attempts:',
      ],
      action: 'Choose a new password',
      after: ['If it was not you, somebody wants to get into your account. Choose a new one too.'],
    },
    'one-time-password': closed('authenticator app', 'set it up again'),
    'recovery-code': closed('recovery codes', 'make new ones'),
  },
};

function closed(what: string, todo: string): Texts['mails']['guessesLimited'] {
  return {
    subject: `Sallyport: your ${what} can no longer be used`,
    before: () => [
      `There were so many wrong attempts at codes of your ${what} in a row that none is taken ` +
        'any more. Nobody has come in. Whoever tries knows your password, or was close to it.',
      `Sign in in a browser where you have signed in before, or in another way, and ${todo}:`,
    ],
    action: 'Go to your account',
    after: ['If it was not you, choose a new password too.'],
  };
}

function hours(count: number): string {
  return count === 1 ? '1 hour' : `${count} hours`;
}

function days(count: number): string {
  return count === 1 ? '1 day' : `${count} days`;
}
