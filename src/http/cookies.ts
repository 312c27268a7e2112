import { type RequestHead, headerValues } from './request-head.ts';

/**
 * A cookie name that browsers hold to Secure, Path=/ and no Domain, so that no subdomain and no
 * plain-HTTP page can set it. The type makes a misspelt prefix, which protects nothing, an error
 * of the compiler. RFC 6265bis 4.1.3.2, ASVS 3.3.3.
 */
export type HostCookieName = `__Host-${string}`;

/** Holds the session token. */
export const SESSION_COOKIE = '__Host-session';

/** Holds the synchronizer token for our scripts to copy into a header; we never read it back. */
export const SYNCHRONIZER_COOKIE = '__Host-csrf';

/** Holds the secret that a visitor's form tokens are bound to, before there is a session. */
export const PRESESSION_COOKIE = '__Host-presession';

/** Holds the secret by which a browser is known again where somebody has signed in before. */
export const DEVICE_COOKIE = '__Host-device';

/** Holds the secret of a sign-in whose first factor is proved, until the second one is. */
export const SIGN_IN_COOKIE = '__Host-sign-in';

/**
 * Holds the secret of a visit to an external provider. The only one that is SameSite=Lax, because
 * the browser comes back from another site: it proves who began, and is nobody's session.
 */
export const FLOW_COOKIE = '__Host-flow';

/** What a request's cookies say under one name. `value` is 32 bytes in canonical base64url. */
export type CookieReading =
  | { readonly kind: 'absent' }
  | { readonly kind: 'repeated' }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'present'; readonly value: string };

const ABSENT = { kind: 'absent' } as const;
const REPEATED = { kind: 'repeated' } as const;

/** The cookies of a request by their names; null where there are more than are searched. */
export type Cookies = ReadonlyMap<string, string | typeof REPEATED> | null;

/** What a browser may store (RFC 6265bis 6.1 asks for 4 KiB per cookie) twice over. */
const COOKIE_BYTES_MAX = 8 * 1024;

/** Above what browsers keep for one host; more is a cookie bomb. */
const COOKIE_COUNT_MAX = 100;

/** 400 days: browsers cut a longer age off at that. RFC 6265bis 5.5. */
export const COOKIE_AGE_SECONDS_MAX = 400 * 24 * 60 * 60;

// 43 characters carry 258 bits; the last must leave the two spare ones zero, or one secret would
// have four spellings. RFC 4648 3.5.
const SECRET = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/**
 * The value of one of our secret-bearing cookies, read byte by byte.
 *
 * Pairs are split at `;` and trimmed of SP and HTAB only; nothing is unquoted or decoded; names
 * are compared exactly; a cookie without a name never matches, whatever its value looks like.
 * Each of these leniencies has let a subdomain forge a prefixed cookie somewhere. CWE-565.
 *
 * The name twice, in one header line or several, is `repeated`, never a choice of ours: order
 * tells nothing about which one a subdomain planted. A value that is not 32 bytes in
 * canonical base64url is `malformed`, and so is any name in a request with more than 8 KiB or 100
 * cookies, which is not searched. RFC 6265bis 5.8.3.
 */
export function readCookie(cookies: Cookies, name: HostCookieName): CookieReading {
  if (cookies === null) return { kind: 'malformed' };
  const value = cookies.get(name);
  if (value === undefined) return ABSENT;
  if (typeof value !== 'string') return value;
  return SECRET.test(value) ? { kind: 'present', value } : { kind: 'malformed' };
}

/** Whether a request names the cookie more than once, whatever its values are. */
export function isRepeated(cookies: Cookies, name: HostCookieName): boolean {
  return cookies?.get(name) === REPEATED;
}

/**
 * Whether a request carries any of our cookies, well formed or not, and so might act with
 * somebody's authority. A header too large to be searched counts as carrying one: the answer
 * chooses between the strict and the lenient origin check, and doubt belongs to the strict.
 */
export function hasSallyportCookie(cookies: Cookies): boolean {
  if (cookies === null) return true;
  return (
    cookies.has(SESSION_COOKIE) ||
    cookies.has(SYNCHRONIZER_COOKIE) ||
    cookies.has(PRESESSION_COOKIE) ||
    cookies.has(SIGN_IN_COOKIE) ||
    cookies.has(FLOW_COOKIE)
  );
}

/** Reads the cookies of a request, to be asked for ours. */
export function parseCookies(head: RequestHead): Cookies {
  const cookies = new Map<string, string | typeof REPEATED>();
  let bytes = 0;
  let count = 0;
  for (const line of headerValues(head, 'cookie')) {
    bytes += line.length;
    if (bytes > COOKIE_BYTES_MAX) return null;
    for (const pair of line.split(';')) {
      count += 1;
      if (count > COOKIE_COUNT_MAX) return null;
      const text = trimBlanks(pair);
      const equals = text.indexOf('=');
      // No `=`, or nothing before it: a cookie without a name. Skipped. RFC 6265bis 5.8.3.
      if (equals < 1) continue;
      const name = text.slice(0, equals);
      cookies.set(name, cookies.has(name) ? REPEATED : text.slice(equals + 1));
    }
  }
  return cookies;
}

/** SP and HTAB only: `String.trim` would also take off NBSP, and turn another name into ours. */
function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/**
 * A `Set-Cookie` value: Secure, SameSite=Strict but for a provider's flow, Path=/, no Domain, and
 * HttpOnly unless `readable`.
 *
 * Without `maxAgeSeconds` the browser drops the cookie when it closes; with it, 1 second to 400
 * days. Throws a TypeError for a value that is not base64url and
 * a RangeError for another age; neither message repeats the value. Safari refuses Secure cookies
 * from http://localhost. RFC 6265bis 4.1.2, CWE-614, CWE-1004, CWE-1275, ASVS 3.3.1 to 3.3.4.
 */
export function setCookie(
  name: HostCookieName,
  value: string,
  options: { readonly readable?: true; readonly maxAgeSeconds?: number },
): string {
  // Anything else could end the value and add attributes of its own. CWE-113.
  if (!/^[A-Za-z0-9_-]+$/.test(value)) {
    throw new TypeError(`The value for the cookie ${name} is not base64url.`);
  }
  const age = options.maxAgeSeconds;
  if (age === undefined) return serialise(name, value, options.readable === true, '');
  if (!Number.isInteger(age) || age < 1 || age > COOKIE_AGE_SECONDS_MAX) {
    throw new RangeError('The age of a cookie is a whole number of seconds, at most 400 days.');
  }
  return serialise(name, value, options.readable === true, `; Max-Age=${age}`);
}

/**
 * A `Set-Cookie` value that removes the cookie. It repeats the attributes: a browser ignores a
 * removal whose Path or prefix does not fit. RFC 6265bis 5.7.
 */
export function clearCookie(name: HostCookieName): string {
  return serialise(name, '', name === SYNCHRONIZER_COOKIE, '; Max-Age=0');
}

function serialise(name: string, value: string, readable: boolean, age: string): string {
  const httpOnly = readable ? '' : '; HttpOnly';
  const sameSite = name === FLOW_COOKIE ? 'Lax' : 'Strict';
  return `${name}=${value}${age}; Path=/; Secure${httpOnly}; SameSite=${sameSite}`;
}
