import type { Texts } from '../texts.ts';

export const fields: Texts['fields'] = {
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
  currentPassword: {
    label: 'Current password',
    errors: { required: 'Enter the password that you have now.' },
  },
  newPassword: {
    label: 'New password',
    hint:
      'Use 15 characters or more, of any kind. Several words in a row are good. ' +
      'Pasting and password managers are welcome.',
    errors: {
      required: 'Choose a new password.',
      'too-long': 'This password is too long. Use 15 to 128 characters.',
      'too-short': 'This password is too short. Use 15 to 128 characters.',
    },
  },
  code: {
    label: 'Code',
    errors: { required: 'Enter the code.' },
  },
  passkeyName: {
    label: 'Name',
    errors: {
      required: 'Enter a name.',
      'too-long': 'This name is too long. Enter a shorter one.',
    },
  },
  confirm: {
    label: 'Yes, delete my account and everything in it',
    errors: { required: 'Tick the box if you want to delete your account.' },
  },
  name: { label: 'Name', errors: { required: 'Enter a name.' } },
  slug: { label: 'Short name in addresses', errors: { required: 'Enter a short name.' } },
  title: { label: 'Name', errors: {} },
  idleMinutes: {
    label: 'Minutes without a request',
    hint: '5 to 60. After that, they prove again who they are.',
    errors: { 'out-of-range': 'Enter a whole number from 5 to 60.' },
  },
  proofMinutes: {
    label: 'Minutes since they last proved who they are',
    hint: '15 to 720.',
    errors: { 'out-of-range': 'Enter a whole number from 15 to 720.' },
  },
  authenticators: {
    label: 'What they may show',
    errors: { unusable: 'With these alone nobody can show what is asked for. Allow more.' },
  },
};

export const errors: Texts['errors'] = {
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
  'password-compromised':
    'This password stands in a list of passwords that have become known. Choose another one.',
  'password-personal':
    'This password is made of your name or your address. Choose one that others cannot guess.',
  'password-repeated': 'This password repeats the same characters. Choose a more varied one.',
  'password-sequence':
    'This password is a run of neighbouring keys or characters. Choose a more varied one.',
  'wrong-password': 'This is not your password. Try again.',
  'out-of-range': 'This number is too small or too large.',
  unusable: 'Nobody could meet this.',
  'wrong-code':
    'This code is not right. Wait for the next one, and check the clock of your device.',
  'same-address': 'You have this address already. Enter the one that it is to become.',
  'malformed-slug': 'Use small letters, digits and single hyphens between them.',
  'slug-taken': 'This one is taken. Choose another.',
  'malformed-role-name': 'Use small letters, digits and single hyphens between them.',
  'role-name-taken': 'There is a role of this name. Choose another.',
  'unknown-role': 'There is no such role any more. Reload the page.',
  'unknown-level': 'Choose one of the levels.',
  'unknown-permission': 'There is no such permission any more. Reload the page.',
  'too-many-roles': 'There are 50 roles, and no room for another.',
  'malformed-cursor': 'This page of the list cannot be opened. Begin with the first.',
  other: 'This was not accepted. Check it and try again.',
};
