import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { leaveTenant } from '../../core/member-changes.ts';
import type { OwnPermission } from '../../core/permissions.ts';
import { changeTenant, deleteTenant, keepTenant, switchTenant } from '../../core/tenant-changes.ts';
import { createTenant } from '../../core/tenant-creation.ts';
import { currentTenant, ownTenants } from '../../db/tenants.ts';
import { authorityOf, loadedBy } from '../access.ts';
import { languageOf } from '../reader.ts';
import { refuse } from '../refusals.ts';
import { csrfToken, instant, newDisplayName, refusals, text } from '../schemas.ts';
import { startBrowserSession } from '../session-cookies.ts';
import { FRESH } from './own-account-api.ts';

interface Asks {
  readonly permission: OwnPermission;
}

export const READ_TENANT = { permission: 'tenant:read' } as const satisfies Asks;
export const WRITE_TENANT = { permission: 'tenant:write' } as const satisfies Asks;
export const DELETE_TENANT = { permission: 'tenant:delete', ...FRESH } as const satisfies Asks;

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
      mainOriginOnly: true,
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

  membershipRoutes(server, core);
  currentTenantRoutes(server, core);
}

/** What somebody does with a membership of theirs, whatever their role is. */
function membershipRoutes(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.put(
    '/api/session/tenant',
    {
      mainOriginOnly: true,
      access: 'signed-in',
      bodyType: 'json',
      schema: {
        summary: 'Take the session into another of your tenants; it gets a new secret',
        body: z.strictObject({ tenantId: z.uuid().toLowerCase() }),
        response: { 200: z.object({ csrfToken }), ...refusals('not-found', 'tenant-deleted') },
      },
    },
    async (request, reply) => {
      const outcome = await switchTenant(core, authorityOf(request), request.body.tenantId);
      if (outcome === 'not-found') return refuse('not-found', request, reply);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      return reply.send({ csrfToken: startBrowserSession(reply, outcome) });
    },
  );

  app.post(
    '/api/tenants/:id/restore',
    {
      access: FRESH,
      bodyType: 'json',
      schema: {
        summary: 'Call the deletion of a tenant off, as an owner of it',
        params: z.object({ id: z.uuid().toLowerCase() }),
        body: z.strictObject({}).nullish(),
        response: { 204: z.undefined(), ...refusals('not-found') },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const outcome = await keepTenant(core, authorityOf(request), id, languageOf(request));
      if (outcome === 'not-found') return refuse('not-found', request, reply);
      if (typeof outcome === 'object') return refuse(outcome.refusal, request, reply);
      return reply.code(204).send();
    },
  );

  app.post(
    '/api/tenant/leave',
    {
      access: 'signed-in',
      bodyType: 'json',
      schema: {
        summary: 'Leave the tenant; an owner needs a fresh proof, and the last one stays',
        body: z.strictObject({}).nullish(),
        response: {
          204: z.undefined(),
          ...refusals('tenant-not-selected', 'forbidden', 'last-owner', 'step-up-required'),
        },
      },
    },
    async (request, reply) => {
      const outcome = await leaveTenant(core, authorityOf(request));
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      if ('problem' in outcome && outcome.problem !== 'unknown-role')
        return refuse(outcome.problem, request, reply);
      return reply.code(204).send();
    },
  );
}

/** The tenant that the request is in. */
function currentTenantRoutes(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/api/tenant',
    {
      access: READ_TENANT,
      role: 'sallyport_identity',
      load: () => ({ tenant: currentTenant }),
      schema: {
        summary: 'The tenant that you are in',
        response: { 200: tenant, ...refusals('not-found') },
      },
    },
    async (request, reply) => {
      const row = loadedBy(request, 'tenant')?.rows[0];
      if (!row) return refuse('not-found', request, reply);
      const { id, slug: known, name } = row;
      return reply.send({ id: String(id), slug: String(known), name: String(name) });
    },
  );

  app.patch(
    '/api/tenant',
    {
      access: WRITE_TENANT,
      bodyType: 'json',
      schema: {
        summary: 'Give the tenant another name or slug',
        body: z.strictObject({ name: newDisplayName, slug }).partial(),
        response: { 200: tenant, ...refusals() },
      },
    },
    async (request, reply) => {
      const outcome = await changeTenant(core, authorityOf(request), request.body);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      if ('problems' in outcome) return refuse('invalid-fields', request, reply, outcome.problems);
      return reply.send(outcome.tenant);
    },
  );

  app.post(
    '/api/tenant/delete',
    {
      access: DELETE_TENANT,
      bodyType: 'json',
      schema: {
        summary: 'Delete the tenant after a grace period; nobody is in it from now on',
        body: z.strictObject({}).nullish(),
        response: { 202: z.object({ deletesAt: instant }), ...refusals() },
      },
    },
    async (request, reply) => {
      const outcome = await deleteTenant(core, authorityOf(request), languageOf(request));
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      return reply.code(202).send({ deletesAt: outcome.deletesAt.toISOString() });
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
