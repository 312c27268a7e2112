import type { Kysely } from 'kysely';
import { CamelCasePlugin, type Compilable, CompiledQuery, sql } from 'kysely';
import { jsonArrayFrom, jsonBuildObject, jsonObjectFrom } from 'kysely/helpers/postgres';
import { describe, expect, test } from 'vitest';
import { wasScoped } from '../../src/db/scoping.ts';
import { db, own, TENANT } from './scoped-statements.ts';

// What becomes of a statement on request.db, shape by shape. That the rows are right is shown on a
// real server in scoping-property.test.ts; what is refused, in scoping-refusals.test.ts.

type Shape = readonly [what: string, query: () => Compilable, sql: string];

function shapes(...rows: readonly Shape[]) {
  test.each(rows)('%s', (_, query, expected) => {
    expect(query().compile().sql).toBe(expected);
  });
}

describe('SELECT [R-92]', () => {
  shapes(
    [
      'a table has the predicate in WHERE',
      () => db.selectFrom('notes').selectAll(),
      `select * from "notes" where ${own('notes')}`,
    ],
    [
      'what the application says in WHERE is in parentheses behind it, its OR included',
      () =>
        db
          .selectFrom('notes')
          .select('id')
          .where(sql<boolean>`id = 1 or id = 2`),
      `select "id" from "notes" where ${own('notes')} and (id = 1 or id = 2)`,
    ],
    [
      'a table goes by its other name',
      () => db.selectFrom('notes as n').select('n.id').where('n.id', '=', 1),
      `select "n"."id" from "notes" as "n" where ${own('n')} and ("n"."id" = $1)`,
    ],
    [
      'tables after a comma have one each',
      () => db.selectFrom(['notes as a', 'notes as b', 'countries']).select('a.id'),
      `select "a"."id" from "notes" as "a", "notes" as "b", "countries" where ${own('a')} and ${own('b')}`,
    ],
    [
      'a shared table has none',
      () => db.selectFrom('countries').selectAll(),
      'select * from "countries"',
    ],
    [
      'a name with its schema is the same table',
      () => db.selectFrom('public.notes' as 'notes').selectAll(),
      `select * from "public"."notes" where "public".${own('notes')}`,
    ],
    [
      'withSchema is seen',
      () => db.withSchema('public').selectFrom('notes').selectAll(),
      `select * from "public"."notes" where "public".${own('notes')}`,
    ],
    [
      'a table of another schema is known by both names',
      () => db.selectFrom('billing.invoices as i').select('i.total'),
      `select "i"."total" from "billing"."invoices" as "i" where ${own('i')}`,
    ],
    [
      'sql.table is a table',
      () => db.selectFrom(sql<{ id: number }>`${sql.table('notes')}`.as('n')).select('n.id'),
      `select "n"."id" from "notes" as "n" where ${own('n')}`,
    ],
    [
      'nothing is put where there is no table',
      () => db.selectNoFrom(sql<Date>`now()`.as('now')),
      'select (now()) as "now"',
    ],
    [
      'DISTINCT ON, grouping, order and locks stay as they are',
      () =>
        db
          .selectFrom('notes')
          .distinctOn('owner_id')
          .select(['owner_id', (eb) => eb.fn.countAll().as('n')])
          .groupBy('owner_id')
          .having((eb) => eb.fn.countAll(), '>', 1)
          .orderBy('owner_id', (order) => order.desc().nullsLast())
          .limit(3)
          .forUpdate('notes')
          .skipLocked(),
      `select distinct on ("owner_id") "owner_id", count(*) as "n" from "notes" where ${own('notes')} group by "owner_id" having count(*) > $1 order by "owner_id" desc nulls last limit $2 for update of "notes" skip locked`,
    ],
    [
      'a call that $if leaves out is as if it were not there',
      () =>
        db
          .selectFrom('notes')
          .select('id')
          .$if(false, (query) => query.where('id', '=', 1)),
      `select "id" from "notes" where ${own('notes')}`,
    ],
  );
});

describe('joins [trap 73]', () => {
  const notes = db.selectFrom('notes as n').select('n.id');
  shapes(
    [
      'an inner join has it in ON',
      () => notes.innerJoin('people as p', 'p.id', 'n.owner_id'),
      `select "n"."id" from "notes" as "n" inner join "people" as "p" on ${own('p')} and ("p"."id" = "n"."owner_id") where ${own('n')}`,
    ],
    [
      'a left join has it in ON, so that a row without a partner stays',
      () => notes.leftJoin('people as p', (on) => on.on(sql<boolean>`true or false`)),
      `select "n"."id" from "notes" as "n" left join "people" as "p" on ${own('p')} and (true or false) where ${own('n')}`,
    ],
    [
      'a cross join, which has no ON, becomes an inner join',
      () => notes.crossJoin('people as p'),
      `select "n"."id" from "notes" as "n" inner join "people" as "p" on ${own('p')} where ${own('n')}`,
    ],
    [
      'before a right join a table is a subquery; the one it keeps has the predicate in WHERE',
      () => notes.rightJoin('people as p', 'p.id', 'n.owner_id'),
      `select "n"."id" from (select * from "notes" as "n" where ${own('n')}) as "n" right join "people" as "p" on "p"."id" = "n"."owner_id" where ${own('p')}`,
    ],
    [
      'a table that one right join keeps and the next one does not is a subquery too',
      () =>
        db
          .selectFrom('countries as c')
          .rightJoin('people as p', 'p.country', 'c.code')
          .rightJoin('notes as n', 'n.owner_id', 'p.id')
          .select('n.id'),
      `select "n"."id" from "countries" as "c" right join (select * from "people" as "p" where ${own('p')}) as "p" on "p"."country" = "c"."code" right join "notes" as "n" on "n"."owner_id" = "p"."id" where ${own('n')}`,
    ],
    [
      'in a full join both sides are subqueries',
      () => db.selectFrom('notes').fullJoin('people', 'people.id', 'notes.id').select('notes.id'),
      `select "notes"."id" from (select * from "notes" where ${own('notes')}) as "notes" full join (select * from "people" where ${own('people')}) as "people" on "people"."id" = "notes"."id"`,
    ],
    [
      'a lateral join of a subquery has it inside',
      () =>
        notes.leftJoinLateral(
          (eb) => eb.selectFrom('people').whereRef('people.id', '=', 'n.id').select('name').as('p'),
          (on) => on.onTrue(),
        ),
      `select "n"."id" from "notes" as "n" left join lateral (select "name" from "people" where ${own('people')} and ("people"."id" = "n"."id")) as "p" on (true) where ${own('n')}`,
    ],
  );
});

describe('queries inside of queries [trap 74]', () => {
  shapes(
    [
      'a subquery of the same instance is scoped once',
      () => db.selectFrom(db.selectFrom('notes').selectAll().as('x')).selectAll(),
      `select * from (select * from "notes" where ${own('notes')}) as "x"`,
    ],
    [
      'EXISTS and IN',
      () =>
        db
          .selectFrom('countries')
          .select('code')
          .where((eb) =>
            eb.or([
              eb.exists(eb.selectFrom('people').select('id')),
              eb('code', 'in', eb.selectFrom('people').select('country')),
            ]),
          ),
      `select "code" from "countries" where (exists (select "id" from "people" where ${own('people')}) or "code" in (select "country" from "people" where ${own('people')}))`,
    ],
    [
      'each part of a union',
      () =>
        db
          .selectFrom('notes')
          .select('id')
          .unionAll((eb) => eb.parens(eb.selectFrom('people').select('id'))),
      `select "id" from "notes" where ${own('notes')} union all (select "id" from "people" where ${own('people')})`,
    ],
    [
      'jsonArrayFrom, jsonObjectFrom and jsonBuildObject',
      () =>
        db
          .selectFrom('countries')
          .select((eb) => [
            jsonArrayFrom(eb.selectFrom('notes').select('id')).as('all'),
            jsonObjectFrom(eb.selectFrom('people').select('id').limit(1)).as('one'),
            jsonBuildObject({ code: eb.ref('code'), total: eb.lit(1) }).as('built'),
          ]),
      `select (select coalesce(json_agg(agg), '[]') from (select "id" from "notes" where ${own('notes')}) as agg) as "all", (select to_json(obj) from (select "id" from "people" where ${own('people')} limit $1) as obj) as "one", (json_build_object('code', "code", 'total', 1)) as "built" from "countries"`,
    ],
    [
      'a common table expression with the name of a table hides it from then on, not inside',
      () =>
        db
          .with('notes', (query) => query.selectFrom('notes').select('id'))
          .selectFrom('notes')
          .select('id'),
      `with "notes" as (select "id" from "notes" where ${own('notes')}) select "id" from "notes"`,
    ],
    [
      'but the table by its schema is still the table',
      () =>
        db
          .with('notes', (query) => query.selectFrom('countries').select('code as id'))
          .selectFrom('public.notes' as 'notes')
          .select('id'),
      `with "notes" as (select "code" as "id" from "countries") select "id" from "public"."notes" where "public".${own('notes')}`,
    ],
    [
      'a recursive one is seen by itself',
      () =>
        db
          .withRecursive('tree', (query) =>
            query
              .selectFrom('notes')
              .select(['id', 'owner_id'])
              .unionAll((eb) =>
                eb
                  .selectFrom('tree' as 'notes')
                  .innerJoin('notes as n', 'n.owner_id', 'tree.id' as 'notes.id')
                  .select(['n.id', 'n.owner_id']),
              ),
          )
          .selectFrom('tree')
          .selectAll(),
      `with recursive "tree" as (select "id", "owner_id" from "notes" where ${own('notes')} union all select "n"."id", "n"."owner_id" from "tree" inner join "notes" as "n" on ${own('n')} and ("n"."owner_id" = "tree"."id")) select * from "tree"`,
    ],
    [
      'one that writes',
      () =>
        db
          .with('gone', (query) => query.deleteFrom('notes').returning('id'))
          .selectFrom('gone')
          .selectAll(),
      `with "gone" as (delete from "notes" where ${own('notes')} returning "id") select * from "gone"`,
    ],
  );
});

describe('functions and VALUES in FROM, and harmless raw SQL', () => {
  shapes(
    [
      'a function',
      () => db.selectFrom(sql<{ g: number }>`generate_series(1, ${3})`.as('g')).selectAll(),
      'select * from generate_series(1, $1) as "g"',
    ],
    [
      'a list of values with the names of its columns',
      () =>
        db
          .selectFrom(sql<{ id: number }>`(values (${1}, 'a'), (2, 'b'))`.as<'v'>(sql`v(id, name)`))
          .select('v.id'),
      `select "v"."id" from (values ($1, 'a'), (2, 'b')) as v(id, name)`,
    ],
    [
      'an expression is in parentheses, so that an operator in it stays inside',
      () => db.updateTable('notes').set({ title: sql<string>`lower(title) || ${'!'}` }),
      `update "notes" set "title" = (lower(title) || $1) where ${own('notes')}`,
    ],
    [
      'words in string literals are no words',
      () => db.selectNoFrom(sql<string>`'select * from notes;'::text`.as('x')),
      `select ('select * from notes;'::text) as "x"`,
    ],
    [
      'order and grouping take it as it is',
      () =>
        db
          .selectFrom('notes')
          .select('id')
          .orderBy(sql`title collate "C" desc nulls last, id`)
          .groupBy(sql`rollup (id, title)`),
      `select "id" from "notes" where ${own('notes')} group by rollup (id, title) order by title collate "C" desc nulls last, id`,
    ],
    [
      'a table as an argument is the row that FROM has put under the name',
      () => db.selectFrom('notes').select((eb) => eb.fn.toJson('notes').as('note')),
      `select to_json("notes") as "note" from "notes" where ${own('notes')}`,
    ],
  );
});

describe('writes [trap 75]', () => {
  shapes(
    [
      'the tenant of a new row is the one of the request, in every row',
      () => db.insertInto('notes').values([{ title: 'a', owner_id: 1 }, { title: 'b' }]),
      `insert into "notes" ("title", "owner_id", "tenant_id") values ($1, $2, ${TENANT}), ($3, default, ${TENANT})`,
    ],
    [
      'also in a row of defaults',
      () => db.insertInto('notes').defaultValues().returning('id'),
      `insert into "notes" ("tenant_id") values (${TENANT}) returning "id"`,
    ],
    [
      'and in what a query selects, in each part of it',
      () =>
        db
          .insertInto('notes')
          .columns(['title'])
          .expression((eb) =>
            eb
              .selectFrom('people')
              .select('name')
              .union(eb.selectFrom('countries').select('countries.name')),
          ),
      `insert into "notes" ("title", "tenant_id") select "name", ${TENANT} as "tenant_id" from "people" where ${own('people')} union select "countries"."name", ${TENANT} as "tenant_id" from "countries"`,
    ],
    [
      'ON CONFLICT gets the tenant into its target and into the WHERE of its update',
      () =>
        db
          .insertInto('notes')
          .values({ id: 1, title: 'a' })
          .onConflict((conflict) =>
            conflict
              .column('id')
              .doUpdateSet((eb) => ({ title: eb.ref('excluded.title') }))
              .where((eb) => eb.or([eb('notes.id', '=', 1), eb('notes.id', '=', 2)])),
          ),
      `insert into "notes" ("id", "title", "tenant_id") values ($1, $2, ${TENANT}) on conflict ("tenant_id", "id") do update set "title" = "excluded"."title" where ${own('notes')} and ("notes"."id" = $3 or "notes"."id" = $4)`,
    ],
    [
      'UPDATE, and each table of its FROM',
      () =>
        db
          .updateTable('notes as n')
          .from('people as p')
          .set({ title: 'x' })
          .whereRef('p.id', '=', 'n.owner_id')
          .returning((eb) => eb.selectFrom('people').select('people.name').limit(1).as('name')),
      `update "notes" as "n" set "title" = $1 from "people" as "p" where ${own('n')} and ${own('p')} and ("p"."id" = "n"."owner_id") returning (select "people"."name" from "people" where ${own('people')} limit $2) as "name"`,
    ],
    [
      'DELETE, and each table of its USING',
      () => db.deleteFrom('notes').using('people as p').whereRef('p.id', '=', 'notes.owner_id'),
      `delete from "notes" using "people" as "p" where ${own('notes')} and ${own('p')} and ("p"."id" = "notes"."owner_id")`,
    ],
    [
      'a shared table is written without a tenant',
      () => db.insertInto('countries').values({ code: 'ch', name: 'Switzerland' }),
      'insert into "countries" ("code", "name") values ($1, $2)',
    ],
  );
});

describe('what comes past a plugin does not come past the compiler [R-74]', () => {
  test('without plugins, and behind one that changes names, the statement is scoped', () => {
    const query = db.withoutPlugins().selectFrom('notes').selectAll().compile();
    expect(query.sql).toBe(`select * from "notes" where ${own('notes')}`);
    const camel = db.withPlugin(new CamelCasePlugin()) as unknown as Kysely<{
      notes: { tenantId: string; ownerId: number };
    }>;
    expect(camel.updateTable('notes').set({ ownerId: 1 }).compile().sql).toBe(
      `update "notes" set "owner_id" = $1 where ${own('notes')}`,
    );
    expect(() => camel.updateTable('notes').set({ tenantId: 'x' }).compile()).toThrow(/tenant_id/);
  });

  test('a query that no compiler of ours made is known, so that the driver can refuse it', () => {
    expect(wasScoped(db.selectFrom('notes').selectAll().compile())).toBe(true);
    expect(wasScoped(CompiledQuery.raw('select * from notes'))).toBe(false);
    const scoped = db.selectFrom('notes').selectAll().compile();
    expect(wasScoped({ ...scoped, sql: 'select * from notes' })).toBe(false);
  });
});
