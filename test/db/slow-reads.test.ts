// A read that takes long: who waits along, and who does not. It waits for a lock that the test
// holds, so that nothing here depends on how long anything takes, but for the moment behind which
// it is called long.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runAuthorized } from '../../src/db/authorization.ts';
import type { Statement } from '../../src/db/batch.ts';
import { type Database, openServerDatabase } from '../../src/db/database.ts';
import { DatabaseUnavailableError } from '../../src/db/errors.ts';
import { type Lanes, openLanes } from '../../src/db/lanes.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { startWireProxy, type WireProxy } from '../support/wire-proxy.ts';
import { insertPrincipal, loginsOf } from './principals.ts';

let created: TestDatabase;
let proxy: WireProxy;
beforeEach(async () => {
  created = await createDatabase();
  proxy = await startWireProxy(created.url);
});
afterEach(async () => {
  await proxy.close();
  await created.drop();
});

const LONGER_THAN_A_MOMENT = 400;
const LOCK = 7;

const opening: readonly Statement[] = [
  { sql: `SELECT set_config('test.proof', $1, true)`, parameters: ['x'] },
];
const waiting: Statement = {
  sql: 'SELECT pg_advisory_xact_lock_shared($1::INT8)',
  parameters: [LOCK],
};
const prompt = (n: number): Statement => ({ sql: `SELECT ${n} AS n`, parameters: [] });
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

const lock = () => created.admin.query('SELECT pg_advisory_lock($1)', [LOCK]);
const unlock = () => created.admin.query('SELECT pg_advisory_unlock($1)', [LOCK]);

/** Says what has been answered so far. */
function watch(promise: Promise<unknown>): {
  answered: boolean;
  readonly promise: Promise<unknown>;
} {
  const watched = { answered: false, promise };
  void promise.then(() => (watched.answered = true));
  return watched;
}

describe('a read that takes long', () => {
  let lanes: Lanes;
  beforeEach(() => {
    lanes = openLanes({ connectionString: proxy.url }, 2, 2);
  });
  afterEach(async () => {
    await created.admin.query('SELECT pg_advisory_unlock_all()');
    await lanes.close();
  });

  const join = async (statement: Statement) => {
    const answers = await lanes.join(opening, [statement]);
    return answers[1]?.rows[0]?.['n'];
  };

  /** From then on it is known. */
  async function becomeKnown(): Promise<void> {
    await lock();
    const first = lanes.run(opening, [waiting]);
    await sleep(LONGER_THAN_A_MOMENT);
    await unlock();
    await first;
  }

  test('holds nobody up who comes a moment later, on however many connections it waits', async () => {
    await Promise.all(numbers(2).map((n) => lanes.run(opening, [prompt(n)])));
    await lock();
    const held = numbers(2).map(() => watch(lanes.run(opening, [waiting])));
    await sleep(LONGER_THAN_A_MOMENT);
    const others = numbers(40);
    expect(await Promise.all(others.map((n) => join(prompt(n))))).toEqual(others);
    expect(held.map(({ answered }) => answered)).toEqual([false, false]);
    await unlock();
    await Promise.all(held.map(({ promise }) => promise));
    expect(proxy.connections).toBeLessThanOrEqual(4);
  });

  test('holds up those of its moment while it is not known, and then no more', async () => {
    await join(prompt(0));
    await lock();
    const beside = watch(Promise.all([join(waiting), ...numbers(7).map((n) => join(prompt(n)))]));
    await sleep(LONGER_THAN_A_MOMENT);
    expect(beside.answered).toBe(false);
    await unlock();
    await beside.promise;

    await becomeKnown();
    await lock();
    const again = watch(join(waiting));
    const others = await Promise.all(numbers(7).map((n) => join(prompt(n))));
    expect([others, again.answered]).toEqual([numbers(7), false]);
    await unlock();
    await again.promise;
  });

  test('keeps those it shared with apart once: what is prompt by itself shares again', async () => {
    await join(prompt(0));
    await lock();
    const together = Promise.all([join(waiting), ...numbers(7).map((n) => join(prompt(n)))]);
    await sleep(LONGER_THAN_A_MOMENT);
    await unlock();
    await together;
    const transactions: number[] = [];
    for (let round = 0; round < 3; round++) {
      proxy.clear();
      await Promise.all(numbers(7).map((n) => join(prompt(n))));
      transactions.push(proxy.count('Sync'));
    }
    expect(transactions[0]).toBe(7);
    expect(transactions[2]).toBeLessThan(7);
  });

  test('is not one that waits for its connection to be made', async () => {
    proxy.held = sleep(LONGER_THAN_A_MOMENT).then(() => {
      proxy.held = null;
    });
    await Promise.all(numbers(8).map((n) => join(prompt(n))));
    proxy.clear();
    await Promise.all(numbers(8).map((n) => join(prompt(n))));
    expect([proxy.connections, proxy.count('Sync')]).toEqual([1, 1]);
  });

  test('is not one that found no connection', async () => {
    await lanes.close();
    lanes = openLanes({ connectionString: proxy.url, connectionTimeoutMillis: 300 }, 2, 2);
    proxy.held = new Promise(() => {});
    await expect(join(prompt(0))).rejects.toThrow(DatabaseUnavailableError);
    proxy.held = null;
    await sleep(LONGER_THAN_A_MOMENT);
    await join(prompt(1));
    proxy.clear();
    await Promise.all(numbers(8).map((n) => join(prompt(n))));
    expect(proxy.count('Sync')).toBe(1);
  });

  test('waits for others that take long, at worst, and nobody else waits for either', async () => {
    await becomeKnown();
    await lock();
    const held = numbers(20).map(() => watch(join(waiting)));
    expect(await join(prompt(1))).toBe(1);
    expect(held.some(({ answered }) => answered)).toBe(false);
    await unlock();
    await Promise.all(held.map(({ promise }) => promise));
    expect(proxy.connections).toBeLessThanOrEqual(4);
  });
});

test('the decision before a read that takes long is not what takes long', async () => {
  const ada = await insertPrincipal(created.admin, 'ada');
  const logins = loginsOf(proxy.url);
  const database: Database = openServerDatabase(logins);
  const requirement = { role: 'sallyport_app', proof: ada.proof, permission: null } as const;
  const read = (statement: Statement) => runAuthorized(database, requirement, [statement]);
  const calling = { sql: 'SELECT 1 AS n', parameters: [], callsNothing: true } as const;
  await read(calling);
  await read({ sql: 'SELECT pg_sleep($1::FLOAT8)', parameters: [LONGER_THAN_A_MOMENT / 1_000] });
  proxy.clear();
  await Promise.all(numbers(8).map(() => read(calling)));
  expect([proxy.count('Sync'), proxy.count('Execute')]).toEqual([1, 16]);
  await database.close();
});
