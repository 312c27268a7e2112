/** Why an assertion was not taken. Stable: programs may tell by it. */
export type AssertionRejection =
  | 'missing'
  | 'malformed'
  | 'type'
  | 'algorithm'
  | 'key'
  | 'signature'
  | 'claims'
  | 'issuer'
  | 'audience'
  | 'lifetime'
  | 'not-yet-valid'
  | 'expired'
  | 'method'
  | 'path'
  | 'query'
  | 'body'
  | 'unbound'
  | 'replayed'
  | 'keys-unavailable';

/**
 * The request did not come from the gateway as it arrived, or (`keys-unavailable`) that cannot be
 * told because the gateway's keys were never got. Answer 401, and 503 for the latter. The message
 * holds the code alone: what was presented is nobody's to read in a log.
 */
export class AssertionRejectedError extends Error {
  override readonly name = 'AssertionRejectedError';
  readonly code: AssertionRejection;

  constructor(code: AssertionRejection, cause?: unknown) {
    super(`identity assertion rejected: ${code}`, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
