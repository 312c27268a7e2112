import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { runStatement } from './batch.ts';
import { runDdl } from './ddl.ts';
import type { Engine, PolicyForm } from './engine.ts';
import { sqlState } from './errors.ts';
import { foundation } from './migrations/0001-foundation.ts';
import { account } from './migrations/0002-account.ts';
import { idempotency } from './migrations/0003-idempotency.ts';
import { tenants } from './migrations/0004-tenants.ts';
import { teams } from './migrations/0005-teams.ts';
import { securityEvents } from './migrations/0006-security-events.ts';
import { limits } from './migrations/0007-limits.ts';
import { factors } from './migrations/0008-factors.ts';
import { bearer } from './migrations/0009-bearer.ts';
import { proofs } from './migrations/0011-proofs.ts';
import { providers } from './migrations/0012-providers.ts';
import { transactionProofs } from './migrations/0014-transaction-proofs.ts';
import { activeIdentities } from './migrations/0015-active-identities.ts';
import { copiedMemberships } from './migrations/0016-copied-memberships.ts';
import { plainLookUps } from './migrations/0017-plain-look-ups.ts';
import type { MigrationStatement } from './migration-statements.ts';
import { prepareDatabase } from './roles.ts';

/** In order. A migration that was released is never changed: a new one follows. */
const MIGRATIONS: readonly {
  readonly id: string;
  readonly statements: (engine: Engine, form: PolicyForm) => readonly MigrationStatement[];
}[] = [
  { id: '0001-foundation', statements: foundation },
  { id: '0002-account', statements: account },
  { id: '0003-idempotency', statements: idempotency },
  { id: '0004-tenants', statements: tenants },
  { id: '0005-teams', statements: teams },
  { id: '0006-security-events', statements: securityEvents },
  { id: '0007-limits', statements: limits },
  { id: '0008-factors', statements: factors },
  { id: '0009-bearer', statements: bearer },
  { id: '0011-proofs', statements: proofs },
  { id: '0012-providers', statements: providers },
  { id: '0014-transaction-proofs', statements: transactionProofs },
  { id: '0015-active-identities', statements: activeIdentities },
  { id: '0016-copied-memberships', statements: copiedMemberships },
  { id: '0017-plain-look-ups', statements: plainLookUps },
];

/** The migrations that were recorded and that this version does not have. */
export function newerMigrations(recorded: Iterable<unknown>): readonly string[] {
  const found = new Set([...recorded].map((id) => String(id).split('/')[0] ?? ''));
  return [...found].filter((id) => !MIGRATIONS.some((known) => known.id === id)).toSorted();
}

/** Every statement of every migration, rendered for the engine, with its full id. */
export function migrationStatements(
  engine: Engine,
  form: PolicyForm = 'functions',
): readonly MigrationStatement[] {
  return MIGRATIONS.flatMap(({ id: migration, statements }) =>
    statements(engine, form).map(({ id, sql, replaces }) => ({
      id: `${migration}/${id}`,
      sql,
      ...(replaces === undefined ? {} : { replaces: `${migration}/${replaces}` }),
    })),
  );
}

/**
 * The tables of the migrator itself, which must stand before anything can be recorded or leased.
 */
export const MIGRATOR_TABLES: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS sallyport.migrations (
    id TEXT NOT NULL PRIMARY KEY,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
  )`,
  `CREATE TABLE IF NOT EXISTS sallyport.migration_lease (
    singleton BOOL NOT NULL DEFAULT TRUE PRIMARY KEY,
    holder UUID NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT migration_lease_singleton CHECK (singleton)
  )`,
];

/** A migrator that was killed holds the others up for this long. */
const LEASE_SECONDS = 30;

/**
 * Brings the schema up to date, as sallyport_owner, on a connection that is used for nothing else.
 * Each statement runs outside a transaction and is recorded by itself (CockroachDB has no
 * transactional DDL), so a run that was killed goes on where it stopped. Any number of processes
 * may call this at once: a lease row, not an advisory lock, lets one work and the others wait.
 *
 * @returns how many statements this call ran.
 */
export async function migrate(
  client: pg.Client | pg.PoolClient,
  engine: Engine,
  openSecond: () => Promise<pg.Client | null>,
  form: PolicyForm = 'functions',
): Promise<number> {
  const all = migrationStatements(engine, form);
  if ((await pendingStatements(client, all)).length === 0) return 0;
  await prepareDatabase(client, engine);
  for (const sql of MIGRATOR_TABLES) await runUnlessThere(client, sql);

  const holder = randomUUID();
  await takeLease(client, holder);
  const heartbeat = renewLease(openSecond, holder);
  let ran = 0;
  try {
    for (const statement of await pendingStatements(client, all)) {
      await runUnlessMade(client, statement.sql);
      await record(client, holder, statement);
      ran++;
    }
  } finally {
    await heartbeat.stop();
    await runStatement(client, `DELETE FROM sallyport.migration_lease WHERE holder = $1`, holder);
    await runStatement(client, `RESET ROLE`);
  }
  return ran;
}

/** The statements that this database has not recorded; all of them where nothing was ever run. */
export async function pendingStatements(
  client: pg.Client | pg.PoolClient,
  all: readonly MigrationStatement[],
): Promise<readonly MigrationStatement[]> {
  let applied: ReadonlySet<unknown>;
  try {
    const { rows } = await runStatement(client, `SELECT id FROM sallyport.migrations`);
    applied = new Set(rows.map((row) => row['id']));
  } catch (error) {
    // 42P01 no such table, 3F000 no such schema, 42501 a schema that this role may not look into.
    if (!['42P01', '3F000', '42501'].includes(sqlState(error) ?? '')) throw error;
    applied = new Set();
  }
  return all.filter(({ id }) => !applied.has(id));
}

/** IF NOT EXISTS does not keep two that begin at once from both making it; one of them is told. */
async function runUnlessThere(client: pg.Client | pg.PoolClient, sql: string): Promise<void> {
  try {
    await runDdl(client, sql);
  } catch (error) {
    if (!['23505', '42710', '42P07'].includes(sqlState(error) ?? '')) throw error;
  }
}

/**
 * Policies and constraints have no IF NOT EXISTS that both engines know; the statement before them
 * takes an older one away. One that is there all the same is this statement's own: its process was
 * killed after it had run and before that was recorded.
 */
async function runUnlessMade(client: pg.Client | pg.PoolClient, sql: string): Promise<void> {
  try {
    await runDdl(client, sql);
  } catch (error) {
    const isThere = sqlState(error) === '42710' && /^CREATE POLICY|ADD CONSTRAINT/.test(sql);
    if (!isThere) throw error;
  }
}

async function takeLease(client: pg.Client | pg.PoolClient, holder: string): Promise<void> {
  for (;;) {
    const { rowCount } = await runStatement(
      client,
      `INSERT INTO sallyport.migration_lease (holder, expires_at)
        VALUES ($1::UUID, now() + INTERVAL '${LEASE_SECONDS} seconds')
        ON CONFLICT (singleton) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
        WHERE migration_lease.expires_at < now()`,
      holder,
    );
    if (rowCount === 1) return;
    await sleep(100);
  }
}

/** The statements' own connection is busy while an index is built, so the lease has another. */
function renewLease(openSecond: () => Promise<pg.Client | null>, holder: string) {
  let second: Promise<pg.Client | null> | null = null;
  const renew = async () => {
    second ??= openSecond();
    const client = await second;
    if (!client) return;
    const sql = `UPDATE sallyport.migration_lease SET expires_at = now() + INTERVAL '${LEASE_SECONDS} seconds' WHERE holder = $1::UUID`;
    await runStatement(client, sql, holder);
  };
  const timer = setInterval(
    () => {
      // A renewal that fails loses the lease in the end; record() then stops this migrator.
      renew().catch(() => {});
    },
    (LEASE_SECONDS * 1000) / 3,
  );
  return {
    async stop() {
      clearInterval(timer);
      await (await second)?.end();
    },
  };
}

/** Records a statement only while the lease is held: a migrator that was overtaken stops here. */
async function record(
  client: pg.Client | pg.PoolClient,
  holder: string,
  { id, replaces }: MigrationStatement,
): Promise<void> {
  const { rowCount } = await runStatement(
    client,
    `INSERT INTO sallyport.migrations (id)
      SELECT $1::TEXT FROM sallyport.migration_lease WHERE holder = $2::UUID AND expires_at > now()
      ON CONFLICT (id) DO NOTHING`,
    id,
    holder,
  );
  if (rowCount !== 1) throw new Error('the migration lease was lost to another process');
  if (replaces === undefined) return;
  await runStatement(client, `DELETE FROM sallyport.migrations WHERE id = $1::TEXT`, replaces);
}
