import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { leaveTenant } from '../../core/member-changes.ts';
import {
  changeTenant,
  deleteTenant,
  keepTenant,
  switchTenant,
  TENANT_GRACE_DAYS,
} from '../../core/tenant-changes.ts';
import { createTenant } from '../../core/tenant-creation.ts';
import { currentTenant } from '../../db/tenants.ts';
import type { FieldError } from '../../http/problem.ts';
import { parseReturnTarget } from '../../http/return-target.ts';
import {
  deleteTenantPage,
  leaveTenantPage,
  tenantSettingsPage,
} from '../../pages/tenant-settings.tsx';
import { newTenantPage, tenantsPage } from '../../pages/tenants.tsx';
import { authorityOf, loadedBy, principalOf } from '../access.ts';
import { mounted } from '../mount.ts';
import { languageOf, sendPage, textsFor } from '../reader.ts';
import { refuse } from '../refusals.ts';
import { text } from '../schemas.ts';
import { csrfTokenFor, startBrowserSession } from '../session-cookies.ts';
import { tenantItems } from '../tenant-choice.ts';
import { FORM, NO_FIELDS, noticeOf, PAGE } from './account-page.ts';
import { FRESH } from './own-account-api.ts';
import { DELETE_TENANT, READ_TENANT, WRITE_TENANT } from './tenant-api.ts';

/** A form whose page shows the header too when it comes back. */
export const TENANT_FORM = { ...FORM, role: 'sallyport_identity' } as const;

/** One's tenants, and the settings of the one that one is in. */
export function tenantPages(server: FastifyInstance, core: Core, origin: () => string): void {
  ownTenantPages(server, core, origin);
  newTenantPages(server, core);
  settingsPages(server, core);
  farewellPages(server, core);
}

function ownTenantPages(server: FastifyInstance, core: Core, origin: () => string): void {
  const app = server.withTypeProvider<ZodTypeProvider>();
  const byId = { _csrf: text, tenantId: z.uuid().toLowerCase() };

  app.get('/tenants', { ...PAGE, schema: { hide: true } }, async (request, reply) => {
    const tenants = tenantItems(loadedBy(request, 'tenants')?.rows ?? []);
    const values = { csrfToken: csrfTokenFor(request), tenants };
    return sendPage(reply, tenantsPage(textsFor(request), values));
  });

  app.post(
    '/tenants/enter',
    {
      mainOriginOnly: true,
      ...TENANT_FORM,
      returnTo: '/tenants',
      schema: {
        hide: true,
        body: z.strictObject({ ...byId, return_to: text.optional() }),
      },
    },
    async (request, reply) => {
      const { tenantId, return_to: back = '' } = request.body;
      const outcome = await switchTenant(core, authorityOf(request), tenantId);
      if (outcome === 'not-found') return refuse('not-found', request, reply);
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      startBrowserSession(reply, outcome);
      const target = parseReturnTarget(back, origin()) ?? mounted(request, '/tenant');
      return reply.redirect(target, 303);
    },
  );

  app.post(
    '/tenants/restore',
    {
      ...TENANT_FORM,
      access: FRESH,
      returnTo: '/tenants',
      schema: { hide: true, body: z.strictObject(byId) },
    },
    async (request, reply) => {
      const { tenantId } = request.body;
      const language = languageOf(request);
      const outcome = await keepTenant(core, authorityOf(request), tenantId, language);
      if (outcome === 'not-found') return refuse('not-found', request, reply);
      if (typeof outcome === 'object') return refuse(outcome.refusal, request, reply);
      return reply.redirect(mounted(request, '/tenants'), 303);
    },
  );
}

function newTenantPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/tenants/new',
    { ...PAGE, mainOriginOnly: true, schema: { hide: true } },
    async (request, reply) => {
      const values = { csrfToken: csrfTokenFor(request), errors: [] };
      return sendPage(reply, newTenantPage(textsFor(request), values));
    },
  );

  app.post(
    '/tenants/new',
    {
      mainOriginOnly: true,
      ...TENANT_FORM,
      schema: { hide: true, body: z.strictObject({ _csrf: text, name: text, slug: text }) },
    },
    async (request, reply) => {
      const { name, slug } = request.body;
      const outcome = await createTenant(core, authorityOf(request), { name, slug });
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      if ('problems' in outcome) {
        const csrfToken = csrfTokenFor(request);
        const values = { csrfToken, name, slug, errors: outcome.problems };
        return sendPage(reply.code(400), newTenantPage(textsFor(request), values));
      }
      startBrowserSession(reply, outcome.session);
      return reply.redirect(mounted(request, '/tenant'), 303);
    },
  );
}

const withTenant = { load: () => ({ tenant: currentTenant }) };

function settingsPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/tenant',
    {
      ...PAGE,
      access: READ_TENANT,
      ...withTenant,
      schema: { hide: true, querystring: noticeOf('tenant-saved') },
    },
    async (request, reply) => {
      const row = loadedBy(request, 'tenant')?.rows[0];
      const filledIn = { name: String(row?.['name']), slug: String(row?.['slug']), errors: [] };
      return sendSettings(request, reply, { ...filledIn, notice: request.query.notice });
    },
  );

  app.post(
    '/tenant',
    {
      ...TENANT_FORM,
      access: WRITE_TENANT,
      schema: { hide: true, body: z.strictObject({ _csrf: text, name: text, slug: text }) },
    },
    async (request, reply) => {
      const { name, slug } = request.body;
      const outcome = await changeTenant(core, authorityOf(request), { name, slug });
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      if ('problems' in outcome) {
        return sendSettings(request, reply.code(400), { name, slug, errors: outcome.problems });
      }
      return reply.redirect(mounted(request, '/tenant?notice=tenant-saved'), 303);
    },
  );
}

interface FilledIn {
  readonly name: string;
  readonly slug: string;
  readonly errors: readonly FieldError[];
  readonly notice?: 'tenant-saved' | undefined;
}

function sendSettings(request: FastifyRequest, reply: FastifyReply, filledIn: FilledIn) {
  const permissions = principalOf(request).permissions ?? [];
  const values = {
    ...filledIn,
    csrfToken: csrfTokenFor(request),
    mayWrite: permissions.includes(WRITE_TENANT.permission),
    mayAsk: permissions.includes('tenant:policy'),
    mayDelete: permissions.includes(DELETE_TENANT.permission),
    graceDays: TENANT_GRACE_DAYS,
  };
  return sendPage(reply, tenantSettingsPage(textsFor(request), values));
}

function farewellPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get('/tenant/leave', { ...PAGE, schema: { hide: true } }, async (request, reply) => {
    const values = { csrfToken: csrfTokenFor(request) };
    return sendPage(reply, leaveTenantPage(textsFor(request), values));
  });

  app.post(
    '/tenant/leave',
    { ...TENANT_FORM, schema: { hide: true, body: NO_FIELDS } },
    async (request, reply) => {
      const outcome = await leaveTenant(core, authorityOf(request));
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      if ('problem' in outcome && outcome.problem !== 'unknown-role')
        return refuse(outcome.problem, request, reply);
      return reply.redirect(mounted(request, '/tenants'), 303);
    },
  );

  app.get(
    '/tenant/delete',
    { ...PAGE, access: DELETE_TENANT, schema: { hide: true } },
    async (request, reply) => {
      const values = { csrfToken: csrfTokenFor(request), graceDays: TENANT_GRACE_DAYS };
      return sendPage(reply, deleteTenantPage(textsFor(request), values));
    },
  );

  app.post(
    '/tenant/delete',
    { ...TENANT_FORM, access: DELETE_TENANT, schema: { hide: true, body: NO_FIELDS } },
    async (request, reply) => {
      const outcome = await deleteTenant(core, authorityOf(request), languageOf(request));
      if ('refusal' in outcome) return refuse(outcome.refusal, request, reply);
      return reply.redirect(mounted(request, '/tenants'), 303);
    },
  );
}
