import fc from 'fast-check';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runBatch, type Statement } from '../../src/db/batch.ts';
import { openLanes } from '../../src/db/lanes.ts';
import { openPool } from '../../src/db/pool.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { startWireProxy, type WireProxy } from '../support/wire-proxy.ts';

let created: TestDatabase;
let proxy: WireProxy;
let client: pg.Client;
beforeAll(async () => {
  created = await createDatabase({ migrated: false });
  proxy = await startWireProxy(created.url);
  await created.admin.query('CREATE TABLE notes (id INT4 PRIMARY KEY, text TEXT)');
});
afterAll(async () => {
  await proxy.close();
  await created.drop();
});
beforeEach(async () => {
  await created.admin.query('DELETE FROM notes');
  client = await connect();
  proxy.clear();
});
afterEach(() => client.end());

async function connect(options: { pipeline: boolean } = { pipeline: true }): Promise<pg.Client> {
  const connected = new pg.Client({ connectionString: proxy.url, ...options });
  connected.on('error', () => {});
  await connected.connect();
  return connected;
}

function statement(sql: string, ...parameters: readonly unknown[]): Statement {
  return { sql, parameters };
}

const insert = (id: number) => statement('INSERT INTO notes VALUES ($1, $2)', id, `note ${id}`);
const carry = (proof: string) => statement(`SELECT set_config('test.proof', $1, true)`, proof);
const carried = statement(`SELECT current_setting('test.proof', true) AS proof`);
/** Said to whoever stands behind on a connection that is no more. */
const LOST = /terminated|synchronization was lost|given up/;
const IDLE = { idleAfter: true };

const run = (...statements: readonly Statement[]) => runBatch(client, statements, IDLE);

async function noteIds(): Promise<number[]> {
  const { rows } = await created.admin.query<{ id: number }>('SELECT id FROM notes ORDER BY id');
  return rows.map(({ id }) => id);
}

describe('a batch', () => {
  test('leaves in one flush with one Sync and takes one round trip', async () => {
    const answers = await run(carry('a'), insert(1), insert(2), statement('SELECT id FROM notes'));
    expect([proxy.count('Sync'), proxy.count('Query'), proxy.roundTrips]).toEqual([1, 0, 1]);
    expect(proxy.count('Execute')).toBe(4);
    expect(answers.map(({ command, rowCount }) => [command, rowCount])).toEqual([
      ['SELECT', 1],
      ['INSERT', 1],
      ['INSERT', 1],
      ['SELECT', 2],
    ]);
    expect(answers[3]?.rows).toEqual([{ id: 1 }, { id: 2 }]);
  });

  test('prepares a statement once a connection and then sends no text', async () => {
    await run(carry('a'), carried);
    expect([proxy.count('Parse'), proxy.count('Describe')]).toEqual([2, 2]);
    proxy.clear();
    const again = ['Bind', 'Execute', 'Bind', 'Execute', 'Sync'];
    for (const proof of ['b', 'c']) {
      expect((await run(carry(proof), carried))[1]?.rows).toEqual([{ proof }]);
    }
    expect(proxy.messages.map(({ type }) => type)).toEqual([...again, ...again]);
    expect(proxy.roundTrips).toBe(2);
  });

  test('is one transaction: an error takes all of it back, and the connection is at once usable', async () => {
    const failing = run(insert(1), statement('SELECT 1 / $1::INT4', 0), insert(2));
    const behind = run(carry('behind'), insert(3), carried);
    await expect(failing).rejects.toMatchObject({ code: '22012' });
    expect((await behind)[2]?.rows).toEqual([{ proof: 'behind' }]);
    expect(await noteIds()).toEqual([3]);
    expect(proxy.connections).toBeGreaterThan(0);
  });

  test('an error at the last statement, or one that only the Sync finds, takes all of it back', async () => {
    await created.admin.query(
      'CREATE TABLE late (id INT4 REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED)',
    );
    const late = statement('INSERT INTO late VALUES ($1)', 7);
    await expect(run(insert(1), insert(1))).rejects.toMatchObject({ code: '23505' });
    await expect(run(insert(2), late)).rejects.toMatchObject({ code: '23503' });
    expect(await noteIds()).toEqual([]);
    await run(insert(7), late);
    expect(await noteIds()).toEqual([7]);
    await created.admin.query('DROP TABLE late');
  });

  test('leaves no proof behind, neither after success nor after an error', async () => {
    await run(carry('first'));
    expect((await run(carried))[0]?.rows).toEqual([{ proof: '' }]);
    await expect(run(carry('second'), statement('SELECT nothing'))).rejects.toThrow('nothing');
    expect((await run(carried))[0]?.rows).toEqual([{ proof: '' }]);
  });

  test('takes one statement in each text: nothing stacks [CWE-89]', async () => {
    const stacked = statement('SELECT 1; DELETE FROM notes');
    await run(insert(1));
    await expect(run(stacked)).rejects.toMatchObject({ code: '42601' });
    expect(await noteIds()).toEqual([1]);
  });

  test('an empty statement answers nothing and is no error', async () => {
    const [empty, after] = await run(statement(''), carried);
    expect(empty).toEqual({ command: '', rowCount: 0, rows: [] });
    expect(after?.rowCount).toBe(1);
  });
});

describe('prepared statements', () => {
  test('used for the first time by many batches at once, each gets its own answer', async () => {
    const many = Array.from({ length: 30 }, (_, index) => index);
    const echo = (n: number) => run(carry(`${n}`), carried, statement('SELECT $1::INT4 AS n', n));
    const answers = await Promise.all(many.map(echo));
    for (const [n, [, proof, number]] of answers.entries()) {
      expect([proof?.rows, number?.rows]).toEqual([[{ proof: `${n}` }], [{ n }]]);
    }
    const prepared = statement('SELECT count(*)::INT4 AS n FROM pg_prepared_statements');
    expect((await run(prepared))[0]?.rows).toEqual([{ n: 4 }]);
  });

  test('a first execution that failed is prepared anew', async () => {
    const divide = (by: number) => statement('SELECT 12 / $1::INT4 AS n', by);
    await expect(run(divide(0))).rejects.toMatchObject({ code: '22012' });
    const missing = statement('SELECT id FROM later');
    await expect(run(missing)).rejects.toMatchObject({ code: '42P01' });
    await created.admin.query('CREATE TABLE later (id INT4)');
    expect((await run(divide(3), missing))[0]?.rows).toEqual([{ n: 4 }]);
    proxy.clear();
    expect((await run(divide(4), missing))[0]?.rows).toEqual([{ n: 3 }]);
    expect(proxy.count('Parse')).toBe(0);
    await created.admin.query('DROP TABLE later');
  });

  test('beyond 256 texts a connection prepares no more, and all are answered', async () => {
    for (let text = 0; text < 300; text++) {
      expect((await run(statement(`SELECT ${text} AS n`)))[0]?.rows).toEqual([{ n: text }]);
    }
    const count = statement('SELECT count(*)::INT4 AS n FROM pg_prepared_statements');
    expect((await run(count))[0]?.rows).toEqual([{ n: 256 }]);
    expect((await run(statement('SELECT 299 AS n')))[0]?.rows).toEqual([{ n: 299 }]);
    expect((await run(statement('SELECT 0 AS n')))[0]?.rows).toEqual([{ n: 0 }]);
  });

  test.each([
    ['were deallocated', 'DEALLOCATE ALL'],
    ['are gone with all else of the session', 'DISCARD PLANS'],
  ])('that %s are prepared again: lanes answer all the same', async (_, sql) => {
    const lanes = openLanes({ connectionString: proxy.url }, 1);
    await lanes.run([], [carry('a'), carried]);
    await lanes.run([], [statement(sql)]);
    const answers = await Promise.all(['b', 'c'].map((p) => lanes.run([], [carry(p), carried])));
    expect(answers.map(([, answer]) => answer?.rows)).toEqual([[{ proof: 'b' }], [{ proof: 'c' }]]);
    await lanes.close();
  });

  test('whose table has changed are prepared again: lanes answer with the new column', async () => {
    const lanes = openLanes({ connectionString: proxy.url }, 1);
    await created.admin.query('CREATE TABLE shape (a INT4); INSERT INTO shape VALUES (1)');
    const all = statement('SELECT * FROM shape');
    expect((await lanes.run([], [all]))[0]?.rows).toEqual([{ a: 1 }]);
    expect((await lanes.run([], [all]))[0]?.rows).toEqual([{ a: 1 }]);
    await created.admin.query('ALTER TABLE shape ADD b INT4 DEFAULT 2');
    expect((await lanes.run([], [all]))[0]?.rows).toEqual([{ a: 1, b: 2 }]);
    await created.admin.query('DROP TABLE shape');
    await lanes.close();
  });
});

describe('bind parameters', () => {
  // The server's text has no zero character, and a lone surrogate is no character at all.
  const text = fc.string({ unit: 'binary', maxLength: 40 }).map((s) => s.replaceAll('\0', ' '));
  const echo = async (type: string, value: unknown) =>
    (await run(statement(`SELECT $1::${type} AS value`, value)))[0]?.rows[0]?.['value'];
  const date = fc
    .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    .filter((value) => value.getUTCFullYear() > 1900);

  test.each<[string, fc.Arbitrary<unknown>]>([
    ['TEXT', text],
    [
      'TEXT',
      fc.constantFrom('', 'NULL', '{}', '"', '\\', `'; DROP TABLE notes; --`, '\\x00', '$1'),
    ],
    ['TEXT', fc.constant(null)],
    ['INT4', fc.integer()],
    ['FLOAT8', fc.double({ noDefaultInfinity: true }).map((n) => (n === 0 ? 0 : n))],
    ['BOOL', fc.boolean()],
    ['TIMESTAMPTZ', date],
    ['BYTEA', fc.uint8Array().map((bytes) => Buffer.from(bytes))],
    ['TEXT[]', fc.array(fc.option(text))],
    ['TEXT[]', fc.constantFrom([], [''], ['NULL', null], ['a,b', '{c}', ' d '], ['"', '\\"'])],
    ['TEXT[]', fc.array(fc.tuple(text, text), { minLength: 1 })],
    ['INT4[]', fc.array(fc.option(fc.integer()))],
    ['BOOL[]', fc.array(fc.boolean())],
    ['BYTEA[]', fc.array(fc.uint8Array().map((bytes) => Buffer.from(bytes)))],
  ])('of %s come back as they were sent', async (type, values) => {
    expect.hasAssertions();
    const comesBack = fc.asyncProperty(values, async (value) => {
      expect(await echo(type, value)).toEqual(value);
    });
    await fc.assert(comesBack, { numRuns: 60 });
  });

  test('a bigint comes back as its digits, and undefined as NULL', async () => {
    expect(await echo('INT8', 9007199254740993n)).toBe('9007199254740993');
    expect(await echo('TEXT', undefined)).toBeNull();
  });

  test('a zero character is refused by the server, and the batch leaves nothing', async () => {
    await expect(run(insert(1), statement('SELECT $1::TEXT', 'a\0b'))).rejects.toMatchObject({
      code: '22021',
    });
    expect(await noteIds()).toEqual([]);
    expect((await run(carried))[0]?.rowCount).toBe(1);
  });

  test.each([
    ['an object', { a: 1 }],
    ['an array with an object in it', [1, { a: 1 }]],
    ['a Map', new Map()],
    ['a symbol', Symbol('x')],
    ['a function', () => 1],
    ['a date that is none', new Date(Number.NaN)],
  ])('%s is refused before anything is sent', async (_, value) => {
    await expect(run(insert(1), statement('SELECT $1', value))).rejects.toThrow(
      value instanceof Date ? RangeError : TypeError,
    );
    expect(proxy.messages).toEqual([]);
    expect((await run(insert(2)))[0]?.rowCount).toBe(1);
    expect(await noteIds()).toEqual([2]);
  });
});

describe('a statement that is a command of its own', () => {
  test('COPY TO STDOUT answers its count and no rows, and the next batch is in step', async () => {
    const [, copied, after] = await run(insert(1), statement('COPY notes TO STDOUT'), carried);
    expect([copied, after?.rowCount]).toEqual([{ command: 'COPY', rowCount: 1, rows: [] }, 1]);
    expect((await run(carried))[0]?.rowCount).toBe(1);
  });

  test('COPY FROM STDIN ends the connection; what was queued behind it did not happen', async () => {
    const copy = run(insert(1), statement('COPY notes FROM STDIN'));
    const behind = run(insert(2));
    const [copied, queued] = await Promise.allSettled([copy, behind]);
    expect([copied.status, queued.status]).toEqual(['rejected', 'rejected']);
    await expect(run(carried)).rejects.toThrow('not queryable');
    expect(await noteIds()).toEqual([]);
  });

  test.each(['BEGIN', 'BEGIN ISOLATION LEVEL READ COMMITTED', 'START TRANSACTION'])(
    '%s: the batch is refused and its connection given up, with all that stood behind it',
    async (begin) => {
      const opened = run(statement(begin), insert(1));
      const behind = run(insert(2));
      const later = run(carry('x'), carried);
      const outcomes = await Promise.allSettled([opened, behind, later]);
      const reasons = outcomes.map((each) => (each.status === 'rejected' ? `${each.reason}` : ''));
      expect(reasons).toEqual([
        expect.stringMatching(/transaction/i),
        expect.stringMatching(LOST),
        expect.stringMatching(LOST),
      ]);
      expect(await noteIds()).toEqual([]);
    },
  );

  test.each(['COMMIT', 'ROLLBACK'])('%s takes the proof away from what follows it', async (end) => {
    const answers = await run(carry('mine'), carried, statement(end), carried);
    expect(answers.map(({ rows }) => rows)).toEqual([
      [{ set_config: 'mine' }],
      [{ proof: 'mine' }],
      [],
      [{ proof: '' }],
    ]);
  });

  test('in a pool, a transaction that was left open is rolled back before the next use', async () => {
    const pool = openPool({ connectionString: proxy.url, max: 1 });
    await pool.withClient((own) =>
      runBatch(own, [statement('BEGIN'), insert(1)], { idleAfter: false }),
    );
    await pool.withClient((own) => runBatch(own, [insert(2)], IDLE));
    expect(await noteIds()).toEqual([2]);
    await pool.close();
  });

  test('in a pool, a connection that answers nothing is given up, and another serves the next use', async () => {
    const pool = openPool({ connectionString: proxy.url, max: 1, query_timeout: 1_000 });
    const note = (id: number) => pool.withClient((own) => runBatch(own, [insert(id)], IDLE));
    await note(1);
    proxy.held = new Promise(() => {});
    await expect(note(2)).rejects.toThrow('does not answer');
    proxy.held = null;
    await note(3);
    expect(await noteIds()).toEqual([1, 3]);
    await pool.close();
  });
});
