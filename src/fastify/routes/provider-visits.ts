import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { beginVisit, type Departure } from '../../core/provider-visits.ts';
import type { Provider } from '../../core/providers.ts';
import type { ProviderPurpose } from '../../db/provider-flows.ts';
import { parseReturnTarget } from '../../http/return-target.ts';
import type { LinkedProvider, OfferedProvider } from '../../pages/providers.tsx';
import { loadedBy } from '../access.ts';
import { callerOf } from '../caller.ts';
import { mounted } from '../mount.ts';
import { OTHER_HOSTS } from '../other-hosts.ts';
import { text } from '../schemas.ts';
import { startBrowserVisit } from '../session-cookies.ts';

/** What stands in the address that a provider sends the browser back to (RFC 6749, RFC 9207). */
export const ANSWER = z.object({
  state: text.optional(),
  code: text.optional(),
  iss: text.optional(),
});

/** Where a provider sends the browser back to: each has its own, so no answer is another's. */
export function callbackPath(id: string): string {
  return `/sign-in/providers/${id}/callback`;
}

export function redirectUriOf(request: FastifyRequest, origin: string, { id }: Provider): string {
  return `${origin}${mounted(request, callbackPath(id))}`;
}

/** Sends this browser to a provider; null where there is no such one. */
export async function depart(
  core: Core,
  request: FastifyRequest,
  reply: FastifyReply,
  origin: string,
  asked: {
    readonly provider: string;
    readonly purpose: ProviderPurpose;
    readonly sessionId: string | null;
    readonly returnTo: string | undefined;
  },
): Promise<(Departure & { readonly provider: Provider }) | 'not-found' | 'provider-unreachable'> {
  const provider = core.providers?.byId(asked.provider);
  if (!provider) return 'not-found';
  const { purpose, sessionId } = asked;
  const returnTo = asked.returnTo === undefined ? null : parseReturnTarget(asked.returnTo, origin);
  const visit = { purpose, sessionId, returnTo };
  const redirectUri = redirectUriOf(request, origin, provider);
  const departure = await beginVisit(core, provider, visit, redirectUri, callerOf(request));
  if (departure === 'provider-unreachable') return departure;
  startBrowserVisit(reply, departure.flow);
  return { ...departure, provider };
}

/** With whom one can sign in. */
export function providersOf(core: Core): OfferedProvider[] {
  return (core.providers?.all ?? []).map(({ id, name }) => ({ id, name }));
}

/** Those that a page offers: none on a tenant's own host, where no visit can begin. */
export function offeredBy(core: Core, request: FastifyRequest): readonly OfferedProvider[] {
  return request[OTHER_HOSTS] ? [] : providersOf(core);
}

/** What `links` has loaded, with the names of the providers. */
export function linkedOf(core: Core, request: FastifyRequest): readonly LinkedProvider[] {
  const rows = loadedBy(request, 'links')?.rows ?? [];
  return (rows as unknown as readonly Omit<LinkedProvider, 'name'>[]).map((link) => ({
    ...link,
    name: core.providers?.byIssuer(link.issuer)?.name ?? null,
  }));
}
