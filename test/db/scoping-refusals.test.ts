import { type Compilable, type OperationNode, type RootOperationNode, sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { UnscopedQueryError } from '../../src/db/errors.ts';
import { scopeTo } from '../../src/db/scoping.ts';
import { db, TABLES } from './scoped-statements.ts';

// Shapes of which it cannot be shown that they stay with one tenant. Nothing is sent; the message
// names the shape and what to write instead.

type Refusal = readonly [what: string, query: () => Compilable, message: RegExp];

function refused(...rows: readonly Refusal[]) {
  test.each(rows)('%s', (_, query, message) => {
    expect(() => query().compile()).toThrow(UnscopedQueryError);
    expect(() => query().compile()).toThrow(message);
  });
}

const notes = db.selectFrom('notes').select('notes.id');
const select = (text: string) => db.selectNoFrom(sql.raw(text).as('x'));

describe('tables that nobody has declared', () => {
  refused(
    ['a table that is neither', () => db.selectFrom('drafts' as 'notes').selectAll(), /"drafts"/],
    ['the catalog', () => db.selectFrom('pg_catalog.pg_class' as 'notes').selectAll(), /pg_class/],
    ['credentials', () => db.selectFrom('sallyport.sessions' as 'notes').selectAll(), /sessions/],
    [
      'a tenant table of another schema',
      () => db.withSchema('x').selectFrom('notes'),
      /"x\.notes"/,
    ],
    ['other capitals, which are another name', () => db.selectFrom('Notes' as 'notes'), /"Notes"/],
    [
      'a table with a dot in its name, which looks like one of a schema',
      () => db.withSchema('public').selectFrom(sql`${dotted}`.as('i')),
      /neither a tenant table nor shared/,
    ],
    [
      'a join of one',
      () => notes.innerJoin('drafts as d' as 'people as d', 'd.id', 'notes.id'),
      /drafts/,
    ],
    ['a write to one', () => db.deleteFrom('drafts' as 'notes'), /drafts/],
    [
      'a write beside a common table expression of the same name',
      () => db.with('notes', (query) => query.selectFrom('people').selectAll()).deleteFrom('notes'),
      /rename the expression/,
    ],
  );
});

const dotted = {
  toOperationNode: (): OperationNode =>
    ({
      kind: 'TableNode',
      table: {
        kind: 'SchemableIdentifierNode',
        identifier: { kind: 'IdentifierNode', name: 'billing.invoices' },
      },
    }) as OperationNode,
} as never;

describe("the tenant of a row is not the application's to say [CWE-915]", () => {
  const row = { title: 'x', tenant_id: 'y' } as never;
  refused(
    ['in VALUES', () => db.insertInto('notes').values(row), /a value for tenant_id/],
    ['in SET', () => db.updateTable('notes').set(row), /a value for tenant_id/],
    [
      'in SET with the table in front',
      () => db.updateTable('notes').set('notes.tenant_id' as 'tenant_id', 'y'),
      /a value for tenant_id/,
    ],
    [
      'in SET of ON CONFLICT',
      () =>
        db
          .insertInto('notes')
          .values({ title: 'x' })
          .onConflict((conflict) => conflict.column('id').doUpdateSet(row)),
      /a value for tenant_id/,
    ],
    [
      'among the columns of INSERT ... SELECT',
      () =>
        db
          .insertInto('notes')
          .columns(['title', 'tenant_id'])
          .expression((eb) => eb.selectFrom('people').select(['name', 'tenant_id'])),
      /a value for tenant_id/,
    ],
    [
      'in SET as raw SQL that goes on with another column',
      () => db.updateTable('notes').set({ title: sql<string>`'x', tenant_id = 'y'` }),
      /comma outside of parentheses/,
    ],
    [
      'in an INSERT ... SELECT without columns',
      () => db.insertInto('notes').expression((eb) => eb.selectFrom('people').selectAll() as never),
      /without its columns/,
    ],
  );
});

describe("clauses that could reach another tenant's row", () => {
  const insert = db.insertInto('notes').values({ title: 'x' });
  refused(
    [
      'ON CONFLICT with a constraint',
      () => insert.onConflict((c) => c.constraint('c').doUpdateSet({ title: 'y' })),
      /name its columns/,
    ],
    [
      'ON CONFLICT with an expression',
      () => insert.onConflict((c) => c.expression(sql`lower(title)`).doNothing()),
      /name its columns/,
    ],
    [
      'MERGE',
      () =>
        db.mergeInto('notes').using('people', 'people.id', 'notes.id').whenMatched().thenDelete(),
      /MERGE/,
    ],
    [
      'EXPLAIN, which counts the rows of others',
      () => ({ compile: () => scopeTo(TABLES).compileQuery(explained, { queryId: '1' }) }),
      /EXPLAIN/,
    ],
    [
      'a full join of a table with its schema in front',
      () =>
        db
          .withSchema('public')
          .selectFrom('notes')
          .fullJoin('people', 'people.id', 'notes.id')
          .selectAll(),
      /another name/,
    ],
    ['REPLACE', () => db.replaceInto('notes').values({ title: 'x' }), /REPLACE/],
    [
      'raw SQL behind the WHERE of a write',
      () => db.deleteFrom('notes').modifyEnd(sql`or true`),
      /modifyEnd/,
    ],
    ['raw SQL behind that of a query', () => notes.modifyEnd(sql`or true`), /modifyEnd/],
    [
      'a delete from several tables',
      () => db.deleteFrom(['notes', 'people']).using('notes'),
      /one at a time/,
    ],
    [
      'an update of several tables',
      () => db.updateTable(['notes', 'people']).set({ title: 'x' } as never),
      /one table/,
    ],
    [
      'a join that PostgreSQL does not have',
      () => notes.crossApply((eb) => eb.selectFrom('people').select('name').as('p')),
      /CrossApply/,
    ],
  );
});

const explained = {
  ...db.selectFrom('notes').selectAll().toOperationNode(),
  explain: { kind: 'ExplainNode' },
} as RootOperationNode;

describe('raw SQL that could open a table or end what it did not begin [CWE-89]', () => {
  refused(
    [
      'a whole statement',
      () => ({ compile: () => sql`select * from notes`.compile(db) }),
      /raw SQL/,
    ],
    ['a table in FROM', () => db.selectFrom(sql`notes`.as('n')).selectAll(), /raw SQL in FROM/],
    ['ONLY and a table', () => db.selectFrom(sql`only (notes)`.as('n')).selectAll(), /only/],
    [
      'a function and a table',
      () => db.selectFrom(sql`f(), notes`.as('n')).selectAll(),
      /raw SQL in FROM/,
    ],
    [
      'a name and a table',
      () => db.selectFrom(sql`f()`.as(sql`a, notes`)).selectAll(),
      /a name that is raw SQL/,
    ],
    [
      'a common table expression',
      () =>
        db
          .with('x', () => sql`table notes` as never)
          .selectFrom('notes')
          .selectAll(),
      /raw SQL/,
    ],
    ['a part of a union', () => notes.union(sql`table notes` as never), /set operation/],
    ['a subquery', () => select('(select max(id) from notes)'), /the word select/],
    ['TABLE, in any capitals', () => select('(TaBlE notes)'), /the word TaBlE/],
    ['a word behind a digit', () => select('1union select 1'), /the word union/],
    [
      'a word that two fragments make',
      () => db.selectNoFrom(sql`(sel${sql.raw('ect')} 1)`.as('x')),
      /right behind a word/,
    ],
    [
      'a parenthesis that it did not open',
      () => notes.where(sql<boolean>`true) or (true`),
      /balance/,
    ],
    ['a comment', () => notes.where(sql<boolean>`true -- x`), /comment/],
    [
      'a comment that two signs make',
      () => db.updateTable('notes').set({ owner_id: sql<number>`id -${sql.lit(-1)}` }),
      /-- or/,
    ],
    [
      'a double minus of two operators',
      () => notes.where((eb) => eb('notes.id', '=', eb.neg(eb.lit(-1)) as never)),
      /-- or/,
    ],
    ['an open quote', () => notes.where(sql<boolean>`title = 'x`), /open quote/],
    ['a backslash', () => notes.where(sql<boolean>`title = E'\\' or true`), /backslash/],
    ['a dollar quote', () => notes.where(sql<boolean>`title = $$x$$`), /;/],
    [
      "a value right behind a letter, which would be E'...'",
      () => notes.where(sql<boolean>`title = E${sql.lit('x')}`),
      /right behind a word/,
    ],
    [
      'an operator',
      () => notes.where((eb) => eb('id', sql`= 1 or 1 =` as never, 1)),
      /as an operator/,
    ],
    [
      'the type of a cast',
      () => notes.select((eb) => eb.cast('id', sql`int) from notes`).as('x')),
      /type of a cast/,
    ],
  );
});

describe('functions that read what their arguments name, or change the settings that decide [R-98]', () => {
  refused(
    [
      'set_config',
      () => notes.select((eb) => eb.fn('set_config', [eb.val('sallyport.tenant')]).as('x')),
      /set_config/,
    ],
    [
      'set_config in raw SQL',
      () => select(`set_config('sallyport.tenant', 'x', true)`),
      /set_config/,
    ],
    ['set_config in quotes', () => select(`"set_config"('a', 'b', true)`), /set_config/],
    [
      'set_config as a name',
      () => db.selectNoFrom(sql`${sql.id('set_config')}('a', 'b', true)`.as('x')),
      /set_config/,
    ],
    [
      'query_to_xml',
      () => select(`query_to_xml('select * from notes', true, true, '')`),
      /query_to_xml/,
    ],
    ['our own', () => select(`sallyport.require('x')`), /sallyport/],
    [
      'a name that is not one',
      () => notes.select((eb) => eb.fn('(select 1 from notes); f').as('x')),
      /function name/,
    ],
    [
      'a keyword as a name',
      () => db.selectFrom((eb) => eb.fn('only', [sql.table('notes')]).as('n') as never).selectAll(),
      /only/,
    ],
  );
});

describe('the schema', () => {
  refused(
    ['DDL', () => db.schema.dropTable('notes'), /DropTableNode/],
    ['a view', () => db.schema.createView('v').as(notes), /CreateViewNode/],
  );

  test('introspection asks the catalog', async () => {
    await expect(db.introspection.getTables()).rejects.toThrow(UnscopedQueryError);
  });
});

test('a node of a kind or in a place that nobody has thought of is refused', () => {
  const compiler = scopeTo(TABLES);
  const query = notes.toOperationNode();
  const joined = notes.innerJoin('people', 'people.id', 'notes.id').toOperationNode();
  const update = db.updateTable('notes').set({ title: 'x' }).toOperationNode();
  const id = { queryId: '1' };
  const table = { kind: 'TableNode', table: { identifier: { name: 'people' } } };
  for (const unknown of [
    { ...query, sample: { kind: 'TableSampleNode' } },
    { ...query, sample: [{ kind: 'TableSampleNode' }] },
    { ...query, sample: table },
    { ...query, limit: { kind: 'LimitNode', limit: table } },
    { ...query, sample: { looks: 'like nothing' } },
    { ...joined, joins: joined.joins?.map((join) => ({ ...join, sample: table })) },
    { ...update, updates: update.updates?.map((each) => ({ ...each, sample: table })) },
    { ...update, with: { kind: 'WithNode', expressions: [], sample: table } },
  ]) {
    expect(() => compiler.compileQuery(unknown as RootOperationNode, id)).toThrow(
      UnscopedQueryError,
    );
  }
  expect(compiler.compileQuery(query, id).sql).toContain('where');
});
