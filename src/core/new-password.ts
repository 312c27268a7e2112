import type { LeakCheck } from '../db/passwords.ts';
import type { Core } from './core.ts';
import { parseNewPassword, type PasswordProblem } from './password.ts';

export interface NewPassword {
  readonly password: string;
  /** Whether a list of compromised ones was asked, as its row will say. */
  readonly leakCheck: LeakCheck;
}

/**
 * A password that somebody chooses: judged by itself and, where that is configured, by a list of
 * compromised ones (ASVS 6.2.4, 6.2.12). The list is asked only about what is accepted without it.
 */
export async function chooseNewPassword(
  core: Core,
  text: string,
  personal: readonly string[],
): Promise<NewPassword | { readonly problem: PasswordProblem }> {
  const parsed = await parseNewPassword(text, personal);
  if ('problem' in parsed) return parsed;
  const found = (await core.compromisedPasswords?.lookUp(parsed.password)) ?? 'unknown';
  if (found === 'compromised') return { problem: 'password-compromised' };
  return { ...parsed, leakCheck: found === 'not-found' ? 'passed' : 'due' };
}
