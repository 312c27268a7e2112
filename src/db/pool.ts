import pg from 'pg';
import { runStatement } from './batch.ts';
import { DatabaseUnavailableError, isShutdown } from './errors.ts';

/** Connections that one piece of work has to itself at a time. */
export interface Pool {
  /**
   * Runs the work on a connection that is outside any transaction, and takes it back so.
   * @throws DatabaseUnavailableError when no connection can be had.
   */
  withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function openPool(config: pg.PoolConfig): Pool {
  const pool = new pg.Pool({ connectionTimeoutMillis: 5_000, ...config });
  pool.on('connect', markWhenLost);
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

  return { withClient, close: () => pool.end() };
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
