import type { Check } from '../check.ts';
import { isBroken } from '../exchange.ts';
import { passwordSetting, type PasswordSetting, type SetPassword } from '../password-setting.ts';
import type { Run } from '../run.ts';
import { attemptSignIn, gaveSomething } from '../sign-in.ts';
import { type Finding, inconclusive, notTested, sound, step, type Verdict } from '../verdict.ts';

/**
 * Passwords that are guessed first, the weakest before the others, with what is wrong with them.
 * NIST SP 800-63B-4 3.1.1.2: eight characters at least, and none that everybody has.
 */
const WEAK: readonly (readonly [password: string | { readonly own: 'name' }, says: string])[] = [
  ['p', 'of one character'],
  ['kvz8wq3', 'of seven characters'],
  ['password', 'that is the commonest of all'],
  ['12345678', 'that is among the commonest'],
  [{ own: 'name' }, "that is the account's own name"],
  ['Password1', 'that is among the commonest'],
  ['P@ssw0rd', 'that is among the commonest'],
  ['Password123!', 'that is among the commonest'],
];

/** What bcrypt takes of a password. */
const BCRYPT_BYTES = 72;

/** Passwords that are guessed first, and passwords of which only the beginning counts. */
export const passwordRules: Check = {
  id: 'password-rules',
  title: 'Passwords that are guessed first are accepted',
  cwe: [521],
  owaspApi: ['API2:2023'],
  asvs: ['6.2.1', '6.2.4', '6.2.9'],
  phase: 'endings',
  needs: ['a', 'sign-in', 'writes'],
  effect: 'writes',
  repair: {
    fastapi:
      'Demand a length (`Field(min_length=15)`, eight where there is a second factor), and refuse what is on a list of common passwords. Hash with Argon2id, which takes all of it; bcrypt takes 72 bytes.',
    fastify:
      'Demand a length (`minLength: 15` in the schema, eight where there is a second factor), and refuse what is on a list of common passwords. Hash with Argon2id, which takes all of it; bcrypt takes 72 bytes.',
    sallyport:
      'Fifteen characters, or eight with a second factor; estimated with zxcvbn, with the own name and address as known words; hashed whole with Argon2id.',
  },
  async run(run) {
    const setting = await passwordSetting(run);
    if (setting === null) {
      return [
        notTested(
          'passwords',
          "no way to set a password, even a strong one, of the audit's own accounts is known",
        ),
      ];
    }
    const verdicts: Verdict[] = [];
    let isBack: boolean;
    try {
      verdicts.push(await tryWeak(setting), await tryLong(run, setting));
    } finally {
      isBack = await setting.restore();
    }
    if (!isBack) {
      verdicts.push(inconclusive('passwords', 'account B did not get its password back'));
    }
    return verdicts;
  },
};

async function tryWeak(setting: PasswordSetting): Promise<Verdict> {
  const subject = setting.operation.id;
  const refused: SetPassword[] = [];
  for (const [password, says] of WEAK) {
    const set = await setting.set(password);
    if (isBroken(set.exchange)) {
      return inconclusive(subject, 'it broke', step('A weak password', set.exchange));
    }
    if (set.name === null) {
      refused.push(set);
      continue;
    }
    const finding: Finding = {
      verdict: 'finding',
      cause: 'weak passwords are accepted',
      severity: 'medium',
      confidence: 'confirmed',
      title: `A password ${says} is accepted`,
      detail: `A password ${says} was set, and a sign-in with it worked. It is the weakest of ${WEAK.length} that were to be tried.`,
      subjects: [subject],
      evidence: [step(`A password ${says} is set`, set.exchange)],
      controls: refused.slice(-1).map(({ exchange }) => step('A weaker one is refused', exchange)),
    };
    return finding;
  }
  return sound(subject, `${WEAK.length} weak passwords were refused`);
}

async function tryLong(run: Run, setting: PasswordSetting): Promise<Verdict> {
  const subject = `${setting.operation.id}, a long password`;
  const { signIn } = run.access;
  if (signIn === null) return notTested(subject, 'no sign-in by name and password is known');
  const long = `Aa1!${run.canary()}${run.canary()}${run.canary()}${run.canary()}`.slice(0, 80);
  const set = await setting.set(long);
  if (isBroken(set.exchange)) {
    return inconclusive(subject, 'it broke', step('80 characters', set.exchange));
  }
  if (set.name === null) return sound(subject, '80 characters are refused, not cut off');
  const other = `${long.slice(0, BCRYPT_BYTES)}${'z'.repeat(80 - BCRYPT_BYTES)}`;
  const attempt = await attemptSignIn(run.probe, signIn, set.name, other, {
    as: 'b, another end of the password',
  });
  if (isBroken(attempt.exchange)) {
    return inconclusive(subject, 'it broke', step('Another end', attempt.exchange));
  }
  if (!gaveSomething(attempt)) return sound(subject, 'all of it counts');
  return {
    verdict: 'finding',
    cause: 'only the beginning of a password counts',
    severity: 'medium',
    confidence: 'confirmed',
    title: `Only the first ${BCRYPT_BYTES} characters of a password count`,
    detail: `A password of 80 characters was set, and a sign-in with its first ${BCRYPT_BYTES} and another end worked.`,
    subjects: [setting.operation.id],
    evidence: [
      step('A password of 80 characters is set', set.exchange),
      step('Another end signs in, too', attempt.exchange),
    ],
    controls: [],
  };
}
