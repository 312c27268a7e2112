import { sql } from 'kysely';
import type { Statement } from './batch.ts';
import { build } from './dialect.ts';

/**
 * Moves "last seen" on, unless another process has done so within half a minute, and keeps how long
 * the session was idle before, for tenants that allow less than the product does.
 */
export function touchSession(sessionId: string): Statement {
  return build
    .updateTable('sallyport.session_activity')
    .set({
      longest_pause: sql<string>`GREATEST(longest_pause, now() - last_seen_at)`,
      last_seen_at: sql<Date>`now()`,
    })
    .where('session_id', '=', sessionId)
    .where('last_seen_at', '<', sql<Date>`now() - INTERVAL '30 seconds'`)
    .compile();
}

/**
 * Notes in the session's row until when it is surely not idle, so that requests need not look at
 * its activity: every half hour at the most, because who locks the row waits for it. Follows from
 * what touchSession has noted and never adds to it.
 */
export function keepActive(sessionId: string): Statement {
  return build
    .updateTable('sallyport.sessions as s')
    .from('sallyport.session_activity as a')
    .set({ active_until: sql<Date>`a.last_seen_at + INTERVAL '1 hour'` })
    .where('s.id', '=', sessionId)
    .whereRef('a.session_id', '=', 's.id')
    .where('s.active_until', '<', sql<Date>`now() + INTERVAL '30 minutes'`)
    .compile();
}
