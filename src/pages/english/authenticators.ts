import type { Texts } from '../texts.ts';

export const secondFactor: Texts['secondFactor'] = {
  title: 'One more step',
  totpLead: 'Open your authenticator app and enter the code that it shows for this site.',
  recoveryLead: 'Enter one of the recovery codes that you have kept. Each works once.',
  signingInAs: 'You are signing in as',
  submit: 'Sign in',
  failed:
    'This code is not right, or it was used before. Wait for the next one, and check that the clock of your device is right.',
  useRecoveryCode: 'Use a recovery code instead',
  usePasskey: 'Use your passkey instead',
  passkeyLead: 'Confirm with your passkey that it is you.',
  useTotp: 'Use your authenticator app instead',
  noneLeft: 'You have no recovery codes left.',
  startAgain: 'That took too long, or there were too many tries. Sign in once more.',
};

export const authenticators: Texts['authenticators'] = {
  lead: 'With a second factor, nobody who learns your password can sign in with it.',
  totp: {
    title: 'Authenticator app',
    absent: 'An app on your phone or computer shows a new code every 30 seconds.',
    created: 'Set up {time}',
    lastUsed: 'Last used {time}',
    add: 'Set up',
    remove: 'Remove',
  },
  setup: {
    title: 'Set up your authenticator app',
    steps: [
      'Open an authenticator app, or a password manager that has one.',
      'Scan the picture with it, or enter the secret below it.',
      'Enter the code that the app shows.',
    ],
    qrCode: 'QR code with the secret that stands below it',
    secret: 'Secret',
    submit: 'Confirm',
  },
  removal: {
    title: 'Remove the authenticator app?',
    lead:
      'From then on the app is not asked for when you sign in. ' +
      'If it is your only second factor, your recovery codes go with it.',
    submit: 'Remove',
  },
  recoveryCodes: {
    title: 'Recovery codes',
    left: (count) => (count === 1 ? '1 code left' : `${count} codes left`),
    absent: 'You get them when you set up a second factor. Each replaces it once.',
    renew: 'New codes',
    renewTitle: 'Make new recovery codes?',
    renewLead: 'All the codes that you have now stop working.',
    shownTitle: 'Your recovery codes',
    shownLead:
      'Print them or keep them in a safe place, apart from your password. ' +
      'We do not show them again, and cannot: we keep only what it takes to check them.',
    addedLead: {
      totp: 'Your authenticator app is set up, and is asked for whenever you sign in.',
      passkey:
        'Your passkey is ready. With it you sign in without a password; with a password it is asked for too.',
    },
    kept: 'Your recovery codes stay as they are.',
    done: 'I have kept them',
    endOthers: 'End your other sessions',
  },
};

export const passkeys: Texts['passkeys'] = {
  title: 'Passkeys',
  lead: 'With a passkey you sign in by unlocking your device. Nobody can guess it or lure it out of you.',
  add: 'Add a passkey',
  created: 'Added {time}',
  lastUsed: 'Used {time}',
  synced: 'Synchronised between devices',
  bound: 'On one device',
  rename: 'Rename',
  renameTitle: 'Rename the passkey',
  remove: 'Remove passkey',
  removeTitle: 'Remove this passkey?',
  removeLead: 'Nobody can sign in with it from then on. Delete it on the device as well.',
  newTitle: 'Add a passkey',
  newLead: 'Your device or your password manager makes it, and asks you to unlock it.',
  create: 'Create passkey',
  refused: 'This passkey could not be added. Try again, or with another device.',
  signIn: 'Sign in with a passkey',
  orPassword: 'Or with your password',
  atMain: 'Use a passkey at the main address',
  prove: 'Confirm with a passkey',
  failed: 'The browser gave no passkey. Try again, or choose another way.',
  instead: {
    signIn:
      'Passkeys need JavaScript and a browser that has them. Sign in with your password below.',
    secondFactor: 'Passkeys need JavaScript and a browser that has them. Choose another way below.',
    prove:
      'Passkeys need JavaScript and a browser that has them. Use your password, if you have one.',
    add: 'Passkeys need JavaScript and a browser that has them. An authenticator app works without.',
    signUp: 'Passkeys need JavaScript and a browser that has them. Choose a password instead.',
  },
};

export const firstPasskey: Texts['firstPasskey'] = {
  offer: 'Sign up with a passkey',
  orPassword: 'Or with a password',
  title: 'Create your account with a passkey',
  lead:
    'We send you a mail to make sure that the address is yours. ' +
    'The link in it leads to where your device makes the passkey. There is no password to remember.',
  submit: 'Send the link',
  join: 'Join with a passkey',
  choose: {
    title: 'One last step',
    lead: 'Your device makes a passkey for your account, and asks you to unlock it. The account is',
    create: 'Create passkey',
    refused: 'This passkey could not be used. Try again, or choose a password.',
    submit: 'Use this password',
  },
};
