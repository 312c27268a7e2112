import { runAuthorizedTransaction } from '../db/authorization.ts';
import { isUniqueViolation } from '../db/errors.ts';
import {
  deleteProviderLink,
  findProviderLink,
  findProviderLinksOf,
  insertProviderLink,
} from '../db/provider-links.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { noteChange } from './factors.ts';
import { endVisit, refusalOf, type Returned, type VisitRefusal } from './provider-visits.ts';
import type { Provider } from './providers.ts';
import { proveSecond, type Reauthenticated } from './reauthentication.ts';
import type { Secret } from './secret.ts';
import { hasOtherWayIn } from './ways-in.ts';

/**
 * Links the account at the provider that this browser comes back from to the identity of its
 * session, in which the visit was begun. Both addresses have been proved, each where it belongs;
 * they need not be the same. The route asks for a fresh proof (ASVS 7.5.1): a session alone, left
 * open somewhere, gives nobody a way in of their own.
 *
 * @returns `provider-taken` where somebody has linked it, or this identity another one of the same
 *   provider.
 */
export async function linkProvider(
  core: Core,
  authority: Authority,
  flow: Secret | null,
  provider: Provider,
  returned: Returned,
  redirectUri: string,
): Promise<
  | { readonly returnTo: string | null }
  | VisitRefusal
  | 'provider-address-unproved'
  | 'provider-taken'
  | Refused
> {
  const { principal, requirement, caller } = authority;
  const { identityId, sessionId } = principal;
  const use = { purpose: 'link', sessionId } as const;
  const visited = await endVisit(core, flow, provider, use, returned, redirectUri);
  if (typeof visited === 'string') return visited;
  const { account, returnTo } = visited;
  const { issuer } = provider;
  try {
    const { proved } = await account.profile();
    if (!proved) return 'provider-address-unproved';
    const outcome = await runAuthorizedTransaction(core.database, requirement, async (tx) => {
      const { subject } = account;
      await insertProviderLink(tx, { identityId, issuer, subject, address: proved.address });
      await noteChange(core, tx, { principal, caller }, 'provider-linked');
      return { returnTo };
    });
    return 'refusal' in outcome ? outcome : outcome.result;
  } catch (error) {
    if (isUniqueViolation(error)) return 'provider-taken';
    return refusalOf(error);
  }
}

/**
 * Takes a link away: with that account nobody signs in here any more, and a sign-in that was begun
 * with it is over. The only way in stays (ASVS 6.4.4).
 */
export async function unlinkProvider(
  core: Core,
  { principal, requirement, caller }: Authority,
  id: string,
): Promise<'unlinked' | 'not-found' | 'last-way-in' | Refused> {
  const { identityId } = principal;
  const outcome = await runAuthorizedTransaction(core.database, requirement, async (tx) => {
    const links = await findProviderLinksOf(tx, identityId);
    if (!links.some((link) => link.id === id)) return 'not-found' as const;
    if (!(await hasOtherWayIn(core, tx, identityId, { id }))) return 'last-way-in' as const;
    await deleteProviderLink(tx, identityId, id);
    await noteChange(core, tx, { principal, caller }, 'provider-unlinked');
    return 'unlinked' as const;
  });
  return 'refusal' in outcome ? outcome : outcome.result;
}

/**
 * Proves again who is at the browser, by the provider, which was asked to have it proved anew: with
 * an account that this identity has linked, in the session in which the visit was begun, and with a
 * code of whoever has a second factor (R-25, ASVS 7.5.3).
 */
export async function reauthenticateWithProvider(
  core: Core,
  authority: Authority,
  flow: Secret | null,
  provider: Provider,
  returned: Returned & { readonly secondCode?: string | undefined },
  redirectUri: string,
): Promise<{ readonly outcome: Reauthenticated; readonly returnTo: string | null } | VisitRefusal> {
  const { identityId, sessionId } = authority.principal;
  const use = { purpose: 're-authentication', sessionId } as const;
  const visited = await endVisit(core, flow, provider, use, returned, redirectUri);
  if (typeof visited === 'string') return visited;
  const { account, returnTo } = visited;
  const outcome = await proveSecond(core, authority, returned.secondCode, {
    method: 'provider',
    stands: async (tx) => {
      const link = await findProviderLink(tx, provider.issuer, account.subject);
      return link?.identityId === identityId;
    },
  });
  return { outcome, returnTo };
}
