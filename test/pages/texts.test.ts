import { describe, expect, it } from 'vitest';
import { signUpMail } from '../../src/pages/mail/sign-up.tsx';
import { english, languages } from '../../src/pages/texts.ts';

/** Every string of a catalogue with its place, functions called with one sample value. */
function strings(value: unknown, place = 'texts'): [string, string][] {
  if (typeof value === 'string') return [[place, value]];
  if (typeof value === 'function') return strings(value(24, 24), `${place}()`);
  if (typeof value !== 'object' || value === null) return [[place, `not text: ${typeof value}`]];
  return Object.entries(value).flatMap(([name, inner]) => strings(inner, `${place}.${name}`));
}

describe.each(Object.entries(languages))('the texts in the language %s', (language, texts) => {
  it('say in which language they are', () => {
    expect(texts.language).toBe(language);
  });

  it('are all there: none is empty, padded, double-spaced or left unwritten', () => {
    const all = strings(texts);
    expect(all.map(([place]) => place)).toEqual(strings(english).map(([place]) => place));
    expect(all.length).toBeGreaterThan(200);
    const unfinished = / {2}|not text|TODO|undefined|\[object/;
    const bad = all.filter(([, text]) => !/^\S(?:.*\S)?$/.test(text) || unfinished.test(text));
    expect(bad).toEqual([]);
  });

  it('are text and not markup', () => {
    expect(strings(texts).filter(([, text]) => /[<>]|&\w+;/.test(text))).toEqual([]);
  });

  it('name the moment in every sentence that tells one', () => {
    const { account, authenticators, deletionRequested, emailChange, passkeys } = texts;
    const { invitations, keys, providers, sessions, tenants } = texts;
    const told = [
      account.deletion.deletesAt,
      authenticators.totp.created,
      authenticators.totp.lastUsed,
      passkeys.created,
      passkeys.lastUsed,
      deletionRequested.text,
      emailChange.pendingUntil,
      invitations.expires,
      keys.created,
      keys.expires,
      keys.lastUsed,
      providers.linked,
      providers.lastUsed,
      sessions.lastSeen,
      sessions.created,
      tenants.deletesAt,
    ];
    expect(told.map((text) => text.split('{time}').length)).toEqual(told.map(() => 2));
    const named = strings(texts).filter(([, text]) => text.includes('{'));
    expect(named.map(([, text]) => text).toSorted()).toEqual(told.toSorted());
  });
});

describe('the German texts', () => {
  it('share no sentence with the English ones, so that none was left behind', () => {
    const sentences = new Set(strings(english).map(([, text]) => text));
    const left = strings(languages.de).filter(([, text]) => / /.test(text) && sentences.has(text));
    expect(left).toEqual([]);
  });

  it('address the reader as Sie, and speak of signing in and out by their words', () => {
    const avoided = /\b(?:du|dich|dir|dein\w*|einloggen|ausloggen|login|logout|user|email|csrf)\b/i;
    expect(strings(languages.de).filter(([, text]) => avoided.test(text))).toEqual([]);
  });

  it('say how long a password may be [ASVS 6.2.1] [ASVS 6.2.9]', () => {
    for (const reason of ['password-too-short', 'password-too-long'] as const) {
      expect(languages.de.errors[reason]).toContain('15 bis 128 Zeichen');
    }
    expect(languages.de.fields.newPassword.hint).toContain('Mindestens 15 beliebige Zeichen');
  });
});

describe('the English texts', () => {
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
