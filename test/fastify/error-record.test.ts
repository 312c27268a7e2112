import { describe, expect, test } from 'vitest';
import { errorRecord } from '../../src/fastify/error-record.ts';

describe('errorRecord', () => {
  test('keeps what tells where to look', () => {
    const error = Object.assign(new RangeError('too far'), { code: '22003', constraint: 'limit' });
    expect(errorRecord(error)).toEqual({
      type: 'RangeError',
      message: 'too far',
      stack: error.stack,
      code: '22003',
      constraint: 'limit',
    });
  });

  test('leaves out everything else that an error carries, its causes too [CWE-532]', () => {
    const secrets = { detail: 'row', where: 'SQL', internalQuery: 'SQL', parameters: ['a'] };
    const cause = Object.assign(new Error('below'), secrets, { code: 23_514, hint: 'SQL' });
    const error = Object.assign(new Error('above', { cause }), secrets);
    const record = errorRecord(error);
    expect(Object.keys(record)).toEqual(['type', 'message', 'stack', 'cause']);
    expect(Object.keys(record.cause ?? {})).toEqual(['type', 'message', 'stack']);
  });

  test('ends with causes in a circle, and takes what is no error', () => {
    const error = new Error('round');
    error.cause = error;
    expect(JSON.stringify(errorRecord(error)).length).toBeLessThan(20_000);
    expect(errorRecord('text')).toEqual({ type: 'string', message: 'not an error', stack: '' });
    expect(errorRecord(undefined)).toMatchObject({ type: 'undefined' });
  });
});
