import fc from 'fast-check';
import { type Compilable, type RootOperationNode, sql } from 'kysely';
import { expect, test } from 'vitest';
import { compileWith } from '../../src/db/application-dialect.ts';
import { type CompiledShape, compileByShape } from '../../src/db/compiled-shapes.ts';
import { UnscopedQueryError } from '../../src/db/errors.ts';
import { scopeTo } from '../../src/db/scoping.ts';
import { Draw } from './random-queries.ts';
import { applicationTables, worlds } from './random-worlds.ts';
import { db, TABLES } from './scoped-statements.ts';

const queries = Number(process.env['SALLYPORT_PROPERTY_RUNS'] ?? 500);
const compiler = scopeTo(TABLES);

test('a random query compiles as ever, and with other values to the same text and those values [R-92]', () => {
  let remembered = 0;
  fc.assert(
    fc.property(worlds, fc.gen(), (world, draw) => {
      const scoped = scopeTo(applicationTables(world));
      const shapes: CompiledShape[] = [];
      for (let index = 0; index < 5; index++) {
        const node = new Draw(draw, world).statement();
        for (const each of [node, withOtherValues(node), node]) {
          const before = shapes.length;
          expect(textOf(compileByShape(scoped, shapes, queryOf(each)))).toEqual(
            textOf(compileWith(scoped, queryOf(each))),
          );
          if (shapes.length === before) remembered++;
        }
      }
    }),
    { numRuns: queries / 5 },
  );
  // Of three, the second and the third had been seen.
  expect(remembered).toBeGreaterThanOrEqual(queries * 2);
});

const base = () => db.selectFrom('notes').select('id');

test.each<readonly [string, Compilable, Compilable]>([
  [
    'a literal',
    base().where(sql<boolean>`title <> ${sql.lit('a')}`),
    base().where(sql<boolean>`title <> ${sql.lit('b')}`),
  ],
  ['raw text', base().where(sql<boolean>`title = 'a'`), base().where(sql<boolean>`title = 'b'`)],
  ['an operator', base().where('title', '=', 'a'), base().where('title', '<>', 'a')],
  ['how many values', base().where('title', 'in', ['a']), base().where('title', 'in', ['a', 'b'])],
  ['one more clause', base(), base().limit(1)],
  ['the table', base(), db.selectFrom('countries').select('code')],
])('queries that differ in %s have each its own text', (_what, one, other) => {
  const shapes: CompiledShape[] = [];
  for (const query of [one, other, one, other]) {
    expect(textOf(compileByShape(compiler, shapes, query))).toEqual(
      textOf(compileWith(compiler, query)),
    );
  }
  expect(textOf(compileWith(compiler, one)).sql).not.toBe(textOf(compileWith(compiler, other)).sql);
  expect(shapes).toHaveLength(2);
});

test('a query that cannot be scoped is refused as often as it comes', () => {
  const shapes: CompiledShape[] = [];
  const query = db.selectFrom('sallyport.sessions' as 'notes').select('id');
  for (let attempt = 0; attempt < 3; attempt++) {
    expect(() => compileByShape(compiler, shapes, query)).toThrow(UnscopedQueryError);
  }
  expect(shapes).toEqual([]);
});

test('no value of a request is remembered, and no more than a few shapes', () => {
  const shapes: CompiledShape[] = [];
  for (let length = 1; length <= 40; length++) {
    const ids = Array.from({ length }, (_, index) => `remembered ${index}`);
    compileByShape(compiler, shapes, base().where('title', 'in', ids));
  }
  expect(shapes.length).toBeLessThan(20);
  expect(JSON.stringify(shapes)).not.toContain('remembered');
});

function queryOf(node: unknown): Compilable {
  return { toOperationNode: () => node as RootOperationNode } as unknown as Compilable;
}

function textOf({ sql: text, parameters }: { sql: string; parameters: readonly unknown[] }) {
  return { sql: text, parameters };
}

function withOtherValues(tree: unknown): unknown {
  if (Array.isArray(tree)) return tree.map(withOtherValues);
  if (typeof tree !== 'object' || tree === null) return tree;
  const node = tree as Readonly<Record<string, unknown>>;
  if (node['kind'] === 'ValueNode' && node['immediate'] !== true) {
    return { ...node, value: ['another than', node['value']] };
  }
  if (node['kind'] === 'PrimitiveValueListNode') {
    const values = node['values'] as readonly unknown[];
    return { ...node, values: values.map((value) => ['another than', value]) };
  }
  return Object.fromEntries(
    Object.entries(node).map(([key, child]) => [key, withOtherValues(child)]),
  );
}
