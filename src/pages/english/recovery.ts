import type { Texts } from '../texts.ts';

export const recovery: Texts['recovery'] = {
  link: 'Forgot your password?',
  forgot: {
    title: 'Choose a new password',
    lead: 'We send you a link by which you can choose one. Enter the address of your account.',
    submit: 'Send the link',
    remembered: 'You know it after all?',
  },
  mailed: {
    title: 'Check your mail',
    sentTo: 'If there is an account with it, we are sending a link to',
    next: 'Follow it within 15 minutes. Only the newest link works.',
    noMail: [
      'Give it a few minutes.',
      'Look in the folder for junk mail.',
      'Make sure that the address above is the one of your account.',
    ],
    again: 'Ask again',
  },
  reset: {
    title: 'Choose a new password',
    lead: 'It replaces the old one at once, and ends all sessions of your account.',
    submit: 'Save the new password',
    notYou: 'If you have not asked for this, close this page: your password stays as it is.',
  },
  recovered: {
    title: 'Your password is changed',
    text: 'All sessions of your account have ended. Sign in with the new password.',
  },
  factors: {
    title: 'Set up your account anew',
    lead:
      'Choose a new password. Your passkeys, your authenticator app and your recovery codes stop ' +
      'working, and all sessions end. Then sign in, and set up a second factor.',
    submit: 'Reset and save the new password',
    notYou: 'If you have not asked for this, close this page: your account stays as it is.',
    done: {
      title: 'Your account is set up anew',
      text: 'Sign in with the new password, and set up a second factor.',
    },
  },
  invalid: {
    next: 'If you have used it before, sign in with the new password. Otherwise ask for a new link.',
    again: 'Ask for a new link',
  },
  resend: 'Send the message again',
};
