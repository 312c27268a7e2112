import { describe, expect, test } from 'vitest';
import { corsHeaders, preflightHeaders } from '../../src/http/cors.ts';
import type { RequestHead } from '../../src/http/request-head.ts';
import { postWith } from './heads.ts';

const trusted = ['https://app.example', 'https://other.example:8443'];

/** What a browser asks before it sends what no form could send. */
function preflightFrom(
  origin: string,
  changed: Readonly<Record<string, string[]>> = {},
): RequestHead {
  const lines = { Origin: origin, 'Access-Control-Request-Method': 'PATCH', ...changed };
  return { ...postWith(lines), method: 'OPTIONS' };
}

const foreign = [
  'https://evil.example',
  'null',
  '',
  '*',
  'http://app.example',
  'https://app.example:443',
  'https://app.example:8443',
  'https://other.example',
  'https://APP.example',
  'HTTPS://app.example',
  'https://app.example/',
  'https://app.example.',
  'https://app.example.evil.example',
  'https://app.exampl',
  'https://evil-app.example',
  'https://x.app.example',
  'https://app.example@evil.example',
  'https://app.example https://evil.example',
  'https://app.example, https://evil.example',
  'https://app.example,https://other.example:8443',
  ' https://app.example',
];

describe('corsHeaders', () => {
  test.each(trusted)('lets the scripts of %s read, by its own name and never by *', (origin) => {
    expect(corsHeaders(postWith({ Origin: origin }), trusted)).toEqual({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
    });
  });

  test.each(foreign)('says nothing to %j, however near [CWE-942] [ASVS 3.4.2]', (origin) => {
    expect(corsHeaders(postWith({ Origin: origin }), trusted)).toEqual({});
  });

  test('says nothing without an Origin, or with two, even trusted ones [CWE-942]', () => {
    expect(corsHeaders(postWith({}), trusted)).toEqual({});
    expect(corsHeaders(postWith({ Origin: trusted }), trusted)).toEqual({});
    const twice = { Origin: ['https://app.example', 'https://app.example'] };
    expect(corsHeaders(postWith(twice), trusted)).toEqual({});
  });

  test('says nothing to anybody where no origin is trusted, which is the default', () => {
    for (const origin of [...trusted, ...foreign]) {
      expect(corsHeaders(postWith({ Origin: origin }), [])).toEqual({});
    }
  });
});

describe('preflightHeaders', () => {
  test('allows a trusted origin our methods and the headers that they need', () => {
    expect(preflightHeaders(preflightFrom('https://app.example'), trusted)).toEqual({
      'access-control-allow-methods': 'GET, POST, PATCH, PUT, DELETE',
      'access-control-allow-headers': 'Content-Type, X-CSRF-Token, Authorization, Idempotency-Key',
      'access-control-max-age': '600',
    });
  });

  test.each(foreign)('is no answer to %j [CWE-942] [ASVS 3.4.2]', (origin) => {
    expect(preflightHeaders(preflightFrom(origin), trusted)).toBeNull();
  });

  test('is no answer to anybody where no origin is trusted', () => {
    expect(preflightHeaders(preflightFrom('https://app.example'), [])).toBeNull();
  });

  test('is for OPTIONS that ask for one method, and for nothing else', () => {
    const asked = preflightFrom('https://app.example');
    for (const method of ['GET', 'POST', 'options', undefined]) {
      expect(preflightHeaders({ ...asked, method }, trusted)).toBeNull();
    }
    const plain = { ...postWith({ Origin: 'https://app.example' }), method: 'OPTIONS' };
    expect(preflightHeaders(plain, trusted)).toBeNull();
    const two = { 'Access-Control-Request-Method': ['PATCH', 'DELETE'] };
    expect(preflightHeaders(preflightFrom('https://app.example', two), trusted)).toBeNull();
  });
});
