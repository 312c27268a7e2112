import type { ProviderProblemCode } from '../provider-texts.ts';
import type { ProviderMails } from '../mail-texts.ts';
import type { Texts } from '../texts.ts';

export const providers: Texts['providers'] = {
  title: 'Accounts elsewhere',
  lead: 'With an account that you have elsewhere you can sign in here too. Your other ways in stay.',
  signIn: (name) => `Sign in with ${name}`,
  signUp: (name) => `Sign up with ${name}`,
  prove: (name) => `Confirm with ${name}`,
  link: (name) => `Link ${name}`,
  linkedAs: 'as',
  linked: 'Linked {time}',
  lastUsed: 'Used {time}',
  unlink: 'Unlink',
  unlinkTitle: 'Unlink this account?',
  unlinkLead: 'Nobody can sign in here with it from then on.',
  notOffered: 'No longer offered here',
  leaving: {
    title: (name) => `On to ${name}`,
    lead: 'You sign in there, and come back here afterwards.',
    go: 'Go on',
  },
  back: {
    title: 'Almost done',
    lead: 'You come back from the other site.',
    codeLead: 'Enter a code of your authenticator app, or a recovery code.',
    go: 'Continue',
  },
};

export const providerProblems: Pick<Texts['problems'], ProviderProblemCode> = {
  'provider-refused': {
    title: 'The other site did not say who you are',
    explanation: 'Nobody was signed in, and nothing was changed. Try it again, or in another way.',
    action: 'sign-in',
  },
  'provider-unreachable': {
    title: 'The other site cannot be reached',
    explanation: 'Try it again later, or sign in in another way.',
    action: 'sign-in',
  },
  'provider-address-unproved': {
    title: 'The other site has not made sure of your email address',
    explanation: 'Confirm your address there, then try it again.',
    action: 'sign-in',
  },
  'provider-not-linked': {
    title: 'There is an account with your address already',
    explanation:
      'Sign in to it the way you always do. Then link your other account on the page of your ways to sign in.',
    action: 'sign-in',
  },
  'provider-taken': {
    title: 'This could not be linked',
    explanation:
      'Somebody has linked that account already, or you have linked another one of the same provider.',
    action: 'account',
  },
};

export const providerMails = (after: readonly string[]): ProviderMails => ({
  'provider-linked': {
    subject: 'An account elsewhere was linked to your Sallyport account',
    before: () => [
      'An account at another site has just been linked to your Sallyport account. ' +
        'One can sign in with it from now on.',
      'If it was you, there is nothing to do. You find your account here:',
    ],
    action: 'Go to your account',
    after,
  },
  'provider-unlinked': {
    subject: 'An account elsewhere was unlinked from your Sallyport account',
    before: () => [
      'An account at another site has just been unlinked from your Sallyport account. ' +
        'Nobody can sign in with it any more.',
      'If it was you, there is nothing to do. You find your account here:',
    ],
    action: 'Go to your account',
    after,
  },
});
