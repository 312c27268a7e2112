import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  DatabaseUnavailableError,
  TooMuchContentionError,
  UnknownOutcomeError,
} from '../../src/db/errors.ts';
import { openPool, type Pool } from '../../src/db/pool.ts';
import { retrySerializationFailures, runTransaction, type Tx } from '../../src/db/transaction.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { startWireProxy, type WireProxy } from '../support/wire-proxy.ts';

let created: TestDatabase;
let proxy: WireProxy;
let pool: Pool;
beforeAll(async () => {
  created = await createDatabase({ migrated: false });
  await created.admin.query(`CREATE TABLE steps (name TEXT PRIMARY KEY);
    CREATE TABLE doctors (name TEXT PRIMARY KEY, on_call BOOL NOT NULL);
    CREATE TABLE counters (id INT4 PRIMARY KEY, n INT4 NOT NULL);
    CREATE SEQUENCE attempts;
    -- A sequence survives the rollback, so that it counts attempts.
    CREATE FUNCTION fail_until(p_attempt INT8, p_state TEXT) RETURNS INT4 LANGUAGE plpgsql AS $$
      BEGIN
        IF nextval('attempts') < p_attempt THEN
          RAISE EXCEPTION 'injected' USING ERRCODE = p_state;
        END IF;
        RETURN 1;
      END $$;
    CREATE FUNCTION fail_at_commit() RETURNS TRIGGER LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM fail_until(TG_ARGV[0]::INT8, TG_ARGV[1]);
        RETURN NULL;
      END $$`);
});
afterAll(() => created.drop());
beforeEach(async () => {
  await created.admin.query(`DELETE FROM steps; DELETE FROM doctors; DELETE FROM counters;
    DROP TRIGGER IF EXISTS late ON steps; SELECT setval('attempts', 1, false)`);
  proxy = await startWireProxy(created.url);
  pool = openPool({ connectionString: proxy.url, max: 60 });
});
afterEach(async () => {
  await pool.close();
  await proxy.close();
});

const NAMES = ['first', 'second', 'third'];

async function insertStep(tx: Tx, name: string): Promise<void> {
  await sql`INSERT INTO steps VALUES (${name})`.execute(tx);
}

/** Three statements; the one at `failing` ends with `state` until the n-th attempt. */
const work = (failing: number, attempt: number, state: string) => async (tx: Tx) => {
  for (const [index, name] of NAMES.entries()) {
    await insertStep(tx, name);
    if (index === failing) await sql`SELECT fail_until(${attempt}, ${state})`.execute(tx);
  }
  return 'done';
};

async function failAtCommit(attempt: number, state: string): Promise<void> {
  await created.admin.query(`CREATE CONSTRAINT TRIGGER late AFTER INSERT ON steps
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.name = 'third')
    EXECUTE FUNCTION fail_at_commit('${attempt}', '${state}')`);
}

async function steps(): Promise<string[]> {
  const { rows } = await created.admin.query<{ name: string }>('SELECT name FROM steps');
  return rows.map(({ name }) => name);
}

async function attempts(): Promise<number> {
  const { rows } = await created.admin.query(
    'SELECT last_value::INT4 AS n, is_called FROM attempts',
  );
  return rows[0].is_called ? rows[0].n : 0;
}

const executed = (text: string) =>
  proxy.messages.filter(({ type, sql: sent }) => type === 'Execute' && sent === text).length;

describe('a serialization failure', () => {
  test.each([0, 1, 2])(
    'at statement %i runs the whole callback again, once [ASVS 2.3.3]',
    async (failing) => {
      let calls = 0;
      const result = await runTransaction(pool, [], async (tx) => {
        calls++;
        return await work(failing, 3, '40001')(tx);
      });
      expect([result, calls, await attempts()]).toEqual(['done', 3, 3]);
      expect(await steps()).toEqual(NAMES);
      // The same connection, rolled back twice and committed once.
      expect([proxy.connections, executed('ROLLBACK'), executed('COMMIT')]).toEqual([1, 2, 1]);
    },
  );

  test('at COMMIT runs the whole callback again, once', async () => {
    await failAtCommit(3, '40001');
    expect(await runTransaction(pool, [], work(-1, 0, ''))).toBe('done');
    expect([await steps(), await attempts()]).toEqual([NAMES, 3]);
    expect([proxy.connections, executed('COMMIT')]).toEqual([1, 3]);
  });

  test('a deadlock counts as one', async () => {
    expect(await runTransaction(pool, [], work(1, 2, '40P01'))).toBe('done');
    expect([await steps(), await attempts()]).toEqual([NAMES, 2]);
  });

  test('that never ends is told after twelve attempts, and nothing is left', async () => {
    const transaction = runTransaction(pool, [], work(2, 1000, '40001'));
    await expect(transaction).rejects.toThrow(TooMuchContentionError);
    expect([await attempts(), await steps()]).toEqual([12, []]);
  });
});

/** How long the work waits before each attempt of its own when so many of them fail. */
async function pausesOf(failures: number): Promise<readonly number[]> {
  const pauses: number[] = [];
  let last = performance.now();
  const failing = async () => {
    pauses.push(performance.now() - last);
    last = performance.now();
    if (pauses.length > failures) return;
    throw Object.assign(new Error('injected'), { code: '40001', severity: 'ERROR' });
  };
  await retrySerializationFailures(failing).catch((error: unknown) => {
    if (!(error instanceof TooMuchContentionError)) throw error;
  });
  return pauses;
}

describe('the pause between attempts', () => {
  // Without its limit, the last pause would take 25 s or more.
  test('grows to a second at the most', async () => {
    const pauses = await pausesOf(Infinity);
    expect(pauses).toHaveLength(12);
    expect(Math.max(...pauses)).toBeLessThan(5_000);
    expect(pauses.at(-1)).toBeGreaterThan(490);
  });

  test('is short at first', async () => {
    const first: number[] = [];
    // A machine that is busy elsewhere may be late for one of them, and not for each.
    for (let round = 0; round < 20; round++) first.push((await pausesOf(1))[1] ?? Infinity);
    expect(Math.min(...first)).toBeGreaterThan(20);
    expect(Math.min(...first)).toBeLessThan(120);
  });

  test('an error that only looks like one, and did not come from the server, is not retried', async () => {
    let calls = 0;
    const failing = async () => {
      calls++;
      throw Object.assign(new Error('no'), { code: '40001' });
    };
    await expect(retrySerializationFailures(failing)).rejects.toThrow('no');
    expect(calls).toBe(1);
  });
});

describe('while it waits to try again', () => {
  test('a transaction leaves its connection to others [CWE-400]', async () => {
    const one = openPool({ connectionString: created.url, max: 1 });
    const order: string[] = [];
    const bystand = () =>
      runTransaction(one, [], async (tx) => {
        order.push('bystander');
        await insertStep(tx, 'bystander');
      });
    // It asks while the only connection is taken, so that it is next as soon as that is given back.
    let bystander = Promise.resolve();
    await runTransaction(one, [], async (tx) => {
      if (order.push('attempt') === 1) bystander = bystand();
      return await work(0, 3, '40001')(tx);
    });
    await bystander;
    expect(order).toEqual(['attempt', 'bystander', 'attempt', 'attempt']);
    expect(await steps()).toEqual(['bystander', ...NAMES]);
    await one.close();
  });
});

describe('an error that is no serialization failure', () => {
  test.each(['22012', '23505', '42501', 'P0001', '57014'])(
    '%s is not retried, and nothing is left',
    async (state) => {
      await expect(runTransaction(pool, [], work(1, 1000, state))).rejects.toMatchObject({
        code: state,
      });
      expect([await attempts(), await steps()]).toEqual([1, []]);
      expect(await runTransaction(pool, [], work(-1, 0, ''))).toBe('done');
      expect(proxy.connections).toBe(1);
    },
  );

  test('of the callback itself rolls everything back [ASVS 2.3.3]', async () => {
    const transaction = runTransaction(pool, [], async (tx) => {
      await insertStep(tx, 'gone');
      throw new RangeError('changed my mind');
    });
    await expect(transaction).rejects.toThrow(RangeError);
    expect(await steps()).toEqual([]);
  });

  test('swallowed by the callback still fails: COMMIT is answered with ROLLBACK', async () => {
    const transaction = runTransaction(pool, [], async (tx) => {
      await insertStep(tx, 'gone');
      await sql`SELECT 1 / 0`.execute(tx).catch(() => 'never mind');
      return 'looks well';
    });
    await expect(transaction).rejects.toThrow('COMMIT was answered with ROLLBACK');
    expect(await steps()).toEqual([]);
  });
});

describe('an outcome that nobody knows', () => {
  const transaction = () => runTransaction(pool, [], work(-1, 0, ''));
  const at = (text: string, verdict: 'cut-before' | 'cut-after') => {
    proxy.decide = ({ type, sql: sent }) =>
      type === 'Execute' && sent.startsWith(text) ? verdict : 'forward';
  };

  test('40003 at COMMIT is told as such and not retried', async () => {
    await failAtCommit(1000, '40003');
    await expect(transaction()).rejects.toThrow(UnknownOutcomeError);
    expect(await attempts()).toBe(1);
  });

  test('the connection lost as COMMIT is sent: it may not have arrived', async () => {
    at('COMMIT', 'cut-before');
    await expect(transaction()).rejects.toThrow(UnknownOutcomeError);
    expect(await steps()).toEqual([]);
  });

  test('the connection lost before COMMIT is answered: it was committed', async () => {
    at('COMMIT', 'cut-after');
    await expect(transaction()).rejects.toThrow(UnknownOutcomeError);
    await expect.poll(steps).toEqual(NAMES);
  });

  test.each(['BEGIN', 'INSERT INTO steps'])(
    'the connection lost at %s: nothing was committed, and it says so',
    async (text) => {
      at(text, 'cut-before');
      await expect(transaction()).rejects.toThrow(DatabaseUnavailableError);
      at(text, 'cut-after');
      await expect(transaction()).rejects.toThrow(DatabaseUnavailableError);
      expect(await steps()).toEqual([]);
      proxy.decide = () => 'forward';
      expect(await transaction()).toBe('done');
    },
  );

  test('the server ends the session before COMMIT: nothing was committed, and the next one works', async () => {
    const ended = runTransaction(pool, [], async (tx) => {
      await insertStep(tx, 'gone');
      const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(tx);
      await created.admin.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
      await insertStep(tx, 'never');
    });
    await expect(ended).rejects.toThrow(DatabaseUnavailableError);
    expect(await transaction()).toBe('done');
    expect(await steps()).toEqual(NAMES);
  });
});

describe('many transactions at once', () => {
  test('write skew cannot happen: of 50 that each may go only if another stays, one stays', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `doctor ${index}`);
    await created.admin.query('INSERT INTO doctors SELECT unnest($1::TEXT[]), true', [names]);
    const leave = (name: string) =>
      runTransaction(pool, [], async (tx) => {
        const onCall = sql<{ n: number }>`SELECT count(*)::INT4 AS n FROM doctors WHERE on_call`;
        if (((await onCall.execute(tx)).rows[0]?.n ?? 0) < 2) return 'stayed';
        await sql`UPDATE doctors SET on_call = false WHERE name = ${name}`.execute(tx);
        return 'left';
      });
    const outcomes = await Promise.allSettled(names.map(leave));
    const left = outcomes.filter((each) => each.status === 'fulfilled' && each.value === 'left');
    for (const each of outcomes.filter(({ status }) => status === 'rejected')) {
      // Fifty new connections at once may also take a busy machine longer than they are waited for.
      const reason = (each as PromiseRejectedResult).reason as Error;
      expect(['TooMuchContentionError', 'DatabaseUnavailableError']).toContain(reason.name);
    }
    const { rows } = await created.admin.query(
      'SELECT count(*)::INT4 AS n FROM doctors WHERE on_call',
    );
    expect(rows[0].n).toBe(50 - left.length);
    expect(rows[0].n).toBeGreaterThan(0);
  });

  test('increments of one counter are each counted once', async () => {
    await created.admin.query('INSERT INTO counters VALUES (1, 0)');
    const increment = () =>
      runTransaction(pool, [], async (tx) => {
        const { rows } = await sql<{ n: number }>`SELECT n FROM counters`.execute(tx);
        await sql`UPDATE counters SET n = ${(rows[0]?.n ?? 0) + 1}`.execute(tx);
      });
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, increment));
    const counted = outcomes.filter(({ status }) => status === 'fulfilled').length;
    const { rows } = await created.admin.query('SELECT n FROM counters');
    expect(rows[0].n).toBe(counted);
    expect(counted).toBeGreaterThan(0);
  });

  test('a transaction is SERIALIZABLE, and what opens it goes out with its BEGIN', async () => {
    const opening = { sql: `SELECT set_config('test.proof', $1, true)`, parameters: ['opened'] };
    const found = await runTransaction(pool, [opening], async (tx) => {
      proxy.clear();
      const { rows } = await sql<{ isolation: string; proof: string }>`
        SELECT current_setting('transaction_isolation') AS isolation,
          current_setting('test.proof') AS proof`.execute(tx);
      return rows[0];
    });
    expect(found).toEqual({ isolation: 'serializable', proof: 'opened' });
    expect(proxy.count('Sync')).toBe(2);
  });

  test('a pool that gets no connection says that the database is unavailable', async () => {
    const closed = openPool({ connectionString: proxy.url, max: 1 });
    await proxy.close();
    await expect(closed.withClient(async () => 1)).rejects.toThrow(DatabaseUnavailableError);
    await closed.close();
  });
});
