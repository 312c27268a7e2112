import { headerValues, type RequestHead } from './request-head.ts';
import { isTrustedPeer, type TrustedProxies } from './source.ts';

/** In which header a routing proxy says which tenant a request is for, and which peers are one. */
export interface TenantHeaderPolicy {
  /** In lower case; left out where no proxy does. */
  readonly tenantHeader?: string | null;
  readonly trustedProxies: TrustedProxies;
}

/** What no slug is: a request that names a tenant in two ways is for none. */
export const NO_SLUG = '-';

/**
 * The slug that the request is for, as a trusted proxy says; null where none says anything. From
 * any other peer the header is a stranger's word and counts for nothing (CWE-290, CWE-348). It only
 * selects among the memberships of whoever asks, and grants none (ASVS 8.4.1).
 */
export function namedTenant(
  head: RequestHead,
  peer: string | undefined,
  { tenantHeader, trustedProxies }: TenantHeaderPolicy,
): string | null {
  if (!tenantHeader || !isTrustedPeer(peer, trustedProxies)) return null;
  const [slug, ...more] = headerValues(head, tenantHeader);
  if (slug === undefined) return null;
  return more.length === 0 && /^[a-z0-9-]{1,64}$/.test(slug) ? slug : NO_SLUG;
}
