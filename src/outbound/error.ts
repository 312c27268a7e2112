/** Why a request did not leave the house, or why its answer was not taken. */
export type OutboundRejection =
  | 'malformed-url'
  | 'scheme-refused'
  | 'credentials-in-url'
  | 'host-refused'
  | 'port-refused'
  | 'address-refused'
  | 'name-not-found'
  | 'redirect-refused'
  | 'connection-failed'
  | 'timeout'
  | 'answer-too-large'
  | 'malformed-answer';

/**
 * No answer. The message holds the code alone: neither the URL nor what was met there. Whoever
 * passes URLs of strangers should answer them all codes alike, for the difference between an
 * address that was refused and a port that was closed is a map of the network (CWE-918, CWE-204).
 */
export class OutboundError extends Error {
  override readonly name = 'OutboundError';
  readonly code: OutboundRejection;

  constructor(code: OutboundRejection, cause?: unknown) {
    super(`outbound request refused: ${code}`, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
