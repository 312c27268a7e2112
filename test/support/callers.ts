import type { Caller } from '../../src/db/security-events.ts';

/** Somebody who is not signed in, for operations that are called without a request. */
export const caller: Caller = {
  requestId: '7d3f1c52-8a0e-4b6b-9d4f-2f1f0a3c5e77',
  address: '203.0.113.7',
  network: '203.0.113.7',
  browser: 'Firefox 145',
  system: 'Linux',
  language: 'en',
  deviceDigest: null,
  identityId: null,
  sessionId: null,
};
