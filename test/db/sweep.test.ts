import { expect, test } from 'vitest';
import type { Database } from '../../src/db/database.ts';
import { SWEEP_STATEMENTS } from '../../src/db/sweep.ts';
import { openTestDatabase, type TestDatabase } from '../support/databases.ts';
import { rowsOf } from '../support/rows.ts';
import { insertTestMember, insertTestTenant, type TestTenant } from '../support/tenants.ts';
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

/** Something in each table of a tenant, with the same names and slugs in every one. */
async function furnish(admin: Opened['admin'], tenant: TestTenant): Promise<void> {
  const owner = await insertTestMember(admin, 'http://localhost', tenant, 'owner');
  const ids = [tenant.id, owner.identityId];
  const digest = sha256(tenant.id);
  const rows: readonly (readonly [string, readonly string[]])[] = [
    [
      `INSERT INTO sallyport.teams (tenant_id, id, slug, name)
        VALUES ($1, $2, 'support', 'Support')`,
      ids,
    ],
    [
      `INSERT INTO sallyport.team_members (tenant_id, team_id, identity_id, role)
        VALUES ($1, $2, $2, 'lead')`,
      ids,
    ],
    [
      `INSERT INTO sallyport.invitations
          (tenant_id, folded, address, role, token_digest, invited_by, expires_at)
        VALUES ($1, 'bob@example.com', 'bob@example.com', 'member', $3, $2,
          now() + INTERVAL '7 days')`,
      [...ids, digest],
    ],
    [
      `INSERT INTO sallyport.bearer_credentials
          (kind, proof_digest, tenant_id, identity_id, title, hint, permissions, expires_at, member_role)
        VALUES ('api-key', $3, $1, $2, 'a key', 'sp', '{}', now() + INTERVAL '1 day',
          (SELECT m.role FROM sallyport.memberships AS m
          WHERE m.tenant_id = $1 AND m.identity_id = $2))`,
      [...ids, digest],
    ],
    [
      `INSERT INTO sallyport.security_events (kind, tenant_id, identity_id, actor_id)
        VALUES ('tenant-created', $1, $2, $2)`,
      ids,
    ],
  ];
  for (const [sql, values] of rows) await admin.query(sql, [...values]);
}

test('a tenant whose grace is over goes with all that is in it, and nothing of another [ASVS 8.4.1]', async () => {
  const opened = await openTestDatabase();
  const { admin } = opened;
  const gone = await insertTestTenant(admin);
  const waiting = await insertTestTenant(admin);
  const kept = await insertTestTenant(admin);
  for (const tenant of [gone, waiting, kept]) await furnish(admin, tenant);
  const tablesOf = async ({ id }: TestTenant) =>
    Object.entries(await rowsOf(admin)).flatMap(([table, rows]) =>
      rows.some((row) => row.includes(id)) ? [table] : [],
    );
  const others = async () =>
    Object.values(await rowsOf(admin))
      .flat()
      .filter((row) => row.includes(waiting.id) || row.includes(kept.id));
  const expire = ({ id }: TestTenant, when: string) =>
    admin.query('UPDATE sallyport.tenants SET delete_after = now() + $2::INTERVAL WHERE id = $1', [
      id,
      when,
    ]);
  await expire(gone, '-1 second');
  await expire(waiting, '1 hour');
  expect(await tablesOf(gone)).toEqual(await tablesOf(kept));
  expect(await tablesOf(gone)).toEqual(
    expect.arrayContaining(['invitations', 'memberships', 'roles', 'team_members', 'teams']),
  );
  const before = await others();
  // The members first, a few tenants at a time, and behind them what hangs on the tenant itself.
  await sweep(opened);
  await sweep(opened);
  // What was noted in it stays as long as what is noted anywhere; a session that was in it is in
  // none.
  expect(await tablesOf(gone)).toEqual(['security_events']);
  expect(await others()).toEqual(before);
});
