import { describe, expect, it } from 'vitest';
import { signUpMail } from '../../src/pages/mail/sign-up.tsx';
import { english } from '../../src/pages/texts.ts';

/** Every string of a catalogue with its place, functions called with one sample value. */
function strings(value: unknown, place = 'texts'): [string, string][] {
  if (typeof value === 'string') return [[place, value]];
  if (typeof value === 'function') return strings(value(24), `${place}()`);
  if (typeof value !== 'object' || value === null) return [[place, `not text: ${typeof value}`]];
  return Object.entries(value).flatMap(([name, inner]) => strings(inner, `${place}.${name}`));
}

describe('the English texts', () => {
  it('are all there: none is empty, padded, double-spaced or left unwritten', () => {
    const all = strings(english);
    expect(all.length).toBeGreaterThan(100);
    const unfinished = / {2}|not text|TODO|undefined|\[object/;
    const bad = all.filter(([, text]) => !/^\S(?:.*\S)?$/.test(text) || unfinished.test(text));
    expect(bad).toEqual([]);
  });

  it('are text and not markup', () => {
    expect(strings(english).filter(([, text]) => /[<>]|&\w+;/.test(text))).toEqual([]);
  });

  it('speak of signing in and out, in the words of the glossary', () => {
    const avoided = /\b(log ?in|log ?out|log ?on|user|csrf|e-mail)\b/i;
    expect(strings(english).filter(([, text]) => avoided.test(text))).toEqual([]);
  });

  it('say how long a password may be [ASVS 6.2.1] [ASVS 6.2.9]', () => {
    for (const reason of ['password-too-short', 'password-too-long'] as const) {
      expect(english.errors[reason]).toContain('15 to 128 characters');
    }
    expect(english.fields.password.hint).toContain('15 characters or more, of any kind');
  });

  it('count one hour as one hour', () => {
    const link = 'https://accounts.example/confirm-email';
    expect(signUpMail(english, { link, expiresInHours: 1 }).text).toContain('within 1 hour.');
    expect(signUpMail(english, { link, expiresInHours: 24 }).text).toContain('within 24 hours.');
  });
});
