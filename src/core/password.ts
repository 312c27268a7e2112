import type { ZxcvbnFactory } from '@zxcvbn-ts/core';

export type PasswordProblem =
  | 'password-too-short'
  | 'password-too-long'
  | 'password-common'
  | 'password-compromised'
  | 'password-personal'
  | 'password-repeated'
  | 'password-sequence';

/** NIST SP 800-63B-4 section 3.1.1.2: 15 where the password is the only factor, and at least 64. */
const CODE_POINTS_MIN = 15;
const CODE_POINTS_MAX = 128;

/** zxcvbn counts guesses in steps of this score; below 3 is under 10^8, which an attacker tries. */
const SCORE_MIN = 3;

/**
 * Its cost grows faster than the length, and with each way to read signs as letters, and it is paid
 * on the one thread that answers everybody (CWE-407). Within these limits the worst password costs
 * about as much as a hash; what is longer is judged by its beginning.
 */
const JUDGED_CODE_POINTS_MAX = 64;
const SUBSTITUTIONS_MAX = 8;

/** The form in which a password is hashed and compared: NFC, and otherwise exactly as received. */
export function normalizePassword(text: string): string {
  return text.normalize('NFC');
}

/**
 * A password that somebody chooses: long enough, and not one that is guessed early. There are no
 * rules of composition. `personal` is what an attacker would try first for this person.
 * ASVS 6.2.1, 6.2.4, 6.2.5, 6.2.9, 6.2.11; CWE-521.
 */
export async function parseNewPassword(
  text: string,
  personal: readonly string[],
): Promise<{ readonly password: string } | { readonly problem: PasswordProblem }> {
  const password = normalizePassword(text);
  const codePoints = [...password];
  if (codePoints.length < CODE_POINTS_MIN) return { problem: 'password-too-short' };
  if (codePoints.length > CODE_POINTS_MAX) return { problem: 'password-too-long' };
  const words = personalWords(personal);
  if (isMadeOf(password, words)) return { problem: 'password-personal' };
  if (FAMOUS.has(password.toLowerCase().replace(/[^a-z]/g, ''))) {
    return { problem: 'password-common' };
  }
  const judged = codePoints.slice(0, JUDGED_CODE_POINTS_MAX).join('');
  const { score, sequence } = (await estimator()).check(judged, words);
  if (score >= SCORE_MIN) return { password };
  const patterns = sequence.map((match) => match.pattern);
  if (patterns.includes('repeat')) return { problem: 'password-repeated' };
  if (patterns.every((pattern) => pattern === 'sequence' || pattern === 'spatial')) {
    return { problem: 'password-sequence' };
  }
  return { problem: 'password-common' };
}

/** Phrases that everybody knows, and that a guesser of words takes for strong. */
const FAMOUS: ReadonlySet<string> = new Set([
  'correcthorsebatterystaple',
  'thequickbrownfoxjumpsoverthelazydog',
  'itwasthebestoftimesitwastheworstoftimes',
  'maytheforcebewithyou',
  'tobeornottobethatisthequestion',
]);

/** The service's own name, and the person's words of three letters and more. */
function personalWords(personal: readonly string[]): string[] {
  const words = personal.flatMap((text) => [text, ...text.split(/[^\p{L}\p{N}]+/u)]);
  const folded = words.map((word) => word.normalize('NFC').toLowerCase());
  return ['sallyport', ...folded].filter((word) => word.length >= 3);
}

/** Whether taking the person's own words away leaves too little to be a secret. */
function isMadeOf(password: string, words: readonly string[]): boolean {
  const longestFirst = words.toSorted((a, b) => b.length - a.length);
  const folded = password.toLowerCase();
  const rest = longestFirst.reduce((left, word) => left.replaceAll(word, ''), folded);
  return rest !== folded && [...rest].length < 8;
}

let loaded: Promise<ZxcvbnFactory> | null = null;

/**
 * The word lists take a fifth of a second and some 85 MB: loaded when the first password is chosen.
 */
function estimator(): Promise<ZxcvbnFactory> {
  loaded ??= (async () => {
    const [{ ZxcvbnFactory }, common, english] = await Promise.all([
      import('@zxcvbn-ts/core'),
      import('@zxcvbn-ts/language-common'),
      import('@zxcvbn-ts/language-en'),
    ]);
    return new ZxcvbnFactory({
      dictionary: { ...common.dictionary, ...english.dictionary },
      graphs: common.adjacencyGraphs,
      l33tMaxSubstitutions: SUBSTITUTIONS_MAX,
    });
  })();
  return loaded;
}
