import * as fc from 'fast-check';
import {
  authenticatorsPage,
  recoveryCodesPage,
  removeTotpPage,
  renewCodesPage,
  totpPage,
} from '../../src/pages/authenticators.tsx';
import { accountPage } from '../../src/pages/account.tsx';
import {
  emailConfirmationPage,
  emailConfirmedPage,
  invalidLinkPage,
} from '../../src/pages/email-confirmation.tsx';
import { dataPage } from '../../src/pages/data.tsx';
import { deletionPage, deletionRequestedPage } from '../../src/pages/deletion.tsx';
import {
  emailChangedPage,
  emailPage,
  emailRevertedPage,
  emailRevertPage,
} from '../../src/pages/email-change.tsx';
import { firstPasskeyPage, passkeySignUpPage } from '../../src/pages/first-passkey.tsx';
import { homePage } from '../../src/pages/home.tsx';
import {
  acceptInvitationPage,
  deadInvitationPage,
  joinAsOwnerPage,
  joinPage,
  joinWithPasskeyPage,
} from '../../src/pages/join.tsx';
import { landingPage } from '../../src/pages/landing.tsx';
import { mailboxPage } from '../../src/pages/mailbox.tsx';
import { newPasskeyPage, removePasskeyPage, renamePasskeyPage } from '../../src/pages/passkeys.tsx';
import { passwordPage, removePasswordPage } from '../../src/pages/password.tsx';
import { problemPage, signedOutPage } from '../../src/pages/problem.tsx';
import { reauthenticationPage } from '../../src/pages/reauthentication.tsx';
import { endOthersPage, endSessionPage } from '../../src/pages/session-end.tsx';
import { ownEventsPage } from '../../src/pages/events.tsx';
import { sessionsPage } from '../../src/pages/sessions.tsx';
import {
  forgotPasswordPage,
  invalidRecoveryPage,
  factorsResetPage,
  passwordRecoveredPage,
  resetFactorsPage,
  recoveryMailedPage,
  resetPasswordPage,
} from '../../src/pages/recovery.tsx';
import { secondFactorPage } from '../../src/pages/second-factor.tsx';
import { signInPage } from '../../src/pages/sign-in.tsx';
import { checkMailPage, signUpPage } from '../../src/pages/sign-up.tsx';
import { english } from '../../src/pages/texts.ts';
import type { Texts } from '../../src/pages/texts.ts';
import { keyPages, providerPages } from './provider-samples.ts';
import { tenantPages } from './tenant-samples.ts';

export interface Values {
  readonly csrfToken: string;
  readonly displayName: string;
  readonly email: string;
  readonly token: string;
  readonly requestId: string;
  readonly browser: string;
  readonly system: string;
  readonly returnTo: string;
  readonly text: string;
}

export const plainValues: Values = {
  csrfToken: 'csrf',
  displayName: 'Ada Lovelace',
  email: 'ada@example.com',
  token: 'token',
  requestId: 'request',
  browser: 'Firefox 140',
  system: 'Linux',
  returnTo: '/account/email',
  text: 'Words of a mail.',
};

/** Anything at all, and more often what has a meaning in HTML. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', '/', '=', '!', '-', ' ', '\n', 'a') }),
  fc.constantFrom(
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onfocus=alert(1) autofocus='",
    '</title><base href=//evil.example>',
    '</textarea></form><form action=//evil.example>',
    '<!--',
    '&lt;script&gt;&quot;&amp;',
    'javascript:alert(1)',
    '__proto__',
    'constructor',
  ),
);

export const hostileValues: fc.Arbitrary<Values> = fc.record({
  csrfToken: hostileText,
  displayName: hostileText,
  email: hostileText,
  token: hostileText,
  requestId: hostileText,
  browser: hostileText,
  system: hostileText,
  returnTo: hostileText,
  text: hostileText,
});

const errors = [
  { field: 'displayName', reason: 'too-long' },
  { field: 'email', reason: 'malformed-address' },
  { field: 'password', reason: 'password-common' },
  { field: 'currentPassword', reason: 'wrong-password' },
  { field: 'newPassword', reason: 'password-common' },
  { field: 'confirm', reason: 'required' },
  { field: 'nothing', reason: 'unknown-field' },
];

export const deletesAt = new Date('2026-03-15T12:00:00Z');

/** Every page in every state, made from the same values. */
export function everyPage(values: Values, texts: Texts = english): Record<string, string> {
  return {
    ...visitorPages(values, texts),
    ...ownPages(values, texts),
    ...otherPages(values, texts),
    ...tenantPages(values, texts),
    ...providerPages(values, texts),
    ...keyPages(values, texts),
  };
}

const factor = {
  method: 'totp',
  needed: ['passkey', 'totp', 'recovery-code'],
  options: null,
} as const;
const passkeyOptions = { challenge: 'challenge' };

function visitorPages(values: Values, texts: Texts): Record<string, string> {
  const { csrfToken, returnTo } = values;
  return {
    'home, signed out': homePage(texts, { signedIn: false }),
    'home, signed in': homePage(texts, { signedIn: true }),
    'sign up': signUpPage(texts, { csrfToken, errors: [] }),
    'sign up, wrong': signUpPage(texts, { ...values, errors }),
    'check mail': checkMailPage(texts, values),
    'email confirmation': emailConfirmationPage(texts, values),
    'email confirmation, elsewhere': emailConfirmationPage(texts, {
      ...values,
      asked: { passwordProblem: 'required', address: values.email },
    }),
    'email confirmation, wrong': emailConfirmationPage(texts, {
      ...values,
      asked: { passwordProblem: 'wrong-password', address: values.email },
    }),
    'email confirmed': emailConfirmedPage(texts),
    'invalid link': invalidLinkPage(texts),
    'sign in': signInPage(texts, { csrfToken, passkeyOptions, failed: false, returnTo }),
    'sign in, failed': signInPage(texts, { ...values, passkeyOptions, failed: true }),
    'forgot password': forgotPasswordPage(texts, { csrfToken, errors: [] }),
    'forgot password, wrong': forgotPasswordPage(texts, { ...values, errors }),
    'recovery mailed': recoveryMailedPage(texts, values),
    'reset password': resetPasswordPage(texts, { ...values, errors: [] }),
    'reset password, wrong': resetPasswordPage(texts, { ...values, errors }),
    'reset factors': resetFactorsPage(texts, { ...values, errors: [] }),
    'reset factors, wrong': resetFactorsPage(texts, { ...values, errors }),
    'factors reset': factorsResetPage(texts),
    'password recovered': passwordRecoveredPage(texts),
    'invalid recovery': invalidRecoveryPage(texts),
    'sign in, over': signInPage(texts, { csrfToken, passkeyOptions, failed: false, over: true }),
    'second factor': secondFactorPage(texts, { ...values, ...factor, failed: false }),
    'second factor, failed': secondFactorPage(texts, { ...values, ...factor, failed: true }),
    'recovery code': secondFactorPage(texts, {
      ...values,
      ...factor,
      method: 'recovery-code',
      failed: false,
    }),
    'second passkey': secondFactorPage(texts, {
      ...values,
      ...factor,
      method: 'passkey',
      options: passkeyOptions,
      failed: true,
    }),
    'no recovery code left': secondFactorPage(texts, {
      ...values,
      method: 'totp',
      needed: ['totp'],
      options: null,
      failed: false,
    }),
    ...invitedPages(values, texts),
    'email changed': emailChangedPage(texts),
    'email revert': emailRevertPage(texts, values),
    'email reverted': emailRevertedPage(texts),
    'deletion requested': deletionRequestedPage(texts, { deletesAt }),
    'signed out': signedOutPage(texts),
  };
}

function invitedPages(values: Values, texts: Texts): Record<string, string> {
  const invited = { ...values, tenantName: values.displayName, address: values.email };
  return {
    join: joinPage(texts, { ...invited, errors: [] }),
    'join, wrong': joinPage(texts, { ...invited, errors }),
    'join, has an account': joinAsOwnerPage(texts, invited),
    'accept invitation': acceptInvitationPage(texts, invited),
    'join with passkey': joinWithPasskeyPage(texts, {
      ...invited,
      options: passkeyOptions,
      refused: false,
      errors: [],
    }),
    'join with passkey, wrong': joinWithPasskeyPage(texts, {
      ...invited,
      options: passkeyOptions,
      refused: true,
      errors,
    }),
    'sign up with passkey': passkeySignUpPage(texts, { ...values, errors: [] }),
    'sign up with passkey, wrong': passkeySignUpPage(texts, { ...values, errors }),
    'first passkey': firstPasskeyPage(texts, {
      ...invited,
      options: passkeyOptions,
      refused: false,
      errors: [],
    }),
    'first passkey, wrong': firstPasskeyPage(texts, {
      ...invited,
      options: passkeyOptions,
      refused: true,
      errors,
    }),
    'dead invitation': deadInvitationPage(texts),
  };
}

function ownPages(values: Values, texts: Texts): Record<string, string> {
  const pending = { address: values.email, expiresAt: new Date('2026-03-02T09:05:00Z') };
  const { csrfToken, email } = values;
  const wrong = { ...values, deletesAt, errors };
  return {
    account: accountPage(texts, { ...values, errors: [] }),
    'account, saved': accountPage(texts, { ...values, notice: 'saved', errors: [] }),
    'account, wrong': accountPage(texts, wrong),
    email: emailPage(texts, { csrfToken, email, errors: [] }),
    'email, pending': emailPage(texts, {
      csrfToken,
      email,
      pending,
      notice: 'email-requested',
      errors: [],
    }),
    'email, wrong': emailPage(texts, { ...wrong, pending, value: email }),
    password: passwordPage(texts, { csrfToken, email, errors: [], hasPassword: true }),
    'password, none': passwordPage(texts, { csrfToken, email, errors: [], hasPassword: false }),
    'password, wrong': passwordPage(texts, { ...wrong, hasPassword: true }),
    'remove password': removePasswordPage(texts, { csrfToken }),
    ...authenticatorPages(values, texts),
    'sessions, one': sessionsPage(texts, { csrfToken, sessions: sessions(values).slice(0, 1) }),
    sessions: sessionsPage(texts, {
      csrfToken,
      sessions: sessions(values),
      notice: 'session-ended',
      deletesAt,
    }),
    ...Object.fromEntries(
      sessions(values).map((session) => [
        `end ${session.id}`,
        endSessionPage(texts, { csrfToken, session }),
      ]),
    ),
    'end others': endOthersPage(texts, { csrfToken }),
    events: ownEventsPage(texts, {
      csrfToken,
      ...events(values),
      filter: {},
      next: null,
      older: false,
    }),
    'events, filtered': ownEventsPage(texts, {
      csrfToken,
      ...events(values),
      filter: { kind: 'signed-in', outcome: 'failure', from: '2026-11-01', until: '2026-11-29' },
      next: 'cursor',
      older: true,
    }),
    'events, none': ownEventsPage(texts, {
      csrfToken,
      events: [],
      filter: {},
      next: null,
      older: false,
    }),
    data: dataPage(texts, { csrfToken }),
    'data, to be deleted': dataPage(texts, { csrfToken, deletesAt }),
    deletion: deletionPage(texts, { csrfToken, graceDays: 14, errors: [] }),
    'deletion, ticked': deletionPage(texts, {
      csrfToken,
      graceDays: 14,
      confirmed: true,
      errors: [],
    }),
    'deletion, wrong': deletionPage(texts, { csrfToken, graceDays: 14, errors }),
    're-authentication': reauthenticationPage(texts, { ...values, ...onlyPassword, failed: false }),
    're-authentication, failed': reauthenticationPage(texts, {
      ...values,
      ...onlyPassword,
      failed: true,
    }),
    're-authentication, both': reauthenticationPage(texts, {
      ...values,
      failed: true,
      hasPassword: true,
      secondFactor: true,
      passkeyOptions,
    }),
    're-authentication, passkey': reauthenticationPage(texts, {
      ...values,
      failed: false,
      hasPassword: false,
      secondFactor: true,
      passkeyOptions,
    }),
  };
}

const onlyPassword = { hasPassword: true, secondFactor: false, passkeyOptions: null } as const;

function authenticatorPages(values: Values, texts: Texts): Record<string, string> {
  const { csrfToken, token } = values;
  const totp = {
    createdAt: new Date('2026-03-01T09:05:00Z'),
    lastUsedAt: new Date('2026-03-02T09:05:00Z'),
  };
  const setup = { csrfToken, secret: 'JBSWY3DPEHPK3PXP', uri: 'otpauth://totp/a' };
  const passkey = {
    id: 'passkey-id',
    name: values.displayName,
    backedUp: true,
    createdAt: totp.createdAt,
    lastUsedAt: null,
  };
  const passkeys = [passkey, { ...passkey, backedUp: false, lastUsedAt: totp.lastUsedAt }];
  const wrongCode = [{ field: 'code', reason: 'wrong-code' }];
  return {
    'authenticators, none': authenticatorsPage(texts, {
      ...values,
      totp: null,
      passkeys: [],
      recoveryCodesLeft: 0,
      notice: 'second-factor-missing',
    }),
    authenticators: authenticatorsPage(texts, { ...values, totp, passkeys, recoveryCodesLeft: 10 }),
    'new passkey': newPasskeyPage(texts, {
      csrfToken,
      options: passkeyOptions,
      name: values.displayName,
      failed: true,
    }),
    'passkey removal': removePasskeyPage(texts, { csrfToken, passkey }),
    'passkey name': renamePasskeyPage(texts, {
      csrfToken,
      passkey,
      errors: [{ field: 'passkeyName', reason: 'too-long' }],
    }),
    'totp set-up': totpPage(texts, { ...setup, errors: [] }),
    'totp set-up, wrong': totpPage(texts, { ...setup, errors: wrongCode }),
    'totp removal': removeTotpPage(texts, { csrfToken }),
    'recovery codes, new': recoveryCodesPage(texts, {
      csrfToken,
      codes: [token],
      added: 'passkey',
    }),
    'recovery codes, kept': recoveryCodesPage(texts, { csrfToken, codes: null, added: 'totp' }),
    'recovery codes, renewed': recoveryCodesPage(texts, {
      csrfToken,
      codes: [token],
      added: null,
    }),
    'recovery codes, renewal': renewCodesPage(texts, { csrfToken }),
  };
}

function otherPages(values: Values, texts: Texts): Record<string, string> {
  const mail = { to: values.email, subject: values.displayName, text: values.text };
  const links = ['http://127.0.0.1:4000/confirm-email?token=a'];
  return {
    problem: problemPage(texts, { status: 404, code: 'not-found', ...values }),
    'problem, step up': problemPage(texts, { status: 401, code: 'step-up-required', ...values }),
    landing: landingPage(texts, { path: '/account?notice=saved' }),
    'mailbox, empty': mailboxPage(texts, { mails: [] }),
    mailbox: mailboxPage(texts, {
      mails: [
        { ...mail, links },
        { ...mail, links: [] },
      ],
    }),
  };
}

/** Of each outcome and of each doer one, with all that may be missing present and missing. */
export function events({ browser, system }: Pick<Values, 'browser' | 'system'>) {
  const event = {
    id: 'event-1',
    at: new Date('2026-11-29T08:00:00Z'),
    kind: 'signed-in',
    outcome: 'success',
    by: 'self',
    address: '203.0.113.7',
    browser,
    system,
    requestId: '3f1c7a52-0d3e-4b6b-9d4f-2f1f0a3c5e77',
  } as const;
  const failed = { ...event, id: 'event-2', kind: 'sign-in-failed', outcome: 'failure' } as const;
  const unknown = { by: null, address: null, browser: null, system: null, requestId: null };
  return {
    events: [
      event,
      { ...failed, ...unknown },
      { ...event, id: 'event-3', kind: 'tenant-created', by: 'other' as const },
    ],
  };
}

/** The current session, and others that say everything, a part, and nothing of themselves. */
export function sessions({ browser, system }: Pick<Values, 'browser' | 'system'>) {
  const times = {
    createdAt: new Date('2026-03-01T09:05:00Z'),
    lastSeenAt: new Date('2026-03-01T10:06:00Z'),
  };
  return [
    { id: 'session-id-1', browser, system, current: true, ...times },
    { id: 'session-id-2', browser, system, current: false, ...times },
    { id: 'session-id-3', browser, system: null, current: false, ...times },
    { id: 'session-id-4', browser: null, system, current: false, ...times },
    { id: 'session-id-5', browser: null, system: null, current: false, ...times },
  ];
}
