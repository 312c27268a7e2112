import type { Credential } from './actor.ts';
import { type Exchange, isGranted } from './exchange.ts';
import { type Json, leavesOf } from './json.ts';
import type { Operation } from './operation.ts';
import { attributesOf, formsOf, metaOf } from './page.ts';
import type { Run } from './run.ts';
import { cookiesOf } from './transport.ts';

const TOKEN_NAME = /csrf|xsrf|request_?verification|authenticity_?token/i;

/** Headers that frameworks read, by the cookie that they set. */
const HEADERS: Readonly<Record<string, string>> = {
  csrftoken: 'x-csrftoken',
  'xsrf-token': 'x-xsrf-token',
  _xsrf: 'x-xsrftoken',
};

/**
 * The credential with the token against cross-site requests that its target wants, where it gave
 * one: in a cookie to be copied into a header, in a JSON answer, or in a page's form or meta.
 * Only for credentials with cookies: nothing else needs it.
 */
export async function withSynchronizer(
  run: Pick<Run, 'probe' | 'origin' | 'access'>,
  credential: Credential,
  signIn: Exchange | null,
  as: string,
): Promise<Credential> {
  if (Object.keys(credential.cookies).length === 0) return credential;
  const documented = run.access.synchronizerHeader;
  const texts: (Exchange | null)[] = [signIn];
  let { cookies } = credential;
  for (const path of run.access.synchronizerPaths) {
    const pairs = Object.entries(cookies).map(([name, value]) => `${name}=${value}`);
    const headers = { accept: 'application/json, text/html;q=0.9', cookie: pairs.join('; ') };
    const asked = await run.probe.send({ method: 'GET', path, headers, body: null }, as);
    texts.push(asked);
    // A token that comes in two halves has the other one in a cookie of the same answer.
    if (isGranted(asked)) cookies = cookiesOf(asked.answer?.setCookies ?? [], cookies);
  }
  // The newest first: some targets give another at each answer.
  const synchronizer = synchronizerOf(texts.toReversed(), cookies, documented);
  return synchronizer === null ? credential : { ...credential, cookies, synchronizer };
}

/** The token that these answers or cookies give, in the header that frameworks read it from. */
export function synchronizerOf(
  exchanges: readonly (Exchange | null)[],
  cookies: Readonly<Record<string, string>>,
  documented: string | null,
): Credential['synchronizer'] {
  const [usual] = Object.keys(cookies).flatMap((name) => HEADERS[name.toLowerCase()] ?? []);
  const header = documented ?? usual ?? null;
  for (const exchange of exchanges) {
    const found = exchange === null ? null : tokenIn(exchange, header);
    if (found !== null) return found;
  }
  const [name, value] = Object.entries(cookies).find(([one]) => TOKEN_NAME.test(one)) ?? [];
  if (name === undefined || value === undefined) return null;
  return { in: 'header', name: header ?? 'x-csrf-token', value: decoded(value), cookie: name };
}

/** The header that operations of the document ask for, if they do. */
export function documentedHeader(operations: readonly Operation[]): string | null {
  const headers = operations.flatMap(({ parameters }) =>
    parameters.filter(({ in: place, name }) => place === 'header' && TOKEN_NAME.test(name)),
  );
  return headers[0]?.name.toLowerCase() ?? null;
}

/** Whether an answer holds such a token: its path is asked again for each new session. */
export function tokenIn(exchange: Exchange, header: string | null): Credential['synchronizer'] {
  const { answer } = exchange;
  if (answer === null || answer.status >= 400) return null;
  const leaf = leavesOf(answer.json).find(
    ({ key, value }) => TOKEN_NAME.test(key) && isToken(value),
  );
  const inHeader = Object.entries(answer.headers).find(
    ([name, value]) => TOKEN_NAME.test(name) && isToken(value),
  );
  const given = leaf?.value ?? inHeader?.[1];
  if (typeof given === 'string') {
    return {
      in: 'header',
      name: header ?? inHeader?.[0] ?? 'x-csrf-token',
      value: given,
      cookie: null,
    };
  }
  if (!(answer.headers['content-type'] ?? '').includes('html')) return null;
  const hidden = formsOf(answer.text)
    .flatMap(({ fields }) => fields)
    .find(({ name, type, value }) => type === 'hidden' && TOKEN_NAME.test(name) && value !== '');
  if (hidden !== undefined) {
    return { in: 'field', name: hidden.name, value: hidden.value, cookie: null };
  }
  const meta = Object.entries(metaOf(answer.text)).find(
    ([name, value]) => TOKEN_NAME.test(name) && value !== '',
  );
  if (meta === undefined || attributesOf(answer.text, 'meta', 'content').length === 0) return null;
  return { in: 'header', name: header ?? 'x-csrf-token', value: meta[1], cookie: null };
}

/** What browsers send by themselves, with the token and the cookies that came with it. */
export function withTokenOf(
  ambient: Credential | null,
  { synchronizer, cookies }: Credential,
): Credential | null {
  if (ambient === null) return null;
  return { ...ambient, cookies: { ...ambient.cookies, ...cookies }, synchronizer };
}

function isToken(value: Json): boolean {
  return typeof value === 'string' && value.length >= 8 && !/\s/.test(value);
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
