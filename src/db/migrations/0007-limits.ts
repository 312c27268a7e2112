import { type Engine, expiringRows } from '../engine.ts';
import { grantTables, type TableGrant } from '../grants.ts';
import type { MigrationStatement } from '../migration-statements.ts';

/**
 * What guesses and mails are counted in, the browsers where somebody has signed in before, and the
 * links by which a forgotten password is chosen anew.
 */
export function limits(engine: Engine): readonly MigrationStatement[] {
  return [
    ...budgets(engine),
    ...devices(engine),
    ...recoveries(engine),
    {
      // Whether a list of compromised passwords was asked about it: 'due' at the next sign-in.
      id: 'passwords-leak-check',
      sql: `ALTER TABLE sallyport.passwords ADD COLUMN IF NOT EXISTS leak_check TEXT NOT NULL DEFAULT 'due'`,
    },
    ...grantTables(LIMITS_GRANTS),
  ];
}

export const LIMITS_GRANTS: readonly TableGrant[] = ['budgets', 'devices', 'recoveries'].map(
  (table) => ({
    id: table,
    on: [table],
    privileges: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
    to: ['sallyport_identity'],
  }),
);

function budgets(engine: Engine): readonly MigrationStatement[] {
  return [
    {
      // Of whom or what is counted only a digest is kept. A window that was used up is followed by
      // one twice as long: `rounds` counts those, and `seconds_max` ends the growth.
      id: 'budgets',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.budgets (
        digest TEXT NOT NULL PRIMARY KEY,
        kind TEXT NOT NULL,
        quota INT4 NOT NULL,
        seconds INT4 NOT NULL,
        seconds_max INT4 NOT NULL,
        spent INT4 NOT NULL,
        rounds INT4 NOT NULL,
        ends_at TIMESTAMPTZ NOT NULL,
        expires_at TIMESTAMPTZ NOT NULL,
        CONSTRAINT budgets_digest_is_sha256 CHECK (length(digest) = 64),
        CONSTRAINT budgets_within_quota CHECK (spent >= 0)
      )${expiringRows(engine)}`,
    },
    {
      id: 'budgets-by-expiry',
      sql: `CREATE INDEX IF NOT EXISTS budgets_by_expiry ON sallyport.budgets (expires_at)`,
    },
  ];
}

function devices(engine: Engine): readonly MigrationStatement[] {
  return [
    {
      // One browser may be several people's: then it has as many rows, of one secret.
      id: 'devices',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.devices (
        identity_id UUID NOT NULL REFERENCES sallyport.identities (id) ON DELETE CASCADE,
        secret_digest TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        used_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        expires_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (identity_id, secret_digest),
        CONSTRAINT devices_digest_is_sha256 CHECK (length(secret_digest) = 64)
      )${expiringRows(engine)}`,
    },
    {
      id: 'devices-by-secret',
      sql: `CREATE INDEX IF NOT EXISTS devices_by_secret ON sallyport.devices (secret_digest)`,
    },
    {
      id: 'devices-by-expiry',
      sql: `CREATE INDEX IF NOT EXISTS devices_by_expiry ON sallyport.devices (expires_at)`,
    },
  ];
}

function recoveries(engine: Engine): readonly MigrationStatement[] {
  return [
    {
      // The newest request for each address. One that nobody has proved leaves a row too, which
      // belongs to nobody: the work must be the same (CWE-208).
      id: 'recoveries',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.recoveries (
        folded TEXT NOT NULL PRIMARY KEY,
        identity_id UUID REFERENCES sallyport.identities (id) ON DELETE CASCADE,
        token_digest TEXT NOT NULL UNIQUE,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        expires_at TIMESTAMPTZ NOT NULL,
        CONSTRAINT recoveries_digest_is_sha256 CHECK (length(token_digest) = 64)
      )${expiringRows(engine)}`,
    },
    {
      id: 'recoveries-by-identity',
      sql: `CREATE INDEX IF NOT EXISTS recoveries_by_identity ON sallyport.recoveries (identity_id)`,
    },
  ];
}
