import { type Credential, NO_CREDENTIAL } from './actor.ts';
import type { Exchange } from './exchange.ts';
import { leavesOf } from './json.ts';
import type { SecurityScheme } from './operation.ts';
import { snake } from './words.ts';

/** A secret that an answer to a sign-in gave, and where it stood. */
export interface GivenToken {
  /** The name of the field or the header. */
  readonly name: string;
  readonly value: string;
}

/** What an answer to a sign-in gave: both lists are empty where it gave nothing. */
export interface Given {
  /** The likeliest access token first. */
  readonly tokens: readonly GivenToken[];
  readonly cookies: Readonly<Record<string, string>>;
}

/** How a target wants its credential. Plain data, so that each new session is carried alike. */
export interface Transport {
  /** The token's field, or null where only the cookies are sent. */
  readonly token: string | null;
  readonly in: 'header' | 'query' | 'cookie' | 'none';
  /** The header, parameter or cookie. */
  readonly name: string;
  /** What stands before the token: `Bearer `. */
  readonly prefix: string;
  readonly withCookies: boolean;
}

export const JWT = /^[\w-]{8,}\.[\w-]{4,}\.[\w-]*$/;

const TOKEN_NAME =
  /(^|_)(access_?token|token|jwt|id_?token|auth_?token|session_?(id|token|key)?|api_?key|bearer|key|accesstoken|sid|authorization|authentication|auth)$/;

/** A token of another use: it is not tried first. */
const OTHER_TOKEN = /(refresh|csrf|xsrf|reset|verif|confirm|device|expires|type|id_token)/;

const TOKEN_HEADERS = [
  'authorization',
  'x-auth-token',
  'x-access-token',
  'x-token',
  'x-session-token',
  'x-authorization',
];

/** What the answer gave that a credential could be made of. */
export function givenBy({ answer }: Exchange): Given {
  if (answer === null || answer.status >= 400) return { tokens: [], cookies: {} };
  const inBody = leavesOf(answer.json).flatMap(({ key, value }) =>
    typeof value === 'string' && looksLikeToken(key, value)
      ? [{ name: key, value: bare(value) }]
      : [],
  );
  // A body that is the token and nothing else, with or without quotes.
  const text = answer.text.trim();
  const whole = answer.json === undefined && JWT.test(text) ? [{ name: '', value: text }] : [];
  const inHeaders = TOKEN_HEADERS.flatMap((name) => {
    const value = answer.headers[name];
    return value === undefined || value === '' ? [] : [{ name, value: bare(value) }];
  });
  const tokens = [...inBody, ...whole, ...inHeaders].toSorted(
    (one, other) => rank(other) - rank(one),
  );
  return { tokens, cookies: cookiesOf(answer.setCookies) };
}

/** The cookies that lines of Set-Cookie leave in a jar. RFC 6265bis 5.6. */
export function cookiesOf(
  lines: readonly string[],
  jar: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const left: Record<string, string> = { ...jar };
  for (const line of lines) {
    const [pair = '', ...attributes] = line.split(';');
    const at = pair.indexOf('=');
    const name = pair.slice(0, at).trim();
    const value = pair.slice(at + 1).trim();
    if (at < 1) continue;
    const isDeleted = attributes.some(
      (one) =>
        /^\s*max-age\s*=\s*(0|-\d+)\s*$/i.test(one) || /^\s*expires\s*=.*\b19[67]\d\b/i.test(one),
    );
    if (isDeleted || value === '' || value === '""') delete left[name];
    else left[name] = value;
  }
  return left;
}

/** The ways to carry what was given, the likeliest first. */
export function transportsFor(
  given: Given,
  schemes: readonly SecurityScheme[],
): readonly Transport[] {
  const hasCookies = Object.keys(given.cookies).length > 0;
  const ways: Transport[] = [];
  // What stands in an address is copied, logged and passed on: the last of the documented ways.
  const keys = schemes
    .filter(({ type }) => type === 'apiKey')
    .toSorted((one, other) => Number(one.in === 'query') - Number(other.in === 'query'));
  for (const { name: token } of given.tokens.slice(0, 3)) {
    for (const { in: place, key } of keys) {
      if (key === null || place === null) continue;
      // An API key called Authorization is mostly a bearer token that was described badly.
      const prefixes = key.toLowerCase() === 'authorization' ? ['Bearer ', ''] : ['', 'Bearer '];
      for (const prefix of prefixes) {
        ways.push({ token, in: place, name: key, prefix, withCookies: false });
      }
    }
    const header = (name: string, prefix: string): Transport => ({
      token,
      in: 'header',
      name,
      prefix,
      withCookies: false,
    });
    ways.push(
      header('authorization', 'Bearer '),
      header('authorization', 'Token '),
      header('authorization', 'JWT '),
      header('authorization', ''),
      header('x-auth-token', ''),
      header('x-access-token', ''),
      header('x-token', ''),
      header('x-api-key', ''),
      header('x-session-token', ''),
      { token, in: 'cookie', name: token === '' ? 'token' : token, prefix: '', withCookies: false },
      { token, in: 'query', name: token === '' ? 'token' : token, prefix: '', withCookies: false },
    );
  }
  const cookiesAlone: Transport = {
    token: null,
    in: 'none',
    name: '',
    prefix: '',
    withCookies: true,
  };
  if (!hasCookies) return unique(ways);
  const bearerFirst = ways.slice(0, 2);
  const both = ways.slice(0, 3).map((way) => ({ ...way, withCookies: true }));
  return unique([...bearerFirst, cookiesAlone, ...ways, ...both]);
}

/** The credential that this way makes of what was given, or null where its token is missing. */
export function carried(given: Given, way: Transport): Credential | null {
  const cookies = way.withCookies ? given.cookies : {};
  if (way.in === 'none') {
    return Object.keys(cookies).length === 0 ? null : { ...NO_CREDENTIAL, cookies };
  }
  const token = given.tokens.find(({ name }) => name === way.token) ?? given.tokens[0];
  if (token === undefined) return null;
  const value = `${way.prefix}${token.value}`;
  if (way.in === 'header') return { ...NO_CREDENTIAL, cookies, headers: { [way.name]: value } };
  if (way.in === 'query') return { ...NO_CREDENTIAL, cookies, query: { [way.name]: value } };
  return { ...NO_CREDENTIAL, cookies: { ...cookies, [way.name]: value } };
}

function looksLikeToken(key: string, value: string): boolean {
  if (JWT.test(bare(value))) return true;
  if (!TOKEN_NAME.test(snake(key)) || /\s/.test(bare(value))) return false;
  // Some count their sessions; but a key of three letters is the name of something.
  const least = /token|jwt|session/.test(snake(key)) ? 4 : 8;
  return value.length >= least && !/^(bearer|jwt|token|true|false|null|none)$/i.test(value);
}

function bare(value: string): string {
  return value.replace(/^(bearer|token|jwt)\s+/i, '').trim();
}

function rank({ name, value }: GivenToken): number {
  const words = snake(name);
  const other = OTHER_TOKEN.test(words) ? -10 : 0;
  const access = words.includes('access') ? 4 : 0;
  return (JWT.test(value) ? 3 : 0) + (TOKEN_NAME.test(words) ? 3 : 0) + access + other;
}

function unique(ways: readonly Transport[]): readonly Transport[] {
  return [...new Map(ways.map((way) => [JSON.stringify(way), way])).values()];
}
