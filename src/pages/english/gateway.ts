import type { Texts } from '../texts.ts';

export const gatewayProblems: Pick<
  Texts['problems'],
  'upstream-failed' | 'upstream-unavailable' | 'upstream-timeout' | 'ambiguous-request'
> = {
  'upstream-failed': {
    title: 'The service did not answer properly',
    explanation: 'This is our fault, not yours. It is not certain whether anything was done.',
    action: 'home',
  },
  'upstream-unavailable': {
    title: 'The service is not available',
    explanation: 'This is our fault, not yours. Wait a few minutes and try again.',
    action: 'home',
  },
  'upstream-timeout': {
    title: 'The service took too long',
    explanation: 'This is our fault, not yours. It is not certain whether anything was done.',
    action: 'home',
  },
  'ambiguous-request': {
    title: 'We could not read this request',
    explanation: 'It could mean two things, so nothing was done. Check the address.',
    action: 'home',
  },
};
