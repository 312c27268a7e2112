import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createPasswordHasher } from '../../src/core/password-hashing.ts';
import { normalizePassword, parseNewPassword } from '../../src/core/password.ts';

const letters = 'vkw7tq2zmxj9rhp4';
const long = Array.from({ length: 40 }, (_, index) => letters.slice(index % 9) + index).join('');
const ada = ['ada.lovelace@example.com', 'Ada Lovelace'];

describe('a new password that is taken', () => {
  test.each([
    'violet kettle orbit marble',
    'jumping purple wombat lantern',
    'lavender tractor sings',
    'xkcdlilacsunrisebicycle',
    'das ist ein langes geheimnis',
    'aB3$kQ9!mZ7@pL2x',
    '7391 0264 8850 1937',
    '\u4eca\u65e5\u306f\u7d2b\u306e\u30e4\u30ab\u30f3\u304c\u8ecc\u9053\u3092\u56de\u3063\u3066\u3044\u308b',
    '\u{1f422}\u{1f6b2}\u{1f335}\u{1f3bb}\u{1f9ed}\u{1fa81}\u{1f34b}\u{1f989}\u{1f527}\u{1f9c0}\u{1f30a}\u{1fab5}\u{1f3b2}\u{1f9e6}\u{1f6f6}',
  ])('needs no digit, no capital, no sign: %s [ASVS 6.2.5]', async (password) => {
    expect(await parseNewPassword(password, ada)).toEqual({ password });
  });

  test.each([
    'my password is violet kettle',
    'password violet kettle orbit',
    'correct horse battery staple wombat',
    'lovelace kettle violet orbit',
  ])('may contain a listed word: %s', async (password) => {
    expect(await parseNewPassword(password, ada)).toEqual({ password });
  });

  test('is kept with every blank and in every case [ASVS 6.2.8]', async () => {
    const password = '  Violet  Kettle Orbit ';
    expect(await parseNewPassword(password, ada)).toEqual({ password });
  });
});

describe('the length of a password, in code points', () => {
  const astral =
    '\u{1f422}\u{1f6b2}\u{1f335}\u{1f3bb}\u{1f9ed}\u{1fa81}\u{1f34b}\u{1f989}\u{1f527}\u{1f9c0}\u{1f30a}\u{1fab5}\u{1f3b2}\u{1f9e6}\u{1f6f6}';

  test('is 15 at least [ASVS 6.2.1]', async () => {
    expect(await parseNewPassword(letters.slice(0, 14), [])).toEqual({
      problem: 'password-too-short',
    });
    expect(await parseNewPassword(letters.slice(0, 15), [])).toHaveProperty('password');
    expect(await parseNewPassword('', [])).toEqual({ problem: 'password-too-short' });
  });

  test('is 128 at most [ASVS 6.2.9]', async () => {
    expect(await parseNewPassword(long.slice(0, 128), [])).toHaveProperty('password');
    expect(await parseNewPassword(long.slice(0, 129), [])).toEqual({
      problem: 'password-too-long',
    });
  });

  test('counts a character beyond the first plane once, not twice', async () => {
    expect(astral).toHaveLength(30);
    expect(await parseNewPassword(astral.slice(0, 28), [])).toEqual({
      problem: 'password-too-short',
    });
    expect(await parseNewPassword(astral, [])).toHaveProperty('password');
    expect(await parseNewPassword(`${astral}${long.slice(0, 113)}`, [])).toHaveProperty('password');
    expect(await parseNewPassword(`${astral}${long.slice(0, 114)}`, [])).toEqual({
      problem: 'password-too-long',
    });
  });

  test('is taken after composition', async () => {
    const decomposed = `${letters.slice(0, 13)}e\u0301`;
    expect([...decomposed]).toHaveLength(15);
    expect(await parseNewPassword(decomposed, [])).toEqual({ problem: 'password-too-short' });
  });
});

describe('a new password that is guessed early is refused with the reason [ASVS 6.2.4] [CWE-521]', () => {
  test.each([
    ['password-common', 'password1234567'],
    ['password-common', 'iloveyou123456789'],
    ['password-common', '123456789012345'],
    ['password-common', 'qwertyuiopasdfgh'],
    ['password-common', 'correct horse battery staple'],
    ['password-common', 'Correct-Horse-Battery-Staple!'],
    ['password-common', 'p@$$w0rd12345678'],
    ['password-repeated', 'aaaaaaaaaaaaaaa'],
    ['password-repeated', '               '],
    ['password-repeated', 'abcabcabcabcabc'],
    ['password-repeated', 'passwordpassword'],
    ['password-repeated', '\u{1f600}'.repeat(15)],
    ['password-sequence', 'abcdefghijklmnopq'],
    ['password-sequence', 'zyxwvutsrqponmlkj'],
    ['password-personal', 'ada.lovelace@example.com'],
    ['password-personal', 'ADA LOVELACE 1815'],
    ['password-personal', 'lovelaceadalovelace'],
    ['password-personal', 'sallyportsallyport'],
    ['password-personal', 'Sallyport-2026-!'],
  ])('%s: %s', async (problem, password) => {
    expect(await parseNewPassword(password, ada)).toEqual({ problem });
  });

  test('what is personal to one is not to another [ASVS 6.2.11]', async () => {
    const password = 'grace hopper 1906 cobol';
    const grace = ['grace.hopper@cobol.example', 'Grace Hopper'];
    expect(await parseNewPassword(password, grace)).toEqual({ problem: 'password-personal' });
    expect(await parseNewPassword(password, ada)).toEqual({ password });
  });

  test('a name of one letter, or none, refuses nobody', async () => {
    const password = 'violet kettle orbit marble';
    expect(await parseNewPassword(password, ['', 'v', ' ', '@'])).toEqual({ password });
  });

  // It is computed on the thread that answers everybody, and anybody may ask for it.
  test('the worst of them costs no more than a few hashes [CWE-407]', async () => {
    const hasher = createPasswordHasher();
    await hasher.verify(null, 'warm-up');
    await parseNewPassword(long.slice(0, 128), ada);
    // Time of the processor, which a loaded machine does not stretch as it does the clock's.
    const timed = async (work: () => Promise<unknown>) => {
      const before = process.cpuUsage();
      await work();
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    for (const unit of [
      long,
      'q1',
      '12',
      '4@',
      'a1b',
      'p@ssw0rd',
      '1!|il',
      '2026-12-31',
      '\u00e9',
    ]) {
      const password = unit.repeat(128 / unit.length + 1);
      const spent = { hash: 0, judged: 0, refused: 0 };
      for (let round = 0; round < 8; round++) {
        spent.hash += await timed(() => hasher.hash('violet kettle orbit marble'));
        spent.judged += await timed(() => parseNewPassword(password.slice(0, 128), ada));
        spent.refused += await timed(() => parseNewPassword(password.repeat(30), ada));
      }
      expect(spent.judged / spent.hash, unit).toBeLessThan(8);
      expect(spent.refused / spent.hash, unit).toBeLessThan(1);
    }
  });
});

describe('the form in which a password is hashed and compared', () => {
  test('is NFC: composed and decomposed are one password', async () => {
    const composed = 'caf\u00e9 kettle orbit violet';
    const decomposed = 'cafe\u0301 kettle orbit violet';
    expect(normalizePassword(decomposed)).toBe(composed);
    expect(await parseNewPassword(decomposed, [])).toEqual({ password: composed });
  });

  test('is nothing else: no trimming, no folding, no compatibility forms [ASVS 6.2.8]', () => {
    for (const text of [' a ', 'A', '\uff41', '\ufb01', '\u200da', 'a\u0000b', '\u017f', 'a\r\n']) {
      expect(normalizePassword(text)).toBe(text);
    }
  });

  test('is the same when normalized twice, and never shorter than a person sees it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const once = normalizePassword(text);
        expect(normalizePassword(once)).toBe(once);
        expect(once.normalize('NFD')).toBe(text.normalize('NFD'));
      }),
      { numRuns: 1000 },
    );
  });
});
