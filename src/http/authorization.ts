import { headerValues, type RequestHead } from './request-head.ts';

/** What a request's Authorization header says. */
export type AuthorizationReading =
  | { readonly kind: 'none' }
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'malformed' };

/** Above every token that is taken, and below what a header may have. */
const TOKEN_CHARACTERS_MAX = 8_192;

/** RFC 6750 2.1: the scheme in any case, spaces, and a token of these characters alone. */
const BEARER = /^bearer +([\w.~+/-]+=*)$/i;

/**
 * Reads the one bearer token that a request presents. Two headers, another scheme and whatever is
 * no token are malformed, and never an error of ours: which of two somebody means is a guess, and
 * what was meant for another scheme is no token (R-64, R-65, CWE-436, ASVS 9.2.2). A token in an
 * address or a body is none.
 */
export function readAuthorization(head: RequestHead): AuthorizationReading {
  const [value, ...more] = headerValues(head, 'authorization');
  if (value === undefined) return { kind: 'none' };
  if (more.length > 0 || value.length > TOKEN_CHARACTERS_MAX) return { kind: 'malformed' };
  const token = BEARER.exec(value)?.[1];
  return token === undefined ? { kind: 'malformed' } : { kind: 'bearer', token };
}

/** Why a request with a bearer credential, or without any, gets a challenge. */
export type BearerRefusal = 'no-credential' | 'malformed' | 'refused' | 'forbidden';

const CHALLENGES: Readonly<Record<BearerRefusal, string>> = {
  'no-credential': 'Bearer',
  malformed: 'Bearer error="invalid_request"',
  refused: 'Bearer error="invalid_token"',
  forbidden: 'Bearer error="insufficient_scope"',
};

/** The value of WWW-Authenticate: the same for every way in which a token is not taken. */
export function bearerChallenge(refusal: BearerRefusal): string {
  return CHALLENGES[refusal];
}
