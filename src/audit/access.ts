import { type Account, type Credential, NO_CREDENTIAL } from './actor.ts';
import type { Call } from './call.ts';
import { shows } from './canary.ts';
import { isReadable, needsInput } from './dangers.ts';
import { type Exchange, isGranted, isRefused } from './exchange.ts';
import type { Chosen } from './knowledge.ts';
import type { Operation, SecurityScheme } from './operation.ts';
import { choicesFor } from './purposes.ts';
import { type AccessWays, type Run, send } from './run.ts';
import {
  answerIn,
  attemptSignIn,
  gaveSomething,
  isAnswerOf,
  openToken,
  refusalBy,
  type SignInAttempt,
  type SignInWay,
  type TokenSource,
  waysOf,
} from './sign-in.ts';
import { documentedHeader } from './synchronizer.ts';
import { carried, type Given, type Transport, transportsFor } from './transport.ts';

/** A call that was answered to nobody: what a credential is told by. */
interface Tell {
  readonly call: Call;
  readonly anonymous: Exchange;
}

export interface LearnedAccess {
  readonly ways: AccessWays;
  readonly chosen: Chosen | null;
  /** Why no way was found, for people; null where one was. */
  readonly problem: string | null;
}

type AccessRun = Pick<Run, 'probe' | 'origin' | 'operations' | 'progress' | 'pinned'>;

type PasswordAccount = Extract<Account, { kind: 'password' }>;

const CANDIDATES_MAX = 8;

const TELLS_MAX = 6;

/**
 * Finds how an account with a name and a password signs in, and how what that gives is carried, by
 * doing it: the right password gives something that a wrong one does not, and with it some read
 * is answered that nobody else is answered. At most one wrong password is sent to each candidate
 * that took the right one.
 */
export async function learnAccess(
  run: AccessRun,
  account: PasswordAccount,
  schemes: readonly SecurityScheme[],
  forms: readonly SignInWay[],
): Promise<LearnedAccess> {
  const tells = await findTells(run);
  const candidates = choicesFor(run, 'sign-in').slice(0, CANDIDATES_MAX);
  const ways: { readonly way: SignInWay; readonly chosen: Chosen }[] = [
    ...candidates.flatMap((chosen) =>
      inOrder(waysOf(chosen.operation), account).map((way) => ({ way, chosen })),
    ),
    ...forms.map((way) => ({ way, chosen: chosenForm(way) })),
  ];
  let problem = ways.length === 0 ? 'no operation looks like a sign-in' : '';
  for (const { way, chosen } of ways) {
    const attempt = await attemptSignIn(run.probe, way, account.username, account.password, {
      as: 'a',
    });
    if (!gaveSomething(attempt) && way.token === undefined && way.page === null) {
      // Refused perhaps for want of a token, which something gives to nobody.
      const token = isForbidden(attempt) ? await tokenSource(run, way) : null;
      if (token !== null) ways.push({ way: { ...way, token }, chosen });
    }
    if (!gaveSomething(attempt)) {
      problem ||= `${chosen.operation.id} did not accept the account's password: ${attempt.exchange.answer?.status ?? attempt.exchange.failure}`;
      continue;
    }
    const wrong = await attemptSignIn(run.probe, way, account.username, `${account.password}x`, {});
    if (givesTheSame(attempt, wrong)) {
      problem = `${chosen.operation.id} gives the same for a wrong password`;
      continue;
    }
    const found = await findTransport(run, attempt, schemes, tells);
    const ambient = await findAmbient(run, attempt, tells, found);
    const learned: AccessWays = {
      signIn: { ...way, refusal: refusalBy(wrong, attempt) },
      transport: found,
      ambient,
      basic: false,
      synchronizerPaths: [],
      synchronizerHeader: documentedHeader(run.operations),
    };
    return { ways: learned, chosen: { ...chosen, confirmed: true }, problem: null };
  }
  const basic = await findBasic(run, account, tells);
  if (basic !== null) return { ways: basic, chosen: null, problem: null };
  return { ways: NO_WAYS, chosen: null, problem };
}

/** An address is tried where an address is asked for first, and a name where a name is. */
function inOrder(ways: readonly SignInWay[], { username }: PasswordAccount): readonly SignInWay[] {
  const fits = ({ nameAt }: SignInWay) => /mail/i.test(nameAt.name) === username.includes('@');
  return ways.toSorted((one, other) => Number(fits(other)) - Number(fits(one)));
}

function isForbidden({ exchange: { answer } }: SignInAttempt): boolean {
  return answer !== null && [400, 403, 419, 422].includes(answer.status);
}

/** The first of the likely places that gives nobody a token against cross-site requests. */
async function tokenSource(run: AccessRun, { call }: SignInWay): Promise<TokenSource | null> {
  const named = run.operations.filter(
    ({ method, path, name }) => method === 'GET' && /csrf|xsrf/i.test(`${path} ${name}`),
  );
  const header = documentedHeader(run.operations);
  const paths = [...named.map(({ path }) => path), call.operation.path, '/'];
  for (const path of new Set(paths.filter((one) => !one.includes('{')))) {
    const { synchronizer } = await openToken(run.probe, { path, header }, {}, 'anonymous');
    if (synchronizer !== null) return { path, header };
  }
  return null;
}

/** Where every credential was given. */
export const NO_WAYS: AccessWays = {
  signIn: null,
  transport: null,
  ambient: null,
  basic: false,
  synchronizerPaths: [],
  synchronizerHeader: null,
};

/** The credential of HTTP's own sign-in. RFC 7617. */
export function basicCredential(username: string, password: string): Credential {
  const encoded = Buffer.from(`${username}:${password}`).toString('base64');
  return { ...NO_CREDENTIAL, headers: { authorization: `Basic ${encoded}` } };
}

/** A call without any value. */
export function plainCall(operation: Operation): Call {
  return { operation, path: {}, query: {}, headers: {}, body: undefined, contentType: null };
}

/** Reads that say no to nobody, the likeliest who-am-I first. */
async function findTells(run: AccessRun): Promise<readonly Tell[]> {
  const likely = choicesFor(run, 'who-am-i').map(({ operation }) => operation);
  const others = run.operations.filter(
    (one) => isReadable(one) && !needsInput(one) && one.security !== 'none',
  );
  const tells: Tell[] = [];
  const spare: Tell[] = [];
  for (const operation of [...new Set([...likely, ...others])].slice(0, 24)) {
    if (tells.length >= TELLS_MAX) break;
    if (!isReadable(operation)) continue;
    const call = plainCall(operation);
    const anonymous = await send(run, call, { label: 'anonymous', credential: NO_CREDENTIAL });
    if (isRefused(anonymous) && anonymous.answer?.status !== 404) tells.push({ call, anonymous });
    else spare.push({ call, anonymous });
  }
  return [...tells, ...spare.slice(0, TELLS_MAX)];
}

async function findTransport(
  run: AccessRun,
  { given }: SignInAttempt,
  schemes: readonly SecurityScheme[],
  tells: readonly Tell[],
): Promise<Transport | null> {
  const transports = transportsFor(given, schemes);
  for (const tell of tells) {
    for (const transport of transports) {
      if (await isTold(run, given, transport, tell)) return transport;
    }
  }
  for (const tell of tells) {
    const only = await onlyGranted(run, given, transports, tell);
    if (only !== null) return only;
  }
  // Nothing tells them apart. The likeliest is taken; no control will hold, and the report says so.
  return transports[0] ?? null;
}

/**
 * The way to spell a header that is answered where others are refused: what nobody needs a
 * credential for may refuse one that it does not understand.
 */
async function onlyGranted(
  run: AccessRun,
  given: Given,
  transports: readonly Transport[],
  tell: Tell,
): Promise<Transport | null> {
  if (!isGranted(tell.anonymous)) return null;
  const spellings = transports.filter(({ name }) => name.toLowerCase() === 'authorization');
  const granted: Transport[] = [];
  for (const transport of spellings) {
    const credential = carried(given, transport);
    if (credential === null) continue;
    if (isGranted(await send(run, tell.call, { label: 'a', credential }))) granted.push(transport);
  }
  const [first] = granted;
  return first !== undefined && granted.length < spellings.length ? first : null;
}

/** Whether the cookies alone are enough: what browsers send by themselves. */
async function findAmbient(
  run: AccessRun,
  { given }: SignInAttempt,
  tells: readonly Tell[],
  found: Transport | null,
): Promise<Transport | null> {
  if (found?.in === 'cookie' || found?.in === 'none') return found;
  if (Object.keys(given.cookies).length === 0) return null;
  const cookies: Transport = { token: null, in: 'none', name: '', prefix: '', withCookies: true };
  for (const tell of tells) if (await isTold(run, given, cookies, tell)) return cookies;
  return null;
}

async function isTold(run: AccessRun, given: Given, way: Transport, tell: Tell): Promise<boolean> {
  const credential = carried(given, way);
  if (credential === null) return false;
  return tellsApart(tell, await send(run, tell.call, { label: 'a', credential }));
}

async function findBasic(
  run: AccessRun,
  { username, password }: PasswordAccount,
  tells: readonly Tell[],
): Promise<AccessWays | null> {
  const credential = basicCredential(username, password);
  for (const tell of tells) {
    const asked = /\bbasic\b/i.test(tell.anonymous.answer?.headers['www-authenticate'] ?? '');
    const isDescribed = tell.call.operation.schemes.some(({ type }) => type === 'basic');
    if (!asked && !isDescribed) continue;
    if (tellsApart(tell, await send(run, tell.call, { label: 'a', credential }))) {
      return { ...NO_WAYS, basic: true };
    }
  }
  return null;
}

/** Whether an answer shows that the credential was taken, by what nobody got for the same. */
function tellsApart({ anonymous }: Tell, exchange: Exchange): boolean {
  if (!isGranted(exchange)) return false;
  if (isRefused(anonymous)) return true;
  // Both are answered: some APIs say `{"user": null}` to nobody.
  if (!isGranted(anonymous)) return false;
  const before = anonymous.answer?.text ?? '';
  const after = exchange.answer?.text ?? '';
  return after.length > before.length && !shows(exchange.answer, before);
}

/** Whether two attempts gave credentials by the same names: then neither is one. */
function givesTheSame(right: SignInAttempt, wrong: SignInAttempt): boolean {
  if (!gaveSomething(wrong)) return false;
  return isAnswerOf(answerIn(right), answerIn(wrong));
}

function chosenForm(way: SignInWay): Chosen {
  const { operation } = way.call;
  return {
    operation,
    purpose: 'sign-in',
    score: 50,
    signals: ['form with a password'],
    confirmed: false,
  };
}
