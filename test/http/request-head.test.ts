import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type RequestHead, headerValues, isSafeMethod } from '../../src/http/request-head.ts';

describe('headerValues', () => {
  test('finds a name in any case, and every line of it, as received and in order', () => {
    const rawHeaders = ['ORIGIN', ' https://a ', 'Host', 'x', 'origin', '', 'Origins', 'no'];
    expect(headerValues({ rawHeaders }, 'origin')).toEqual([' https://a ', '']);
  });

  test('reads an absent header as no values', () => {
    expect(headerValues({ rawHeaders: [] }, 'origin')).toEqual([]);
  });

  test('does not take a value for a name', () => {
    const rawHeaders = ['X-Note', 'origin', 'Host', 'app.example'];
    expect(headerValues({ rawHeaders }, 'origin')).toEqual([]);
  });

  test('sees the second line that a parsed header object hides', () => {
    const message = new IncomingMessage(new Socket());
    message.rawHeaders = ['Host', 'app.example', 'Host', 'evil.example'];
    const head: RequestHead = message;
    expect(headerValues(head, 'host')).toEqual(['app.example', 'evil.example']);
  });
});

describe('isSafeMethod', () => {
  test.each(['GET', 'HEAD', 'OPTIONS'])('%s is safe', (method) => {
    expect(isSafeMethod(method)).toBe(true);
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'CONNECT', 'QUERY', 'get', ' GET', ''])(
    '%j is unsafe',
    (method) => {
      expect(isSafeMethod(method)).toBe(false);
    },
  );

  test('a request without a method is unsafe', () => {
    expect(isSafeMethod(undefined)).toBe(false);
  });
});
