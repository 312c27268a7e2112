import { describe, expect, test } from 'vitest';
import { PROBLEMS, type ProblemCode, problem } from '../../src/http/problem.ts';

const id = '0198c3de-7b1c-7c2e-9a55-0b6f3a1d2e4f';

describe('problem', () => {
  test('has the members of RFC 9457 and our code', () => {
    expect(problem('not-found', id)).toStrictEqual({
      type: 'urn:sallyport:problem:not-found',
      title: 'There is nothing here.',
      status: 404,
      code: 'not-found',
      instance: `urn:uuid:${id}`,
    });
  });

  test('lists the fields that need to be corrected, where there are any', () => {
    const errors = [{ field: 'email', reason: 'Not an email address.' }];
    expect(problem('invalid-fields', id, errors).errors).toEqual(errors);
    expect(Object.keys(problem('invalid-fields', id))).not.toContain('errors');
  });
});

describe('PROBLEMS', () => {
  test('is this closed catalogue of codes and statuses', () => {
    const statuses = Object.entries(PROBLEMS).map(([code, { status }]) => [code, status]);
    expect(Object.fromEntries(statuses)).toEqual({
      'ambiguous-request': 400,
      'malformed-request': 400,
      'invalid-fields': 400,
      'duplicate-cookie': 400,
      'account-exists': 409,
      'invalid-token': 400,
      'not-signed-in': 401,
      'malformed-authorization': 401,
      'bearer-not-accepted': 403,
      'two-principals': 400,
      'wrong-credentials': 401,
      'step-up-required': 401,
      'second-factor-required': 401,
      'second-factor-missing': 403,
      'sign-in-over': 401,
      'provider-refused': 401,
      'provider-unreachable': 503,
      'provider-address-unproved': 403,
      'provider-not-linked': 409,
      'provider-taken': 409,
      'already-set-up': 409,
      'password-compromised': 403,
      'too-many': 409,
      'last-way-in': 409,
      'foreign-origin': 403,
      'synchronizer-token-mismatch': 403,
      forbidden: 403,
      'not-found': 404,
      'method-not-allowed': 405,
      'idempotency-key-malformed': 400,
      'idempotency-key-reused': 409,
      'idempotency-key-in-use': 409,
      'idempotency-answer-not-kept': 409,
      'request-timeout': 408,
      'tenant-not-selected': 409,
      'tenant-deleted': 403,
      'above-own-level': 403,
      'last-owner': 409,
      'tenant-proof-required': 401,
      'tenant-factor-missing': 403,
      'policy-unmet': 409,
      'built-in-role': 409,
      'role-in-use': 409,
      'body-too-large': 413,
      'too-many-attempts': 429,
      'unsupported-media-type': 415,
      'foreign-host': 421,
      'main-origin-only': 421,
      'header-too-large': 431,
      internal: 500,
      'upstream-failed': 502,
      'upstream-unavailable': 503,
      'upstream-timeout': 504,
      'outcome-unknown': 503,
      busy: 503,
      'database-unavailable': 503,
    } satisfies Record<ProblemCode, number>);
  });

  test('titles are short sentences for a person', () => {
    for (const { title } of Object.values(PROBLEMS)) {
      expect(title).toMatch(/^[A-Z].*\.$/);
      expect(title.length).toBeLessThan(90);
    }
  });

  test('titles do not tell which check refused, or what exists [CWE-204] [CWE-209]', () => {
    const telling = /csrf|synchronizer|session|expired|unknown|sql|e-?mail|account/i;
    for (const { title } of Object.values(PROBLEMS)) expect(title).not.toMatch(telling);
  });
});
