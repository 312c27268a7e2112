import { headerValues, type RequestHead } from './request-head.ts';

/** What a browser on a trusted origin may send and how long it may remember that (Fetch, CORS). */
const PREFLIGHT_HEADERS = {
  'access-control-allow-methods': 'GET, POST, PATCH, PUT, DELETE',
  'access-control-allow-headers': 'Content-Type, X-CSRF-Token, Authorization, Idempotency-Key',
  'access-control-max-age': '600',
} as const;

/**
 * The headers that let a trusted origin's scripts read an answer; none for every other origin. The
 * origin must be one of an exact list, so nothing a client sends is ever reflected unchecked, and
 * `*` and `null` cannot be in it. CORS lets answers be read: it protects nothing, and the origin
 * check does not depend on it. CWE-942, ASVS 3.4.2.
 */
export function corsHeaders(
  head: RequestHead,
  trustedOrigins: readonly string[],
): Readonly<Record<string, string>> {
  const origin = trustedOrigin(head, trustedOrigins);
  if (origin === null) return {};
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
  };
}

/**
 * What answers a trusted origin's preflight, beside corsHeaders; null where the request is none. To
 * every other origin OPTIONS is a method like another, and not one word of CORS is said.
 */
export function preflightHeaders(
  head: RequestHead,
  trustedOrigins: readonly string[],
): Readonly<Record<string, string>> | null {
  if (head.method !== 'OPTIONS') return null;
  if (headerValues(head, 'access-control-request-method').length !== 1) return null;
  return trustedOrigin(head, trustedOrigins) === null ? null : PREFLIGHT_HEADERS;
}

function trustedOrigin(head: RequestHead, trustedOrigins: readonly string[]): string | null {
  const [origin, ...more] = headerValues(head, 'origin');
  if (origin === undefined || more.length > 0) return null;
  return trustedOrigins.includes(origin) ? origin : null;
}
