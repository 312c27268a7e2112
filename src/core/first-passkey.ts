import { consumeChallenge, insertPasskey } from '../db/passkeys.ts';
import { type Caller, insertSecurityEvent } from '../db/security-events.ts';
import type { Tx } from '../db/transaction.ts';
import type { Core } from './core.ts';
import { firstRecoveryCodes } from './factors.ts';
import {
  creationOptions,
  type PasskeyOwner,
  type RelyingParty,
  type VerifiedRegistration,
  verifyRegistration,
} from './passkey-ceremony.ts';
import { passkeyName } from './passkeys.ts';
import type { Secret } from './secret.ts';

/** A passkey that a visitor's browser has made, to open the account that is made with it. */
export interface FirstPasskey {
  /** What the browser has answered. */
  readonly response: unknown;
  readonly name: string;
  /** The secret of the visitor's browser, which the challenge was made for. */
  readonly presession: Secret;
  readonly relyingParty: RelyingParty;
}

/** What the browser of somebody who has no account yet makes its first passkey with. */
export async function firstPasskeyOptions(
  core: Core,
  presession: Secret,
  relyingParty: RelyingParty,
  owner: PasskeyOwner,
  now: Date,
) {
  const ceremony = { purpose: 'sign-up', secret: presession } as const;
  return await creationOptions(core, ceremony, relyingParty, owner, [], now);
}

/** Null for whatever is no passkey made for a sign-up in this browser. Uses nothing up. */
export async function verifyFirstPasskey(
  core: Core,
  { response, presession, relyingParty }: FirstPasskey,
): Promise<VerifiedRegistration | null> {
  const ceremony = { purpose: 'sign-up', secret: presession } as const;
  return await verifyRegistration(core, ceremony, relyingParty, response);
}

/** An account's first passkey, with what its owner keeps for the day when it is lost. */
export interface KeptPasskey {
  readonly id: string;
  readonly recoveryCodes: readonly string[];
}

/**
 * Gives it to the identity that was just made; null where its challenge was used or has expired.
 * @throws a unique violation where somebody has registered this credential.
 */
export async function keepFirstPasskey(
  tx: Tx,
  identityId: string,
  { passkey, challenge }: VerifiedRegistration,
  name: string,
  caller: Caller,
): Promise<KeptPasskey | null> {
  if (!(await consumeChallenge(tx, challenge.digest, challenge.madeAt))) return null;
  const id = await insertPasskey(tx, { ...passkey, identityId, name: passkeyName(name) });
  const recoveryCodes = (await firstRecoveryCodes(tx, identityId)) ?? [];
  const event = { kind: 'authenticators-changed', identityId, caller } as const;
  await insertSecurityEvent(tx, { ...event, reason: 'passkey-added' });
  return { id, recoveryCodes };
}
