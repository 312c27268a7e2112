import type { Assurance } from '../db/sessions.ts';

/**
 * What a person has shown. A `passkey` was unlocked with a PIN or a finger, so it is two factors in
 * one; a `passkey-touch` was only there (NIST SP 800-63B-4 3.1.7.2). A `provider` is the word of
 * somebody else that it is them, and one factor, whatever was proved there.
 */
export type Method =
  | 'password'
  | 'provider'
  | 'passkey'
  | 'passkey-touch'
  | 'totp'
  | 'recovery-code';

/** Where a sign-in stands. Nothing leads out of the last two. */
export type FlowState = 'nothing-proved' | 'first-factor-proved' | 'complete' | 'over';

export type FlowEvent =
  | Method
  /** The password, or the provider, of an account that has a second factor. */
  | 'password-of-two'
  | 'provider-of-two'
  | 'expired'
  | 'too-many-tries'
  /** The password was changed, the identity disabled, or its last second factor removed. */
  | 'account-changed';

/**
 * The whole of a sign-in. An event that a state does not name leaves it as it is: a second factor
 * proves nothing by itself, and a password shown twice is one factor (R-16, R-26, R-37, ASVS 6.3.4,
 * 6.6.2; CWE-287, CWE-841).
 */
export const TRANSITIONS: Readonly<
  Record<FlowState, Readonly<Partial<Record<FlowEvent, FlowState>>>>
> = {
  'nothing-proved': {
    password: 'complete',
    'password-of-two': 'first-factor-proved',
    provider: 'complete',
    'provider-of-two': 'first-factor-proved',
    passkey: 'complete',
    expired: 'over',
    'too-many-tries': 'over',
    'account-changed': 'over',
  },
  'first-factor-proved': {
    totp: 'complete',
    'recovery-code': 'complete',
    passkey: 'complete',
    'passkey-touch': 'complete',
    expired: 'over',
    'too-many-tries': 'over',
    'account-changed': 'over',
  },
  complete: {},
  over: {},
};

export function advance(state: FlowState, event: FlowEvent): FlowState {
  return TRANSITIONS[state][event] ?? state;
}

/** What an account can prove its person with, beside a password. */
export interface Factors {
  readonly totp: boolean;
  readonly passkeys: number;
  readonly recoveryCodes: number;
}

export function hasSecondFactor({ totp, passkeys }: Factors): boolean {
  return totp || passkeys > 0;
}

/** What a sign-in whose password is proved can go on with. */
export type SecondFactor = 'passkey' | 'totp' | 'recovery-code';

/** The hardest to phish first; recovery codes stand in for another one, and are none themselves. */
export function secondFactorsOf(factors: Factors): readonly SecondFactor[] {
  const { totp, passkeys, recoveryCodes } = factors;
  return [
    ...(passkeys > 0 ? ['passkey' as const] : []),
    ...(totp ? ['totp' as const] : []),
    ...(hasSecondFactor(factors) && recoveryCodes > 0 ? ['recovery-code' as const] : []),
  ];
}

function isFirstOfTwo(method: Method): boolean {
  return method === 'password' || method === 'provider';
}

/** Two factors, of which the second was not typed from the same memory, make AAL2 (NIST 2.2.1). */
export function assuranceOf(
  amr: readonly Method[],
  authenticatorId: string | null = null,
): Assurance {
  const first = amr.some(isFirstOfTwo);
  const second = amr.some((method) => !isFirstOfTwo(method));
  const aal = amr.includes('passkey') || (first && second) ? 2 : 1;
  return { aal, amr, authenticatorId };
}
