import { headerValues, isSafeMethod, type RequestHead } from './request-head.ts';

/** A request head with the target of its first line. */
export interface TargetedHead extends RequestHead {
  readonly url?: string | undefined;
  readonly httpVersion?: string;
}

/**
 * Fields that say how long a request is, for whom it is or who sends it. Each at most once, and in
 * no spelling that a server behind us could take for it (CWE-444, CWE-436).
 */
const SINGLE: ReadonlySet<string> = new Set([
  'authorization',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'expect',
  'host',
  'idempotency-key',
  'origin',
  'range',
  'referer',
  'sec-fetch-mode',
  'sec-fetch-site',
  'sec-websocket-key',
  'sec-websocket-version',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'x-csrf-token',
]);

// What RFC 3986 3.3 allows in a segment, less `;`, before which some servers end it.
const PATH = /^(?:\/(?:[\w.~!$&'()*+,=:@-]|%[\da-f]{2})+)+\/?$|^\/$/i;
/**
 * Escapes of letters, digits and `-._~`, which stand for themselves; of `/`, `\`, `;`, `?` and `#`;
 * of control bytes; and of a `%` before two hexadecimal digits, which somebody could decode twice.
 */
const AMBIGUOUS_ESCAPE =
  /%(?:2[3def]|3[\dbf]|4[1-9a-f]|5[\dacf]|6[1-9a-f]|7[\daef]|[01][\da-f]|25[\da-f]{2})/i;
const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/;
/** Visible ASCII, without what begins a fragment. */
const QUERY = /^[!"$-~]*$/;

/**
 * Why a request is not forwarded because its bytes could mean something else to whoever is behind
 * us; null where they cannot. Nothing is made regular: what would have to be is refused, so that
 * the bytes that were judged are those that leave (R-76, R-80, R-83, R-85; CWE-22, CWE-444).
 */
export function checkForwardable(head: TargetedHead): string | null {
  return checkTarget(head.url ?? '') ?? checkFields(head) ?? checkFraming(head);
}

function checkTarget(target: string): string | null {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  if (!PATH.test(path)) return 'a path with empty segments or odd characters';
  if (DOT_SEGMENT.test(path)) return 'a path with dot segments';
  if (AMBIGUOUS_ESCAPE.test(path)) return 'a path with an ambiguous escape';
  return mark >= 0 && !QUERY.test(target.slice(mark + 1)) ? 'a query with odd bytes' : null;
}

function checkFields({ rawHeaders }: RequestHead): string | null {
  const seen = new Set<string>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    const folded = fold(name);
    if (SINGLE.has(folded)) {
      if (folded !== name) return `a header that folds to ${folded}`;
      if (seen.has(folded)) return `${folded} twice`;
      seen.add(folded);
    }
    if (/[^\t\x20-\x7e\x80-\xff]/.test(rawHeaders[index + 1] ?? '')) {
      return 'a header with control bytes';
    }
  }
  const nominated = nominatedBy({ rawHeaders }).find((each) => SINGLE.has(fold(each)));
  const allowed = nominated === undefined || nominated === 'upgrade';
  return allowed ? null : `Connection takes ${nominated} away`;
}

function checkFraming(head: TargetedHead): string | null {
  const { httpVersion = '1.1' } = head;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 'another version of HTTP';
  const [length] = headerValues(head, 'content-length');
  const [coding] = headerValues(head, 'transfer-encoding');
  if (length !== undefined && coding !== undefined) return 'two lengths of the body';
  if (length !== undefined && !/^\d{1,15}$/.test(length)) return 'a length that is no number';
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') return 'an unknown coding';
  if (coding !== undefined && httpVersion !== '1.1') return 'a coding in an older version';
  const bodyless = isSafeMethod(head.method);
  const hasBody = coding !== undefined || Number(length ?? 0) > 0;
  return bodyless && hasBody ? `${head.method} with a body` : null;
}

/** How the name of a header may look to a program behind us: CGI and WSGI know no `-`. */
export function fold(name: string): string {
  const lower = name.toLowerCase();
  return /^[a-z\d-]*$/.test(lower) ? lower : lower.replaceAll(/[^a-z\d]/g, '-');
}

/** The names, in lower case, that `Connection` says are for the next hop only. */
export function nominatedBy(head: RequestHead): readonly string[] {
  const lines = headerValues(head, 'connection');
  if (lines.length === 0) return lines;
  return lines
    .flatMap((line) => line.split(','))
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
}
