import type { FastifyContextConfig, FastifyRequest } from 'fastify';
import { ownTenants } from '../db/tenants.ts';
import type { SwitcherTenant } from '../pages/tenant-texts.ts';
import type { LoadQuery } from './application.ts';

/** As many as one finds one's way among; the page of one's tenants has them all. */
const TENANTS_MAX = 30;

const NAME = 'tenants';

/**
 * What every page of the account shows in its header beside what it is about: the way between the
 * tenants of its reader. It is read in the flush of the decision.
 */
export function switcherQueries({
  page,
  account,
  role,
}: FastifyContextConfig): readonly LoadQuery[] {
  if (!page || !account || role !== 'sallyport_identity') return [];
  return [{ name: NAME, statement: ownTenants, changes: false, read: (result) => result }];
}

/** The tenants that the header offers; none where nobody has been let through. */
export function switcherOf(request: FastifyRequest): readonly SwitcherTenant[] {
  const found = (request.loaded as FastifyRequest['loaded'] | undefined)?.[NAME];
  const rows = (found as { readonly rows?: unknown } | undefined)?.rows ?? [];
  return (rows as readonly (SwitcherTenant & { readonly deletesAt: Date | null })[])
    .filter(({ deletesAt, active }) => deletesAt === null || active)
    .slice(0, TENANTS_MAX)
    .map(({ id, name, active }) => ({ id, name, active }));
}
