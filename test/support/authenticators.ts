import { Secret, TOTP } from 'otpauth';
import { expect } from 'vitest';
import type { Visitor } from './client.ts';
import { addPasskey } from './passkeys.ts';
import { newcomer, type Person } from './people.ts';

const STEP_SECONDS = 30;

/** An authenticator app, as a person has it: it gives each code once. */
export class TotpApp {
  readonly #totp: TOTP;
  #step = 0;

  constructor(secret: string) {
    this.#totp = new TOTP({ secret: Secret.fromBase32(secret), period: STEP_SECONDS });
  }

  /** What it shows so many steps from now. */
  at(steps: number): string {
    return this.#totp.generate({ timestamp: Date.now() + steps * STEP_SECONDS * 1_000 });
  }

  /** A code that the server takes and that was not given yet; where all are, it waits for one. */
  next(): string {
    const steps = Date.now() / 1_000 / STEP_SECONDS;
    const now = Math.floor(steps);
    // The code of the step before may be too old when a slow request has arrived.
    this.#step = Math.max(this.#step + 1, steps - now > 0.6 ? now : now - 1);
    const early = (this.#step - 1) * STEP_SECONDS * 1_000 - Date.now();
    if (early > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, early + 50);
    return this.#totp.generate({ timestamp: this.#step * STEP_SECONDS * 1_000 });
  }
}

export interface SecondFactors {
  readonly totp: TotpApp;
  readonly recoveryCodes: readonly string[];
}

/** Sets up an authenticator app in the account of whoever is signed in. */
export async function setUpTotp(browser: Visitor): Promise<SecondFactors> {
  const begun = await browser.send('POST', '/api/account/totp');
  expect(begun.status, begun.text).toBe(201);
  const totp = new TotpApp((begun.json() as { secret: string }).secret);
  const path = '/api/account/totp/confirmations';
  const confirmed = await browser.send('POST', path, { code: totp.next() });
  expect(confirmed.status, confirmed.text).toBe(200);
  const { recoveryCodes } = confirmed.json() as { recoveryCodes: readonly string[] | null };
  return { totp, recoveryCodes: recoveryCodes ?? [] };
}

/** Somebody new with an authenticator app, signed in with both factors' assurance. */
export async function newcomerWithTotp(origin: string) {
  const { person, browser } = await newcomer(origin);
  return { person, browser, ...(await setUpTotp(browser)) };
}

/** Gives the password of an account with a second factor, in this browser, and stops there. */
export async function givePassword(browser: Visitor, { email, password }: Person): Promise<void> {
  const answer = await browser.send('POST', '/api/sign-in', { email, password });
  expect(answer.status, answer.text).toBe(202);
}

/** Somebody new with an authenticator app, whose password was given in this browser. */
export async function signInHalfway(browser: Visitor) {
  const someone = await newcomerWithTotp(browser.origin);
  await givePassword(browser, someone.person);
  return someone;
}

/** Somebody new with a passkey beside their password, which was given in this browser. */
export async function signInHalfwayWithPasskey(browser: Visitor) {
  const { person, browser: own } = await newcomer(browser.origin);
  const added = await addPasskey(own);
  await givePassword(browser, person);
  return { person, browser: own, ...added };
}
