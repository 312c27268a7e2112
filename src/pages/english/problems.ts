import type { Texts } from '../texts.ts';
import { tenantProblems } from './tenant-problems.ts';
import { gatewayProblems } from './gateway.ts';
import { providerProblems } from './providers.ts';

export const problems: Texts['problems'] = {
  ...tenantProblems,
  'foreign-origin': {
    title: 'This request came from somewhere else',
    explanation:
      'Your browser says that another site sent it, so we did nothing. ' +
      'If you meant to do this, start again from our own pages.',
    action: 'home',
  },
  'foreign-host': {
    title: 'This is not our address',
    explanation:
      'We do not answer under the name in the address bar. ' +
      'Open the address that you know, rather than following a link.',
    action: 'home',
  },
  'main-origin-only': {
    title: 'This is done at the main address',
    explanation:
      'The address bar shows the name of one tenant. Passkeys, new tenants and the way from one ' +
      'tenant into another are found under the main address.',
    action: 'home',
  },
  'synchronizer-token-mismatch': {
    title: 'This form was out of date',
    explanation:
      'It was opened before you last signed in or out, or too long ago, ' +
      'so nothing was changed. Go back, reload the page, and send it again.',
    action: 'home',
  },
  'account-exists': {
    title: 'This address has an account',
    explanation: 'Sign in to it, then accept the invitation.',
    action: 'sign-in',
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
  'wrong-credentials': {
    title: 'That did not work',
    explanation: 'Check the email address and the password, and try again.',
    action: 'sign-in',
  },
  'step-up-required': {
    title: 'Prove again that it is you',
    explanation:
      'This is a change that matters, and you signed in a while ago. Nothing was changed yet. ' +
      'Enter your password, then do it again.',
    action: 're-authenticate',
  },
  'second-factor-required': {
    title: 'Prove again that it is you',
    explanation:
      'This is a change that matters. Nothing was changed yet. ' +
      'Show your password and your second factor, then do it again.',
    action: 're-authenticate',
  },
  'second-factor-missing': {
    title: 'This needs a second factor',
    explanation: 'Set one up in your account, then do it again. Nothing was changed yet.',
    action: 'account',
  },
  'sign-in-over': {
    title: 'Sign in once more',
    explanation: 'This sign-in took too long, or there were too many tries.',
    action: 'sign-in',
  },
  ...providerProblems,
  'too-many': {
    title: 'You have as many of these as there may be',
    explanation: 'Remove one that you do not need any more, then try again.',
    action: 'account',
  },
  'last-way-in': {
    title: 'This is the only way into your account',
    explanation: 'Add another one first. Nothing was changed.',
    action: 'account',
  },
  'already-set-up': {
    title: 'This is set up already',
    explanation: 'Remove it in your account first if you want to set it up anew.',
    action: 'account',
  },
  forbidden: {
    title: 'You may not do this',
    explanation: 'Your account does not have the permission. Ask somebody who can give it.',
    action: 'account',
  },
  'password-compromised': {
    title: 'This password is no longer safe',
    explanation:
      'It stands in a list of passwords that have become known, here or elsewhere, so it opens ' +
      'nothing any more. Follow "Forgot your password?" on the sign-in page and choose a new one.',
    action: 'sign-in',
  },
  'too-many-attempts': {
    title: 'That was tried too often',
    explanation:
      'We did not look at what you entered, to keep others from guessing. ' +
      'Wait a while and try again, or use a browser in which you have signed in before.',
    action: 'sign-in',
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
  ...gatewayProblems,
  'malformed-request': {
    title: 'We could not read this request',
    explanation: 'Nothing was changed. Go back, reload the page, and try again.',
    action: 'home',
  },
  'invalid-fields': {
    title: 'Something in the form was missing',
    explanation: 'Nothing was changed. Go back, fill in every field, and send it again.',
    action: 'home',
  },
  'invalid-token': {
    title: 'This link does not work any more',
    explanation: 'It may have expired, been used already, or been copied only in part.',
    action: 'home',
  },
  'malformed-authorization': {
    title: 'We could not read who is asking',
    explanation: 'The program that sent this request presented something that is no key or token.',
    action: 'home',
  },
  'bearer-not-accepted': {
    title: 'Only a person can do this',
    explanation: 'A key or a token of a program does not suffice here. Sign in instead.',
    action: 'sign-in',
  },
  'two-principals': {
    title: 'This request came from two people at once',
    explanation: 'It carried a session and a key of somebody else, so we did nothing.',
    action: 'home',
  },
  'idempotency-key-malformed': {
    title: 'We could not read this request',
    explanation: 'Nothing was changed. Go back, reload the page, and try again.',
    action: 'home',
  },
  'idempotency-key-reused': {
    title: 'This was sent with the mark of another request',
    explanation: 'Nothing was changed. Go back, reload the page, and try again.',
    action: 'home',
  },
  'idempotency-key-in-use': {
    title: 'This was sent twice',
    explanation: 'It was done once. Wait a moment and look at the result.',
    action: 'home',
  },
  'idempotency-answer-not-kept': {
    title: 'This was done before',
    explanation: 'It was sent again, and was not done a second time.',
    action: 'home',
  },
  'request-timeout': {
    title: 'This took too long to arrive',
    explanation: 'Nothing was changed. Check your connection and send it again.',
    action: 'home',
  },
  'header-too-large': {
    title: 'Your browser sent too much',
    explanation:
      'Its cookies, or the address that it asked for, are too long. ' +
      'Delete the cookies of this site, then try again.',
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
};
