import pg from 'pg';
import { runStatement } from './batch.ts';
import { watchAnswers } from './connection-state.ts';
import { DatabaseUnavailableError, isShutdown } from './errors.ts';

/** Connections that one piece of work has to itself at a time. */
export interface Pool {
  /**
   * Runs the work on a connection that is outside any transaction, and takes it back so.
   * @throws DatabaseUnavailableError when no connection can be had.
   */
  withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>;
  /** Runs work that has met contention, a few at a time and the others behind, in order. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Within this a server is reached, or it is not there. */
export const CONNECT_TIMEOUT_MILLISECONDS = 5_000;

/** `query_timeout` is for a connection that answers nothing at all: see watchAnswers. */
export function openPool({ query_timeout: patience, ...config }: pg.PoolConfig): Pool {
  const pool = new pg.Pool({ connectionTimeoutMillis: CONNECT_TIMEOUT_MILLISECONDS, ...config });
  pool.on('connect', (client) => {
    markWhenLost(client);
    if (patience) watchAnswers(client, patience);
  });
  // An idle connection that dies is replaced at the next use; there is nobody to tell.
  pool.on('error', () => {});

  async function withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await pool.connect().catch((error: unknown) => {
      throw new DatabaseUnavailableError('no connection', { cause: error });
    });
    try {
      return await work(client);
    } finally {
      client.release(!(await leaveTransaction(client)));
    }
  }

  return { withClient, inTurn: takingTurns(RETRYING_MAX), close: () => pool.end() };
}

/**
 * Of fifty who want one row, one commits at a time whatever the others do. Were all to try again at
 * once, most would give up before it is their turn.
 */
const RETRYING_MAX = 4;

function takingTurns(atOnce: number): Pool['inTurn'] {
  const waiting: Array<() => void> = [];
  let running = 0;
  return async (work) => {
    if (running < atOnce) running++;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}

const lost = new WeakSet<object>();

/** Remembers that this client's connection has ended. */
export function markWhenLost(client: pg.Client | pg.PoolClient): void {
  const mark = () => void lost.add(client);
  client.on('error', mark);
  client.on('end', mark);
}

/** Whether the work failed because its connection is gone, not because a statement was refused. */
export function isConnectionLoss(client: pg.Client | pg.PoolClient, error: unknown): boolean {
  // The server's word comes before the end of the connection: nobody may take it up in between.
  if (isShutdown(error)) lost.add(client);
  return lost.has(client);
}

/** Rolls back what the work left open. False when the connection is not worth keeping. */
export async function leaveTransaction(client: pg.PoolClient): Promise<boolean> {
  if (lost.has(client)) return false;
  if (client.getTransactionStatus() === 'I') return true;
  try {
    await runStatement(client, 'ROLLBACK');
    return client.getTransactionStatus() === 'I';
  } catch {
    return false;
  }
}
