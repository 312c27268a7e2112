import {
  deleteOldestDevices,
  hasDevice,
  insertDevice,
  isDevice,
  replaceDeviceSecret,
} from '../db/devices.ts';
import { isFresh } from '../db/identities.ts';
import { insertSecurityEvent } from '../db/security-events.ts';
import type { Caller } from '../db/security-events.ts';
import type { Tx } from '../db/transaction.ts';
import type { Core } from './core.ts';
import { queueMail } from './mail.ts';
import { mayNotify } from './mail-limit.ts';
import { deviceDigestOf, newSecret, type Secret } from './secret.ts';

/**
 * The digest of the caller's browser, if this identity has signed in there before. It proves
 * nothing: it gives guesses a budget of their own, and keeps a mail from being sent.
 */
export async function knownDevice(
  tx: Tx,
  identityId: string | undefined,
  { deviceDigest }: Caller,
): Promise<string | null> {
  if (deviceDigest === null) return null;
  const known = await isDevice(tx, identityId ?? NOBODY, deviceDigest);
  return known ? deviceDigest : null;
}

/** Asked for all the same, so that an address without an owner takes no less time. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/**
 * Notes that this identity has signed in in the caller's browser. Where it never had before, the
 * browser gets a new secret, so that one which somebody else has planted there is worth nothing,
 * and the owner a mail (ASVS 6.3.5); but not about the first browser, right after signing up.
 * @returns the new secret, for the browser's cookie; null where it has one.
 */
export async function noteDevice(
  tx: Tx,
  core: Core,
  identity: { readonly id: string; readonly email: string },
  caller: Caller,
): Promise<Secret | null> {
  if ((await knownDevice(tx, identity.id, caller)) !== null) return null;
  const secret = newSecret();
  const digest = deviceDigestOf(secret);
  const first = !(await hasDevice(tx, identity.id)) && (await isFresh(tx, identity.id));
  if (caller.deviceDigest !== null) await replaceDeviceSecret(tx, caller.deviceDigest, digest);
  await insertDevice(tx, identity.id, digest);
  await deleteOldestDevices(tx, identity.id);
  if (first) return secret;
  await insertSecurityEvent(tx, { kind: 'device-added', identityId: identity.id, caller });
  if (await mayNotify(tx, 'new-device', identity.id)) {
    const { language, browser, system } = caller;
    const message = { kind: 'new-device', to: identity.email, language, browser, system } as const;
    await queueMail(tx, core.encryptionKey, message);
  }
  return secret;
}
