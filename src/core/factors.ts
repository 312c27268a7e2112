import { findPasskeysOf } from '../db/passkeys.ts';
import { countRecoveryCodes, replaceRecoveryCodes } from '../db/recovery-codes.ts';
import { type Caller, insertSecurityEvent } from '../db/security-events.ts';
import { forgetPasskeyProofs, lowerAllSessions, lowerSessions } from '../db/sessions.ts';
import { findTotp } from '../db/totp.ts';
import type { Tx } from '../db/transaction.ts';
import type { Core } from './core.ts';
import { type AuthenticatorChange, queueMail } from './mail.ts';
import { newRecoveryCodes, recoveryCodeDigest } from './recovery-code.ts';
import { type Factors, hasSecondFactor } from './sign-in-flow.ts';

/** What the identity can prove its person with, beside a password. */
export async function findFactors(tx: Tx, identityId: string): Promise<Factors> {
  const totp = (await findTotp(tx, identityId)) !== undefined;
  const passkeys = (await findPasskeysOf(tx, identityId)).length;
  return { totp, passkeys, recoveryCodes: await countRecoveryCodes(tx, identityId) };
}

/** Whose authenticators change, and who changes them. */
interface Changing {
  readonly principal: { readonly identityId: string; readonly email: string };
  readonly caller: Caller;
}

/** Notes the change and mails it to the owner, in the transaction that makes it. */
export async function noteChange(
  core: Core,
  tx: Tx,
  { principal: { identityId, email }, caller }: Changing,
  change: AuthenticatorChange,
): Promise<void> {
  const event = { kind: 'authenticators-changed', identityId, reason: change, caller } as const;
  await insertSecurityEvent(tx, event);
  const { language } = caller;
  const message = { kind: 'authenticators-changed', to: email, language, change } as const;
  await queueMail(tx, core.encryptionKey, message);
}

/** A set of recovery codes for whoever has a second factor and none; null where there are some. */
export async function firstRecoveryCodes(
  tx: Tx,
  identityId: string,
): Promise<readonly string[] | null> {
  if ((await countRecoveryCodes(tx, identityId)) > 0) return null;
  const codes = newRecoveryCodes();
  await replaceRecoveryCodes(tx, identityId, codes.map(recoveryCodeDigest));
  return codes;
}

/**
 * What follows when an authenticator is gone: no session keeps the assurance that it gave, on any
 * process, and whoever has no second factor left has no use for recovery codes (R-31, ASVS 7.4.3).
 */
export async function forgetAuthenticator(tx: Tx, identityId: string, id: string): Promise<void> {
  await lowerSessions(tx, id);
  await forgetPasskeyProofs(tx, identityId);
  if (hasSecondFactor(await findFactors(tx, identityId))) return;
  await lowerAllSessions(tx, identityId);
  await replaceRecoveryCodes(tx, identityId, []);
}
