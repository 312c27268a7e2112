import { hash, randomFillSync } from 'node:crypto';

/** The request header that carries an assertion to the upstream. */
export const ASSERTION_HEADER = 'sallyport-assertion';
/** What tells an assertion from every other JWT that the same keys sign (RFC 8725 section 3.11). */
export const ASSERTION_TYPE = 'sallyport-assertion+jwt';
/** How long an assertion is valid. Whatever claims to be valid for longer is none. */
export const ASSERTION_SECONDS = 10;
/** In the place of the body's digest where the gateway did not read the body to its end. */
export const UNBOUND = 'unbound';

/** What the gateway says about one request; docs/assertion.md has each claim. */
export interface AssertionClaims {
  /** The gateway's origin. */
  readonly iss: string;
  /** The upstream that it is for. */
  readonly aud: string;
  /** The identity that asks; absent where nobody is signed in. */
  readonly sub?: string;
  /** The tenant in which it asks. */
  readonly tenant: string | null;
  /** What it may do there. */
  readonly permissions: readonly string[];
  /** Seconds since 1970. */
  readonly iat: number;
  readonly nbf: number;
  readonly exp: number;
  /** Unique, so that an assertion can be taken once. */
  readonly jti: string;
  readonly method: string;
  /** The bytes of the request target before its first `?`, as they were forwarded. */
  readonly path: string;
  /** The bytes behind it; null where the target has none. */
  readonly query: string | null;
  /** SHA-256 of the forwarded body in base64url, of the empty one too, or `unbound`. */
  readonly body: string;
  /** With this the upstream's database knows for whom a transaction is. */
  readonly proof?: string;
}

/** Whom a request is for. */
export interface AssertedPrincipal {
  readonly identityId: string;
  readonly tenantId: string | null;
  readonly permissions: readonly string[];
}

/** What is asserted: for whom one request is, and which one it is. */
export interface Assertable {
  readonly issuer: string;
  readonly audience: string;
  /** Null where nobody is signed in: it still says that the gateway has forwarded the request. */
  readonly principal: AssertedPrincipal | null;
  readonly method: string;
  /** The request target as it is forwarded, with its query. */
  readonly target: string;
  /** The whole body as it is forwarded, empty where there is none; or that it is not bound. */
  readonly body: Uint8Array | typeof UNBOUND;
  /** The transaction proof. */
  readonly proof?: string | undefined;
}

/**
 * The claims about a request that is forwarded now. Each call has a nonce of its own, so a request
 * that is sent a second time needs claims of its own as well.
 */
export function assertionClaims(
  { issuer, audience, principal, method, target, body, proof }: Assertable,
  now: Date,
): AssertionClaims {
  const issuedAt = Math.floor(now.getTime() / 1000);
  return {
    iss: issuer,
    aud: audience,
    ...(principal ? { sub: principal.identityId } : {}),
    tenant: principal?.tenantId ?? null,
    permissions: principal?.permissions ?? [],
    iat: issuedAt,
    nbf: issuedAt,
    exp: issuedAt + ASSERTION_SECONDS,
    jti: nonce(),
    method,
    ...splitTarget(target),
    body: body === UNBOUND ? UNBOUND : bodyDigest(body),
    ...(proof === undefined ? {} : { proof }),
  };
}

const NONCE_BYTES = 16;
/** Random bytes, each used once: asking for sixteen takes as long as asking for all of these. */
const random = Buffer.alloc(256 * NONCE_BYTES);
let used = random.length;

function nonce(): string {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  used += NONCE_BYTES;
  return random.toString('base64url', used - NONCE_BYTES, used);
}

/** SHA-256 in base64url. */
export function bodyDigest(body: Uint8Array): string {
  return hash('sha256', body, 'base64url');
}

/** A request target, cut at its first question mark and changed in nothing. */
export function splitTarget(target: string): {
  readonly path: string;
  readonly query: string | null;
} {
  const mark = target.indexOf('?');
  return mark < 0
    ? { path: target, query: null }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}
