import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  advance,
  assuranceOf,
  type FlowEvent,
  type FlowState,
  type Method,
  secondFactorsOf,
  TRANSITIONS,
} from '../../src/core/sign-in-flow.ts';

const states = Object.keys(TRANSITIONS) as FlowState[];
const methods: readonly Method[] = [
  'password',
  'passkey',
  'passkey-touch',
  'totp',
  'recovery-code',
];
const events: readonly FlowEvent[] = [
  ...methods,
  'password-of-two',
  'expired',
  'too-many-tries',
  'account-changed',
];
const anyEvent = fc.constantFrom(...events);
const anyHistory = fc.array(anyEvent, { maxLength: 30 });
const run = (history: readonly FlowEvent[]) =>
  history.reduce<FlowState>((state, event) => advance(state, event), 'nothing-proved');

const ENDINGS: readonly FlowEvent[] = ['expired', 'too-many-tries', 'account-changed'];
const SECOND: readonly FlowEvent[] = ['totp', 'recovery-code', 'passkey', 'passkey-touch'];

describe('a sign-in', () => {
  test('every state and event has one outcome, and it is a state', () => {
    for (const state of states) {
      for (const event of events) expect(states).toContain(advance(state, event));
    }
  });

  test('is never entered in the middle: what completes it came after what it needs [R-26] [R-37] [ASVS 2.3.1] [ASVS 6.3.4] [CWE-841]', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        // The same said another way, without the table: read the history once.
        let first = false;
        let expected: FlowState = 'nothing-proved';
        for (const event of history) {
          if (ENDINGS.includes(event)) expected = 'over';
          else if (event === 'passkey' || (event === 'password' && !first)) expected = 'complete';
          else if (event === 'password-of-two') first = true;
          else if (first && SECOND.includes(event)) expected = 'complete';
          if (expected === 'over' || expected === 'complete') break;
        }
        if (expected === 'nothing-proved' && first) expected = 'first-factor-proved';
        expect(run(history)).toBe(expected);
      }),
      { numRuns: 1_000 },
    );
  });

  test('that is complete or over stays so, whatever comes [R-40] [CWE-294]', () => {
    fc.assert(
      fc.property(fc.constantFrom<FlowState>('complete', 'over'), anyHistory, (end, history) => {
        expect(history.reduce<FlowState>((state, event) => advance(state, event), end)).toBe(end);
      }),
    );
  });

  test('a second factor alone proves nothing, however often it is shown [R-16] [R-26]', () => {
    const second = fc.constantFrom<FlowEvent>('totp', 'recovery-code', 'passkey-touch');
    fc.assert(
      fc.property(fc.array(second), (history) => {
        expect(run(history)).toBe('nothing-proved');
      }),
    );
  });

  test('a password shown twice is one factor [CWE-308]', () => {
    expect(run(['password-of-two', 'password-of-two', 'password'])).toBe('first-factor-proved');
  });

  test('a passkey that was unlocked is enough, one that was only touched is not [ASVS 6.3.3] [NIST 3.1.7.2]', () => {
    expect(run(['passkey'])).toBe('complete');
    expect(run(['passkey-touch'])).toBe('nothing-proved');
    expect(run(['password-of-two', 'passkey-touch'])).toBe('complete');
  });
});

describe('the assurance', () => {
  test('is AAL2 for two factors of two kinds, and for nothing less [NIST 2.2.1]', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.constantFrom(...methods)), (amr) => {
        const two = amr.includes('password') && amr.length > 1;
        expect(assuranceOf(amr).aal).toBe(two || amr.includes('passkey') ? 2 : 1);
      }),
    );
  });

  test('remembers the authenticator that it is owed to', () => {
    expect(assuranceOf(['password', 'totp'], 'id')).toEqual({
      aal: 2,
      amr: ['password', 'totp'],
      authenticatorId: 'id',
    });
    expect(assuranceOf(['password']).authenticatorId).toBeNull();
  });
});

test('recovery codes stand in for a second factor, and are none by themselves', () => {
  const factors = (totp: boolean, passkeys: number, recoveryCodes: number) =>
    secondFactorsOf({ totp, passkeys, recoveryCodes });
  expect(factors(true, 2, 10)).toEqual(['passkey', 'totp', 'recovery-code']);
  expect(factors(false, 1, 10)).toEqual(['passkey', 'recovery-code']);
  expect(factors(true, 0, 0)).toEqual(['totp']);
  expect(factors(false, 0, 10)).toEqual([]);
});
