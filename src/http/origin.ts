import { type RequestHead, headerValues } from './request-head.ts';

/**
 * Which origins may write with our cookies: our own, and an exact list of others, usually empty.
 *
 * Both are serialised origins as `parseOrigin` returns them, taken from configuration and never
 * from the request: behind a TLS proxy the request does not know its own scheme.
 */
export interface OriginPolicy {
  readonly origin: string;
  readonly trustedOrigins: readonly string[];
}

/**
 * Why a request's origin was refused. For the security event log; a client is told only that the
 * request was refused.
 */
export type OriginRejection =
  | 'cross-site'
  | 'same-site'
  | 'user-initiated'
  | 'unknown-fetch-site'
  | 'null-origin'
  | 'foreign-origin'
  | 'foreign-referer'
  | 'malformed-referer'
  | 'no-origin'
  | 'repeated-header';

interface OriginClaims {
  readonly fetchSite: string | null;
  readonly origin: string | null;
  readonly referer: string | null;
}

/**
 * Whether a request that carries one of our cookies, with an unsafe method, comes from our own
 * pages. Returns the reason to refuse it, or null.
 *
 * `Sec-Fetch-Site` decides where a browser sent it; otherwise `Origin`, and without that the
 * origin of `Referer`, must be the configured one: scheme, host and port, byte for byte. Headers
 * that disagree, or say nothing, are refused. A trusted origin passes by its `Origin` header only.
 *
 * The method and the content type play no part: the caller asks only about unsafe methods
 * (`isSafeMethod`), and a verdict that hung on the content type was walked past twice.
 *
 * W3C Fetch Metadata, CWE-352, ASVS 3.5.1 and 3.5.3.
 */
export function checkOrigin(head: RequestHead, policy: OriginPolicy): OriginRejection | null {
  const claims = readClaims(head);
  // Two lines of one of these headers: refused. No browser sends that, and a proxy in front of us
  // might have judged the other line. CWE-444, RFC 9110 5.3.
  if (claims === null) return 'repeated-header';
  return checkClaims(claims, policy);
}

/**
 * The same judgement for an unsafe request that carries none of our cookies: sign-in, sign-up.
 *
 * Here a request that says nothing at all about its origin passes, as a command-line client's
 * does: it has no authority of a browser's to abuse. What remains is login CSRF, signing somebody
 * into the attacker's account. Browsers since about 2020 send `Origin`, if only `null`, with every
 * cross-origin write; for older ones stand the form's own token and a content type that needs a
 * preflight. Whatever header is there must pass as in `checkOrigin`.
 *
 * CWE-352, Fetch "append a request Origin header".
 */
export function checkVisitorOrigin(
  head: RequestHead,
  policy: OriginPolicy,
): OriginRejection | null {
  const claims = readClaims(head);
  if (claims === null) return 'repeated-header';
  if (isSilent(claims)) return null;
  return checkClaims(claims, policy);
}

function readClaims(head: RequestHead): OriginClaims | null {
  const fetchSites = headerValues(head, 'sec-fetch-site');
  const origins = headerValues(head, 'origin');
  const referers = headerValues(head, 'referer');
  if (fetchSites.length > 1 || origins.length > 1 || referers.length > 1) return null;
  return {
    fetchSite: fetchSites[0] ?? null,
    origin: origins[0] ?? null,
    referer: referers[0] ?? null,
  };
}

function isSilent(claims: OriginClaims): boolean {
  return claims.fetchSite === null && claims.origin === null && claims.referer === null;
}

function checkClaims(claims: OriginClaims, policy: OriginPolicy): OriginRejection | null {
  switch (claims.fetchSite) {
    case null:
      return checkWithoutFetchSite(claims, policy);
    case 'same-origin':
      return checkSameOrigin(claims, policy);
    // Same-site is not same-origin: a sibling subdomain may be another tenant, or taken over.
    // Refused like cross-site, but for an origin that configuration names. OWASP CSRF Prevention
    // Cheat Sheet, "Fetch Metadata".
    case 'same-site':
    case 'cross-site':
      return isTrusted(claims.origin, policy) ? null : claims.fetchSite;
    // A typed address or a bookmark can only be a GET. As the origin of a write it is not a
    // browser's doing: refused. W3C Fetch Metadata 2.3.
    case 'none':
      return 'user-initiated';
    // The specification advises ignoring values that it does not define; we refuse them. A future
    // value would be an error that people see, and the other way round a hole that nobody sees.
    default:
      return 'unknown-fetch-site';
  }
}

/**
 * The browser says same-origin. An `Origin` or `Referer` beside it must say the same: they can
 * only disagree if something rewrote one of them, or if configuration names another origin than
 * the one served. Refused either way, also for a trusted origin, which is by definition not ours.
 */
function checkSameOrigin(claims: OriginClaims, policy: OriginPolicy): OriginRejection | null {
  if (claims.origin !== null) return checkOwnOrigin(claims.origin, policy);
  if (claims.referer !== null) return checkReferer(claims.referer, policy);
  return null;
}

/**
 * An old browser, a plain-HTTP address, a proxy that strips `Sec-*`, or no browser. With nothing
 * left to judge by it is refused, not let through: an attacker's page can remove `Referer` by its
 * referrer policy, and a cookie without an origin is what CSRF looks like.
 */
function checkWithoutFetchSite(claims: OriginClaims, policy: OriginPolicy): OriginRejection | null {
  if (isTrusted(claims.origin, policy)) return null;
  if (claims.origin !== null) return checkOwnOrigin(claims.origin, policy);
  if (claims.referer !== null) return checkReferer(claims.referer, policy);
  return 'no-origin';
}

function checkOwnOrigin(origin: string, policy: OriginPolicy): OriginRejection | null {
  // `null` is a value, not absence: a sandboxed iframe, a data: URL, a cross-origin redirect.
  // Refused before any comparison, so that no configuration can make it ours (R-05, RFC 6454 7.3).
  if (origin === 'null') return 'null-origin';
  // The whole serialised origin, byte for byte: comparing hosts let http:// siblings in.
  return origin === policy.origin ? null : 'foreign-origin';
}

function isTrusted(origin: string | null, policy: OriginPolicy): boolean {
  if (origin === null || origin === 'null') return false;
  // Our own origin under `cross-site` is a contradiction, even if it was also listed as trusted.
  if (origin === policy.origin) return false;
  return policy.trustedOrigins.includes(origin);
}

/**
 * A referer is ours if our origin is its prefix, up to the end or a slash. No parser decides, so
 * none can be led astray by `https://app.example@evil.example`; the parser only tells a malformed
 * one from a foreign one. RFC 9110 10.1.3.
 */
function checkReferer(referer: string, policy: OriginPolicy): OriginRejection | null {
  if (!URL.canParse(referer)) return 'malformed-referer';
  if (referer === policy.origin) return null;
  return referer.startsWith(`${policy.origin}/`) ? null : 'foreign-referer';
}

/**
 * An origin from configuration: `https://host` or `https://host:port` exactly as a browser would
 * serialise it, or what is wrong with the text, as a sentence for the person who wrote it.
 *
 * Nothing is corrected: text that the parser would have to change is refused with the corrected
 * form, so that what is configured is what is compared. `http` only for loopback names, because
 * `Secure` cookies and fetch metadata exist only on trustworthy URLs. The sentence never repeats
 * the text, which could hold a password. W3C Secure Contexts 3.1, RFC 6454 6.2.
 */
export function parseOrigin(
  text: string,
): { readonly origin: string } | { readonly problem: string } {
  if (text === '') return { problem: 'The origin is empty. Write it like https://app.example.' };
  if (text === 'null') {
    return { problem: 'The origin "null" stands for every sandboxed page. It cannot be trusted.' };
  }
  if (text.includes('*')) {
    return { problem: 'The origin contains "*". Write each origin out in full.' };
  }
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    return { problem: 'The origin has no scheme. Begin it with https://.' };
  }
  if (!URL.canParse(text)) {
    return { problem: 'The origin is not a URL that a browser could parse.' };
  }
  return parseOriginUrl(text, new URL(text));
}

function parseOriginUrl(
  text: string,
  url: URL,
): { readonly origin: string } | { readonly problem: string } {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return { problem: 'The origin has a scheme other than https.' };
  }
  if (url.username !== '' || url.password !== '') {
    return { problem: 'The origin contains a user name or a password. Remove them.' };
  }
  if (url.search !== '') return { problem: 'The origin has a query. Remove the "?" and after.' };
  if (url.hash !== '') return { problem: 'The origin has a fragment. Remove the "#" and after.' };
  if (url.pathname !== '/') {
    return { problem: 'The origin has a path. End it after the host or the port.' };
  }
  if (url.hostname.endsWith('.')) {
    return { problem: 'The host of the origin ends in a dot. Remove the dot.' };
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    return { problem: 'The origin is plain http, which only localhost may use. Use https.' };
  }
  if (url.origin !== text) {
    return { problem: `The origin is not in its exact form. Write it as ${url.origin}.` };
  }
  return { origin: url.origin };
}

/** Takes a host name as the URL parser wrote it: lower case, and numbers as dotted IPv4. */
function isLoopback(hostname: string): boolean {
  if (hostname === 'localhost' || hostname.endsWith('.localhost')) return true;
  if (hostname === '[::1]') return true;
  return /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
