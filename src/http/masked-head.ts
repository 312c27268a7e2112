/** The head of a request as it may be kept: nothing in it that a secret could be. */
export interface MaskedHead {
  readonly method: string;
  readonly target: string;
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
}

const MASKED = '[masked]';
const HEADERS_MAX = 40;
const CHARACTERS_MAX = 200;

/** Headers whose values the checks judge, or that say what kind of client it was. */
const SHOWN: ReadonlySet<string> = new Set([
  'accept',
  'accept-language',
  'connection',
  'content-length',
  'content-type',
  'host',
  'origin',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'sec-fetch-user',
  'transfer-encoding',
  'upgrade',
  'user-agent',
]);

/** As long as our secrets, and as the tokens of others, are; a UUID is an id and no secret. */
const LONG_RUN = /[\w-]{32,}/g;
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/**
 * What `sallyport why` may show of a request. A header is masked unless it is known to hold no
 * secret: of a cookie and a query the names stay, of credentials the scheme. Text that could be a
 * secret is masked wherever it stands, and what is no printable ASCII is written as an escape, so
 * that no head can write lines of its own into a log or a terminal (CWE-117, CWE-150, CWE-532).
 */
export function maskHead(head: {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly rawHeaders: readonly string[];
}): MaskedHead {
  const headers: Array<readonly [string, string]> = [];
  const { rawHeaders } = head;
  for (let index = 0; index + 1 < rawHeaders.length && headers.length < HEADERS_MAX; index += 2) {
    const name = shown(rawHeaders[index] ?? '').toLowerCase();
    headers.push([name, maskValue(name, rawHeaders[index + 1] ?? '')]);
  }
  return { method: shown(head.method ?? ''), target: maskTarget(head.url ?? ''), headers };
}

function maskValue(name: string, value: string): string {
  if (name === 'cookie') return shown(value.split(';').map(maskPair).join('; '));
  if (name === 'authorization') {
    const [, scheme] = /^([A-Za-z][A-Za-z\d-]{0,19}) /.exec(value) ?? [];
    return scheme === undefined ? MASKED : `${scheme} ${MASKED}`;
  }
  if (name === 'referer') return maskTarget(value);
  return SHOWN.has(name) ? shown(value) : MASKED;
}

/** Path and names of the query; its values, and a fragment, are not for others to read. */
function maskTarget(target: string): string {
  const [beforeFragment = ''] = target.split('#');
  const [path = '', ...query] = beforeFragment.split('?');
  if (query.length === 0) return shown(path);
  return shown(`${path}?${query.join('?').split('&').map(maskPair).join('&')}`);
}

function maskPair(pair: string): string {
  const [name = '', ...value] = pair.trim().split('=');
  return value.length === 0 ? MASKED : `${name}=${MASKED}`;
}

function shown(text: string): string {
  const masked = text.replaceAll(LONG_RUN, (run) => (UUID.test(run) ? run : MASKED));
  const cut = masked.length > CHARACTERS_MAX ? `${masked.slice(0, CHARACTERS_MAX)}...` : masked;
  return cut.replaceAll(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
