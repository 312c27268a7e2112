import { type Requirement, runAuthorized } from '../db/authorization.ts';
import {
  countEvents,
  type EventCursor,
  type EventFilter,
  type EventLog,
  eventPage,
  type EventRow,
  type TenantEventRow,
} from '../db/event-list.ts';
import type { Core } from './core.ts';

const ROWS_AT_ONCE = 1_000;

/** Beyond this the events of an export are not counted: it is that many or more. */
export const EVENTS_COUNTED_MAX = 1_000_000;

/** How many events an export will have. */
export async function countForExport(
  core: Core,
  requirement: Requirement,
  log: EventLog,
  filter: EventFilter,
): Promise<number> {
  const counted = await runAuthorized(core.database, requirement, [
    countEvents(log, filter, EVENTS_COUNTED_MAX),
  ]);
  if ('refusal' in counted) throw new ExportRefusedError(counted.refusal);
  return Number(counted.results[0]?.rows[0]?.['n']);
}

/**
 * The events of a log, newest first, a thousand at a time and no more in memory. Each thousand is
 * decided on anew: who is no longer allowed to read gets no further.
 * @throws ExportRefusedError
 */
export async function* exportEvents(
  core: Core,
  requirement: Requirement,
  log: EventLog,
  filter: EventFilter,
): AsyncGenerator<readonly (EventRow | TenantEventRow)[]> {
  let before: EventCursor | null = null;
  for (;;) {
    const page = eventPage(log, filter, before, ROWS_AT_ONCE);
    const answered = await runAuthorized(core.database, requirement, [page]);
    if ('refusal' in answered) throw new ExportRefusedError(answered.refusal);
    const rows = (answered.results[0]?.rows ?? []) as unknown as readonly EventRow[];
    yield rows;
    const last = rows.at(-1);
    if (!last || rows.length < ROWS_AT_ONCE) return;
    before = { at: last.exactly, id: last.id };
  }
}

/** Whoever exports was refused on the way: what has been sent is not all there is. */
export class ExportRefusedError extends Error {
  override name = 'ExportRefusedError';
}
