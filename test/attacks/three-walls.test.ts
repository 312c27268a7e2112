// Each wall alone, the other two taken down behind the app's start; beside each what happens with
// that wall down too, so that it is this wall which held.
import type { FastifyRequest } from 'fastify';
import { type RawBuilder, sql } from 'kysely';
import pg from 'pg';
import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  inject,
  onTestFinished,
  test,
} from 'vitest';
import { loginUrl } from '../db/principals.ts';
import {
  CREDENTIAL_TABLES,
  customersOf,
  OUR_NOTE,
  restore,
  startWalledApp,
  takeDownGrants,
  takeDownPolicies,
  THEIR_NOTE,
  type WalledApp,
} from './walled-app.ts';

let walled: WalledApp;
beforeAll(async () => {
  walled = await startWalledApp();
});
afterAll(() => walled.close());
beforeEach(async ({ skip }) => {
  skip(inject('engine') === 'cockroachdb', 'the errors and ALTER TABLE are those of PostgreSQL');
  await restore(walled);
});

type Work = (request: FastifyRequest) => Promise<unknown>;

/** Lets a handler do this for a request of Ada's: what it got, or what it failed with. */
async function asAda(does: Work): Promise<unknown> {
  let failure: unknown = null;
  walled.work = async (request) => {
    try {
      return await does(request);
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  const answer = await walled.ada.browser.send('POST', '/work', {});
  expect(answer.status).toBe(failure ? 500 : 200);
  return failure ?? answer.json().result;
}

/** Past the first wall. */
function raw(query: RawBuilder<unknown>): Promise<unknown> {
  return asAda(async ({ insecureUnscopedDb }) => (await query.execute(insecureUnscopedDb)).rows);
}

const OURS = [
  [1, 'Acme', OUR_NOTE],
  [2, 'Globex', OUR_NOTE],
];
const THEIRS = [
  [1, 'Acme', THEIR_NOTE],
  [2, 'Globex', THEIR_NOTE],
];
const NOTES = sql`SELECT note FROM customers ORDER BY note, id /* attack */`;

describe('the first wall alone: request.db, without policies and with every privilege', () => {
  beforeEach(async () => {
    await takeDownPolicies(walled);
    await takeDownGrants(walled);
  });

  test('SELECT finds own rows, by an id that both have too [R-88] [R-92] [CWE-639]', async () => {
    const notes = await asAda(({ db }) => db.selectFrom('customers').select('note').execute());
    expect(notes).toEqual([{ note: OUR_NOTE }, { note: OUR_NOTE }]);
    const one = await asAda(({ db }) =>
      db.selectFrom('customers').select('note').where('id', '=', 1).execute(),
    );
    expect(one).toEqual([{ note: OUR_NOTE }]);
  });

  test('a count is of own rows, by a foreign tenant id of none [R-91] [CWE-639]', async () => {
    const counted = await asAda(({ db }) =>
      db
        .selectFrom('customers')
        .select(({ fn }) => fn.countAll().as('n'))
        .execute(),
    );
    expect(counted).toEqual([{ n: expect.toSatisfy((n) => Number(n) === 2) }]);
    const foreign = await asAda(({ db }) =>
      db.selectFrom('customers').selectAll().where('tenant_id', '=', walled.bob.tenantId).execute(),
    );
    expect(foreign).toEqual([]);
  });

  test('UPDATE and DELETE change own rows only [R-88] [R-92] [CWE-639]', async () => {
    await asAda(({ db }) =>
      db.updateTable('customers').set({ note: 'changed' }).execute().then(String),
    );
    await asAda(({ db }) => db.deleteFrom('customers').where('id', '=', 2).execute().then(String));
    expect(await customersOf(walled, walled.ada)).toEqual([[1, 'Acme', 'changed']]);
    expect(await customersOf(walled, walled.bob)).toEqual(THEIRS);
  });

  test('INSERT goes into the own tenant, also over a row of the same id [R-92] [CWE-639]', async () => {
    await asAda(({ db }) =>
      db
        .insertInto('customers')
        .values([
          { id: 1, name: 'Acme', note: 'new' },
          { id: 3, name: 'Initech', note: 'new' },
        ])
        .onConflict((on) => on.columns(['tenant_id', 'id']).doUpdateSet({ note: 'merged' }))
        .execute()
        .then(String),
    );
    const own = [[1, 'Acme', 'merged'], OURS[1], [3, 'Initech', 'new']];
    expect(await customersOf(walled, walled.ada)).toEqual(own);
    expect(await customersOf(walled, walled.bob)).toEqual(THEIRS);
  });

  test('no row is written to another tenant, or moved there [R-92] [CWE-639]', async () => {
    const { tenantId } = walled.bob;
    const moved = { tenant_id: tenantId, id: 9 };
    await asAda(({ db }) =>
      db
        .insertInto('customers')
        .values({ ...moved, name: 'x', note: 'x' })
        .execute()
        .then(String),
    );
    await asAda(({ db }) =>
      db.updateTable('customers').set(moved).where('id', '=', 1).execute().then(String),
    );
    expect(await customersOf(walled, walled.bob)).toEqual(THEIRS);
  });

  test('a credential table is none of its tables', async () => {
    const refused = await asAda(({ db }) =>
      db.selectFrom('sallyport.sessions').selectAll().execute(),
    );
    expect(refused).toMatchObject({ name: 'UnscopedQueryError' });
  });

  test('the control: past this wall too, the foreign rows show, and change', async () => {
    expect(await raw(NOTES)).toEqual(
      [OUR_NOTE, OUR_NOTE, THEIR_NOTE, THEIR_NOTE].map((note) => ({ note })),
    );
    await raw(sql`UPDATE customers SET note = 'changed' WHERE id = 1 /* attack */`);
    await raw(sql`DELETE FROM customers WHERE id = 2 /* attack */`);
    expect(await customersOf(walled, walled.bob)).toEqual([[1, 'Acme', 'changed']]);
    const insert = sql`INSERT INTO customers VALUES (${walled.bob.tenantId}, 9, 'x', 'x') /* attack */`;
    await raw(insert);
    expect(await customersOf(walled, walled.bob)).toHaveLength(2);
  });
});

describe('the second wall alone: the policies, under raw SQL and with every privilege', () => {
  beforeEach(() => takeDownGrants(walled));

  test('SELECT without a predicate finds own rows, and counts them [R-91] [R-98] [CWE-639]', async () => {
    expect(await raw(NOTES)).toEqual([{ note: OUR_NOTE }, { note: OUR_NOTE }]);
    expect(await raw(sql`SELECT count(*)::INT4 AS n FROM customers /* attack */`)).toEqual([
      { n: 2 },
    ]);
    const { tenantId } = walled.bob;
    const foreign = sql`SELECT note FROM customers WHERE tenant_id = ${tenantId} /* attack */`;
    expect(await raw(foreign)).toEqual([]);
  });

  test('UPDATE and DELETE without a predicate change own rows only [R-98] [CWE-639]', async () => {
    await raw(sql`UPDATE customers SET note = 'changed' /* attack */`);
    const changed = OURS.map(([id, name]) => [id, name, 'changed']);
    expect(await customersOf(walled, walled.ada)).toEqual(changed);
    await raw(sql`DELETE FROM customers /* attack */`);
    expect(await customersOf(walled, walled.ada)).toEqual([]);
    expect(await customersOf(walled, walled.bob)).toEqual(THEIRS);
  });

  test('a row for another tenant is refused, new, merged or moved [R-98] [CWE-639]', async () => {
    const { tenantId } = walled.bob;
    const insert = sql`INSERT INTO customers VALUES (${tenantId}, 9, 'x', 'x') /* attack */`;
    const merge = sql`INSERT INTO customers VALUES (${tenantId}, 1, 'x', 'x')
      ON CONFLICT (tenant_id, id) DO UPDATE SET note = 'merged' /* attack */`;
    const move = sql`UPDATE customers SET tenant_id = ${tenantId}, id = 9 WHERE id = 1 /* attack */`;
    for (const write of [insert, merge, move]) {
      expect(await raw(write)).toMatchObject({ code: '42501' });
    }
    expect(await customersOf(walled, walled.ada)).toEqual(OURS);
    expect(await customersOf(walled, walled.bob)).toEqual(THEIRS);
  });

  test('the control: with the policies down too, all of it gets there', async () => {
    await takeDownPolicies(walled);
    const { tenantId } = walled.bob;
    expect(await raw(NOTES)).toContainEqual({ note: THEIR_NOTE });
    await raw(sql`INSERT INTO customers VALUES (${tenantId}, 1, 'x', 'x')
      ON CONFLICT (tenant_id, id) DO UPDATE SET note = 'merged' /* attack */`);
    await raw(sql`UPDATE customers SET tenant_id = ${tenantId}, id = 9
      WHERE id = 1 AND tenant_id = ${walled.ada.tenantId} /* attack */`);
    const theirs = [[1, 'Acme', 'merged'], THEIRS[1], [9, 'Acme', OUR_NOTE]];
    expect(await customersOf(walled, walled.bob)).toEqual(theirs);
    await raw(sql`DELETE FROM customers /* attack */`);
    expect(await customersOf(walled, walled.bob)).toEqual([]);
  });
});

describe('the third wall alone: the grants, under raw SQL and without policies', () => {
  beforeEach(() => takeDownPolicies(walled));

  test.each(CREDENTIAL_TABLES)(
    'nobody reads or writes sallyport.%s [R-98] [CWE-89]',
    async (name) => {
      const table = sql.table(`sallyport.${name}`);
      const read = sql`SELECT count(*)::INT4 AS n FROM ${table} /* attack */`;
      expect(await raw(read)).toMatchObject({ code: '42501' });
      expect(await raw(sql`DELETE FROM ${table} /* attack */`)).toMatchObject({ code: '42501' });
      await takeDownGrants(walled);
      const stored = await walled.admin.query(`SELECT count(*)::INT4 AS n FROM sallyport.${name}`);
      expect(await raw(read)).toEqual(stored.rows);
    },
  );

  test("TRUNCATE, which no policy would hold, is nobody's [R-97] [CWE-639]", async () => {
    // On a connection of the app's own login: the process itself does not send such a command.
    const app = new pg.Client(loginUrl(walled.url, 'sallyport_app'));
    await app.connect();
    onTestFinished(() => app.end());
    await expect(app.query('TRUNCATE customers')).rejects.toMatchObject({ code: '42501' });
    expect(await customersOf(walled, walled.bob)).toEqual(THEIRS);
    await takeDownGrants(walled);
    await app.query('TRUNCATE customers');
    expect(await customersOf(walled, walled.bob)).toEqual([]);
  });

  test('the control: what is granted is read and changed, of whichever tenant', async () => {
    expect(await raw(NOTES)).toContainEqual({ note: THEIR_NOTE });
  });
});
