// The log is append-only for the process: what it wrote it cannot take back, and only what is older
// than a setting that it cannot change is deleted, by a role of its own.
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import type { Role } from '../../src/db/database.ts';
import { sqlState } from '../../src/db/errors.ts';
import { SWEEP_STATEMENTS } from '../../src/db/sweep.ts';
import { migrateServer } from '../../src/server/databases.ts';
import { openTestCore, type TestCore } from '../support/cores.ts';

let t: TestCore;
beforeAll(async () => {
  t = await openTestCore();
});
afterAll(() => t.close());
beforeEach(async () => {
  await t.admin.query('DELETE FROM sallyport.security_events');
  await t.admin.query(
    `INSERT INTO sallyport.security_events (kind, at) SELECT 'signed-in', now() - d * INTERVAL '1 day'
      FROM unnest(ARRAY[0, 29, 31, 399, 401]) AS d`,
  );
});

const DELETE_OLD = 'SELECT sallyport.delete_old_security_events()';

async function sent(role: Role, sql: string): Promise<string | undefined> {
  try {
    await t.core.database.batch({ role, access: 'write' }, [{ sql, parameters: [] }]);
    return undefined;
  } catch (error) {
    return sqlState(error);
  }
}

async function ages(): Promise<readonly number[]> {
  const { rows } = await t.admin.query<{ days: number }>(
    `SELECT round(extract(epoch FROM now() - at) / 86400)::INT AS days
      FROM sallyport.security_events ORDER BY 1`,
  );
  return rows.map(({ days }) => days);
}

describe('neither role of the process takes an event back [ASVS 16.4.2] [CWE-778]', () => {
  const takes: ReadonlyArray<readonly [Role, string]> = [
    ['sallyport_app', 'SELECT 1 FROM sallyport.security_events'],
    ['sallyport_app', `INSERT INTO sallyport.security_events (kind) VALUES ('signed-in')`],
    ['sallyport_app', 'DELETE FROM sallyport.security_events'],
    ['sallyport_app', `UPDATE sallyport.security_events SET at = now()`],
    ['sallyport_app', DELETE_OLD],
    ['sallyport_app', 'SELECT 1 FROM sallyport.refusals'],
    ['sallyport_identity', 'DELETE FROM sallyport.security_events'],
    ['sallyport_identity', `UPDATE sallyport.security_events SET identity_id = NULL`],
    ['sallyport_identity', 'UPDATE sallyport.security_event_retention SET days = 30'],
    ['sallyport_identity', 'DELETE FROM sallyport.security_event_retention'],
  ];
  test.each(takes)('%s: %s', async (role, sql) => {
    const before = await ages();
    expect(await sent(role, sql)).toBe('42501');
    expect(await ages()).toEqual(before);
  });

  test('nor puts the role on that may', async () => {
    const set = `SELECT set_config('role', 'sallyport_retention', false) /* attack */`;
    for (const role of ['sallyport_app', 'sallyport_identity'] as const) {
      expect(await sent(role, set)).toBe('42501');
    }
  });

  test('while sallyport_identity reads and writes them', async () => {
    const insert = `INSERT INTO sallyport.security_events (kind) VALUES ('signed-in')`;
    expect(await sent('sallyport_identity', insert)).toBeUndefined();
    expect(await ages()).toHaveLength(6);
  });
});

describe('what is older than the setting is deleted', () => {
  test('by the sweep, and nothing else is', async () => {
    await t.core.database.batch({ role: 'sallyport_identity', access: 'write' }, SWEEP_STATEMENTS);
    expect(await ages()).toEqual([0, 29, 31, 399]);
  });

  test('which a migration changes, to no less than 30 days', async ({ skip }) => {
    if (inject('engine') !== 'postgresql') skip('the URL of the owner is PostgreSQL');
    expect(await migrateServer(t.url, 'functions', 30)).toBe(0);
    expect(await sent('sallyport_identity', DELETE_OLD)).toBeUndefined();
    expect(await ages()).toEqual([0, 29]);
    await expect(migrateServer(t.url, 'functions', 29)).rejects.toThrow(
      'security_event_retention_days',
    );
    await migrateServer(t.url);
  });

  test('and nothing at all where there is no setting', async () => {
    await t.admin.query('DELETE FROM sallyport.security_event_retention');
    expect(await sent('sallyport_identity', DELETE_OLD)).toBeUndefined();
    expect(await ages()).toHaveLength(5);
    await migrateServer(t.url);
  });
});
