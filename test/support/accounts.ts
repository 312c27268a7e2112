import type pg from 'pg';
import type { Visitor } from './client.ts';

/** Whose browser this is, and in which session, as the server sees it. */
export async function whoIs(browser: Visitor) {
  const { identity, session } = (await browser.get('/api/session')).json() as {
    readonly identity: { readonly id: string; readonly email: string };
    readonly session: { readonly id: string; readonly authenticatedAt: string };
  };
  return { identity, session };
}

/** Lets so much time pass since the person of this browser proved who they are. */
export async function ageProof(admin: pg.Client, browser: Visitor, minutes = 6): Promise<void> {
  const { session } = await whoIs(browser);
  await admin.query(
    `UPDATE sallyport.sessions SET authenticated_at = now() - $2::INT * INTERVAL '1 minute' WHERE id = $1`,
    [session.id, minutes],
  );
}

/**
 * As if the session had been used last this long ago, by the database's clock, and nobody had noted
 * in its row until when it is not idle.
 */
export async function idleFor(
  admin: pg.Client,
  sessionId: string,
  interval: string,
): Promise<void> {
  await admin.query(
    `WITH unknown AS (UPDATE sallyport.sessions SET active_until = now() WHERE id = $1)
      UPDATE sallyport.session_activity SET last_seen_at = now() - $2::INTERVAL WHERE session_id = $1`,
    [sessionId, interval],
  );
}

/** How many rows a query finds behind the product's back. */
export async function countRows(
  admin: pg.Client,
  from: string,
  parameters: readonly unknown[] = [],
): Promise<number> {
  const { rows } = await admin.query<{ n: number }>(
    `SELECT count(*)::INT4 AS n FROM sallyport.${from}`,
    [...parameters],
  );
  return rows[0]?.n ?? 0;
}
