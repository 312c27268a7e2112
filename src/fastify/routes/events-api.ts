import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Core } from '../../core/core.ts';
import { countForExport, exportEvents } from '../../core/event-export.ts';
import type { OwnPermission } from '../../core/permissions.ts';
import {
  type EventFilter,
  type EventLog,
  eventPage,
  type EventRow,
  type TenantEventRow,
} from '../../db/event-list.ts';
import { csvLine } from '../../http/csv.ts';
import { loadedBy, requirementFor } from '../access.ts';
import {
  cursorText,
  eventPaging,
  filterOf,
  ownEventFilter,
  tenantEventFilter,
} from '../event-query.ts';
import { instant, refusals } from '../schemas.ts';

/** Who may read the log of a tenant. */
export const READ_EVENTS = { permission: 'events:read' } as const satisfies {
  readonly permission: OwnPermission;
};

const ownEvent = z.object({
  id: z.uuid(),
  at: instant,
  kind: z.string(),
  outcome: z.enum(['success', 'failure']),
  reason: z.string().nullable(),
  details: z.record(z.string(), z.union([z.string(), z.number()])),
  by: z.enum(['self', 'other']).nullable().describe('who did it; null where nobody is known'),
  requestId: z.uuid().nullable(),
  address: z.string().nullable(),
  browser: z.string().nullable(),
  system: z.string().nullable(),
});
const tenantEvent = ownEvent.extend({
  identityId: z.uuid().nullable().describe('whom it is about'),
  actorId: z.uuid().nullable(),
  person: z.string().nullable().describe('the address of whom it is about, while a member'),
  actor: z.string().nullable(),
});
const next = z.string().nullable().describe('the cursor of the next page; null on the last');
const format = z.enum(['csv', 'json']).default('csv');

/** The security event logs as JSON: a person's own, and the tenant's. */
export function eventsApi(server: FastifyInstance, core: Core): void {
  const app = server.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/api/account/events',
    {
      access: 'signed-in',
      role: 'sallyport_identity',
      load: (_db, { query }) => ({
        events: eventPage('own', filterOf(query), query.cursor ?? null, query.limit + 1),
      }),
      schema: {
        summary: 'What was noted about you, newest first, a page at a time',
        querystring: ownEventFilter.extend(eventPaging),
        response: { 200: z.object({ events: z.array(ownEvent), next }), ...refusals() },
      },
    },
    async (request, reply) => {
      const { rows, next: behind } = pageOf(request, request.query.limit);
      return reply.send({ events: rows.map(ownView), next: behind });
    },
  );

  app.get(
    '/api/events',
    {
      access: READ_EVENTS,
      role: 'sallyport_identity',
      load: (_db, { query }) => ({
        events: eventPage('tenant', filterOf(query), query.cursor ?? null, query.limit + 1),
      }),
      schema: {
        summary: 'What was noted in the tenant, newest first, a page at a time',
        querystring: tenantEventFilter.extend(eventPaging),
        response: { 200: z.object({ events: z.array(tenantEvent), next }), ...refusals() },
      },
    },
    async (request, reply) => {
      const { rows, next: behind } = pageOf(request, request.query.limit);
      return reply.send({ events: rows.map(tenantView), next: behind });
    },
  );

  const file = { 200: z.string().describe('a file, sent as it is read'), ...refusals() };

  app.get(
    '/api/account/events/export',
    {
      access: 'signed-in',
      role: 'sallyport_identity',
      schema: {
        summary: 'What was noted about you, as a file',
        querystring: ownEventFilter.extend({ format }),
        response: file,
      },
    },
    async (request, reply) =>
      sendExport(core, request, reply, 'own', filterOf(request.query), request.query.format),
  );

  app.get(
    '/api/events/export',
    {
      access: READ_EVENTS,
      role: 'sallyport_identity',
      schema: {
        summary: 'What was noted in the tenant, as a file',
        querystring: tenantEventFilter.extend({ format }),
        response: file,
      },
    },
    async (request, reply) =>
      sendExport(core, request, reply, 'tenant', filterOf(request.query), request.query.format),
  );
}

/** The rows of a page, of which one more was read than it has, and what the next begins behind. */
export function pageOf(
  request: FastifyRequest,
  limit: number,
): { readonly rows: readonly TenantEventRow[]; readonly next: string | null } {
  const read = (loadedBy(request, 'events')?.rows ?? []) as unknown as readonly TenantEventRow[];
  const rows = read.slice(0, limit);
  const last = rows.at(-1);
  return { rows, next: last && read.length > limit ? cursorText(last) : null };
}

/**
 * Sends a log as a file while it is read. How many events it will have stands in a header, for a
 * progress bar; whoever loses the right to read meanwhile gets a file that breaks off.
 */
export async function sendExport(
  core: Core,
  request: FastifyRequest,
  reply: FastifyReply,
  log: EventLog,
  filter: EventFilter,
  as: 'csv' | 'json',
): Promise<FastifyReply> {
  const requirement = requirementFor(request);
  const total = await countForExport(core, requirement, log, filter);
  const pages = exportEvents(core, requirement, log, filter);
  const chunks = as === 'csv' ? csvOf(log, pages) : jsonOf(log, pages);
  return reply
    .headers({
      'x-total-count': String(total),
      'content-disposition': `attachment; filename="security-events.${as}"`,
    })
    .type(as === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/json')
    .send(Readable.from(chunks, { objectMode: false }));
}

const OWN_COLUMNS = [
  'id',
  'at',
  'kind',
  'outcome',
  'reason',
  'details',
  'by',
  'requestId',
  'address',
  'browser',
  'system',
] as const;
const TENANT_COLUMNS = [...OWN_COLUMNS, 'identityId', 'actorId', 'person', 'actor'] as const;

async function* csvOf(log: EventLog, pages: AsyncIterable<readonly EventRow[]>) {
  const columns = log === 'own' ? OWN_COLUMNS : TENANT_COLUMNS;
  yield csvLine(columns);
  for await (const rows of pages) {
    yield rows
      .map((row) => {
        const view: Readonly<Record<string, unknown>> = viewOf(log, row);
        return csvLine(columns.map((name) => cellOf(view[name])));
      })
      .join('');
  }
}

function cellOf(value: unknown): string | number | null {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value;
  return JSON.stringify(value);
}

async function* jsonOf(log: EventLog, pages: AsyncIterable<readonly EventRow[]>) {
  let separator = '[\n';
  for await (const rows of pages) {
    let chunk = '';
    for (const row of rows) {
      chunk += separator + JSON.stringify(viewOf(log, row));
      separator = ',\n';
    }
    if (chunk !== '') yield chunk;
  }
  yield separator === '[\n' ? '[]\n' : '\n]\n';
}

function viewOf(log: EventLog, row: EventRow) {
  return log === 'own' ? ownView(row) : tenantView(row as TenantEventRow);
}

function ownView(row: EventRow): z.input<typeof ownEvent> {
  const { id, at, kind, outcome, reason, details, by, requestId, address, browser, system } = row;
  const when = at.toISOString();
  return { id, at: when, kind, outcome, reason, details, by, requestId, address, browser, system };
}

function tenantView(row: TenantEventRow): z.input<typeof tenantEvent> {
  const { identityId, actorId, person, actor } = row;
  return { ...ownView(row), identityId, actorId, person, actor };
}
