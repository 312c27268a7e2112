import type pg from 'pg';

const POOL_CONNECTIONS = 8;

/** Beyond this a statement is given up by the server, and a second later by this process. */
const STATEMENT_TIMEOUT_MILLISECONDS = 15_000;

export const CHANGING = { default_transaction_isolation: 'serializable' };

/** A read sees one snapshot, and what is injected into it cannot write: no token was asked for. */
export const READING = {
  default_transaction_isolation: 'repeatable read',
  default_transaction_read_only: 'on',
};

export function connectionConfig(
  login: pg.ClientConfig,
  transactions: Readonly<Record<string, string>>,
): pg.PoolConfig {
  const settings = {
    ...transactions,
    statement_timeout: String(STATEMENT_TIMEOUT_MILLISECONDS),
    idle_in_transaction_session_timeout: String(STATEMENT_TIMEOUT_MILLISECONDS),
    // pg_temp last, so that no temporary object hides another; ours are written with their schema.
    search_path: 'public, pg_temp',
    timezone: 'UTC',
  };
  const options = Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`)
    .join(' ');
  return {
    ...login,
    options,
    max: POOL_CONNECTIONS,
    application_name: 'sallyport',
    query_timeout: STATEMENT_TIMEOUT_MILLISECONDS + 1_000,
    keepAlive: true,
    allowExitOnIdle: false,
  };
}
