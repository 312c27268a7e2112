import { findPasskeysOf } from '../db/passkeys.ts';
import { findPasswordHash } from '../db/passwords.ts';
import { findProviderLinksOf } from '../db/provider-links.ts';
import type { Tx } from '../db/transaction.ts';
import type { Core } from './core.ts';

/**
 * Whether somebody could still sign in without their password, or without the passkey or the
 * account at a provider of this id: with a password, a passkey, or an account at a provider that is
 * configured today. Whoever removes one of these asks here, in the transaction that removes it
 * (ASVS 6.4.4).
 */
export async function hasOtherWayIn(
  core: Core,
  tx: Tx,
  identityId: string,
  removed: 'password' | { readonly id: string },
): Promise<boolean> {
  const password = removed === 'password' ? undefined : await findPasswordHash(tx, identityId);
  if (password !== undefined) return true;
  const removedId = removed === 'password' ? null : removed.id;
  const passkeys = await findPasskeysOf(tx, identityId);
  if (passkeys.some(({ id }) => id !== removedId)) return true;
  const links = await findProviderLinksOf(tx, identityId);
  return links.some(({ id, issuer }) => id !== removedId && core.providers?.byIssuer(issuer));
}
