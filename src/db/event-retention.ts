import type pg from 'pg';
import { runStatement } from './batch.ts';

/** How long security events are kept unless said. */
export const EVENT_DAYS = 400;

/**
 * Says how long security events are kept, as sallyport_owner: no role of the process may change it,
 * so whoever got into the process cannot have their traces deleted before their time (CWE-778).
 */
export async function setEventDays(owner: pg.Client, days: number): Promise<void> {
  await runStatement(owner, `SET role TO sallyport_owner`);
  await runStatement(
    owner,
    `INSERT INTO sallyport.security_event_retention (days) VALUES ($1::INT4)
      ON CONFLICT (singleton) DO UPDATE SET days = excluded.days
      WHERE security_event_retention.days <> excluded.days`,
    days,
  );
  await runStatement(owner, `RESET ROLE`);
}
