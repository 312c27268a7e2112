import { insertSecurityEvent } from '../db/security-events.ts';
import { insertSignInFlow } from '../db/sign-in-flows.ts';
import type { Tx } from '../db/transaction.ts';
import type { Core } from './core.ts';
import { findFactors } from './factors.ts';
import { digestOf, newSecret, type Secret, signInDigestOf } from './secret.ts';
import { type SignedIn, type SigningBrowser, startSession } from './session-start.ts';
import {
  advance,
  assuranceOf,
  hasSecondFactor,
  type SecondFactor,
  secondFactorsOf,
} from './sign-in-flow.ts';

/** The first factor was right, and is not enough. There is no session yet. */
export interface FactorNeeded {
  /** For the cookie of this one browser. */
  readonly flow: Secret;
  readonly needed: readonly SecondFactor[];
  readonly expiresAt: Date;
}

/** What was proved, and what a sign-in under way is bound to: it ends with that. */
export type FirstFactor =
  | { readonly method: 'password'; readonly hash: string }
  | { readonly method: 'provider'; readonly linkId: string };

/** Starts the session, or, of whoever has a second factor, what waits for it. */
export async function firstFactorProved(
  tx: Tx,
  core: Core,
  identity: SignedIn['identity'],
  proved: FirstFactor,
  browser: SigningBrowser,
  returnTo: string | null,
): Promise<SignedIn | FactorNeeded> {
  const { method } = proved;
  const factors = await findFactors(tx, identity.id);
  const event = hasSecondFactor(factors) ? (`${method}-of-two` as const) : method;
  if (advance('nothing-proved', event) === 'complete') {
    return await startSession(tx, core, identity, browser, assuranceOf([method]));
  }
  const flow = newSecret();
  const expiresAt = await insertSignInFlow(tx, signInDigestOf(flow), {
    identityId: identity.id,
    passwordDigest: proved.method === 'password' ? digestOf(proved.hash) : null,
    linkId: proved.method === 'provider' ? proved.linkId : null,
    returnTo,
  });
  const { caller } = browser;
  await insertSecurityEvent(tx, { kind: 'second-factor-asked', identityId: identity.id, caller });
  return { flow, needed: secondFactorsOf(factors), expiresAt };
}
