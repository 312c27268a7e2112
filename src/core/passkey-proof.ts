import { type Principal, runAuthorizedTransaction } from '../db/authorization.ts';
import { findPasskey, findPasskeysOf } from '../db/passkeys.ts';
import { type Caller, insertSecurityEvent } from '../db/security-events.ts';
import type { Tx } from '../db/transaction.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { queueMail } from './mail.ts';
import {
  credentialIdOf,
  type RelyingParty,
  requestOptions,
  useAssertion,
  type VerifiedAssertion,
  verifyAssertion,
} from './passkey-ceremony.ts';
import type { Ceremony } from './passkey-challenge.ts';
import type { Secret } from './secret.ts';
import { type RotatedSecret, rotate } from './session-rotation.ts';
import { assuranceOf } from './sign-in-flow.ts';

/** The assertion, if it is one of a passkey that we know, made in this ceremony. */
export async function findAndVerify(
  core: Core,
  ceremony: Ceremony,
  relyingParty: RelyingParty,
  response: unknown,
): Promise<VerifiedAssertion | null> {
  const id = credentialIdOf(response);
  const passkey = await core.database.transaction((tx) => findPasskey(tx, id));
  return passkey ? await verifyAssertion(core, ceremony, relyingParty, response, passkey) : null;
}

/** Whose passkey it is, and who shows it. */
interface PasskeyHolder {
  readonly email: string;
  readonly caller: Caller;
}

/**
 * Uses the assertion up; false where it was used before, came too late, or its passkey is gone. A
 * counter that went back may mean that somebody has a copy: its owner is told, and not locked out,
 * since some authenticators count wrongly (WebAuthn 6.1.1).
 */
export async function proveByPasskey(
  core: Core,
  tx: Tx,
  assertion: VerifiedAssertion,
  { email, caller }: PasskeyHolder,
): Promise<boolean> {
  const used = await useAssertion(tx, assertion);
  if (used === 'refused') return false;
  if (used === 'counter-went-back') {
    const { identityId, id } = assertion.passkey;
    const details = { passkey: id };
    await insertSecurityEvent(tx, { kind: 'passkey-suspected', identityId, caller, details });
    const change = 'passkey-suspected';
    const { language } = caller;
    const message = { kind: 'authenticators-changed', to: email, language, change } as const;
    await queueMail(tx, core.encryptionKey, message);
  }
  return true;
}

/** What a signed-in person's browser is asked for; null where the account has no passkey. */
export async function reauthenticationOptions(
  core: Core,
  { identityId }: Pick<Principal, 'identityId'>,
  session: Secret,
  relyingParty: RelyingParty,
  now: Date,
) {
  const allowed = await core.database.transaction((tx) => findPasskeysOf(tx, identityId));
  if (allowed.length === 0) return null;
  const ceremony = { purpose: 're-authentication', secret: session } as const;
  return await requestOptions(core, ceremony, relyingParty, now, allowed);
}

/**
 * Proves again who is at the browser, with a passkey that its owner unlocks: both factors at once.
 * It must be one of the session's own identity, asked for in this very session, whose secret is new
 * from then on (R-25, ASVS 7.5.3).
 */
export async function reauthenticateWithPasskey(
  core: Core,
  authority: Authority,
  session: Secret,
  relyingParty: RelyingParty,
  response: unknown,
): Promise<RotatedSecret | 'wrong-credentials' | Refused> {
  const { identityId, email } = authority.principal;
  const { caller } = authority;
  const ceremony = { purpose: 're-authentication', secret: session } as const;
  const assertion = await findAndVerify(core, ceremony, relyingParty, response);
  const outcome = await runAuthorizedTransaction(
    core.database,
    authority.requirement,
    async (tx) => {
      const own = assertion?.passkey.identityId === identityId;
      const holder = { email, caller };
      if (!assertion || !own || !(await proveByPasskey(core, tx, assertion, holder))) {
        await insertSecurityEvent(tx, { kind: 'reauthentication-failed', identityId, caller });
        return 'wrong-credentials' as const;
      }
      await insertSecurityEvent(tx, { kind: 'reauthenticated', identityId, caller });
      const assurance = assuranceOf(['passkey'], assertion.passkey.id);
      return await rotate(tx, authority.principal, assurance);
    },
  );
  return 'refusal' in outcome ? outcome : outcome.result;
}
