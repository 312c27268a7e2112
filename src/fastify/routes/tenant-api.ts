import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { createTenant } from '../../core/tenant-creation.ts';
import { ownTenants } from '../../db/tenants.ts';
import { authorityOf, loadedBy } from '../access.ts';
import { refuse } from '../refusals.ts';
import { csrfToken, instant, newDisplayName, refusals, text } from '../schemas.ts';
import { startBrowserSession } from '../session-cookies.ts';

const tenant = z.object({ id: z.uuid(), slug: z.string(), name: z.string() });

const ownTenant = tenant.extend({
  role: z.string(),
  active: z.boolean().describe('whether the request was made in this one'),
  deletesAt: instant.nullable().describe('null unless it waits for its deletion'),
});

const slug = text.meta({
  minLength: 3,
  maxLength: 40,
  description: 'small letters, digits and inner hyphens; unique. Left out, it is made of the name',
});

/** The JSON API of tenants: those that somebody is a member of. */
export function tenantApi(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/api/tenants',
    {
      access: 'signed-in',
      role: 'sallyport_identity',
      load: () => ({ tenants: ownTenants }),
      schema: {
        summary: 'The tenants that you are a member of',
        response: { 200: z.array(ownTenant), ...refusals() },
      },
    },
    async (request) => (loadedBy(request, 'tenants')?.rows ?? []).map(ownTenantRow),
  );

  app.post(
    '/api/tenants',
    {
      access: 'signed-in',
      bodyType: 'json',
      schema: {
        summary: 'Make a tenant and become its owner; the session goes there, with a new secret',
        body: z.strictObject({ name: newDisplayName, slug: slug.optional() }),
        response: { 201: z.object({ tenant, csrfToken }), ...refusals() },
      },
    },
    async (request, reply) => {
      const outcome = await createTenant(core, authorityOf(request), request.body);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      if ('problems' in outcome) {
        return refuse('invalid-fields', request, reply, outcome.problems);
      }
      const token = startBrowserSession(reply, outcome.session);
      return reply.code(201).send({ tenant: outcome.tenant, csrfToken: token });
    },
  );
}

function ownTenantRow(row: Readonly<Record<string, unknown>>): z.input<typeof ownTenant> {
  return {
    id: String(row['id']),
    slug: String(row['slug']),
    name: String(row['name']),
    role: String(row['role']),
    active: row['active'] === true,
    deletesAt: (row['deletesAt'] as Date | null)?.toISOString() ?? null,
  };
}
