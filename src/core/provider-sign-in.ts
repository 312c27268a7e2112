import { isUniqueViolation } from '../db/errors.ts';
import { findAccount, insertIdentity } from '../db/identities.ts';
import { deleteOneTimeTokens } from '../db/one-time-tokens.ts';
import {
  findProviderLink,
  insertProviderLink,
  noteProviderUse,
  type ProviderLink,
} from '../db/provider-links.ts';
import { type Caller, insertSecurityEvent } from '../db/security-events.ts';
import { deleteSignUps } from '../db/sign-ups.ts';
import type { Tx } from '../db/transaction.ts';
import type { Core } from './core.ts';
import { parseDisplayName } from './display-name.ts';
import type { EmailAddress } from './email-address.ts';
import { ownerAddress } from './email-change.ts';
import { noteChange } from './factors.ts';
import { type FactorNeeded, firstFactorProved } from './first-factor.ts';
import { endVisit, refusalOf, type Returned, type VisitRefusal } from './provider-visits.ts';
import type { Provider, ProviderIdentity, ProviderProfile } from './providers.ts';
import type { Secret } from './secret.ts';
import type { SignedIn, SigningBrowser } from './session-start.ts';

/** Why a provider's word signs nobody in. */
export type ProviderSignInRefusal =
  | VisitRefusal
  /** The provider has not proved an address, so there is nothing to make an account with. */
  | 'provider-address-unproved'
  /** Its address is that of an account which this has not been linked to. */
  | 'provider-not-linked'
  | 'wrong-credentials';

/**
 * Signs in whoever has linked the account at the provider that this browser comes back from. An
 * account that nobody has linked becomes a new identity, if the provider has proved its address and
 * nobody has that here. An identity that has it is never taken over: who proves an address to a
 * provider is not therefore the owner of what stands here (CWE-287); they sign in and link.
 *
 * A provider's word is one factor: whoever has a second one is asked for it.
 */
export async function signInWithProvider(
  core: Core,
  flow: Secret | null,
  provider: Provider,
  returned: Returned,
  redirectUri: string,
  browser: SigningBrowser,
): Promise<
  | { readonly outcome: SignedIn | FactorNeeded; readonly returnTo: string | null }
  | ProviderSignInRefusal
> {
  const use = { purpose: 'sign-in', sessionId: null } as const;
  const visited = await endVisit(core, flow, provider, use, returned, redirectUri);
  if (typeof visited === 'string') return visited;
  const { account, returnTo } = visited;
  const newcomer = await profileOfStranger(core, provider, account);
  if (typeof newcomer === 'string') return newcomer;
  try {
    const outcome = await core.database.transaction(async (tx) => {
      const link =
        (await findProviderLink(tx, provider.issuer, account.subject)) ??
        (await makeIdentity(core, tx, provider, account, newcomer, browser.caller));
      if (typeof link === 'string') return link;
      return await signInLinked(core, tx, link, browser, returnTo);
    });
    return typeof outcome === 'string' ? outcome : { outcome, returnTo };
  } catch (error) {
    // Somebody else has proved the same address, or linked the same account, in the same moment.
    if (isUniqueViolation(error)) return 'provider-not-linked';
    throw error;
  }
}

/** What the provider says of somebody who is not known here; null of whoever is. */
async function profileOfStranger(
  core: Core,
  { issuer }: Provider,
  account: ProviderIdentity,
): Promise<ProviderProfile | null | 'provider-refused' | 'provider-unreachable'> {
  const known = await core.database.transaction((tx) =>
    findProviderLink(tx, issuer, account.subject),
  );
  if (known) return null;
  try {
    return await account.profile();
  } catch (error) {
    return refusalOf(error);
  }
}

async function makeIdentity(
  core: Core,
  tx: Tx,
  { issuer }: Provider,
  { subject }: ProviderIdentity,
  profile: ProviderProfile | null,
  caller: Caller,
): Promise<ProviderLink | 'provider-address-unproved' | 'provider-not-linked'> {
  if (!profile?.proved) return 'provider-address-unproved';
  const { address, folded } = profile.proved;
  if ((await ownerAddress(tx, folded, null)) !== undefined) return 'provider-not-linked';
  const displayName = nameOf(profile, profile.proved);
  const identityId = await insertIdentity(tx, { folded, address, displayName, passwordHash: null });
  // Of what others had typed for this address, nothing is left.
  await deleteSignUps(tx, folded);
  await deleteOneTimeTokens(tx, [folded]);
  const id = await insertProviderLink(tx, { identityId, issuer, subject, address });
  await insertSecurityEvent(tx, { kind: 'signed-up', identityId, caller });
  await insertSecurityEvent(tx, { kind: 'address-proved', identityId, caller });
  const principal = { identityId, email: address };
  await noteChange(core, tx, { principal, caller }, 'provider-linked');
  return { id, identityId, issuer };
}

/** What the provider calls them, else what their address does. */
function nameOf({ name }: ProviderProfile, { address }: EmailAddress): string {
  const given = parseDisplayName(name ?? '');
  if ('displayName' in given) return given.displayName;
  const local = parseDisplayName(address.slice(0, address.lastIndexOf('@')));
  return 'displayName' in local ? local.displayName : address;
}

async function signInLinked(
  core: Core,
  tx: Tx,
  { id: linkId, identityId }: ProviderLink,
  browser: SigningBrowser,
  returnTo: string | null,
): Promise<SignedIn | FactorNeeded | 'wrong-credentials'> {
  const account = await findAccount(tx, identityId);
  if (!account || account.disabled || !(await noteProviderUse(tx, linkId))) {
    const reason = account?.disabled ? 'identity-disabled' : 'wrong-credentials';
    const { caller } = browser;
    await insertSecurityEvent(tx, { kind: 'sign-in-failed', identityId, reason, caller });
    return 'wrong-credentials';
  }
  const { email, displayName } = account;
  const identity = { id: identityId, email, displayName };
  const factor = { method: 'provider', linkId } as const;
  return await firstFactorProved(tx, core, identity, factor, browser, returnTo);
}
