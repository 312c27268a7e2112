import { createHmac, sign as signWith, type KeyObject } from 'node:crypto';
import type { Credential } from './actor.ts';
import { isObject, type JsonObject, parseJson } from './json.ts';

/** A signed token as text, taken apart but not verified. RFC 7519, RFC 7515 7.1. */
export interface Token {
  readonly text: string;
  readonly header: JsonObject;
  /** The header's `alg`. */
  readonly algorithm: string;
  readonly claims: JsonObject;
}

const FORM = /eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g;

/** The token of exactly this text, or null where it is none. */
export function parseToken(text: string): Token | null {
  const parts = text.split('.');
  if (parts.length !== 3) return null;
  const [header, claims] = parts
    .slice(0, 2)
    .map((part) => parseJson(Buffer.from(part, 'base64url').toString('utf8')));
  if (!isObject(header) || !isObject(claims)) return null;
  const { alg: algorithm } = header;
  return typeof algorithm === 'string' ? { text, header, algorithm, claims } : null;
}

/** Every signed token in a text, in its order, each once. */
export function tokensIn(text: string): readonly Token[] {
  const found = new Set(text.match(FORM));
  return [...found].map(parseToken).filter((token) => token !== null);
}

/** The signed tokens that a credential carries, wherever it carries them. */
export function tokensOf(credential: Credential): readonly Token[] {
  const { headers, cookies, query, fields } = credential;
  const values = [headers, cookies, query, fields].flatMap((place) => Object.values(place));
  return tokensIn(values.join('\n'));
}

/** Only what carries this token, so that nothing beside it can be what signs in. */
export function onlyToken(credential: Credential, { text }: Token): Credential {
  const carriers = (place: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(place).filter(([, value]) => value.includes(text)));
  return {
    headers: carriers(credential.headers),
    cookies: carriers(credential.cookies),
    query: carriers(credential.query),
    fields: carriers(credential.fields),
    synchronizer: null,
  };
}

/** The same credential with another text in every place that the token stands in. */
export function withToken(credential: Credential, { text }: Token, other: string): Credential {
  const replaced = (place: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(place).map(([name, value]) => [name, value.replaceAll(text, other)]),
    );
  return {
    ...credential,
    headers: replaced(credential.headers),
    cookies: replaced(credential.cookies),
    query: replaced(credential.query),
    fields: replaced(credential.fields),
  };
}

/** The part that a signature is made of. */
export function signingInput(header: JsonObject, claims: JsonObject): string {
  return `${encode(header)}.${encode(claims)}`;
}

/** A token with a MAC by this key; the algorithm is HS256, HS384 or HS512. */
export function macToken(
  header: JsonObject,
  algorithm: string,
  claims: JsonObject,
  key: string | Buffer,
): string {
  const input = signingInput({ ...header, alg: algorithm }, claims);
  const mac = createHmac(hashOf(algorithm), key).update(input);
  return `${input}.${mac.digest('base64url')}`;
}

/** A token with a signature by this private key: RS256 or ES256. */
export function signedToken(header: JsonObject, claims: JsonObject, key: KeyObject): string {
  const input = signingInput(header, claims);
  const signature = signWith('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

/** The hash of an algorithm by its name: HS384 has SHA-384. */
export function hashOf(algorithm: string): string {
  return `sha${/(256|384|512)$/.exec(algorithm)?.[1] ?? '256'}`;
}

/**
 * The token with another signature of the same length. The change is in the middle: the last
 * character of a signature has bits that mean nothing, and may decode to the same bytes.
 */
export function withAlteredSignature({ text }: Token, offset: number): string {
  const [header = '', claims = '', signature = ''] = text.split('.');
  if (signature === '')
    return `${header}.${claims}.${Buffer.alloc(32, offset + 1).toString('base64url')}`;
  const middle = Math.floor(signature.length / 2) + offset;
  const other = signature[middle] === 'A' ? 'B' : 'A';
  return `${header}.${claims}.${signature.slice(0, middle)}${other}${signature.slice(middle + 1)}`;
}

function encode(part: JsonObject): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
