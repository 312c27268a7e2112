import {
  deleteSessionByProof,
  insertSession,
  type Assurance,
  type SessionRow,
} from '../db/sessions.ts';
import { type Caller, insertSecurityEvent } from '../db/security-events.ts';
import type { Tx } from '../db/transaction.ts';
import type { Core } from './core.ts';
import { noteDevice } from './device.ts';
import { digestOf, newSecret, proofOf, type Secret } from './secret.ts';
import { type RotatedSecret, sessionSecretOf } from './session-rotation.ts';

export interface SignedIn extends RotatedSecret {
  readonly identity: {
    readonly id: string;
    readonly email: string;
    readonly displayName: string;
  };
  readonly session: SessionRow;
  /** What the browser is known by from now on; null where it is known already. */
  readonly device: Secret | null;
}

/** The browser that somebody signs in with. */
export interface SigningBrowser {
  /** The secret of the session that it had before, null where it had none. */
  readonly previous: Secret | null;
  readonly caller: Caller;
}

/** The generation that a session's row starts with. */
const FIRST_GENERATION = 1;

/**
 * Starts a session with a new secret, for what was proved; the session that the browser had before,
 * if any, ends in the same transaction (CWE-384, R-20, R-21, ASVS 7.2.4).
 */
export async function startSession(
  tx: Tx,
  core: Core,
  identity: SignedIn['identity'],
  browser: SigningBrowser,
  assurance: Assurance,
): Promise<SignedIn> {
  const { previous, caller } = browser;
  const secret = newSecret();
  if (previous) await deleteSessionByProof(tx, digestOf(proofOf(previous)));
  const session = await insertSession(tx, {
    browser: caller.browser,
    system: caller.system,
    identityId: identity.id,
    ...sessionSecretOf(secret, FIRST_GENERATION),
    assurance,
  });
  // Nobody was signed in when the request came; whoever it was is known now.
  const person = { ...caller, identityId: identity.id, sessionId: session.id };
  await insertSecurityEvent(tx, { kind: 'signed-in', identityId: identity.id, caller: person });
  const device = await noteDevice(tx, core, identity, person);
  return { identity, session, secret, synchronizerGeneration: FIRST_GENERATION, device };
}
