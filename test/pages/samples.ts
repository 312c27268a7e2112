import * as fc from 'fast-check';
import { accountPage } from '../../src/pages/account.tsx';
import {
  emailConfirmationPage,
  emailConfirmedPage,
  invalidLinkPage,
} from '../../src/pages/email-confirmation.tsx';
import { homePage } from '../../src/pages/home.tsx';
import { problemPage, signedOutPage } from '../../src/pages/problem.tsx';
import { signInPage } from '../../src/pages/sign-in.tsx';
import { checkMailPage, signUpPage } from '../../src/pages/sign-up.tsx';
import { english } from '../../src/pages/texts.ts';

export interface Values {
  readonly csrfToken: string;
  readonly displayName: string;
  readonly email: string;
  readonly token: string;
  readonly requestId: string;
}

export const plainValues: Values = {
  csrfToken: 'csrf',
  displayName: 'Ada Lovelace',
  email: 'ada@example.com',
  token: 'token',
  requestId: 'request',
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
});

const errors = [
  { field: 'displayName', reason: 'too-long' },
  { field: 'email', reason: 'malformed-address' },
  { field: 'password', reason: 'password-common' },
  { field: 'nothing', reason: 'unknown-field' },
];

const times = {
  authenticatedAt: new Date('2026-03-01T09:05:00Z'),
  expiresAt: new Date('2026-03-08T21:30:00Z'),
};

/** Every page in every state, made from the same values. */
export function everyPage(values: Values): Record<string, string> {
  return {
    'home, signed out': homePage(english, { signedIn: false }),
    'home, signed in': homePage(english, { signedIn: true }),
    'sign up': signUpPage(english, { csrfToken: values.csrfToken, errors: [] }),
    'sign up, wrong': signUpPage(english, { ...values, errors }),
    'check mail': checkMailPage(english, values),
    'email confirmation': emailConfirmationPage(english, values),
    'email confirmed': emailConfirmedPage(english),
    'invalid link': invalidLinkPage(english),
    'sign in': signInPage(english, { csrfToken: values.csrfToken, failed: false }),
    'sign in, failed': signInPage(english, { ...values, failed: true }),
    account: accountPage(english, { ...values, ...times, errors: [] }),
    'account, saved': accountPage(english, { ...values, ...times, notice: 'saved', errors: [] }),
    'account, wrong': accountPage(english, { ...values, ...times, errors }),
    problem: problemPage(english, { status: 404, code: 'not-found', ...values }),
    'signed out': signedOutPage(english),
  };
}
