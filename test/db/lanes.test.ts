import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Statement, StatementResult } from '../../src/db/batch.ts';
import {
  DatabaseUnavailableError,
  OpenTransactionError,
  UnknownOutcomeError,
} from '../../src/db/errors.ts';
import { type Lanes, openLanes, openWriteLanes, type WriteLanes } from '../../src/db/lanes.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { startWireProxy, type WireProxy } from '../support/wire-proxy.ts';

let created: TestDatabase;
let proxy: WireProxy;
let lanes: Lanes;
beforeAll(async () => {
  created = await createDatabase({ migrated: false });
  await created.admin.query('CREATE TABLE marks (batch INT4, step INT4)');
});
afterAll(() => created.drop());
beforeEach(async () => {
  await created.admin.query('DELETE FROM marks');
  proxy = await startWireProxy(created.url);
});
afterEach(async () => {
  await lanes.close();
  await proxy.close();
});

const open = (count: number) => openLanes({ connectionString: proxy.url }, count);

function statement(sql: string, ...parameters: readonly unknown[]): Statement {
  return { sql, parameters };
}

const carry = (proof: string) => statement(`SELECT set_config('test.proof', $1, true)`, proof);
const carried = statement(
  `SELECT current_setting('test.proof', true) AS proof, pg_backend_pid() AS backend`,
);
const slow = (seconds: number) => statement('SELECT pg_sleep($1::FLOAT8)', seconds);

const proofOf = (answers: readonly StatementResult[]) => answers[1]?.rows[0]?.['proof'];

/** How many sessions of this database are in a transaction that nobody ends. */
async function leftOpen(): Promise<number> {
  const { rows } = await created.admin.query(`SELECT count(*)::INT4 AS n FROM pg_stat_activity
    WHERE datname = current_database() AND state LIKE 'idle in transaction%'`);
  return rows[0].n;
}

/** How a batch of the property below fails, if it does. */
const FAILURES: Readonly<Record<string, Statement>> = {
  'division by zero': statement('SELECT 1 / $1::INT4', 0),
  syntax: statement('SELEC 1'),
  'no such table': statement('SELECT * FROM missing'),
  'wrong parameters': statement('SELECT $1::INT4', 'x'),
  raised: statement(`SELECT CAST(current_setting('test.proof') || 'x' AS INT4)`),
};

interface Plan {
  readonly steps: number;
  readonly variant: number;
  readonly failure: string | null;
  readonly delay: number;
}

function statementsOf(plan: Plan, batch: number): readonly Statement[] {
  const marks = Array.from({ length: plan.steps }, (_, step) =>
    statement(`INSERT INTO marks VALUES ($1, $2) /* ${plan.variant} */`, batch, step),
  );
  const failure = plan.failure === null ? [] : [FAILURES[plan.failure] ?? carried];
  return [carry(`${batch}`), carried, ...marks, ...failure];
}

describe('lanes', () => {
  test('every batch gets its own answer, and one that fails leaves nothing, however they interleave', async () => {
    const plan = fc.record({
      steps: fc.integer({ min: 0, max: 3 }),
      variant: fc.integer({ min: 0, max: 4 }),
      failure: fc.option(fc.constantFrom(...Object.keys(FAILURES)), { freq: 2 }),
      delay: fc.integer({ min: 0, max: 3 }),
    });
    const plans = fc.array(plan, { minLength: 2, maxLength: 40 });
    lanes = open(3);
    await fc.assert(
      fc.asyncProperty(plans, async (batches) => {
        await created.admin.query('DELETE FROM marks');
        const outcomes = await Promise.allSettled(
          batches.map(async (each, batch) => {
            if (each.delay > 0) await sleep(each.delay);
            return await lanes.run([], statementsOf(each, batch));
          }),
        );
        const answered = outcomes.map((outcome) =>
          outcome.status === 'fulfilled' ? proofOf(outcome.value) : 'failed',
        );
        const expected = batches.map(({ failure }, batch) => (failure ? 'failed' : `${batch}`));
        expect(answered).toEqual(expected);
        const { rows } = await created.admin.query('SELECT * FROM marks ORDER BY batch, step');
        const kept = batches.flatMap(({ failure, steps }, batch) =>
          failure === null ? Array.from({ length: steps }, (_, step) => ({ batch, step })) : [],
        );
        expect(rows).toEqual(kept);
      }),
      { numRuns: 40 },
    );
    // Errors cost no connection.
    expect(proxy.connections).toBe(3);
  });

  test('share few connections: many batches are in flight on each at once', async () => {
    lanes = open(2);
    await Promise.all([lanes.run([], [carry('a')]), lanes.run([], [carry('b')])]);
    const many = Array.from({ length: 40 }, (_, n) => lanes.run([], [carry(`${n}`), carried]));
    let answered = false;
    const held = lanes.run([], [slow(2)]).then(() => (answered = true));
    const answers = await Promise.all(many);
    expect(answered).toBe(false);
    expect(answers.map(proofOf)).toEqual(answers.map((_, n) => `${n}`));
    await held;
    expect(proxy.connections).toBe(2);
  });

  test('a BEGIN among them is refused, and those behind it are answered on another connection', async () => {
    lanes = open(1);
    const first = (await lanes.run([], [carry('first'), carried]))[1]?.rows[0];
    const begin = lanes.run([], [carry('attacker'), statement('BEGIN'), carried]);
    const behind = ['x', 'y', 'z'].map((proof) => lanes.run([], [carry(proof), carried]));
    await expect(begin).rejects.toThrow(OpenTransactionError);
    const answers = await Promise.all(behind);
    expect(answers.map(proofOf)).toEqual(['x', 'y', 'z']);
    for (const answer of answers) {
      expect(answer[1]?.rows[0]?.['backend']).not.toBe(first?.['backend']);
    }
    await expect.poll(leftOpen).toBe(0);
  });

  test('a failing batch in a transaction that a BEGIN left open is answered elsewhere', async () => {
    lanes = open(1);
    await lanes.run([], [carry('warm'), carried]);
    const begin = lanes.run([], [statement('BEGIN')]);
    const failing = lanes.run([], [carry('x'), statement('SELECT 1 / $1::INT4', 0)]);
    const behind = lanes.run([], [carry('y'), carried]);
    await expect(begin).rejects.toThrow(OpenTransactionError);
    await expect(failing).rejects.toMatchObject({ code: '22012' });
    expect(proofOf(await behind)).toBe('y');
  });

  test('a transaction that was opened and failed in one batch is not left to those behind it', async () => {
    lanes = open(1);
    await lanes.run([], [carry('warm'), carried]);
    const failing = lanes.run([], [statement('BEGIN'), statement('SELECT 1 / $1::INT4', 0)]);
    const behind = ['x', 'y'].map((proof) => lanes.run([], [carry(proof), carried]));
    await expect(failing).rejects.toMatchObject({ code: '22012' });
    expect((await Promise.all(behind)).map(proofOf)).toEqual(['x', 'y']);
    await expect.poll(leftOpen).toBe(0);
  });

  test('COPY FROM STDIN is refused with its connection, and what comes after it is answered', async () => {
    lanes = open(1);
    await lanes.run([], [carry('warm')]);
    await expect(lanes.run([], [statement('COPY marks FROM STDIN')])).rejects.toThrow(
      DatabaseUnavailableError,
    );
    expect(proofOf(await lanes.run([], [carry('x'), carried]))).toBe('x');
  });

  test('a read whose connection is lost is sent again on another', async () => {
    lanes = open(1);
    const [, first] = await lanes.run([], [carry('a'), carried]);
    const inFlight = lanes.run([], [slow(2), statement('SELECT pg_backend_pid() AS backend')]);
    const backend = first?.rows[0]?.['backend'];
    const sleeping = `SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'`;
    await expect
      .poll(async () => (await created.admin.query(sleeping, [backend])).rowCount)
      .toBe(1);
    await created.admin.query('SELECT pg_terminate_backend($1)', [backend]);
    expect((await inFlight)[1]?.rows[0]?.['backend']).not.toBe(backend);
  });

  test('a read whose connection is lost twice is told so, and the next one works', async () => {
    lanes = open(1);
    await lanes.run([], [carry('a')]);
    proxy.decide = ({ type }) => (type === 'Sync' ? 'cut-before' : 'forward');
    await expect(lanes.run([], [carry('b')])).rejects.toThrow(DatabaseUnavailableError);
    proxy.decide = () => 'forward';
    expect(proofOf(await lanes.run([], [carry('c'), carried]))).toBe('c');
  });

  test('a connection that answers nothing is given up in time, and the next one works', async () => {
    lanes = openLanes({ connectionString: proxy.url, query_timeout: 1_000 }, 1);
    await lanes.run([], [carry('a')]);
    proxy.held = new Promise(() => {});
    // What has come is held for ever, and the next connection is not.
    proxy.decide = () => {
      if (proxy.count('Sync') === 3) setImmediate(() => (proxy.held = null));
      return 'forward';
    };
    const asked = performance.now();
    const answers = Promise.all(['b', 'c'].map((proof) => lanes.run([], [carry(proof), carried])));
    expect((await answers).map(proofOf)).toEqual(['b', 'c']);
    expect(performance.now() - asked).toBeGreaterThan(999);
    expect(proxy.connections).toBe(2);
  });

  test('a connection that answers one after the other is waited for, however many are asked', async () => {
    lanes = openLanes({ connectionString: proxy.url, query_timeout: 2_000 }, 1);
    const [, first] = await lanes.run([], [carry('a'), carried]);
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => lanes.run([], [slow(0.5), carried])),
    );
    expect(new Set(answers.map(([, answer]) => answer?.rows[0]?.['backend']))).toEqual(
      new Set([first?.rows[0]?.['backend']]),
    );
  });

  test('after a refused connection, requests fail at once for a moment and then work', async () => {
    const closed = await startWireProxy(created.url);
    await closed.close();
    lanes = openLanes({ connectionString: closed.url }, 1);
    const refusals = async () => {
      const first = lanes.run([], [carry('a')]).catch(String);
      // Asked from the first one's answer, so that no more than a moment can have passed.
      const second = first.then(() => lanes.run([], [carry('a')]).catch(String));
      return [await first, await second];
    };
    expect(await refusals()).toEqual([
      expect.stringContaining('no connection'),
      expect.stringContaining('refused a moment ago'),
    ]);
    await sleep(300);
    await expect(lanes.run([], [carry('a')])).rejects.toThrow('no connection');
  });

  test('close waits for what is in flight, and refuses what comes after', async () => {
    lanes = open(1);
    const last = lanes.run([], [slow(0.1), statement('SELECT 7 AS n')]);
    const closing = lanes.close();
    expect((await last)[1]?.rows).toEqual([{ n: 7 }]);
    await closing;
    await expect(lanes.run([], [carry('late')])).rejects.toThrow(DatabaseUnavailableError);
  });
});

describe('lanes for writes', () => {
  let writes: WriteLanes;
  afterEach(() => writes.close());
  // The hook above closes what a test of reads has opened.
  beforeEach(() => {
    lanes = open(1);
  });
  const openWrites = (count: number, depth: number) => {
    writes = openWriteLanes({ connectionString: proxy.url }, count, depth);
  };
  const run = async (statements: readonly Statement[]) => {
    const taken = writes.run(statements);
    if (!taken) throw new Error('no lane takes it');
    return await taken;
  };
  const mark = (batch: number) => statement('INSERT INTO marks VALUES ($1, 0)', batch);

  test('share few connections, and each is its own transaction', async () => {
    openWrites(2, 8);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 16 }, (_, n) =>
        run([carry(`${n}`), mark(n), statement('SELECT 1 / $1::INT4', n % 4)]),
      ),
    );
    const kept = outcomes.flatMap(({ status }, n) => (status === 'fulfilled' ? [n] : []));
    expect(kept).toHaveLength(12);
    const { rows } = await created.admin.query('SELECT batch FROM marks ORDER BY batch');
    expect(rows.map(({ batch }: { batch: number }) => batch)).toEqual(kept);
    expect(proxy.connections).toBe(2);
  });

  test('take no more than so many on each', async () => {
    openWrites(2, 2);
    const taken = Promise.all([1, 2, 3, 4].map((n) => run([mark(n)])));
    expect(writes.run([mark(5)])).toBeNull();
    await taken;
    expect(await run([mark(6)])).toMatchObject([{ rowCount: 1 }]);
  });

  test('take none behind one that is not answered in a moment', async () => {
    openWrites(2, 8);
    await created.admin.query('SELECT pg_advisory_lock(7)');
    const held = run([statement('SELECT pg_advisory_xact_lock($1::INT8)', 7)]);
    await sleep(400);
    const others = Promise.all(Array.from({ length: 8 }, (_, n) => run([mark(n)])));
    expect(writes.run([mark(8)])).toBeNull();
    await others;
    await created.admin.query('SELECT pg_advisory_unlock(7)');
    await held;
    await Promise.all([run([mark(8)]), run([mark(9)])]);
  });

  test('send nothing again: nobody knows what became of those whose connection is lost', async () => {
    openWrites(1, 8);
    await run([mark(0)]);
    proxy.decide = ({ type }) => (type === 'Sync' ? 'cut-after' : 'forward');
    const lost = await Promise.allSettled([run([mark(1)]), run([mark(2)])]);
    for (const outcome of lost) {
      expect(outcome).toMatchObject({ reason: expect.any(UnknownOutcomeError) as unknown });
    }
    proxy.decide = () => 'forward';
    expect(await run([mark(3)])).toMatchObject([{ rowCount: 1 }]);
    const twice = 'SELECT batch FROM marks GROUP BY batch HAVING count(*) > 1';
    expect((await created.admin.query(twice)).rows).toEqual([]);
  });

  test('40003 says that nobody knows', async () => {
    openWrites(1, 8);
    await run([mark(0)]);
    proxy.fail = ({ type }) => (type === 'Execute' ? '40003' : null);
    await expect(run([mark(1)])).rejects.toThrow(UnknownOutcomeError);
  });
});
