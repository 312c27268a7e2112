import { z } from 'zod';
import type { EventCursor, EventFilter } from '../db/event-list.ts';
import { SECURITY_EVENTS, type SecurityEventKind } from '../db/security-event-kinds.ts';
import { instant, text } from './schemas.ts';

export const EVENT_KINDS = Object.keys(SECURITY_EVENTS) as readonly SecurityEventKind[];
export const EVENTS_ON_PAGE = 50;

/** A moment as the database writes it, in UTC, and a UUID: nothing else is a cursor. */
const CURSOR =
  /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?\+00)\|([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/;

const cursor = text.transform((value, context): EventCursor => {
  const [, at, id] = CURSOR.exec(Buffer.from(value, 'base64url').toString('latin1')) ?? [];
  if (
    at !== undefined &&
    id !== undefined &&
    !Number.isNaN(Date.parse(at.replace(' ', 'T').replace('+00', 'Z')))
  ) {
    return { at, id };
  }
  context.addIssue({ code: 'custom', params: { reason: 'malformed-cursor' } });
  return z.NEVER;
});

export function cursorText({ exactly, id }: { readonly exactly: string; readonly id: string }) {
  return Buffer.from(`${exactly}|${id}`).toString('base64url');
}

const kind = z.enum(EVENT_KINDS).describe('a kind of docs/security-events.md');
const outcome = z.enum(['success', 'failure']);
const person = z.uuid().toLowerCase().describe('only events about this identity');

/** What the API can be asked for. */
export const ownEventFilter = z.object({
  kind: kind.optional(),
  outcome: outcome.optional(),
  from: instant.optional(),
  until: instant.describe('before this moment').optional(),
});
export const tenantEventFilter = ownEventFilter.extend({ person: person.optional() });
export const eventPaging = {
  cursor: cursor.optional().meta({ type: 'string', description: '`next` of the page before' }),
  limit: z.coerce.number().int().min(1).max(200).default(EVENTS_ON_PAGE),
};

/** The same from the form of a page. Anything may stand in an address: what is odd is left out. */
export const pageEventFilter = z.object({
  kind: kind.optional().catch(undefined),
  outcome: outcome.optional().catch(undefined),
  person: person.optional().catch(undefined),
  from: z.iso.date().optional().catch(undefined),
  until: z.iso.date().optional().catch(undefined),
  cursor: cursor.optional().catch(undefined),
});

export type PageEventFilter = z.output<typeof pageEventFilter>;

/** The days of a page's form are whole days, in UTC. */
export function filterOfPage({
  kind: of,
  outcome: how,
  person: who,
  from,
  until,
}: PageEventFilter) {
  const day = (date: string, later: number) => new Date(Date.parse(date) + later * 86_400_000);
  return {
    kind: of ?? null,
    outcome: how ?? null,
    identityId: who ?? null,
    from: from === undefined ? null : day(from, 0),
    until: until === undefined ? null : day(until, 1),
  } satisfies EventFilter;
}

export function filterOf(query: z.output<typeof tenantEventFilter>): EventFilter {
  return {
    kind: query.kind ?? null,
    outcome: query.outcome ?? null,
    identityId: query.person ?? null,
    from: query.from === undefined ? null : new Date(query.from),
    until: query.until === undefined ? null : new Date(query.until),
  };
}
