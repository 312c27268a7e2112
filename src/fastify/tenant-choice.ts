import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Core } from '../core/core.ts';
import { proofOf } from '../core/secret.ts';
import { runAuthorized } from '../db/authorization.ts';
import type { Row } from '../db/batch.ts';
import { ownTenants } from '../db/tenants.ts';
import { type TenantItem, tenantsPage } from '../pages/tenants.tsx';
import { sendPage, textsFor } from './reader.ts';
import { backTo, REFUSED, refuse } from './refusals.ts';
import { csrfTokenOf } from './session-cookies.ts';

/** The tenants that a statement of `ownTenants` has found. */
export function tenantItems(rows: readonly Row[]): readonly TenantItem[] {
  return rows as unknown as readonly TenantItem[];
}

/**
 * Answers a request that is for a tenant and in none, while its person is a member of some: which
 * ones there are to choose from. None is taken for the likeliest (ASVS 8.4.1).
 */
export async function refuseUnselected(
  core: Core,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { sessionSecret } = request;
  if (!sessionSecret) return refuse('tenant-not-selected', request, reply);
  const requirement = {
    role: 'sallyport_identity',
    proof: proofOf(sessionSecret),
    permission: null,
  } as const;
  const answered = await runAuthorized(core.database, requirement, [ownTenants]);
  if ('refusal' in answered) return refuse(answered.refusal, request, reply);
  const rows = answered.results[0]?.rows ?? [];
  const tenants = tenantItems(rows).filter(({ deletesAt }) => deletesAt === null);
  if (request.routeOptions.config.page) {
    request[REFUSED] = 'tenant-not-selected';
    const csrfToken = csrfTokenOf(sessionSecret, answered.principal);
    const values = { csrfToken, tenants, returnTo: backTo(request), asked: true };
    return sendPage(reply.code(409), tenantsPage(textsFor(request), values));
  }
  const choices = tenants.map(({ id, slug, name }) => ({ id, slug, name }));
  return refuse('tenant-not-selected', request, reply, undefined, { tenants: choices });
}
