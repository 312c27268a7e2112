import { expect, test } from 'vitest';
import type { Database } from '../../src/db/database.ts';
import { SWEEP_STATEMENTS } from '../../src/db/sweep.ts';
import { openTestDatabase, type TestDatabase } from '../support/databases.ts';
import { insertPrincipal, insertSessionOf, sha256 } from './principals.ts';

type Opened = TestDatabase & { readonly database: Database };

async function sweep({ database }: Opened): Promise<void> {
  const options = { role: 'sallyport_identity', access: 'write' } as const;
  await database.batch(options, SWEEP_STATEMENTS);
}

/** Of each kind one row that is live and one that is not. */
async function fill({ admin }: Opened) {
  const { identityId, sessionId: live } = await insertPrincipal(admin, 'ada');
  const expired = await insertSessionOf(admin, identityId);
  const idle = await insertSessionOf(admin, identityId);
  await admin.query(
    `UPDATE sallyport.sessions SET expires_at = now() - INTERVAL '1 second' WHERE id = $1`,
    [expired.sessionId],
  );
  await admin.query(
    `UPDATE sallyport.session_activity SET last_seen_at = now() - INTERVAL '61 minutes' WHERE session_id = $1`,
    [idle.sessionId],
  );
  for (const [name, hours] of [
    ['live', 1],
    ['gone', -1],
  ] as const) {
    const expiry = `now() + INTERVAL '${hours} hours'`;
    await admin.query(
      `INSERT INTO sallyport.one_time_tokens (purpose, digest, folded, expires_at)
        VALUES ('email-confirmation', $1, $2, ${expiry})`,
      [sha256(name), name],
    );
    await admin.query(
      `INSERT INTO sallyport.sign_ups
          (folded, browser_digest, token_digest, token_suffices, address, display_name, password_hash, expires_at)
        VALUES ($1, '', $2, true, $1, $1, '$argon2id$x', ${expiry})`,
      [name, sha256(name)],
    );
    await admin.query(`INSERT INTO sallyport.outbox (body, expires_at) VALUES ($1, ${expiry})`, [
      name,
    ]);
  }
  return live;
}

test('the sweep deletes what has expired and nothing else', async () => {
  const opened = await openTestDatabase();
  const live = await fill(opened);
  await sweep(opened);
  const left = async (text: string) =>
    (await opened.admin.query<unknown[]>({ text, rowMode: 'array' })).rows.flat();
  expect(await left('SELECT id FROM sallyport.sessions')).toEqual([live]);
  expect(await left('SELECT session_id FROM sallyport.session_activity')).toEqual([live]);
  expect(await left('SELECT folded FROM sallyport.one_time_tokens')).toEqual(['live']);
  expect(await left('SELECT folded FROM sallyport.sign_ups')).toEqual(['live']);
  expect(await left('SELECT body FROM sallyport.outbox')).toEqual(['live']);
  expect(await left('SELECT count(*)::INT4 FROM sallyport.identities')).toEqual([1]);
});

test('a sweep takes a few hundred rows at a time, so that it holds nobody up', async () => {
  const opened = await openTestDatabase();
  await opened.admin.query(`INSERT INTO sallyport.outbox (body, expires_at)
    SELECT 'x', now() - INTERVAL '1 hour' FROM generate_series(1, 700)`);
  const count = async () =>
    (await opened.admin.query('SELECT count(*)::INT4 AS n FROM sallyport.outbox')).rows[0].n;
  await sweep(opened);
  expect(await count()).toBe(200);
  await sweep(opened);
  expect(await count()).toBe(0);
});
