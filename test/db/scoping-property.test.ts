import fc, { type GeneratorValue } from 'fast-check';
import {
  type CompiledQuery,
  PostgresQueryCompiler,
  type QueryId,
  type RootOperationNode,
} from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sqlState } from '../../src/db/errors.ts';
import { scopeTo } from '../../src/db/scoping.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { Draw } from './random-queries.ts';
import {
  applicationTables,
  asText,
  build,
  contents,
  OTHER,
  OWN,
  type World,
  worlds,
} from './random-worlds.ts';

// The first wall alone: no policies, and connections of a superuser. Each case is a query drawn
// without any thought of tenants. Scoped, it runs where both tenants' rows are; as it is, it runs
// where only the tenant's own are. Both must answer the same and leave the same rows behind.

/** Queries in a run; 10,000 in the nightly setting. */
const RUNS = Number(process.env['SALLYPORT_PROPERTY_RUNS'] ?? 500);
/** So many queries run on each world, for making one takes longer than asking. */
const QUERIES_PER_WORLD = 10;

/** A machine that is busy with other tests takes a tenth of a second for a query. */
const TIME = 120_000 + RUNS * 400;

let both: TestDatabase;
let own: TestDatabase;

beforeAll(async () => {
  both = await createDatabase({ migrated: false });
  own = await createDatabase({ migrated: false });
});

afterAll(async () => {
  await both.drop();
  await own.drop();
});

interface Outcome {
  /** The rows that came back, or the code of the error. */
  readonly answer: readonly string[] | string;
  readonly left: { readonly own: readonly string[]; readonly rest: readonly string[] };
}

const counted = { ran: 0, failed: 0, leaky: 0, writes: 0 };

test(
  'a random query on two tenants finds and changes what it would if only its own tenant were there [R-33] [R-88] [R-91] [R-92] [trap 73] [trap 74] [trap 75]',
  async () => {
    await fc.assert(
      fc.asyncProperty(worlds, fc.gen(), async (world, draw) => {
        await inWorld(async () => {
          await build(both.admin, world, 'both');
          await build(own.admin, world, 'own');
          await both.admin.query(`SELECT set_config('sallyport.tenant', $1, true)`, [OWN]);
          for (let index = 0; index < QUERIES_PER_WORLD; index++) {
            await compare(world, draw);
          }
        });
      }),
      { numRuns: Math.ceil(RUNS / QUERIES_PER_WORLD) },
    );
    console.info(JSON.stringify(counted));
    // Most queries are real ones, and many would have found or changed another tenant's rows.
    expect(counted.ran).toBeGreaterThan(RUNS * 0.95);
    expect(counted.failed).toBeLessThan(counted.ran / 5);
    expect(counted.leaky).toBeGreaterThan(counted.ran / 4);
    expect(counted.writes).toBeGreaterThan(counted.ran / 10);
  },
  TIME,
);

/** The code of query_canceled. */
const TIMEOUT = '57014';

const plain = new PostgresQueryCompiler();
const queryId: QueryId = { queryId: 'property' };

async function compare(world: World, draw: GeneratorValue) {
  const node = new Draw(draw, world).statement() as RootOperationNode;
  const unscoped = plain.compileQuery(node, queryId);
  const scoped = scopeTo(applicationTables(world)).compileQuery(node, queryId);
  const before = await contents(both.admin, world);
  const expected = await run(own.admin, unscoped, world);
  const found = await run(both.admin, scoped, world);
  // Nothing is learnt from a join of everything with everything that takes too long.
  if (expected.answer === TIMEOUT || found.answer === TIMEOUT) return;
  const said = `${unscoped.sql}\n${scoped.sql}\n${JSON.stringify(scoped.parameters)}`;
  expect(found.answer, said).toEqual(expected.answer);
  expect(found.left.own, said).toEqual(expected.left.own);
  expect(found.left.rest, said).toEqual(before.rest);
  expect(JSON.stringify(found.answer), said).not.toContain(OTHER);
  const naive = await run(both.admin, unscoped, world);
  counted.ran++;
  if (!Array.isArray(expected.answer)) counted.failed++;
  if (!isEqual(naive, found)) counted.leaky++;
  if (!isEqual(found.left.own, before.own)) counted.writes++;
}

async function run(client: pg.Client, query: CompiledQuery, world: World): Promise<Outcome> {
  await client.query('SAVEPOINT before');
  let answer: Outcome['answer'];
  try {
    const { rows } = await client.query<object>(query.sql, [...query.parameters]);
    answer = rows.map(asText).toSorted();
  } catch (error) {
    answer = sqlState(error) ?? String(error);
    await client.query('ROLLBACK TO SAVEPOINT before');
  }
  const left = await contents(client, world);
  await client.query('ROLLBACK TO SAVEPOINT before');
  return { answer, left };
}

/** Whatever is made and changed in `work` is gone after it. */
async function inWorld(work: () => Promise<void>) {
  await Promise.all([both.admin.query('BEGIN'), own.admin.query('BEGIN')]);
  try {
    await work();
  } finally {
    await Promise.all([both.admin.query('ROLLBACK'), own.admin.query('ROLLBACK')]);
  }
}

function isEqual(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
