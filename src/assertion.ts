export type { AssertedPrincipal } from './assertion/claims.ts';
export type { PublishedKeys } from './assertion/key-set.ts';
export { AssertionRejectedError, type AssertionRejection } from './assertion/rejected.ts';
export {
  type ArrivedRequest,
  type VerifiedPrincipal,
  verifier,
  type VerifierOptions,
  type Verify,
} from './assertion/verifier.ts';
