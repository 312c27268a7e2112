// Whether RESET ALL must follow a statement is read from its text (decisions/004): what calls a
// function may have set something for the next request on the connection.
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileWith } from '../../src/db/application-dialect.ts';
import { callsNothing } from '../../src/db/calls-nothing.ts';
import { scopeTo } from '../../src/db/scoping.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { db, TABLES } from './scoped-statements.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createDatabase({ migrated: false });
});
afterAll(async () => {
  await t.drop();
});

const notes = () => db.selectFrom('notes');
const textOf = (query: Parameters<typeof compileWith>[1]) =>
  compileWith(scopeTo(TABLES), query).sql;

describe('a statement of request.db that calls nothing', () => {
  test.each([
    ['a row by its key', notes().select(['id', 'title']).where('id', '=', 1)],
    ['a page', notes().selectAll().orderBy('title', 'desc').limit(10).offset(20)],
    ['a list', notes().select('id as note').where('id', 'in', [1, 2])],
    [
      'alternatives',
      notes()
        .select('id')
        .where((eb) => eb.or([eb('title', 'like', 'x%'), eb('title', 'is', null)])),
    ],
    ['a change', db.updateTable('notes').set({ title: 'x' }).where('id', '=', 1).returning('id')],
    ['a deletion', db.deleteFrom('notes').where('id', '=', 1)],
  ])('%s', (_, query) => {
    expect(callsNothing(textOf(query))).toBe(true);
  });
});

describe('one that may call something', () => {
  test.each([
    ['an aggregate', notes().select((eb) => eb.fn.countAll().as('n'))],
    ['a function', notes().select((eb) => eb.fn('lower', ['title']).as('title'))],
    ['a cast', notes().select((eb) => eb.cast('id', 'text').as('id'))],
    ['raw text', notes().select(sql<string>`title || 'x'`.as('title'))],
    ['a literal', notes().select(sql<string>`${sql.lit('x')}`.as('x'))],
    ['an insertion', db.insertInto('notes').values({ title: 'x' })],
  ])('%s', (_, query) => {
    expect(callsNothing(textOf(query))).toBe(false);
  });

  const CALL = `'sallyport.mark', 'left', false`;
  test.each([
    `select set_config(${CALL})`,
    `select "set_config"(${CALL})`,
    `select "set_config" (${CALL})`,
    `select "pg_catalog"."set_config"\n(${CALL})`,
    `select "pg_catalog" . "set_config" ( ${CALL} )`,
    `select U&"set\\005fconfig"(${CALL})`,
    `select "set_config"/* */(${CALL})`,
    `select "set_config"-- \n(${CALL})`,
    `select * from "set_config"(${CALL})`,
    `select true where "set_config"(${CALL}) = 'left'`,
    `select true order by "set_config"(${CALL})`,
    `select true limit length("set_config"(${CALL}))`,
    `select true where true in ("set_config"(${CALL}) is null)`,
    `select """a", true from (select "set_config"(${CALL}) as """a") as "b"`,
    `select true as "a""b" where "set_config"(${CALL}) = 'left'`,
  ])('%s, which sets something for whoever is next [R-98]', async (text) => {
    expect(callsNothing(text)).toBe(false);
    // As bind parameters, too: nothing rests on the quotes of its arguments.
    const [sent, setting, value, local] = [
      text.replace(CALL, '$1, $2, $3'),
      'sallyport.mark',
      'left',
      false,
    ] as const;
    expect(callsNothing(sent)).toBe(false);
    await t.admin.query(`SELECT set_config('sallyport.mark', '', false)`);
    await t.admin.query(sent, [setting, value, local]).catch(() => {});
    const { rows } = await t.admin.query(`SELECT current_setting('sallyport.mark', true) AS mark`);
    expect(rows, 'the control').toEqual([{ mark: 'left' }]);
  });
});
