import { type HostPolicy, tenantOfHost } from './host.ts';
import type { OriginPolicy } from './origin.ts';
import type { RequestHead } from './request-head.ts';
import { namedTenant, NO_SLUG, type TenantHeaderPolicy } from './tenant-header.ts';
import { tenantOrigin } from './tenant-host.ts';

/**
 * The slug of the tenant that the request is for, by its host or by a trusted proxy's word; null
 * where neither says anything and the session does. Where the two disagree it is for no tenant at
 * all: which of them was meant is a guess (CWE-436). Either only selects among the memberships of
 * whoever asks (ASVS 8.4.1).
 */
export function selectedTenant(
  head: RequestHead,
  peer: string | undefined,
  policy: HostPolicy & TenantHeaderPolicy,
): string | null {
  const byHost = tenantOfHost(head, policy);
  const byProxy = namedTenant(head, peer, policy);
  if (byHost === null || byProxy === null) return byHost ?? byProxy;
  return byHost === byProxy ? byHost : NO_SLUG;
}

/**
 * The policy by which the request's own host judges origins: on a tenant's host its own origin is
 * the only one. The host of another tenant is same-site, and a stranger's (OWASP CSRF Prevention
 * Cheat Sheet, "Fetch Metadata").
 */
export function originPolicyOf(head: RequestHead, policy: HostPolicy & OriginPolicy): OriginPolicy {
  const slug = tenantOfHost(head, policy);
  if (slug === null || !policy.tenantHosts) return policy;
  const { trustedOrigins } = policy;
  return { origin: tenantOrigin(slug, policy.tenantHosts), trustedOrigins };
}
