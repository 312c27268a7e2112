import {
  DEVICE_COOKIE,
  PRESESSION_COOKIE,
  SESSION_COOKIE,
  SIGN_IN_COOKIE,
  SYNCHRONIZER_COOKIE,
} from './cookies.ts';
import { nominatedBy } from './forwardable.ts';
import type { RequestHead } from './request-head.ts';

/** For one hop (RFC 9110 7.6.1), or about a body that is framed anew. */
const OF_THE_HOP: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Requests say nothing under these names that the upstream may believe: they are ours to say, or
 * would have it act on another method, path or address than was judged, or are credentials of ours.
 */
const OURS: ReadonlySet<string> = new Set([
  'authorization',
  'client-ip',
  'cookie',
  'forwarded',
  'host',
  'proxy',
  'true-client-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-csrf-token',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-host',
  'x-original-method',
  'x-original-uri',
  'x-original-url',
  'x-real-ip',
  'x-request-id',
  'x-rewrite-url',
]);
const OUR_PREFIXES = ['sallyport-', 'x-sallyport-', 'x-forwarded-', 'cf-connecting-'];

/** Of whoever traces requests: a stranger could write into somebody else's trace. */
const TRACE: ReadonlySet<string> = new Set(['baggage', 'traceparent', 'tracestate']);

const OUR_COOKIES: ReadonlySet<string> = new Set(
  [SESSION_COOKIE, SYNCHRONIZER_COOKIE, PRESESSION_COOKIE, SIGN_IN_COOKIE, DEVICE_COOKIE].map(
    (name) => name.toLowerCase(),
  ),
);

/**
 * The header lines of a request that go on to the upstream, name and value in turn. What is added
 * to them comes afterwards, so that no `Connection` can take it away. Names with anything
 * but letters, digits and `-` stay behind: to some servers `X_User` is `X-User`.
 */
export function forwardedHeaders(
  head: RequestHead,
  options: { readonly trace: boolean },
): string[] {
  const dropped = new Set(nominatedBy(head));
  const lines: string[] = [];
  const cookies: string[] = [];
  for (let index = 0; index + 1 < head.rawHeaders.length; index += 2) {
    const name = head.rawHeaders[index] ?? '';
    const value = head.rawHeaders[index + 1] ?? '';
    const lower = name.toLowerCase();
    if (lower === 'cookie') cookies.push(value);
    if (OF_THE_HOP.has(lower) || dropped.has(lower) || isOurs(lower)) continue;
    if (TRACE.has(lower) && !options.trace) continue;
    lines.push(name, value);
  }
  if (cookies.length === 0) return lines;
  const cookie = cookies
    .flatMap((line) => line.split(';'))
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '' && !isOurCookie(pair))
    .join('; ');
  if (cookie !== '') lines.push('cookie', cookie);
  return lines;
}

/** Of a name in lower case; one that would have to be folded to be compared is ours in any case. */
function isOurs(name: string): boolean {
  if (!/^[a-z\d-]+$/.test(name)) return true;
  return OURS.has(name) || OUR_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** Whether a pair, or a `Set-Cookie` line, is about a cookie of ours, in whatever spelling. */
function isOurCookie(pair: string): boolean {
  const end = pair.search(/[=;]/);
  const name = end < 0 ? pair : pair.slice(0, end);
  return OUR_COOKIES.has(name.trim().replaceAll('"', '').toLowerCase());
}

/**
 * The header lines of an answer that go back to the client. Cookies only where the route lets the
 * upstream set some, and never ours: a session that it plants would be a fixed one (CWE-384).
 */
export function answeredHeaders(
  lines: readonly string[],
  options: { readonly setCookie: boolean },
): string[] {
  const dropped = new Set(nominatedBy({ rawHeaders: lines }));
  const kept: string[] = [];
  for (let index = 0; index + 1 < lines.length; index += 2) {
    const name = lines[index] ?? '';
    const value = lines[index + 1] ?? '';
    const lower = name.toLowerCase();
    if (lower !== 'content-length' && OF_THE_HOP.has(lower)) continue;
    if (dropped.has(lower) || KEPT_BACK.has(lower) || lower.startsWith('access-control-')) continue;
    if (lower === 'set-cookie' && (!options.setCookie || isOurCookie(value))) continue;
    kept.push(name, value);
  }
  return kept;
}

/**
 * What the gateway says itself, as it does which origins may read, or what would speak about the
 * whole origin for the upstream.
 */
const KEPT_BACK: ReadonlySet<string> = new Set([
  'alt-svc',
  'clear-site-data',
  'sallyport-assertion',
  'strict-transport-security',
  'x-request-id',
]);
