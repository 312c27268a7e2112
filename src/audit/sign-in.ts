import { type Credential, NO_CREDENTIAL } from './actor.ts';
import { buildBody, preferredBody } from './bodies.ts';
import { type Call, requestOf, type Selector, withSelected } from './call.ts';
import type { Exchange } from './exchange.ts';
import { type Json, leavesOf } from './json.ts';
import type { Operation } from './operation.ts';
import { formsOf } from './page.ts';
import type { Probe } from './probe.ts';
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
  const filled = withSelected(withSelected(call, way.nameAt, username), way.passwordAt, password);
  const credential: Credential = { ...NO_CREDENTIAL, cookies };
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
  return { exchange, given: { tokens: given.tokens, cookies: kept } };
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
    const way = wayWith(operation, built, contentType);
    if (way !== null) return [way];
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
  const leaves = leavesOf(body);
  const password = leaves.find(({ key }) => isPasswordField(key));
  const names = leaves.filter(({ key }) => isNameField(key) && !isPasswordField(key));
  const [name] = names.toSorted((one, other) => nameRank(other.key) - nameRank(one.key));
  if (name === undefined || password === undefined) return null;
  const at = (path: readonly (string | number)[]): Selector => ({
    in: 'body',
    name: path.join('.'),
    bodyPath: path,
  });
  const call = { operation, path: {}, query: {}, headers: {}, body: withGrant(body), contentType };
  return { call, nameAt: at(name.path), passwordAt: at(password.path), page: null };
}

/** OAuth's password grant names itself. RFC 6749 4.3.2. */
function withGrant(body: Json): Json {
  if (typeof body !== 'object' || body === null || !('grant_type' in body)) return body;
  return { ...body, grant_type: 'password' };
}

function queryWay(operation: Operation): SignInWay | null {
  const inQuery = operation.parameters.filter(({ in: place }) => place === 'query');
  const name = inQuery.find((one) => isNameField(one.name));
  const password = inQuery.find((one) => isPasswordField(one.name));
  if (name === undefined || password === undefined) return null;
  const at = (parameter: string): Selector => ({ in: 'query', name: parameter, bodyPath: [] });
  const call = { operation, path: {}, query: {}, headers: {}, body: undefined, contentType: null };
  return { call, nameAt: at(name.name), passwordAt: at(password.name), page: null };
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

function cookieHeader(cookies: Readonly<Record<string, string>>): Record<string, string> {
  const pairs = Object.entries(cookies).map(([name, value]) => `${name}=${value}`);
  return pairs.length === 0 ? {} : { cookie: pairs.join('; ') };
}
