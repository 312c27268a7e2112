// What a handler is given: the principal, a database in its tenant, transactions, what was loaded.
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CompiledQuery, Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TestDatabase } from '../support/databases.ts';
import {
  createInvoices,
  insertMember,
  type Member,
  optionsFor,
  type PluginApp,
  startPluginApp,
} from '../support/plugin-apps.ts';
import { startWireProxy, type WireProxy } from '../support/wire-proxy.ts';

let database: TestDatabase;
let proxy: WireProxy;
let app: PluginApp;
let ada: Member;
let eve: Member;
/** What a handler does for the request that a test sends. */
let work: (request: FastifyRequest) => unknown = () => null;

const READS = { access: 'signed-in' } as const;
const WRITES = { access: 'signed-in', bodyType: 'json' } as const;

beforeAll(async () => {
  database = await createInvoices();
  proxy = await startWireProxy(database.url);
  app = await startPluginApp({ ...optionsFor(database), databaseUrl: proxy.url }, build);
  ada = await insertMember(database.admin, app.origin, { permissions: ['invoices:write'] });
  eve = await insertMember(database.admin, app.origin);
});

beforeEach(async () => {
  await database.admin.query('DELETE FROM invoices');
  await insertInvoice(ada, 1, 100);
  await insertInvoice(eve, 1, 900);
});

afterAll(async () => {
  await app.close();
  await proxy.close();
  await database.drop();
});

function build(own: FastifyInstance): void {
  own.get('/work', READS, async (request) => ({ result: (await work(request)) ?? null }));
  own.post('/work', WRITES, async (request) => ({ result: (await work(request)) ?? null }));
  own.get('/public', { access: 'public' }, async (request) => ({ result: await work(request) }));
  own.get(
    '/invoices',
    {
      ...READS,
      load: (db) => ({
        invoices: db.selectFrom('invoices').select(['number', 'total']).orderBy('number'),
        fruits: db.selectFrom('fruits').selectAll(),
      }),
    },
    async ({ loaded }) => loaded,
  );
  own.get(
    '/invoices/numbers',
    { ...READS, load: (db) => ({ numbers: db.selectFrom('invoices').select('number') }) },
    async ({ loaded }) => loaded,
  );
  own.get(
    '/invoices/raw',
    {
      ...READS,
      load: (db) => ({
        numbers: db.selectFrom('invoices').select(sql<number>`abs(number)`.as('number')),
      }),
    },
    async ({ loaded }) => loaded,
  );
  own.post(
    '/invoices',
    { ...WRITES, load: (db) => ({ added: db.insertInto('invoices').values({ number: 7 }) }) },
    async ({ loaded }) => ({
      added: String(
        (loaded.added[0] as { numInsertedOrUpdatedRows?: bigint }).numInsertedOrUpdatedRows,
      ),
    }),
  );
  own.get(
    '/invoices/wrong',
    { ...READS, load: (db) => ({ gone: db.deleteFrom('invoices') }) },
    async () => 'deleted',
  );
}

async function insertInvoice(member: Member, number: number, total: number): Promise<void> {
  await database.admin.query(
    'INSERT INTO invoices (tenant_id, number, total) VALUES ($1, $2, $3)',
    [member.tenantId, number, total],
  );
}

async function invoicesOf(member: Member): Promise<readonly [number, number][]> {
  const { rows } = await database.admin.query<{ number: number; total: number }>(
    'SELECT number, total FROM invoices WHERE tenant_id = $1 ORDER BY number',
    [member.tenantId],
  );
  return rows.map(({ number, total }) => [number, total]);
}

/** Lets a handler do the work for a request of this method, and answers what came of it. */
async function during(method: 'GET' | 'POST', does: typeof work, who: Member = ada) {
  let failure: unknown = null;
  work = async (request) => {
    try {
      return await does(request);
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  const answer =
    method === 'GET' ? await who.browser.get('/work') : await who.browser.send('POST', '/work', {});
  return { status: answer.status, body: answer.json(), failure: failure as Error | null };
}

test('the principal is who the database found', async () => {
  const { body } = await during('GET', ({ principal }) => principal);
  expect(body.result).toMatchObject({
    identityId: ada.identityId,
    tenantId: ada.tenantId,
    sessionId: ada.sessionId,
    permissions: ['invoices:write'],
    authenticatedAt: expect.stringMatching(/Z$/),
  });
  expect(JSON.stringify(body.result)).not.toContain('@example.com');
});

describe('request.db', () => {
  test('finds the rows of the own tenant, with no condition written', async () => {
    const all = (request: FastifyRequest) =>
      request.db.selectFrom('invoices').select('total').execute();
    expect((await during('GET', all)).body.result).toEqual([{ total: 100 }]);
    expect((await during('GET', all, eve)).body.result).toEqual([{ total: 900 }]);
  });

  test('changes and deletes nothing of another tenant, and inserts into the own [CWE-639]', async () => {
    await during('POST', async ({ db }) => {
      await db.updateTable('invoices').set({ total: 1 }).execute();
      await db.insertInto('invoices').values({ number: 2, total: 2 }).execute();
      await db.deleteFrom('invoices').where('number', '=', 1).execute();
    });
    expect(await invoicesOf(ada)).toEqual([[2, 2]]);
    expect(await invoicesOf(eve)).toEqual([[1, 900]]);
  });

  test('cannot be talked out of the first wall [R-92]', async () => {
    const raw = CompiledQuery.raw('SELECT total FROM invoices /* attack */');
    const foreign = new Kysely<Record<string, Record<string, unknown>>>({
      dialect: new PostgresDialect({ pool: new pg.Pool({ max: 0 }) }),
    });
    const attempts: readonly (typeof work)[] = [
      ({ db }) => db.executeQuery(raw),
      ({ db }) => db.executeQuery(foreign.selectFrom('invoices').selectAll().compile()),
      ({ db }) => sql`SELECT total FROM invoices`.execute(db),
      ({ db }) => db.selectFrom('sallyport.sessions').selectAll().execute(),
    ];
    proxy.clear();
    for (const attempt of attempts) {
      const { status, failure } = await during('GET', attempt);
      expect(failure?.name).toBe('UnscopedQueryError');
      expect(status).toBe(500);
    }
    const asked = /invoices|select \* from "sallyport"/;
    expect(proxy.messages.filter(({ sql: text }) => asked.test(text))).toEqual([]);
    const around = ({ db }: FastifyRequest) =>
      db.withoutPlugins().selectFrom('invoices').select('total').execute();
    expect((await during('GET', around)).body.result).toEqual([{ total: 100 }]);
  });

  test('refuses a change on a safe method before it is sent, and the database would too [R-11]', async () => {
    proxy.clear();
    const { status, failure } = await during('GET', ({ db }) =>
      db.deleteFrom('invoices').execute(),
    );
    expect([status, failure?.name]).toEqual([500, 'SafeMethodError']);
    const inWith = await during('GET', ({ db }) =>
      db
        .with('gone', (own) => own.deleteFrom('invoices').returning('number'))
        .selectFrom('gone')
        .selectAll()
        .execute(),
    );
    expect(inWith.failure?.name).toBe('SafeMethodError');
    expect(proxy.messages.filter(({ sql: text }) => /delete/i.test(text))).toEqual([]);
    const raw = await during('GET', ({ insecureUnscopedDb }) =>
      sql`WITH gone AS (DELETE FROM invoices RETURNING 1) SELECT 1 /* attack */`.execute(
        insecureUnscopedDb,
      ),
    );
    expect(raw.failure).toMatchObject({ code: '25006' });
    expect(await invoicesOf(ada)).toHaveLength(1);
    const control = await during('POST', async ({ db }) => {
      await db.deleteFrom('invoices').execute();
    });
    expect(control.status).toBe(200);
    expect(await invoicesOf(ada)).toEqual([]);
  });

  test('asks anew with each statement: who is signed out in between gets no further [ASVS 7.4.1]', async () => {
    const leaver = await insertMember(database.admin, app.origin, { tenantId: ada.tenantId });
    const { status, body, failure } = await during(
      'POST',
      async ({ db }) => {
        await db.insertInto('invoices').values({ number: 2 }).execute();
        await database.admin.query('DELETE FROM sallyport.sessions WHERE id = $1', [
          leaver.sessionId,
        ]);
        await db.insertInto('invoices').values({ number: 3 }).execute();
      },
      leaver,
    );
    expect([status, body.code, failure?.name]).toEqual([401, 'not-signed-in', 'RefusedError']);
    expect((await invoicesOf(ada)).map(([number]) => number)).toEqual([1, 2]);
  });

  test('does nothing once the request is answered, or its client has gone', async () => {
    const later: unknown[] = [];
    let beAnswered = () => {};
    const answered = new Promise<void>((resolve) => (beAnswered = resolve));
    await during('POST', (request) => {
      void answered
        .then(() => request.db.deleteFrom('invoices').execute())
        .catch((error: Error) => later.push(error.name));
      return 'answered';
    });
    beAnswered();
    await expect.poll(() => later).toEqual(['RequestOverError']);
    expect(await invoicesOf(ada)).toHaveLength(1);
  });

  test('has nobody to ask for on a public route', async () => {
    work = ({ db }) => db.selectFrom('fruits').selectAll().execute();
    expect((await ada.browser.get('/public')).status).toBe(500);
  });
});

test('insecureUnscopedDb sends what is written, and stays behind the policies and the grants', async () => {
  const all = await during('GET', ({ insecureUnscopedDb }) =>
    sql`SELECT total FROM invoices /* attack */`
      .execute(insecureUnscopedDb)
      .then(({ rows }) => rows),
  );
  expect(all.body.result).toEqual([{ total: 100 }]);
  const credentials = await during('GET', ({ insecureUnscopedDb }) =>
    sql`SELECT hash FROM sallyport.passwords /* attack */`.execute(insecureUnscopedDb),
  );
  expect(credentials.failure?.message).toContain('permission denied');
});

describe('request.transaction', () => {
  test('commits all or nothing', async () => {
    const broken = await during('POST', (request) =>
      request.transaction(async (db) => {
        await db.insertInto('invoices').values({ number: 2 }).execute();
        throw new Error('changed my mind');
      }),
    );
    expect(broken.failure?.message).toBe('changed my mind');
    expect(await invoicesOf(ada)).toHaveLength(1);
    const done = await during('POST', (request) =>
      request.transaction(async (db) => {
        await db.insertInto('invoices').values({ number: 2 }).execute();
        await db.insertInto('invoices').values({ number: 3 }).execute();
        return 'both';
      }),
    );
    expect(done.body.result).toBe('both');
    expect((await invoicesOf(ada)).map(([number]) => number)).toEqual([1, 2, 3]);
  });

  test('commits nothing where a statement failed, even if the callback goes on', async () => {
    const { failure } = await during('POST', (request) =>
      request.transaction(async (db) => {
        await db.insertInto('invoices').values({ number: 2 }).execute();
        await db
          .insertInto('invoices')
          .values({ number: 1 })
          .execute()
          .catch(() => {});
        return 'as if nothing had been';
      }),
    );
    expect(failure).toMatchObject({ code: '23505' });
    expect(await invoicesOf(ada)).toHaveLength(1);
  });

  test('runs again, as a whole, when another transaction came in between', async () => {
    let runs = 0;
    const { body } = await during('POST', (request) =>
      request.transaction(async (db) => {
        runs++;
        const { total } = await db
          .selectFrom('invoices')
          .select('total')
          .where('number', '=', 1)
          .executeTakeFirstOrThrow();
        if (runs === 1) {
          await database.admin.query('UPDATE invoices SET total = 200 WHERE tenant_id = $1', [
            ada.tenantId,
          ]);
        }
        await db
          .updateTable('invoices')
          .set({ total: Number(total) + 1 })
          .execute();
        return runs;
      }),
    );
    expect(body.result).toBe(2);
    expect(await invoicesOf(ada)).toEqual([[1, 201]]);
  });

  test('does not begin for who is no longer signed in, and runs no statement', async () => {
    const leaver = await insertMember(database.admin, app.origin, { tenantId: ada.tenantId });
    const { status, body } = await during(
      'POST',
      async (request) => {
        await database.admin.query('DELETE FROM sallyport.sessions WHERE id = $1', [
          leaver.sessionId,
        ]);
        await request.transaction((db) => db.deleteFrom('invoices').execute());
      },
      leaver,
    );
    expect([status, body.code]).toEqual([401, 'not-signed-in']);
    expect(await invoicesOf(ada)).toHaveLength(1);
  });

  test('makes a revocation wait that comes while it runs: it does not commit behind it', async () => {
    const revoked = await insertMember(database.admin, app.origin, { tenantId: ada.tenantId });
    const order: string[] = [];
    let revocation: Promise<unknown> = Promise.resolve();
    await during(
      'POST',
      (request) =>
        request.transaction(async (db) => {
          await db.insertInto('invoices').values({ number: 2 }).execute();
          revocation = database.admin
            .query('DELETE FROM sallyport.memberships WHERE identity_id = $1', [revoked.identityId])
            .then(() => order.push('revoked'));
          await sleep(300);
          await db.insertInto('invoices').values({ number: 3 }).execute();
          order.push('written');
        }),
      revoked,
    );
    await revocation;
    expect(order).toEqual(['written', 'revoked']);
    expect(await invoicesOf(ada)).toHaveLength(3);
  });

  test('is read-only on a safe method', async () => {
    const { failure } = await during('GET', (request) =>
      request.transaction(async (db) => db.deleteFrom('invoices').execute()),
    );
    expect(failure?.name).toBe('SafeMethodError');
    const { body } = await during('GET', (request) =>
      request.transaction(async (db) => [
        ...(await db.selectFrom('invoices').select('total').execute()),
        ...(await db.selectFrom('invoices').select('number').execute()),
      ]),
    );
    expect(body.result).toEqual([{ total: 100 }, { number: 1 }]);
  });

  test('refuses another connection inside of it, and its own when it is over [CWE-833]', async () => {
    const inside = await during('POST', (request) =>
      request.transaction(async () => request.db.selectFrom('invoices').selectAll().execute()),
    );
    expect(inside.failure?.message).toContain('a transaction of this request is open');
    let kept: FastifyRequest['db'] | undefined;
    const behind = await during('POST', async (request) => {
      await request.transaction(async (db) => {
        kept = db;
        await db.selectFrom('invoices').selectAll().execute();
      });
      return await kept?.deleteFrom('invoices').execute();
    });
    expect(behind.failure?.message).toContain('the transaction is over');
    expect(await invoicesOf(ada)).toHaveLength(1);
  });

  test('leaves nothing on the connection for the next request, injected or not [R-98]', async () => {
    const injected = `SELECT set_config('search_path', 'pg_temp', false) AS number /* attack */`;
    proxy.rewrite = (text) => (text.endsWith('order by "total"') ? injected : text);
    const { body } = await during('POST', (request) =>
      request.transaction((db) =>
        db.selectFrom('invoices').select('number').orderBy('total').execute(),
      ),
    );
    proxy.rewrite = (text) => text;
    expect(body.result).toEqual([{ number: 'pg_temp' }]);
    for (let each = 0; each < 10; each++) {
      const next = await during(
        'POST',
        ({ db }) => db.selectFrom('invoices').select('total').execute(),
        eve,
      );
      expect(next.body.result).toEqual([{ total: 900 }]);
    }
  });
});

describe('load', () => {
  test('has its rows by name', async () => {
    expect((await ada.browser.get('/invoices')).json()).toEqual({
      invoices: [{ number: 1, total: 100 }],
      fruits: [],
    });
    expect((await eve.browser.get('/invoices')).json().invoices).toEqual([
      { number: 1, total: 900 },
    ]);
  });

  test('writes on an unsafe method, and says how many rows', async () => {
    expect((await ada.browser.send('POST', '/invoices', {})).json()).toEqual({ added: '1' });
    expect((await invoicesOf(ada)).map(([number]) => number)).toEqual([1, 7]);
  });

  test('does not write on a safe one [R-11]', async () => {
    expect((await ada.browser.get('/invoices/wrong')).status).toBe(500);
    expect(await invoicesOf(ada)).toHaveLength(1);
  });

  test('loads nothing for who is refused', async () => {
    const leaver = await insertMember(database.admin, app.origin, { tenantId: ada.tenantId });
    await database.admin.query('DELETE FROM sallyport.sessions WHERE id = $1', [leaver.sessionId]);
    expect((await leaver.browser.send('POST', '/invoices', {})).status).toBe(401);
    expect(await invoicesOf(ada)).toHaveLength(1);
  });
});

describe('what a statement may have set for the session', () => {
  const isUndone = async (path: string): Promise<boolean> => {
    await ada.browser.get(path);
    proxy.clear();
    const answer = await ada.browser.get(path);
    expect(answer.json()).toEqual({ numbers: [{ number: 1 }] });
    const sent = proxy.messages.filter(({ type }) => type === 'Execute').map((each) => each.sql);
    expect(sent.join('\n')).toContain('from "invoices"');
    return sent.includes('RESET ALL');
  };

  test('is undone behind one that calls a function, and only there [R-98]', async () => {
    expect(await isUndone('/invoices/raw')).toBe(true);
    expect(await isUndone('/invoices/numbers')).toBe(false);
  });
});

describe('round trips on the wire', () => {
  /**
   * Of a later request: the first ones prepare its statements. What is noted behind the answer to
   * an earlier one may fall between, so the fewest of three are its own.
   */
  async function roundTrips(ask: () => Promise<unknown>): Promise<number> {
    for (let each = 0; each < 4; each++) await ask();
    const counted: number[] = [];
    while (counted.length < 3) {
      proxy.clear();
      await ask();
      counted.push(proxy.roundTrips);
    }
    return Math.min(...counted);
  }

  test('a load route takes one', async () => {
    expect(await roundTrips(() => ada.browser.get('/invoices'))).toBe(1);
    expect(
      await roundTrips(async () => {
        await database.admin.query('DELETE FROM invoices');
        await ada.browser.send('POST', '/invoices', {});
      }),
    ).toBe(1);
  });

  test('an ordinary route with one query takes two', async () => {
    const one = ({ db }: FastifyRequest) => db.selectFrom('invoices').selectAll().execute();
    expect(await roundTrips(() => during('GET', one))).toBe(2);
    expect(await roundTrips(() => during('POST', one))).toBe(2);
  });

  test('a transaction of three statements takes four, behind that of the request', async () => {
    const three = (request: FastifyRequest) =>
      request.transaction(async (db) => {
        const first = db.selectFrom('invoices').selectAll();
        await first.execute();
        await first.execute();
        await first.execute();
      });
    expect(await roundTrips(() => during('POST', three))).toBe(1 + 4);
    expect(
      await roundTrips(() => during('POST', (request) => request.transaction(async () => 1))),
    ).toBe(1);
  });
});
