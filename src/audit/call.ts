import { type Credential, NO_CREDENTIAL } from './actor.ts';
import type { ProbeRequest } from './exchange.ts';
import { isObject, type Json, type JsonPath, leavesOf, withValueAt } from './json.ts';
import { isSafe, type Operation } from './operation.ts';

/** One concrete request to an operation, without a credential: the same for each actor. */
export interface Call {
  readonly operation: Operation;
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** The body as a document, whatever type it is sent as; undefined for none. */
  readonly body: Json | undefined;
  /** In lower case; null where there is no body. */
  readonly contentType: string | null;
}

/** A place in a call that a value can be put into. */
export interface Selector {
  readonly in: 'path' | 'query' | 'header' | 'body';
  /** The parameter's name; for a body the path as `user.id`. */
  readonly name: string;
  readonly bodyPath: JsonPath;
}

/** What a check changes about a request that would go out. Names in lower case; null removes. */
export interface Changes {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | null>>;
  readonly body?: string | null;
  /** Appended to the query. */
  readonly query?: Readonly<Record<string, string>>;
  /** The path with its query, in place of the call's. */
  readonly path?: string;
}

/** The request of a call with a credential. `origin` is the target's. */
export function requestOf(
  call: Call,
  credential: Credential,
  origin: string,
  changes: Changes = {},
): ProbeRequest {
  const method = changes.method ?? call.operation.method;
  const unsafe = !isSafe(method);
  const body = bodyOf(call, unsafe ? credential : NO_CREDENTIAL);
  const headers: Record<string, string | null> = {
    accept: 'application/json, text/html;q=0.5, */*;q=0.1',
    ...(body.contentType === null ? {} : { 'content-type': body.contentType }),
    ...lowered(call.headers),
    ...cookieHeader(credential),
    ...(unsafe && Object.keys(credential.cookies).length > 0 ? fromOwnPage(origin) : {}),
    ...lowered(credential.headers),
    ...(unsafe ? synchronizerHeader(credential) : {}),
    ...lowered(changes.headers ?? {}),
  };
  return {
    method,
    path: changes.path ?? pathOf(call, { ...credential.query, ...changes.query }),
    headers: Object.fromEntries(
      Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== null),
    ),
    body: changes.body === undefined ? body.text : changes.body,
  };
}

/** Every place of the call that holds this value. A body's number counts as its text. */
export function selectorsOf(call: Call, value: string): readonly Selector[] {
  const named = (place: 'path' | 'query' | 'header', values: Readonly<Record<string, string>>) =>
    Object.entries(values)
      .filter(([, held]) => held === value)
      .map(([name]) => ({ in: place, name, bodyPath: [] }));
  const inBody = leavesOf(call.body)
    .filter((leaf) => leaf.value !== null && String(leaf.value) === value)
    .map(({ path }) => ({ in: 'body' as const, name: path.join('.'), bodyPath: path }));
  return [
    ...named('path', call.path),
    ...named('query', call.query),
    ...named('header', call.headers),
    ...inBody,
  ];
}

/** The call with another value in that place; a number stays one where it can. */
export function withSelected(call: Call, selector: Selector, value: string): Call {
  const { name } = selector;
  if (selector.in === 'path') return { ...call, path: { ...call.path, [name]: value } };
  if (selector.in === 'query') return { ...call, query: { ...call.query, [name]: value } };
  if (selector.in === 'header') return { ...call, headers: { ...call.headers, [name]: value } };
  const before = leavesOf(call.body).find(({ path }) => path.join('.') === name)?.value;
  const typed = typeof before === 'number' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
  return { ...call, body: withValueAt(call.body, selector.bodyPath, typed) };
}

/** The path with its values and the query. Each value is one segment, whatever it contains. */
function pathOf(call: Call, more: Readonly<Record<string, string>>): string {
  const path = call.operation.path.replaceAll(/\{([^{}]+)\}/g, (braces, name: string) =>
    call.path[name] === undefined ? braces : encodeURIComponent(call.path[name]),
  );
  const query = new URLSearchParams({ ...call.query, ...more }).toString();
  if (query === '') return path;
  return `${path}${path.includes('?') ? '&' : '?'}${query}`;
}

function bodyOf(
  call: Call,
  credential: Credential,
): { readonly contentType: string | null; readonly text: string | null } {
  const fields: Record<string, string> = { ...credential.fields };
  const { synchronizer } = credential;
  if (synchronizer?.in === 'field') fields[synchronizer.name] = synchronizer.value;
  const isEmpty = call.body === undefined && Object.keys(fields).length === 0;
  if (isEmpty) return { contentType: null, text: null };
  const contentType = call.contentType ?? 'application/x-www-form-urlencoded';
  const document =
    isObject(call.body) || call.body === undefined ? { ...call.body, ...fields } : call.body;
  return encodeBody(document, contentType);
}

/** A document as a body of that type, with the type as it is sent. */
function encodeBody(document: Json, contentType: string): { contentType: string; text: string } {
  if (contentType === 'application/x-www-form-urlencoded') {
    return { contentType, text: new URLSearchParams(formFields(document)).toString() };
  }
  if (contentType === 'multipart/form-data') {
    const boundary = 'sallyport-audit-boundary';
    const parts = formFields(document).map(
      ([name, value]) =>
        `--${boundary}\r\ncontent-disposition: form-data; name="${name.replaceAll('"', '%22')}"\r\n\r\n${value}\r\n`,
    );
    return {
      contentType: `${contentType}; boundary=${boundary}`,
      text: `${parts.join('')}--${boundary}--\r\n`,
    };
  }
  if (contentType.startsWith('text/') && typeof document === 'string') {
    return { contentType, text: document };
  }
  return { contentType, text: JSON.stringify(document) };
}

/** Nested names as most frameworks read them: `user[email]`. */
function formFields(document: Json): [string, string][] {
  return leavesOf(document).map(({ path, value }) => {
    const [first = '', ...rest] = path;
    return [
      `${first}${rest.map((step) => `[${step}]`).join('')}`,
      value === null ? '' : String(value),
    ];
  });
}

function cookieHeader({ cookies }: Credential): Record<string, string> {
  const pairs = Object.entries(cookies).map(([name, value]) => `${name}=${value}`);
  return pairs.length === 0 ? {} : { cookie: pairs.join('; ') };
}

/** What a browser says of a request that the target's own page makes. W3C Fetch Metadata. */
function fromOwnPage(origin: string): Record<string, string> {
  return { origin, referer: `${origin}/`, 'sec-fetch-site': 'same-origin' };
}

function synchronizerHeader({ synchronizer }: Credential): Record<string, string> {
  return synchronizer?.in === 'header'
    ? { [synchronizer.name.toLowerCase()]: synchronizer.value }
    : {};
}

function lowered<T>(headers: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
