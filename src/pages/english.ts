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
  },
  fields: {
    email: {
      label: 'Email address',
      errors: {
        required: 'Enter your email address.',
        'too-long': 'This address is too long to be an email address.',
        'too-short': 'This address is too short to be an email address.',
      },
    },
    password: {
      label: 'Password',
      hint:
        'Use 15 characters or more, of any kind. Several words in a row are good. ' +
        'Pasting and password managers are welcome.',
      errors: {
        required: 'Choose a password.',
        'too-long': 'This password is too long. Use 15 to 128 characters.',
        'too-short': 'This password is too short. Use 15 to 128 characters.',
      },
    },
    displayName: {
      label: 'Your name',
      hint: 'As others should see it.',
      errors: {
        required: 'Enter a name. It can be any name you go by.',
        'too-long': 'This name is too long. Enter a shorter one.',
        'too-short': 'This name is too short. Enter a longer one.',
      },
    },
  },
  errors: {
    required: 'Fill in this field.',
    'malformed-address': 'Enter a complete email address, like name@example.com.',
    'too-long': 'This is too long. Enter something shorter.',
    'too-short': 'This is too short. Enter something longer.',
    'invisible-characters':
      'This has characters that cannot be seen. Type it again rather than pasting it.',
    'not-text': 'This cannot be read as text. Type it again.',
    'unknown-field': 'The form sent something we did not ask for. Reload the page and try again.',
    'password-too-short': 'This password is too short. Use 15 to 128 characters.',
    'password-too-long': 'This password is too long. Use 15 to 128 characters.',
    'password-common': 'This password is common or easy to guess. Choose another one.',
    'password-personal':
      'This password is made of your name or your address. Choose one that others cannot guess.',
    'password-repeated': 'This password repeats the same characters. Choose a more varied one.',
    'password-sequence':
      'This password is a run of neighbouring keys or characters. Choose a more varied one.',
    other: 'This was not accepted. Check it and try again.',
  },
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
    lead: 'One press and your account is ready.',
    submit: 'Confirm email address',
    notYou:
      'Go on only if you have just signed up yourself. ' +
      'If it was somebody else, close this page and nothing happens.',
  },
  emailConfirmed: {
    title: 'Your address is confirmed',
    text: 'Your account is ready. Sign in with the password that you have chosen.',
  },
  invalidLink: {
    title: 'This link does not work any more',
    text: 'It may have expired, been used already, or been copied only in part.',
    next:
      'If you have confirmed your address before, sign in. ' +
      'Otherwise sign up again and we send you a new link.',
  },
  signIn: {
    title: 'Sign in',
    failed:
      'That did not work. Check the email address and the password, ' +
      'and that you have confirmed your address.',
    submit: 'Sign in',
    noAccount: 'New here?',
  },
  signedOut: {
    title: 'You are signed out',
    text: 'Your session has ended, here and on our side.',
    again: 'Sign in again',
  },
  account: {
    title: 'Your account',
    signedInAs: 'Signed in as',
    saved: 'Your changes are saved.',
    profileTitle: 'Profile',
    profileLead: 'How you appear to the people you work with.',
    submit: 'Save',
    sessionTitle: 'This session',
    sessionLead: 'It ends when you sign out, and on its own no later than the time shown.',
    authenticatedAt: 'Signed in',
    expiresAt: 'Ends',
  },
  problems: {
    'foreign-origin': {
      title: 'This request came from somewhere else',
      explanation:
        'Your browser says that another site sent it, so we did nothing. ' +
        'If you meant to do this, start again from our own pages.',
      action: 'home',
    },
    'synchronizer-token-mismatch': {
      title: 'This form was out of date',
      explanation:
        'It was opened before you last signed in or out, or too long ago, ' +
        'so nothing was changed. Go back, reload the page, and send it again.',
      action: 'home',
    },
    'not-found': {
      title: 'There is nothing here',
      explanation: 'The address may be misspelled, or what was here is gone.',
      action: 'home',
    },
    'not-signed-in': {
      title: 'Sign in to go on',
      explanation: 'You are not signed in, or your session has ended.',
      action: 'sign-in',
    },
    forbidden: {
      title: 'You may not do this',
      explanation: 'Your account does not have the permission. Ask somebody who can give it.',
      action: 'account',
    },
    busy: {
      title: 'We are very busy',
      explanation: 'Nothing was changed. Wait a moment and try again.',
      action: 'home',
    },
    'database-unavailable': {
      title: 'We cannot reach our records',
      explanation: 'This is our fault, not yours. Wait a few minutes and try again.',
      action: 'home',
    },
    'outcome-unknown': {
      title: 'We cannot tell whether this was saved',
      explanation:
        'The connection broke at the last moment. ' +
        'Look whether your change is there before you send it again.',
      action: 'account',
    },
    'malformed-request': {
      title: 'We could not read this request',
      explanation: 'Nothing was changed. Go back, reload the page, and try again.',
      action: 'home',
    },
    'unsupported-media-type': {
      title: 'We could not read this request',
      explanation: 'It was sent in a form that this page does not take. Nothing was changed.',
      action: 'home',
    },
    'body-too-large': {
      title: 'This was too much at once',
      explanation: 'Nothing was changed. Go back, shorten what you entered, and send it again.',
      action: 'home',
    },
    'method-not-allowed': {
      title: 'This page cannot be used that way',
      explanation: 'Nothing was changed. Start again from the page that led you here.',
      action: 'home',
    },
    'duplicate-cookie': {
      title: 'Your browser sent two sessions',
      explanation:
        'It sent the same cookie twice, and we do not guess which one is yours. ' +
        'Delete the cookies of this site, then sign in again.',
      action: 'sign-in',
    },
    internal: {
      title: 'Something went wrong',
      explanation: 'This is our fault, not yours. Try again in a moment.',
      action: 'home',
    },
    refused: {
      title: 'This did not work',
      explanation: 'We could not accept the request. Go back, reload the page, and try again.',
      action: 'home',
    },
  },
  reference: 'If you ask for help, quote this reference:',
  mails: {
    signUp: {
      subject: 'Confirm your email address for Sallyport',
      before: (expiresInHours) => [
        'Somebody, most likely you, has signed up for Sallyport with this email address.',
        `If it was you, confirm the address within ${hours(expiresInHours)}. ` +
          'The link opens a page with one button.',
      ],
      action: 'Confirm email address',
      after: [
        'If it was not you, do not follow the link: it would confirm an account with ' +
          'a password that somebody else has chosen. Delete this message; ' +
          'without the link nobody can sign in with your address.',
      ],
    },
    existingAccount: {
      subject: 'You already have a Sallyport account',
      before: () => [
        'Somebody, perhaps you, has tried to sign up for Sallyport with this email address. ' +
          'It already has an account, so no new one was made.',
        'If it was you, sign in with the password that you have.',
      ],
      action: 'Sign in',
      after: [
        'If it was not you, there is nothing to do. Your account is unchanged, ' +
          'and whoever it was has not learned that it exists.',
      ],
    },
  },
};

function hours(count: number): string {
  return count === 1 ? '1 hour' : `${count} hours`;
}
