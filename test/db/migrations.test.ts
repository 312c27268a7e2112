import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { MIGRATOR_TABLES, migrate, migrationStatements } from '../../src/db/migrations.ts';
import { openManaged } from '../../src/server/databases.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { startPostgres } from '../support/postgres.ts';
import { TEST_KEY } from '../support/test-key.ts';
import { startWireProxy, type WireProxy } from '../support/wire-proxy.ts';

const ALL = migrationStatements('postgresql');
const TEXTS: ReadonlySet<string> = new Set(ALL.map(({ sql }) => sql));

let t: TestDatabase;
let proxy: WireProxy;
beforeEach(async () => {
  t = await createDatabase({ migrated: false });
  proxy = await startWireProxy(t.url);
});
afterEach(async () => {
  await proxy.close();
  await t.drop();
});

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: proxy.url, application_name: 'sallyport' });
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function migrateOnce(): Promise<number> {
  const client = await connect();
  try {
    return await migrate(client, 'postgresql', connect);
  } finally {
    await client.end();
  }
}

/** A process of its own that migrates and prints how many statements it ran. */
function startMigrator(): { child: ChildProcess; ran: Promise<number> } {
  const opening = new URL('../../src/db/opening.ts', import.meta.url).href;
  const script = `const { migrateServer } = await import('${opening}');
    console.log(await migrateServer(process.env.DATABASE_URL, 'functions', 400));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { DATABASE_URL: proxy.url },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  return { child, ran: once(child, 'close').then(() => Number(printed || Number.NaN)) };
}

/** How often each statement of the migrations was sent, by how many there are of that number. */
function runs(): Record<number, number> {
  const counts = new Map<string, number>();
  for (const { type, sql } of proxy.messages) {
    if (type === 'Execute' && TEXTS.has(sql)) counts.set(sql, (counts.get(sql) ?? 0) + 1);
  }
  const of: Record<number, number> = {};
  for (const count of counts.values()) of[count] = (of[count] ?? 0) + 1;
  return of;
}

async function recorded(): Promise<number> {
  const { rows } = await t.admin.query('SELECT count(*)::INT4 AS n FROM sallyport.migrations');
  return rows[0].n;
}

/** A process that was killed may have left a statement behind that the server still runs. */
async function othersConnected(): Promise<number> {
  const { rows } = await t.admin.query(`SELECT count(*)::INT4 AS n FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()`);
  return rows[0].n;
}

/** Calls back when the n-th statement of the migrations is about to run, once. */
function atStatement(nth: number, then: () => void): void {
  let seen = 0;
  proxy.decide = ({ type, sql }) => {
    if (type === 'Execute' && TEXTS.has(sql) && ++seen === nth) then();
    return 'forward';
  };
}

/** Everything that the migrations say about who may do what, and every function. */
async function schema(): Promise<unknown> {
  const { rows } = await t.admin.query(`
    SELECT 'policy' AS kind, p::TEXT AS what FROM pg_policies AS p
    UNION ALL SELECT 'grant', g::TEXT FROM information_schema.role_table_grants AS g WHERE table_schema = 'sallyport'
    UNION ALL SELECT 'routine', r.grantee || r.routine_name || r.privilege_type FROM information_schema.role_routine_grants AS r WHERE routine_schema = 'sallyport'
    UNION ALL SELECT 'function', pg_get_functiondef(f.oid) FROM pg_proc AS f WHERE pronamespace = 'sallyport'::regnamespace
    UNION ALL SELECT 'column', table_name || '.' || column_name || data_type FROM information_schema.columns WHERE table_schema = 'sallyport'
    UNION ALL SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = 'sallyport'
    ORDER BY 1, 2`);
  return rows;
}

describe('migrations', () => {
  test('run each statement once and record it; a second run does nothing', async () => {
    expect(await migrateOnce()).toBe(ALL.length);
    expect([runs(), await recorded()]).toEqual([{ 1: ALL.length }, ALL.length]);
    expect(await migrateOnce()).toBe(0);
    expect(runs()).toEqual({ 1: ALL.length });
    const leases = await t.admin.query('SELECT 1 FROM sallyport.migration_lease');
    expect(leases.rowCount).toBe(0);
  });

  test('through three connections at once run each statement once', async () => {
    const counts = await Promise.all([migrateOnce(), migrateOnce(), migrateOnce()]);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(ALL.length);
    expect([runs(), await recorded()]).toEqual([{ 1: ALL.length }, ALL.length]);
  });

  test('in three processes at once run each statement once', async () => {
    const counts = await Promise.all(
      [startMigrator(), startMigrator(), startMigrator()].map(({ ran }) => ran),
    );
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(ALL.length);
    expect([runs(), await recorded()]).toEqual([{ 1: ALL.length }, ALL.length]);
  });

  test('of a process that was killed are finished by another, once its lease has run out', async () => {
    const { child, ran } = startMigrator();
    const half = Math.floor(ALL.length / 2);
    atStatement(half, () => child.kill('SIGKILL'));
    expect(await ran).toBeNaN();
    await expect.poll(othersConnected).toBe(0);
    const done = await recorded();
    expect(done).toBeGreaterThanOrEqual(half - 1);
    expect(done).toBeLessThan(ALL.length);

    const lease = await t.admin.query(`SELECT holder,
      expires_at BETWEEN now() + INTERVAL '15 seconds' AND now() + INTERVAL '30 seconds' AS live
      FROM sallyport.migration_lease`);
    expect(lease.rows).toEqual([{ holder: expect.any(String), live: true }]);
    const other = migrateOnce();
    await sleep(400);
    expect(await recorded()).toBe(done);
    // Half a minute goes by.
    await t.admin.query(
      `UPDATE sallyport.migration_lease SET expires_at = now() - INTERVAL '1 second'`,
    );
    expect(await other).toBe(ALL.length - done);
    expect(await recorded()).toBe(ALL.length);
    // The one that was under way when the process died may have run twice: each is idempotent.
    const { 2: twice = 0, ...rest } = runs();
    expect(twice).toBeLessThanOrEqual(1);
    expect(rest).toEqual({ 1: ALL.length - twice });
  });

  test('stop where a statement fails, and go on from there', async () => {
    const half = Math.floor(ALL.length / 2);
    let seen = 0;
    proxy.fail = ({ type, sql }) =>
      type === 'Execute' && TEXTS.has(sql) && ++seen === half ? '53100' : null;
    await expect(migrateOnce()).rejects.toMatchObject({ code: '53100' });
    expect(await recorded()).toBe(half - 1);
    proxy.fail = () => null;
    expect(await migrateOnce()).toBe(ALL.length - half + 1);
    expect(await recorded()).toBe(ALL.length);
  });

  test('stop at once when the lease has gone to another process', async () => {
    const takeAway = `UPDATE sallyport.migration_lease SET holder = gen_random_uuid()`;
    atStatement(10, () => {
      proxy.held = t.admin.query(takeAway);
    });
    const lost = migrateOnce();
    await expect(lost).rejects.toThrow('the migration lease was lost to another process');
    expect([runs(), await recorded()]).toEqual([{ 1: 10 }, 9]);
    const kept = await t.admin.query('SELECT 1 FROM sallyport.migration_lease');
    expect(kept.rowCount).toBe(1);
  });

  test('may run every statement again without changing a thing', async () => {
    await migrateOnce();
    const before = await schema();
    await t.admin.query('SET ROLE sallyport_owner');
    for (const sql of [...MIGRATOR_TABLES, ...ALL.map((statement) => statement.sql)]) {
      await t.admin.query(sql);
      await t.admin.query(/^CREATE POLICY|ADD CONSTRAINT/.test(sql) ? 'SELECT 1' : sql);
    }
    await t.admin.query('RESET ROLE');
    expect(await schema()).toEqual(before);
    expect(await recorded()).toBe(ALL.length);
  });

  test('take for done what a process has run that was killed before it recorded it', async () => {
    await migrateOnce();
    const before = await schema();
    const made = ALL.filter(({ sql }) => /^CREATE POLICY|ADD CONSTRAINT/.test(sql));
    expect(made.length).toBeGreaterThan(10);
    const ids = made.map(({ id }) => id);
    await t.admin.query('DELETE FROM sallyport.migrations WHERE id = ANY ($1)', [ids]);
    expect(await migrateOnce()).toBe(ids.length);
    expect([await schema(), await recorded()]).toEqual([before, ALL.length]);
  });

  test('tell credentials of before whether their identity is active, and go on telling them', async () => {
    await migrateOnce();
    await t.admin.query(`
      ALTER TABLE sallyport.bearer_credentials DROP COLUMN identity_active CASCADE;
      ALTER TABLE sallyport.identities DROP COLUMN active CASCADE;
      DELETE FROM sallyport.migrations WHERE id LIKE '0015-%';
      INSERT INTO sallyport.tenants (id, name, slug) VALUES (md5('t')::UUID, 'T', 't');
      INSERT INTO sallyport.roles (tenant_id, name, permissions) VALUES (md5('t')::UUID, 'any', '{}');
      INSERT INTO sallyport.identities (id, disabled_at, delete_after) VALUES
        (md5('active')::UUID, NULL, NULL), (md5('disabled')::UUID, now(), NULL), (md5('leaving')::UUID, NULL, now());
      INSERT INTO sallyport.memberships (tenant_id, identity_id, role)
        SELECT md5('t')::UUID, id, 'any' FROM sallyport.identities;
      INSERT INTO sallyport.bearer_credentials (kind, proof_digest, tenant_id, identity_id, title, hint, permissions, expires_at)
        SELECT 'api-key', repeat(md5(id::TEXT), 2), md5('t')::UUID, id, '', '', '{}', now() + INTERVAL '1 day'
          FROM sallyport.identities`);
    const active = async () => {
      const { rows } = await t.admin.query<{ name: string }>(`
        SELECT name FROM unnest(ARRAY['active', 'disabled', 'leaving']) AS name
          JOIN sallyport.bearer_credentials ON identity_id = md5(name)::UUID AND identity_active ORDER BY name`);
      return rows.map(({ name }) => name);
    };
    await migrateOnce();
    expect(await active()).toEqual(['active']);
    await t.admin.query('UPDATE sallyport.identities SET disabled_at = NULL, delete_after = NULL');
    expect(await active()).toEqual(['active', 'disabled', 'leaving']);
    await t.admin.query(
      `UPDATE sallyport.identities SET delete_after = now() WHERE id = md5('active')::UUID`,
    );
    expect(await active()).toEqual(['disabled', 'leaving']);
  });

  test('leave the connection as the login that it was', async () => {
    const client = await connect();
    await migrate(client, 'postgresql', connect);
    const { rows } = await client.query('SELECT current_user = session_user AS same');
    expect(rows).toEqual([{ same: true }]);
    await client.end();
  });
});

test('a login that is no superuser, but may create roles and owns the database, can set all up', async () => {
  const server = await startPostgres({ shortLived: true });
  onTestFinished(() => server.stop());
  const superuser = new pg.Client(server.url);
  await superuser.connect();
  await superuser.query(`CREATE ROLE landlord LOGIN CREATEROLE PASSWORD 'landlord'`);
  await superuser.query('CREATE DATABASE house OWNER landlord');
  await superuser.end();
  const url = new URL(server.url);
  Object.assign(url, { username: 'landlord', password: 'landlord', pathname: '/house' });
  for (const _ of ['first', 'second']) {
    const database = await openManaged(url.href, TEST_KEY);
    const options = { role: 'sallyport_app', access: 'read' } as const;
    const sql = 'SELECT count(*)::INT4 AS n FROM sallyport.migrations';
    const [answer] = await database.batch(options, [{ sql, parameters: [] }]);
    expect(answer?.rows).toEqual([{ n: ALL.length }]);
    await database.close();
  }
});
