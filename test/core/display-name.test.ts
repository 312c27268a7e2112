import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDisplayName } from '../../src/core/display-name.ts';

describe('parseDisplayName', () => {
  test.each([
    'Ada',
    "Conan O'Brien",
    'Ada <script>alert(1)</script>',
    "Robert'); DROP TABLE students;--",
    '\u674e\u5c0f\u9f99',
    '\u0645\u062d\u0645\u062f',
    'X \u00c6 A-12',
    '7',
    '\u{1f469}\u200d\u{1f680}',
    '\u2764\ufe0f',
    '\u0646\u0645\u06cc\u200c\u062f\u0627\u0646\u0645',
  ])('takes any name that can be seen, as it is: %s', (name) => {
    expect(parseDisplayName(name)).toEqual({ displayName: name });
  });

  test('trims, and composes', () => {
    expect(parseDisplayName('  Ada  L. ')).toEqual({ displayName: 'Ada  L.' });
    expect(parseDisplayName('Jose\u0301')).toEqual({ displayName: 'Jos\u00e9' });
  });

  test.each(['', ' ', '\n', '\u00a0\u2003', '\ufeff'])(
    'asks for one where there is none: %j',
    (text) => {
      expect(parseDisplayName(text)).toEqual({ problem: 'required' });
    },
  );

  test('takes 100 code points, however many units of UTF-16 they are', () => {
    expect(parseDisplayName('a'.repeat(100))).toHaveProperty('displayName');
    expect(parseDisplayName('a'.repeat(101))).toEqual({ problem: 'too-long' });
    expect(parseDisplayName('\u{1f600}'.repeat(100))).toHaveProperty('displayName');
    expect(parseDisplayName('\u{1f600}'.repeat(101))).toEqual({ problem: 'too-long' });
    expect(parseDisplayName('e\u0301'.repeat(100))).toHaveProperty('displayName');
  });

  test.each([
    'Ada\u0000',
    'Ada\r\nBcc: eve@evil.example',
    'A\u200bda',
    'A\u00adda',
    'A\u202eda',
    'A\u2066da\u2069',
    'A\u2028da',
    'A\u2029da',
    'A\u{e0061}da',
    'A\u3164da',
    'A\ud800da',
    '\u200d',
    '\u200c \u200d',
    '\ufe0f',
  ])('refuses what shows nothing, turns text around or has no bytes: %j [CWE-1007]', (text) => {
    expect(parseDisplayName(text)).toEqual({ problem: 'invisible-characters' });
  });

  test('of any text, what is taken is one visible line that is stored as it is', () => {
    const anything = fc.string({ unit: 'binary', maxLength: 110 });
    fc.assert(
      fc.property(anything, (text) => {
        const parsed = parseDisplayName(text);
        if ('problem' in parsed) return;
        const { displayName } = parsed;
        expect(displayName).not.toMatch(/\p{Cc}|\p{Zl}|\p{Zp}/u);
        expect(displayName.isWellFormed()).toBe(true);
        expect([...displayName].length).toBeLessThanOrEqual(100);
        expect(parseDisplayName(displayName)).toEqual({ displayName });
      }),
      { numRuns: 2000 },
    );
  });
});
