import { type RequestHead, headerValues } from './request-head.ts';

/** The kinds of body that we read: a script sends `json`, a page without script sends `form`. */
export type BodyType = 'json' | 'form';

// One optional parameter, which must be charset=utf-8, and plain spaces around its semicolon. Less
// than RFC 9110 8.3.1 allows: no tab, no empty parameter, no quoted-pair. `i` without `u` folds
// ASCII letters only.
const ACCEPTED = /^application\/(json|x-www-form-urlencoded)(?: *; *charset=(?:utf-8|"utf-8"))?$/i;

/**
 * The one reading of `Content-Type`, for the choice of parser, of schema and of the checks alike.
 * `none` when the header is absent, `unsupported` for everything but the two types we know.
 *
 * Fails towards 415: four advisories in a row came from two readings of one header that disagreed
 * about tabs, spaces or what follows the type, so odd but legal spellings are refused too.
 * `json` cannot be sent across origins without a preflight; `form` can, and so can a request with
 * no type at all, so a caller lets only `json` through without a token.
 * RFC 9110 8.3, Fetch "CORS-safelisted request-header", CWE-436, ASVS 3.5.2.
 */
export function parseContentType(head: RequestHead): BodyType | 'none' | 'unsupported' {
  const values = headerValues(head, 'content-type');
  const value = values[0];
  if (value === undefined) return 'none';
  if (values.length > 1) return 'unsupported';
  const subtype = ACCEPTED.exec(value)?.[1];
  if (subtype === undefined) return 'unsupported';
  return subtype.toLowerCase() === 'json' ? 'json' : 'form';
}
