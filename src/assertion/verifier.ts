import { compactVerify } from 'jose';
import {
  ASSERTION_HEADER,
  ASSERTION_SECONDS,
  type AssertedPrincipal,
  type AssertionClaims,
  bodyDigest,
  splitTarget,
  UNBOUND,
} from './claims.ts';
import { fetchedKeySet, fixedKeySet, type KeySet, type PublishedKeys } from './key-set.ts';
import { parseClaims, parseHeader } from './parse.ts';
import { AssertionRejectedError } from './rejected.ts';
import { takenOnce } from './taken.ts';

/** How far the clocks of gateway and upstream may be apart. */
const SKEW_SECONDS = 2;

export type VerifierOptions = {
  /** The gateway's origin, as `iss` has it. */
  readonly issuer: string;
  /** The audience that the gateway is configured with for this upstream. */
  readonly audience: string;
  /**
   * What time it is. Both verification and the keeping of keys and nonces go by it; the machine's
   * clock unless given.
   */
  readonly now?: () => Date;
} & (
  | {
      /** Where the gateway publishes its keys: `/.well-known/jwks.json` of its origin. */
      readonly jwksUrl: string;
      /** Takes an address without TLS that is not on this machine, on a network that is trusted. */
      readonly insecureJwksUrl?: boolean;
    }
  | { readonly keys: PublishedKeys }
);

/** A request as it arrived; one of node:http has all of it but the body. */
export interface ArrivedRequest {
  readonly method?: string | undefined;
  /** The request target, as it stands in the request's first line. */
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Whom the gateway has asserted. */
export interface VerifiedPrincipal extends AssertedPrincipal {
  /** For the upstream's own database, as long as the gateway's configuration says; else null. */
  readonly proof: string | null;
}

/**
 * Verifies that the gateway has forwarded exactly this request within the last seconds, and for
 * whom: null where nobody is signed in. The body must be all of it, empty where there is none. An
 * operation whose body the gateway streams says `unbound` in its place, and takes no bound one: it
 * must not believe that somebody has compared what it reads.
 *
 * An assertion is taken once in the life of this verifier; that is not shared between processes.
 * @throws AssertionRejectedError
 */
export type Verify = (
  request: ArrivedRequest,
  body: Uint8Array | 'unbound',
) => Promise<VerifiedPrincipal | null>;

/**
 * Verifies the assertions of a gateway in the upstream behind it. Make one when the process starts
 * and keep it: it keeps the gateway's keys.
 * @throws TypeError for options that cannot be meant.
 */
export function verifier(options: VerifierOptions): Verify {
  const { issuer, audience, now = () => new Date() } = options;
  if (!issuer || !audience) throw new TypeError('an issuer and an audience are needed');
  const keySet = 'keys' in options ? fixedKeySet(options.keys) : fetchedKeySet(jwksUrlOf(options));
  // It is awaited at the first use, and that is where it may fail.
  if (keySet instanceof Promise) keySet.catch(() => {});
  const take = takenOnce((ASSERTION_SECONDS + 2 * SKEW_SECONDS) * 1000);

  return async (request, body) => {
    const at = now().getTime();
    const claims = await verifiedClaims(await keySet, assertionOf(request), at);
    checkAddressees(claims, issuer, audience);
    checkTimes(claims, at / 1000);
    checkRequest(claims, request, body);
    if (!take(claims.jti, at)) throw new AssertionRejectedError('replayed');
    const { sub, tenant, permissions, proof = null } = claims;
    return sub === undefined ? null : { identityId: sub, tenantId: tenant, permissions, proof };
  };
}

function jwksUrlOf({
  jwksUrl,
  insecureJwksUrl = false,
}: {
  readonly jwksUrl: string;
  readonly insecureJwksUrl?: boolean;
}): URL {
  const url = new URL(jwksUrl);
  const isLocal = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol === 'https:' || (url.protocol === 'http:' && (isLocal || insecureJwksUrl))) {
    return url;
  }
  throw new TypeError('jwksUrl is neither https nor on this machine: see insecureJwksUrl');
}

/** Node.js joins a header that is there twice with a comma, which is in no assertion. */
function assertionOf({ headers }: ArrivedRequest): string {
  const value = headers[ASSERTION_HEADER];
  if (value === undefined) throw new AssertionRejectedError('missing');
  if (typeof value !== 'string') throw new AssertionRejectedError('malformed');
  return value;
}

async function verifiedClaims(
  keySet: KeySet,
  assertion: string,
  at: number,
): Promise<AssertionClaims> {
  const key = await keySet.find(parseHeader(assertion), at);
  try {
    await compactVerify(assertion, key, { algorithms: ['EdDSA'] });
  } catch (error) {
    throw new AssertionRejectedError('signature', error);
  }
  return parseClaims(assertion);
}

function checkAddressees(claims: AssertionClaims, issuer: string, audience: string): void {
  if (claims.iss !== issuer) throw new AssertionRejectedError('issuer');
  if (claims.aud !== audience) throw new AssertionRejectedError('audience');
}

function checkTimes({ iat, nbf, exp }: AssertionClaims, seconds: number): void {
  if (exp <= iat || exp - iat > ASSERTION_SECONDS) throw new AssertionRejectedError('lifetime');
  if (Math.max(iat, nbf) > seconds + SKEW_SECONDS) {
    throw new AssertionRejectedError('not-yet-valid');
  }
  if (exp <= seconds - SKEW_SECONDS) throw new AssertionRejectedError('expired');
}

function checkRequest(
  claims: AssertionClaims,
  { method, url = '' }: ArrivedRequest,
  body: Uint8Array | 'unbound',
): void {
  const { path, query } = splitTarget(url);
  if (claims.method !== method) throw new AssertionRejectedError('method');
  if (claims.path !== path) throw new AssertionRejectedError('path');
  if (claims.query !== query) throw new AssertionRejectedError('query');
  if (body === UNBOUND) {
    if (claims.body !== UNBOUND) throw new AssertionRejectedError('body');
  } else if (claims.body === UNBOUND) {
    throw new AssertionRejectedError('unbound');
  } else if (claims.body !== bodyDigest(body)) {
    throw new AssertionRejectedError('body');
  }
}
