import type { Database } from '../database.ts';
import { sqlState } from '../errors.ts';
import { type Finding, judged, query } from './finding.ts';

const DAYS = query(`SELECT days FROM sallyport.security_event_retention`);

/** Whether the database keeps security events for as long as was configured (ASVS 16.4.2). */
export async function checkEventRetention(
  database: Database,
  configured: number,
): Promise<readonly Finding[]> {
  const asIdentity = { role: 'sallyport_identity', access: 'read' } as const;
  let days: unknown;
  try {
    const [answer] = await database.batch(asIdentity, [DAYS]);
    days = answer?.rows[0]?.['days'];
  } catch (error) {
    // That it may not be read, the check of the grants says.
    if (sqlState(error) === '42501') return [];
    throw error;
  }
  return judged(
    'event-retention',
    `Security events are kept for ${configured} days.`,
    days === configured
      ? []
      : [
          `The database keeps security events for ${typeof days === 'number' ? `${days} days` : 'ever'}, and SALLYPORT_EVENT_DAYS says ${configured}: run INSERT INTO sallyport.security_event_retention (days) VALUES (${configured}) ON CONFLICT (singleton) DO UPDATE SET days = excluded.days, or set it to what the database says.`,
        ],
  );
}
