import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { runStatement } from './batch.ts';
import { sqlState } from './errors.ts';

/**
 * Statements of the schema run into each other's catalog rows when several databases of one server
 * are set up at once; each is idempotent, so it is tried again.
 */
export async function runDdl(client: pg.Client | pg.PoolClient, sql: string): Promise<void> {
  const passing = ['40001', '40P01', 'XX000', '23505', '42P06', '42P07', '55P03'];
  for (let attempt = 1; ; attempt++) {
    try {
      await runStatement(client, sql);
      return;
    } catch (error) {
      if (attempt === 10 || !passing.includes(sqlState(error) ?? '')) throw error;
      await sleep(20 * attempt);
    }
  }
}
