import type { Texts } from '../texts.ts';

export const account: Texts['account'] = {
  title: 'Your account',
  sections: {
    profile: 'Profile',
    email: 'Email address',
    password: 'Password',
    authenticators: 'Ways to sign in',
    sessions: 'Sessions',
    events: 'Activity',
    data: 'Your data',
  },
  notices: {
    saved: 'Your changes are saved.',
    'email-requested':
      'We are sending a link to the new address. Your address changes when you follow it.',
    'email-reverted': 'The change is taken back. Your account keeps its address.',
    'password-changed': 'Your password is changed, and your other sessions have ended.',
    'second-factor-missing': 'What you wanted to do needs a second factor. Set one up here first.',
    'passkey-removed': 'The passkey is removed. Nobody can sign in with it any more.',
    'last-way-in': 'This is the only way into your account. Add a passkey, or a password, first.',
    'tenant-factor-missing':
      'The tenant asks its members for a second factor or a passkey. Set one up here, then go back.',
    'provider-linked': 'The account is linked. You can sign in with it from now on.',
    'provider-unlinked': 'The account is unlinked. Nobody can sign in with it any more.',
    'password-removed':
      'Your password is removed, and your other sessions have ended. You sign in with a passkey.',
    'totp-removed': 'The authenticator app is removed. It is not asked for any more.',
    'session-ended': 'The session has ended.',
    'sessions-ended': 'All other sessions have ended.',
    kept: 'Your account stays. Nothing will be deleted.',
  },
  deletion: {
    deletesAt: 'Your account will be deleted on {time}.',
    keep: 'Keep my account',
  },
};

export const profile: Texts['profile'] = {
  lead: 'How you appear to the people you work with.',
  submit: 'Save',
};

export const emailChange: Texts['emailChange'] = {
  current: 'You sign in with',
  fieldLabel: 'New email address',
  lead:
    'We send a link to the new address, and a notice to the one that you have now. ' +
    'Nothing changes until you follow the link; then your other sessions end.',
  submit: 'Send the link',
  pendingTitle: 'Waiting for you to confirm',
  pendingUntil: 'The link in the message works until {time}.',
  pendingNext: 'No message? Look in the folder for junk mail, or ask again below.',
};

export const passwordChange: Texts['passwordChange'] = {
  lead: 'When you change it, all your other sessions end. You stay signed in here.',
  submit: 'Change password',
  absent: 'Your account has no password: you sign in with a passkey. You can add one.',
  add: 'Add password',
  remove: 'Remove password',
  removeTitle: 'Remove your password?',
  removeLead:
    'From then on you sign in with a passkey alone. Your other sessions end; you stay signed in here.',
};

export const sessions: Texts['sessions'] = {
  lead: 'Where you are signed in. End what you do not recognise, then change your password.',
  onlyThis: 'You are signed in here and nowhere else.',
  current: 'This session',
  lastSeen: 'Last seen {time}',
  created: 'Signed in {time}',
  end: 'End session',
  endTitle: 'End this session?',
  endOthers: 'End all other sessions',
  endOthersTitle: 'End all other sessions?',
  endOthersLead: 'You stay signed in here, and are signed out everywhere else at once.',
  device: {
    known: (browser, system) => `${browser} on ${system}`,
    browserOnly: (browser) => `${browser} on an unknown system`,
    systemOnly: (system) => `Unknown browser on ${system}`,
    unknown: 'Unknown browser and system',
  },
};

export const data: Texts['data'] = {
  exportTitle: 'Download',
  exportLead: 'Everything that we keep about you, in one file that programs can read (JSON).',
  exportSubmit: 'Download your data',
  deletionTitle: 'Delete your account',
  deletionHint: 'The account and everything in it. You have a while to change your mind.',
  deletionOpen: 'Delete account\u2026',
  deletionLead: 'Download your data first if you want to keep it. This is what happens then:',
  deletionSteps: (graceDays) => [
    'You are signed out everywhere at once.',
    `For ${days(graceDays)} you can sign in again and keep your account.`,
    'After that everything is gone for good, and nobody can bring it back.',
  ],
  deletionSubmit: 'Delete account',
  alreadyRequested: 'You have asked for this already. The date is at the top of this page.',
};

export const reauthentication: Texts['reauthentication'] = {
  title: 'Is it still you?',
  lead: 'To change this, prove again that it is you. You are signed in as',
  tenantLead:
    'The tenant asks for a newer proof, or for another one than you have shown: a passkey if you have one. You are signed in as',
  submit: 'Go on',
  failed: 'That is not your password. Try again.',
  failedWithCode:
    'The password or the code is not right. Each code works once: wait for the next one.',
  codeHint: 'From your authenticator app, or one of your recovery codes.',
};

export const emailChanged: Texts['emailChanged'] = {
  title: 'Your address has changed',
  text: 'From now on you sign in with the new one. Your other sessions have ended.',
};

export const emailRevert: Texts['emailRevert'] = {
  title: 'Keep your address',
  lead:
    'One press takes the change back: your account keeps the address that this link was ' +
    'sent to, and is signed out everywhere.',
  submit: 'Take the change back',
  notYou: 'If you asked for the change yourself, close this page and nothing happens.',
};

export const emailReverted: Texts['emailReverted'] = {
  title: 'Your account keeps its address',
  text: 'The change is taken back, and all sessions have ended.',
  next:
    'If you did not ask for it yourself, somebody else was signed in as you. ' +
    'Sign in and choose a new password.',
};

export const deletionRequested: Texts['deletionRequested'] = {
  title: 'Your account is going to be deleted',
  text: 'On {time} it is gone, with everything in it. You are signed out everywhere.',
  keep: 'If you change your mind, sign in before then and keep it.',
};

export const landing: Texts['landing'] = {
  title: 'One moment',
  text: 'We are opening the page for you.',
  link: 'Go on if nothing happens',
};

export const mailbox: Texts['mailbox'] = {
  title: 'Development mailbox',
  lead:
    'These messages were not sent: no mail server is configured, ' +
    'so they are shown here instead, the newest first.',
  json: 'The same as JSON',
  to: 'To',
  links: 'Links',
  empty: {
    title: 'No messages yet',
    text: 'Sign up, and the message that we would send appears here.',
  },
};

function days(count: number): string {
  return count === 1 ? '1 day' : `${count} days`;
}
