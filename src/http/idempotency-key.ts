import { headerValues, type RequestHead } from './request-head.ts';

export type IdempotencyKey =
  | { readonly kind: 'none' }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'present'; readonly text: string };

/**
 * The header Idempotency-Key: 1 to 255 visible ASCII characters, taken as they are, quotes
 * included. Two of them are none: which one an intermediary goes by cannot be told (CWE-444).
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
export function readIdempotencyKey(head: RequestHead): IdempotencyKey {
  const values = headerValues(head, 'idempotency-key');
  if (values.length === 0) return { kind: 'none' };
  const [text = ''] = values;
  if (values.length > 1 || !/^[!-~]{1,255}$/.test(text)) return { kind: 'malformed' };
  return { kind: 'present', text };
}
