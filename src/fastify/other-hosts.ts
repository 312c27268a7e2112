import type { FastifyRequest } from 'fastify';
import { tenantOfHost } from '../http/host.ts';
import { tenantOrigin } from '../http/tenant-host.ts';
import type { OtherHosts } from '../pages/tenant-texts.ts';
import type { GatePolicy } from './head-checks.ts';
import { mounted } from './mount.ts';

/** Where the pages are that a tenant's own host leads to; null for a request of the main origin. */
export const OTHER_HOSTS = Symbol('sallyport.otherHosts');

declare module 'fastify' {
  interface FastifyRequest {
    [OTHER_HOSTS]: OtherHosts | null;
  }
}

/** From configuration alone: nothing of the request is in these addresses (CWE-601). */
export function otherHostsOf(request: FastifyRequest, policy: GatePolicy): OtherHosts | null {
  const { tenantHosts } = policy;
  if (!tenantHosts || tenantOfHost(request.raw, policy) === null) return null;
  return {
    main: policy.origin + mounted(request, ''),
    tenant: (slug) => tenantOrigin(slug, tenantHosts) + mounted(request, ''),
  };
}
