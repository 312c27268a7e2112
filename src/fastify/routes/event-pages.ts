import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { eventPage } from '../../db/event-list.ts';
import { ownDeletion } from '../../db/identities.ts';
import { CONNECTING_PAGE_HEADERS } from '../../http/security-headers.ts';
import { ownEventsPage } from '../../pages/events.tsx';
import { tenantEventsPage } from '../../pages/tenant-events.tsx';
import {
  EVENTS_ON_PAGE,
  filterOfPage,
  type PageEventFilter,
  pageEventFilter,
} from '../event-query.ts';
import { textsFor } from '../reader.ts';
import { csrfTokenFor } from '../session-cookies.ts';
import { accountValues, PAGE } from './account-page.ts';
import { pageOf, READ_EVENTS, sendExport } from './events-api.ts';

const exported = pageEventFilter.extend({ format: z.enum(['csv', 'json']).catch('csv') });

/** The security event logs as pages. */
export function eventPages(server: FastifyInstance, core: Core): void {
  ownEventPages(server, core);
  tenantEventPages(server, core);
}

/** What was noted about a person, as they see it: was this you? */
function ownEventPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/account/events',
    {
      ...PAGE,
      load: (_db, { query }) => ({
        deletion: ownDeletion,
        events: eventPage('own', ownFilter(query), query.cursor ?? null, EVENTS_ON_PAGE + 1),
      }),
      schema: { hide: true, querystring: pageEventFilter },
    },
    async (request, reply) => {
      const { rows, next } = pageOf(request, EVENTS_ON_PAGE);
      const { cursor, person: _ignored, ...filter } = request.query;
      const values = { events: rows, next, filter, older: cursor !== undefined };
      return sendEventsPage(
        reply,
        ownEventsPage(textsFor(request), { ...accountValues(request), ...values }),
      );
    },
  );

  app.get(
    '/account/events/export',
    { ...PAGE, schema: { hide: true, querystring: exported } },
    async (request, reply) => {
      const { format } = request.query;
      return sendExport(core, request, reply, 'own', ownFilter(request.query), format);
    },
  );
}

/** What was noted in a tenant, for those of its members who may read that. */
function tenantEventPages(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/tenant/events',
    {
      ...PAGE,
      access: READ_EVENTS,
      load: (_db, { query }) => ({
        events: eventPage('tenant', filterOfPage(query), query.cursor ?? null, EVENTS_ON_PAGE + 1),
      }),
      schema: { hide: true, querystring: pageEventFilter },
    },
    async (request, reply) => {
      const { rows, next } = pageOf(request, EVENTS_ON_PAGE);
      const { cursor, ...filter } = request.query;
      const csrfToken = csrfTokenFor(request);
      const values = { csrfToken, events: rows, next, filter, older: cursor !== undefined };
      return sendEventsPage(reply, tenantEventsPage(textsFor(request), values));
    },
  );

  app.get(
    '/tenant/events/export',
    { ...PAGE, access: READ_EVENTS, schema: { hide: true, querystring: exported } },
    async (request, reply) => {
      const { format } = request.query;
      return sendExport(core, request, reply, 'tenant', filterOfPage(request.query), format);
    },
  );
}

/** Of whom it is about there is no choice: the log is one person's. */
function ownFilter(query: PageEventFilter) {
  return { ...filterOfPage(query), identityId: null };
}

/** Its script fetches the export to show how far it is. */
function sendEventsPage(reply: FastifyReply, html: string): FastifyReply {
  return reply.headers(CONNECTING_PAGE_HEADERS).type('text/html; charset=utf-8').send(html);
}
