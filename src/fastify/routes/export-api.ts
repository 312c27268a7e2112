import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ownDeletion } from '../../db/identities.ts';
import { ownProviderLinks } from '../../db/provider-links.ts';
import { ownSecurityEvents } from '../../db/security-events.ts';
import { ownSessions } from '../../db/sessions.ts';
import { loadedBy, principalOf } from '../access.ts';
import { instant, refusals } from '../schemas.ts';
import { ownSession, sessionRow } from './own-account-api.ts';

/** The statements behind everything that is kept about a person. */
export const loadExport = () => ({
  sessions: ownSessions,
  events: ownSecurityEvents,
  deletion: ownDeletion,
  links: ownProviderLinks,
});

/** All that is kept about a person, as a file, over the API. */
export function exportApi(server: FastifyInstance): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/api/account/export',
    {
      access: 'signed-in',
      role: 'sallyport_identity',
      load: loadExport,
      schema: {
        summary: 'All that is kept about you, as a file',
        response: { 200: exported, ...refusals() },
      },
    },
    async (request, reply) => {
      reply.header('content-disposition', 'attachment; filename="account.json"');
      return reply.send(exportOf(request));
    },
  );
}

const exported = z.object({
  identity: z.object({
    id: z.uuid(),
    email: z.string(),
    displayName: z.string(),
    deletesAt: instant.nullable(),
  }),
  sessions: z.array(ownSession),
  accountsElsewhere: z.array(
    z.object({
      issuer: z.string(),
      address: z.string(),
      createdAt: instant,
      lastUsedAt: instant.nullable(),
    }),
  ),
  securityEvents: z.array(
    z.object({ at: instant, kind: z.string(), reason: z.string().nullable() }),
  ),
});

/** Everything about the request's own identity, from one snapshot. */
export function exportOf(request: FastifyRequest): z.input<typeof exported> {
  const principal = principalOf(request);
  const deletion = loadedBy(request, 'deletion')?.rows[0]?.['deletesAt'] as Date | null | undefined;
  return {
    identity: {
      id: principal.identityId,
      email: principal.email,
      displayName: principal.displayName,
      deletesAt: deletion?.toISOString() ?? null,
    },
    sessions: loadedBy(request, 'sessions')?.rows.map(sessionRow) ?? [],
    accountsElsewhere: (loadedBy(request, 'links')?.rows ?? []).map((row) => ({
      issuer: String(row['issuer']),
      address: String(row['address']),
      createdAt: (row['createdAt'] as Date).toISOString(),
      lastUsedAt: (row['lastUsedAt'] as Date | null)?.toISOString() ?? null,
    })),
    securityEvents: (loadedBy(request, 'events')?.rows ?? []).map((row) => ({
      at: (row['at'] as Date).toISOString(),
      kind: String(row['kind']),
      reason: row['reason'] as string | null,
    })),
  };
}
