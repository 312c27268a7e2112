import { type Credential, NO_CREDENTIAL } from './actor.ts';
import { buildBody, preferredBody } from './bodies.ts';
import { type Call, requestOf, type Selector, withSelected } from './call.ts';
import type { Exchange } from './exchange.ts';
import { fieldsOf } from './fields.ts';
import { isObject, type Json, type Leaf, leavesOf } from './json.ts';
import type { Operation, Schema } from './operation.ts';
import { formsOf } from './page.ts';
import type { Probe } from './probe.ts';
import { synchronizerOf } from './synchronizer.ts';
import { cookiesOf, type Given, givenBy } from './transport.ts';
import { isNameField, isPasswordField } from './words.ts';

/** How the target is signed in to. */
export interface SignInWay {
  /** With no name and no password in it yet. */
  readonly call: Call;
  readonly nameAt: Selector;
  readonly passwordAt: Selector;
  /** The page with the form, read first for its hidden fields and cookies; null where none is. */
  readonly page: string | null;
  /** What a wrong password is answered, where that gives a cookie to anybody; null elsewhere. */
  readonly refusal: SignInAnswer | null;
  /** What gives the token that it wants against cross-site requests, where it wants one. */
  readonly token?: TokenSource;
}

/** What tells one answer to a sign-in from another. */
export interface SignInAnswer {
  readonly status: number;
  /** Where it leads to, or ''. */
  readonly location: string;
  /** Names of what it gave. */
  readonly gave: string;
}

/** Where a token is had before signing in, and the header that takes it, if the document says. */
export interface TokenSource {
  readonly path: string;
  readonly header: string | null;
}

/** An attempt to sign in and what it gave. */
export interface SignInAttempt {
  readonly exchange: Exchange;
  readonly given: Given;
}

/**
 * One attempt to sign in. `cookies` are in the browser before it; what the form's page sets comes
 * on top. Whether it worked, `given` says: nothing is given for a wrong password.
 */
export async function attemptSignIn(
  probe: Probe,
  way: SignInWay,
  username: string,
  password: string,
  options: {
    readonly as?: string;
    readonly cookies?: Readonly<Record<string, string>>;
    readonly headers?: Readonly<Record<string, string | null>>;
    /** `impatient` for whoever looks for a limit. */
    readonly manner?: 'patient' | 'impatient';
  } = {},
): Promise<SignInAttempt> {
  const as = options.as ?? 'anonymous';
  let cookies = options.cookies ?? {};
  let { call } = way;
  if (way.page !== null) {
    const form = await openForm(probe, way, cookies, as);
    cookies = form.cookies;
    call = form.call;
  }
  let synchronizer: Credential['synchronizer'] = null;
  if (way.token !== undefined) {
    const given = await openToken(probe, way.token, cookies, as);
    cookies = given.cookies;
    synchronizer = given.synchronizer;
  }
  const filled = withSelected(withSelected(call, way.nameAt, username), way.passwordAt, password);
  const credential: Credential = { ...NO_CREDENTIAL, cookies, synchronizer };
  const changes = options.headers === undefined ? {} : { headers: options.headers };
  const exchange = await probe.send(
    requestOf(filled, credential, probe.origin, changes),
    as,
    options.manner,
  );
  const given = givenBy(exchange);
  if (exchange.answer !== null && exchange.answer.status < 400) {
    probe.reached.add(call.operation.id);
  }
  const lines = exchange.answer?.setCookies ?? [];
  // A sign-in that only keeps the cookie from before it gives nothing new (but see the fixation
  // check); one that sets a cookie adds it to the browser's others.
  const kept =
    lines.length > 0 && Object.keys(given.cookies).length > 0 ? cookiesOf(lines, cookies) : {};
  const attempt = { exchange, given: { tokens: given.tokens, cookies: kept } };
  const isRefusal = way.refusal !== null && isAnswerOf(answerIn(attempt), way.refusal);
  return isRefusal ? { exchange, given: { tokens: [], cookies: {} } } : attempt;
}

/** What tells this answer from others. */
export function answerIn({ exchange: { answer }, given }: SignInAttempt): SignInAnswer {
  return {
    status: answer?.status ?? 0,
    location: answer?.headers['location'] ?? '',
    gave: [...given.tokens.map(({ name }) => name), ...Object.keys(given.cookies)].join(' '),
  };
}

/** What wrong passwords are answered, as this one was: `/login?error` and `/login?locked` alike. */
export function refusalBy(wrong: SignInAttempt, right: SignInAttempt): SignInAnswer | null {
  if (!gaveSomething(wrong)) return null;
  const answer = answerIn(wrong);
  const place = placeIn(answer);
  return { ...answer, location: place === placeIn(answerIn(right)) ? answer.location : place };
}

/** Whether an answer is of this kind. */
export function isAnswerOf(answer: SignInAnswer, kind: SignInAnswer): boolean {
  const isThere = answer.location === kind.location || placeIn(answer) === kind.location;
  return answer.status === kind.status && answer.gave === kind.gave && isThere;
}

function placeIn({ location }: SignInAnswer): string {
  return location.split(/[?#]/)[0] ?? '';
}

/** Whether an attempt gave anything that could be a credential. */
export function gaveSomething({ given }: SignInAttempt): boolean {
  return given.tokens.length > 0 || Object.keys(given.cookies).length > 0;
}

/** The ways in which an operation could take a name and a password, the likeliest first. */
export function waysOf(operation: Operation): readonly SignInWay[] {
  const inQuery = queryWay(operation);
  if (inQuery !== null) return [inQuery];
  const body = preferredBody(operation);
  const contentType = body?.contentType || 'application/json';
  if (body !== null) {
    const built = buildBody(
      body,
      () => 'x',
      () => undefined,
    ).body;
    const ways = namesIn(built).flatMap((name) => {
      const least = leastOf(body.schema, built, name);
      return wayWith(operation, least, contentType) ?? [];
    });
    const whole = wayWith(operation, built, contentType);
    if (whole !== null) return distinct([...ways.slice(0, NAMES_MAX), whole]);
  }
  // The document does not say what it takes. These are what most take.
  const guesses: readonly Json[] = [
    { username: '', password: '' },
    { email: '', password: '' },
    { user: { email: '', password: '' } },
    { login: '', password: '' },
  ];
  const types =
    body === null ? ['application/json', 'application/x-www-form-urlencoded'] : [contentType];
  return types.flatMap((type) => guesses.flatMap((guess) => wayWith(operation, guess, type) ?? []));
}

function wayWith(operation: Operation, body: Json, contentType: string): SignInWay | null {
  const password = leavesOf(body).find(({ key }) => isPasswordField(key));
  const [name] = namesIn(body);
  if (name === undefined || password === undefined) return null;
  const at = (path: readonly (string | number)[]): Selector => ({
    in: 'body',
    name: path.join('.'),
    bodyPath: path,
  });
  const call = { operation, path: {}, query: {}, headers: {}, body: withChosen(body), contentType };
  return { call, nameAt: at(name.path), passwordAt: at(password.path), page: null, refusal: null };
}

/** Fields that choose the password among ways to sign in: RFC 6749 4.3.2, and what is usual. */
const CHOSEN: Readonly<Record<string, string>> = { grant_type: 'password', strategy: 'local' };

function withChosen(body: Json): Json {
  if (!isObject(body)) return body;
  const chosen = Object.entries(CHOSEN).filter(([name]) => name in body);
  return { ...body, ...Object.fromEntries(chosen) };
}

/** Several names are tried one by one, so that no other one stands beside them. */
const NAMES_MAX = 2;

/** Places for a name, the one that people type first. */
function namesIn(body: Json): readonly Leaf[] {
  return leavesOf(body)
    .filter(({ key }) => isNameField(key) && !isPasswordField(key))
    .toSorted((one, other) => nameRank(other.key) - nameRank(one.key));
}

/**
 * The body with this name, the password, and what is asked for or has its values listed: a code of
 * a second factor that was made up is refused where none would have been missed.
 */
function leastOf(schema: Schema, body: Json, name: Leaf): Json {
  const kept = new Set([
    name.path.join('.'),
    ...fieldsOf(schema)
      .filter(
        (field) =>
          isPasswordField(field.name) ||
          field.name in CHOSEN ||
          field.required ||
          Array.isArray(field.schema['enum']),
      )
      .map(({ path }) => path.join('.')),
  ]);
  const prune = (value: Json, path: readonly (string | number)[]): Json | undefined => {
    if (kept.has(path.join('.'))) return value;
    if (!isObject(value)) return undefined;
    const entries = Object.entries(value).flatMap(([key, inner]) => {
      const left = prune(inner, [...path, key]);
      return left === undefined ? [] : [[key, left] as const];
    });
    return entries.length === 0 && path.length > 0 ? undefined : Object.fromEntries(entries);
  };
  return prune(body, []) ?? body;
}

function distinct(ways: readonly SignInWay[]): readonly SignInWay[] {
  return [...new Map(ways.map((way) => [JSON.stringify(way.call.body), way])).values()];
}

function queryWay(operation: Operation): SignInWay | null {
  const inQuery = operation.parameters.filter(({ in: place }) => place === 'query');
  const name = inQuery.find((one) => isNameField(one.name));
  const password = inQuery.find((one) => isPasswordField(one.name));
  if (name === undefined || password === undefined) return null;
  const at = (parameter: string): Selector => ({ in: 'query', name: parameter, bodyPath: [] });
  const call = { operation, path: {}, query: {}, headers: {}, body: undefined, contentType: null };
  return { call, nameAt: at(name.name), passwordAt: at(password.name), page: null, refusal: null };
}

/** Of several fields the one that people type: a name before an address before a number. */
function nameRank(name: string): number {
  const order = ['phone', 'mobile', 'identifier', 'login', 'email', 'username'];
  return order.findIndex((word) => name.toLowerCase().replaceAll('_', '').includes(word));
}

async function openForm(
  probe: Probe,
  way: SignInWay,
  cookies: Readonly<Record<string, string>>,
  as: string,
): Promise<{ call: Call; cookies: Readonly<Record<string, string>> }> {
  const page = {
    method: 'GET',
    path: way.page ?? '/',
    body: null,
    headers: { accept: 'text/html', ...cookieHeader(cookies) },
  };
  const { answer } = await probe.send(page, as);
  if (answer === null) return { call: way.call, cookies };
  const form = formsOf(answer.text).find(({ fields }) =>
    fields.some(({ type }) => type === 'password'),
  );
  const hidden = (form?.fields ?? []).filter(({ type }) => type === 'hidden');
  const body = {
    ...(way.call.body as object),
    ...Object.fromEntries(hidden.map(({ name, value }) => [name, value])),
  };
  return { call: { ...way.call, body }, cookies: cookiesOf(answer.setCookies, cookies) };
}

/** Asks for a token, with the cookies that it belongs to. */
export async function openToken(
  probe: Probe,
  { path, header }: TokenSource,
  before: Readonly<Record<string, string>>,
  as: string,
): Promise<Pick<Credential, 'cookies' | 'synchronizer'>> {
  const headers = { accept: 'application/json, text/html;q=0.9', ...cookieHeader(before) };
  const exchange = await probe.send({ method: 'GET', path, headers, body: null }, as);
  const cookies = cookiesOf(exchange.answer?.setCookies ?? [], before);
  return { cookies, synchronizer: synchronizerOf([exchange], cookies, header) };
}

function cookieHeader(cookies: Readonly<Record<string, string>>): Record<string, string> {
  const pairs = Object.entries(cookies).map(([name, value]) => `${name}=${value}`);
  return pairs.length === 0 ? {} : { cookie: pairs.join('; ') };
}
