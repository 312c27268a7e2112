/**
 * Headers of every answer that is data and not a page.
 *
 * If a browser opens it after all, it may load, run and embed nothing (`sandbox`), and no cache
 * keeps it. `vary` names all that such an answer may depend on, so that replacing the header
 * cannot lose a part of it. ASVS 3.4.3 to 3.4.6, 3.5.8 and 14.3.2; CWE-524, CWE-693, CWE-1021.
 */
export const API_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  vary: 'Authorization, Cookie, Origin',
  'x-content-type-options': 'nosniff',
});

/**
 * Headers of every HTML page.
 *
 * Everything comes from our own origin or not at all: no inline script or style, no framing, no
 * `<base>`, no form to elsewhere, and no string becomes markup (Trusted Types with no policy).
 *
 * The referrer policy is `same-origin` and not `no-referrer`: under the latter a browser sends
 * `Origin: null` with our own forms, and the origin check would refuse them (Fetch,
 * "append a request Origin header"). Other origins see no referrer under either.
 *
 * `no-store` also keeps a page from coming back after sign-out by the back button.
 * ASVS 3.4.3 to 3.4.6, 3.4.8, 3.5.8 and 14.3.2; CWE-79, CWE-524, CWE-693, CWE-1021.
 */
export const PAGE_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  'cache-control': 'no-store',
  'content-security-policy': [
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self'",
    "script-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'same-origin',
  vary: 'Cookie, Origin, Accept-Language',
  'x-content-type-options': 'nosniff',
});

/**
 * Headers of the pages whose scripts send requests, the documentation of the API and the security
 * events, which can be exported: those of every page, and leave to connect, to our own origin only.
 * ASVS 3.4.3, CWE-693.
 */
export const CONNECTING_PAGE_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  ...PAGE_HEADERS,
  'content-security-policy': `${PAGE_HEADERS['content-security-policy']}; connect-src 'self'`,
});

/**
 * Headers of our own style sheets, scripts and images, which are the same for everyone.
 *
 * Kept for a year without being asked for again: the digest in an asset's path changes with what is
 * in it. Opened by themselves, as an SVG image can be, they run nothing. ASVS 3.4.4, 3.5.8.
 */
export const ASSET_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  'cache-control': 'public, max-age=31536000, immutable',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
});

/**
 * `Strict-Transport-Security` for a year and for subdomains, if the configured origin is https.
 *
 * Nothing for http, which configuration allows on loopback only: a browser ignores the header
 * there. It also closes the gap of fetch metadata, which exists on trustworthy URLs only.
 * RFC 6797 7.2, ASVS 3.4.1, CWE-319.
 */
export function transportSecurity(origin: string): Readonly<Record<string, string>> {
  if (!origin.startsWith('https://')) return {};
  return { 'strict-transport-security': 'max-age=31536000; includeSubDomains' };
}
