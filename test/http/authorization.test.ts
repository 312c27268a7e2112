import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readAuthorization } from '../../src/http/authorization.ts';

const headOf = (...values: readonly string[]) => ({
  rawHeaders: values.flatMap((value) => ['Authorization', value]),
});

describe('one bearer token [R-64] [ASVS 9.2.2]', () => {
  test.each(['Bearer abc', 'bearer abc', 'BEARER abc', 'Bearer   abc'])('%j', (value) => {
    expect(readAuthorization(headOf(value))).toEqual({ kind: 'bearer', token: 'abc' });
  });

  test('in all characters that a token may have (RFC 6750 2.1)', () => {
    const token = 'AZaz09-._~+/==';
    expect(readAuthorization(headOf(`Bearer ${token}`))).toEqual({ kind: 'bearer', token });
  });

  test('is there or it is not', () => {
    expect(readAuthorization(headOf())).toEqual({ kind: 'none' });
    expect(readAuthorization({ rawHeaders: ['X-Authorization', 'Bearer abc'] })).toEqual({
      kind: 'none',
    });
  });
});

describe('whatever else is malformed, and never an error [R-65] [CWE-436]', () => {
  test.each([
    ['another scheme', 'Basic YWRhOmFkYQ=='],
    ['another scheme that begins alike', 'Bearers abc'],
    ['a token alone', 'abc'],
    ['the scheme alone', 'Bearer'],
    ['no token', 'Bearer '],
    ['two tokens', 'Bearer abc def'],
    ['two tokens in a list', 'Bearer abc, Bearer def'],
    ['a tab in between', 'Bearer\tabc'],
    ['no blank in between', 'Bearer:abc'],
    ['percent-encoding', 'Bearer %E0%A4%A'],
    ['NUL', 'Bearer abc\0'],
    ['what is no ASCII', 'Bearer \u00e4bc'],
    ['padding inside', 'Bearer a=bc'],
    ['quotes', 'Bearer "abc"'],
    ['blanks around', ' Bearer abc '],
    ['a very long one', `Bearer ${'a'.repeat(9_000)}`],
    ['nothing', ''],
  ])('%s', (_, value) => {
    expect(readAuthorization(headOf(value))).toEqual({ kind: 'malformed' });
  });

  test('two headers, the same twice too', () => {
    expect(readAuthorization(headOf('Bearer abc', 'Bearer abc'))).toEqual({ kind: 'malformed' });
    expect(readAuthorization(headOf('', 'Bearer abc'))).toEqual({ kind: 'malformed' });
  });

  test('any text at all that is not one token', () => {
    const isToken = /^bearer +[\w.~+/-]+=*$/i;
    const taken = fc.sample(fc.string({ unit: 'binary' }), 500).filter((text) => {
      return readAuthorization(headOf(text)).kind === 'bearer' && !isToken.test(text);
    });
    expect(taken).toEqual([]);
  });
});
