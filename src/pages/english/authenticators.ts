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
    addedLead: 'Your authenticator app is set up, and is asked for whenever you sign in.',
    kept: 'Your recovery codes stay as they are.',
    done: 'I have kept them',
    endOthers: 'End your other sessions',
  },
};
