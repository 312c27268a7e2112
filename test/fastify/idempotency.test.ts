// Idempotency-Key: what is asked twice with one key happens once, and is answered the same.
import { randomUUID } from 'node:crypto';
import { PGlite } from '@electric-sql/pglite';
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
import { createPasswordHasher } from '../../src/core/password-hashing.ts';
import { registerPermissions } from '../../src/core/permissions.ts';
import { embeddedConfig, openEmbeddedDatabase } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrations.ts';
import { scopeTo } from '../../src/db/scoping.ts';
import { SWEEP_STATEMENTS } from '../../src/db/sweep.ts';
import sallyport from '../../src/fastify.ts';
import { gated } from '../../src/fastify/plugin.ts';
import { sendAtOnce } from '../support/at-once.ts';
import { type Answer, ask } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { TEST_KEY } from '../support/test-key.ts';
import { startWireProxy, type Verdict, type WireProxy } from '../support/wire-proxy.ts';
import {
  insertPayer,
  insertPayerSession,
  insertTenant,
  type KeyedApp,
  pay,
  type Payer,
  PAYMENTS,
  startKeyedApp,
} from './keyed-app.ts';

let database: TestDatabase;
let proxy: WireProxy;
let t: KeyedApp;
let tenant: string;
let payer: Payer;
let key: string;

beforeAll(async () => {
  database = await createDatabase();
  for (const statement of PAYMENTS) await database.admin.query(statement);
  proxy = await startWireProxy(inject('adminUrl'));
  const url = new URL(database.url);
  url.host = new URL(proxy.url).host;
  const encryptionKey = TEST_KEY.toString('base64url');
  const permissions = { 'payments:write': { text: 'Pay' } };
  const options = {
    origin: 'http://localhost:0',
    databaseUrl: url.href,
    encryptionKey,
    permissions,
  };
  t = await startKeyedApp(async (app) => app.register(sallyport, options));
});

afterAll(async () => {
  await t.app.close();
  await proxy.close();
  await database.drop();
});

beforeEach(async () => {
  proxy.decide = () => 'forward';
  proxy.fail = () => null;
  t.beforeStatement = async () => {};
  t.beforeAnswer = Promise.resolve();
  tenant = await insertTenant(database.admin);
  payer = await insertPayer(database.admin, tenant);
  key = randomUUID();
});

/** How many payments the tenant has. */
async function payments(tenantId = tenant): Promise<number> {
  const counted = await database.admin.query<{ n: number }>(
    'SELECT count(*)::INT4 AS n FROM payments WHERE tenant_id = $1',
    [tenantId],
  );
  return counted.rows[0]?.n ?? -1;
}

async function keyRows(identityId = payer.identityId): Promise<readonly Record<string, unknown>[]> {
  const { rows } = await database.admin.query<Record<string, unknown>>(
    'SELECT * FROM sallyport.idempotency_keys WHERE identity_id = $1',
    [identityId],
  );
  return rows;
}

/** All that an answer says but what is of its moment: the same, and marked as given before. */
function expectReplay(again: Answer, first: Answer): void {
  expect(again.status).toBe(first.status);
  expect(again.text).toBe(first.text);
  expect(again.headers['content-type']).toBe(first.headers['content-type']);
  expect(again.headers.location).toBe(first.headers.location);
  expect(again.headers['idempotency-replayed']).toBe('true');
  expect(first.headers['idempotency-replayed']).toBeUndefined();
  expect(again.setCookies).toEqual([]);
}

describe('the same request again', () => {
  test('is answered as the first was, and its handler does not run', async () => {
    const first = await pay(t, payer, key);
    expect(first.status).toBe(201);
    expect(first.headers.location).toBe(`/payments/${first.json().id}`);
    const { handled } = t;
    expectReplay(await pay(t, payer, key), first);
    expect(t.handled).toBe(handled);
    expect(await payments()).toBe(1);
    expect((await pay(t, payer, randomUUID())).json().id).not.toBe(first.json().id);
    expect(await payments()).toBe(2);
  });

  test.each(['/single', '/loading'])(
    '%s: also where it writes without a transaction',
    async (path) => {
      const first = await pay(t, payer, key, path);
      expect(first.status).toBe(200);
      expect(first.json()).toHaveLength(1);
      expectReplay(await pay(t, payer, key, path), first);
      expect(await payments()).toBe(1);
    },
  );

  test('from another session of the same person, whose token is another', async () => {
    const first = await pay(t, payer, key);
    const phone = await insertPayerSession(database.admin, payer.identityId, tenant);
    expectReplay(await pay(t, phone, key), first);
    expect(await payments()).toBe(1);
  });

  test('is answered as before where nothing was written', async () => {
    const first = await pay(t, payer, key, '/rolled-back');
    expect(first.status).toBe(422);
    expectReplay(await pay(t, payer, key, '/rolled-back'), first);
    expect(await payments()).toBe(0);
  });

  test('is done again where the first was refused before it began', async () => {
    const headers = { 'x-csrf-token': 'x' };
    expect((await pay(t, payer, key, '/payments', { amount: 7 }, headers)).status).toBe(403);
    expect(await keyRows()).toEqual([]);
    expect((await pay(t, payer, key)).status).toBe(201);
    expect(await payments()).toBe(1);
  });

  test.each(['/failing', '/large'])(
    '%s: is not done again where the answer is not kept',
    async (path) => {
      const first = await pay(t, payer, key, path);
      expect(first.status).toBe(path === '/failing' ? 500 : 200);
      const again = await pay(t, payer, key, path);
      expect([again.status, again.json().code]).toEqual([409, 'idempotency-answer-not-kept']);
      expect(await payments()).toBe(1);
    },
  );

  test('while the first has no answer yet, is told to come back; after a minute, that it was done', async () => {
    let answerNow = () => {};
    t.beforeAnswer = new Promise<void>((resolve) => (answerNow = resolve));
    onTestFinished(() => answerNow());
    const first = pay(t, payer, key);
    await expect.poll(() => payments()).toBe(1);
    const early = await pay(t, payer, key);
    expect([early.status, early.json().code]).toEqual([409, 'idempotency-key-in-use']);
    expect(early.headers['retry-after']).toBe('1');
    await database.admin.query(
      `UPDATE sallyport.idempotency_keys SET created_at = created_at - INTERVAL '1 minute' WHERE identity_id = $1`,
      [payer.identityId],
    );
    const late = await pay(t, payer, key);
    expect(late.json().code).toBe('idempotency-answer-not-kept');
    answerNow();
    const answered = await first;
    expectReplay(await pay(t, payer, key), answered);
    expect(await payments()).toBe(1);
  });
});

describe('another request', () => {
  test.each([
    ['another body', '/payments/card', { amount: 8 }, {}],
    ['the same body written otherwise', '/payments/card', { amount: 7, note: '' }, {}],
    ['another path of the route', '/payments/cash', { amount: 7 }, {}],
    ['another query', '/payments/card?x=1', { amount: 7 }, {}],
    [
      'another content type',
      '/payments/card',
      { amount: 7 },
      { 'content-type': 'application/json; charset=utf-8' },
    ],
  ])('with the key is refused: %s', async (_name, path, body, headers) => {
    const first = await pay(t, payer, key, '/payments/card');
    const other = await pay(t, payer, key, path, body, headers);
    expect([other.status, other.json().code]).toEqual([409, 'idempotency-key-reused']);
    expect(other.text).not.toContain(first.json().id);
    expect(await payments()).toBe(1);
  });

  test('of another person, tenant or route with the same key is another [CWE-639]', async () => {
    const first = await pay(t, payer, key);
    const elsewhere = await insertTenant(database.admin);
    const others: readonly [Payer, string][] = [
      [await insertPayer(database.admin, tenant), '/payments'],
      [await insertPayerSession(database.admin, payer.identityId, elsewhere), '/payments'],
      [payer, '/single'],
    ];
    for (const [other, path] of others) {
      const answer = await pay(t, other, key, path);
      expect(answer.headers['idempotency-replayed']).toBeUndefined();
      expect(answer.status).toBeLessThan(300);
      expect(answer.text).not.toContain(first.json().id);
    }
    expect([await payments(), await payments(elsewhere)]).toEqual([3, 1]);
  });
});

describe('what a key is', () => {
  test.each([
    ['nothing', ''],
    ['a space', 'a b'],
    ['256 characters', 'k'.repeat(256)],
    ['two of them', ['a', 'b']],
  ])('is refused: %s', async (_name, value) => {
    const headers = { 'idempotency-key': value };
    const answer = await pay(t, payer, key, '/payments', { amount: 7 }, headers);
    expect([answer.status, answer.json().code]).toEqual([400, 'idempotency-key-malformed']);
    expect(await payments()).toBe(0);
  });

  test('255 characters are one', async () => {
    const longest = '~'.repeat(255);
    const first = await pay(t, payer, longest);
    expect(first.status).toBe(201);
    expectReplay(await pay(t, payer, longest), first);
  });

  test('it means nothing on a safe method, on a public route and to the account', async () => {
    const headers = { ...payer.headers, origin: t.origin, 'idempotency-key': key };
    const list = await ask(t.origin, '/payments', { headers });
    expect(list.json()).toEqual([]);
    await pay(t, payer, randomUUID());
    expect((await ask(t.origin, '/payments', { headers })).json()).toHaveLength(1);
    const [one, two] = [await pay(t, payer, key, '/open'), await pay(t, payer, key, '/open')];
    expect(one.json()).not.toEqual(two.json());
    const none = { 'idempotency-key': 'a b' };
    expect((await pay(t, payer, key, '/open', {}, none)).status).toBe(200);
    expect((await pay(t, payer, key, '/sallyport/api/sign-out', {}, none)).status).toBe(204);
  });

  test('a request with one commits once: a second write is a fault of the handler', async () => {
    expect((await pay(t, payer, key, '/twice')).status).toBe(500);
    expect(await payments()).toBe(1);
    expect((await pay(t, payer, key, '/twice')).json().code).toBe('idempotency-answer-not-kept');
    const { origin } = t;
    const options = { method: 'POST', headers: { ...payer.headers, origin }, body: '{"amount":1}' };
    expect((await ask(origin, '/twice', options)).status).toBe(200);
    expect(await payments()).toBe(3);
  });
});

describe('fifty at the same moment', () => {
  test.each(['/payments', '/single'])('%s: one is done, and all hear of that one', async (path) => {
    const headers = { ...payer.headers, origin: t.origin, 'idempotency-key': key };
    const body = '{"amount":7}';
    const requests = Array.from({ length: 50 }, () => ({ path, headers, body }));
    const answers = await sendAtOnce(t.origin, requests);
    expect(await payments()).toBe(1);
    const done = answers.filter(({ status }) => status < 300);
    expect(done.length).toBeGreaterThan(0);
    expect(new Set(done.map(({ text }) => text)).size).toBe(1);
    expect(
      done.filter(({ headers: { 'idempotency-replayed': r } }) => r === undefined),
    ).toHaveLength(1);
    const others = answers.filter((answer) => !done.includes(answer));
    for (const { text } of others) expect(text).toContain('idempotency-key-in-use');
    expectReplay(
      await pay(t, payer, key, path),
      done.find((each) => !each.headers['idempotency-replayed'])!,
    );
  });
});

describe('a fresh authorization comes first', () => {
  test('nothing is replayed to whom the permission was taken', async () => {
    const first = await pay(t, payer, key, '/guarded');
    expect(first.status).toBe(200);
    expectReplay(await pay(t, payer, key, '/guarded'), first);
    await database.admin.query(
      `UPDATE sallyport.memberships SET role = 'reader' WHERE identity_id = $1`,
      [payer.identityId],
    );
    const refused = await pay(t, payer, key, '/guarded');
    expect([refused.status, refused.json().code]).toEqual([403, 'forbidden']);
    expect(refused.text).not.toContain(first.json().id);
  });

  test('nor to a session that has ended, or without its synchronizer token', async () => {
    const first = await pay(t, payer, key);
    const without = await pay(t, payer, key, '/payments', { amount: 7 }, { 'x-csrf-token': 'x' });
    expect(without.status).toBe(403);
    await database.admin.query('DELETE FROM sallyport.sessions WHERE id = $1', [payer.sessionId]);
    const refused = await pay(t, payer, key);
    expect(refused.status).toBe(401);
    for (const { text } of [without, refused]) expect(text).not.toContain(first.json().id);
  });
});

describe('at rest', () => {
  test('neither the key nor the answer can be read in the database', async () => {
    const { id } = (await pay(t, payer, key)).json();
    const [row] = await keyRows();
    expect(row?.['answer']).toEqual(expect.any(String));
    const bytes = Buffer.from(String(row?.['answer']), 'base64url').toString('latin1');
    for (const text of [JSON.stringify(row), bytes]) {
      expect(text).not.toContain(key);
      expect(text).not.toContain(id);
      expect(text).not.toContain('application/json');
    }
  });

  test('an answer that was moved to another key does not open', async () => {
    await pay(t, payer, key);
    const other = randomUUID();
    await pay(t, payer, other);
    await database.admin.query(
      `UPDATE sallyport.idempotency_keys AS a SET answer = b.answer FROM sallyport.idempotency_keys AS b
        WHERE a.identity_id = $1 AND b.identity_id = $1 AND a.key_digest <> b.key_digest`,
      [payer.identityId],
    );
    expect((await pay(t, payer, key)).status).toBe(500);
    expect(await payments()).toBe(2);
  });

  test('injected SQL reaches the own rows of its tenant, and no others [CWE-89] [CWE-639]', async () => {
    await pay(t, payer, key);
    const elsewhere = await insertTenant(database.admin);
    const ownRows = async () => (await keyRows()).filter((row) => row['tenant_id'] === tenant);
    expect(await ownRows()).toHaveLength(1);
    const strangers = [
      await insertPayer(database.admin, tenant),
      await insertPayerSession(database.admin, payer.identityId, elsewhere),
    ];
    for (const stranger of strangers) {
      const forge = `set_config('sallyport.identity', '${payer.identityId}', true), set_config('sallyport.tenant', '${tenant}', true)`;
      const select = `SELECT answer, ${forge} /* attack */ FROM sallyport.idempotency_keys WHERE answer IS NOT NULL`;
      const read = await pay(t, stranger, randomUUID(), '/injected', { sql: select });
      expect(read.json()).toEqual({ rows: [] });
      const before = await ownRows();
      for (const attack of ['DELETE FROM', 'UPDATE']) {
        const set = attack === 'UPDATE' ? 'SET answer = NULL' : '';
        const sql = `${attack} /* attack */ sallyport.idempotency_keys ${set} WHERE answer IS NOT NULL`;
        expect((await pay(t, stranger, randomUUID(), '/injected', { sql })).status).toBe(200);
      }
      expect(await ownRows()).toEqual(before);
    }
    const own =
      'SELECT /* attack */ answer FROM sallyport.idempotency_keys WHERE answer IS NOT NULL';
    const control = await pay(t, payer, randomUUID(), '/injected', { sql: own });
    expect(control.json().rows).toHaveLength(1);
  });
});

describe('a key is forgotten', () => {
  test("after 24 hours of the database's clock, and not before", async () => {
    const first = await pay(t, payer, key);
    const age = async (interval: string) =>
      await database.admin.query(
        `UPDATE sallyport.idempotency_keys SET expires_at = now() + INTERVAL '24 hours' - $2::INTERVAL WHERE identity_id = $1`,
        [payer.identityId, interval],
      );
    const { rows } = await database.admin.query(
      `SELECT expires_at = created_at + INTERVAL '24 hours' AS right FROM sallyport.idempotency_keys WHERE identity_id = $1`,
      [payer.identityId],
    );
    expect(rows).toEqual([{ right: true }]);
    await age('23 hours 59 minutes');
    expectReplay(await pay(t, payer, key), first);
    await age('24 hours 1 second');
    const again = await pay(t, payer, key, '/payments', { amount: 9 });
    expect(again.status).toBe(201);
    expect(again.headers['idempotency-replayed']).toBeUndefined();
    expect(await payments()).toBe(2);
    expectReplay(await pay(t, payer, key, '/payments', { amount: 9 }), again);
  });

  test('and deleted by the sweeper, which sees no other', async () => {
    await pay(t, payer, key);
    await pay(t, payer, randomUUID());
    await database.admin.query(
      `UPDATE sallyport.idempotency_keys SET expires_at = now() - INTERVAL '1 second'
        WHERE key_digest = (SELECT min(key_digest) FROM sallyport.idempotency_keys WHERE identity_id = $1)`,
      [payer.identityId],
    );
    const statements = SWEEP_STATEMENTS.filter(({ sql }) => sql.includes('idempotency_keys'));
    expect(statements).toHaveLength(1);
    await database.admin.query('SET ROLE sallyport_identity');
    for (const { sql } of statements) await database.admin.query(sql);
    const seen = await database.admin.query('SELECT answer FROM sallyport.idempotency_keys');
    await database.admin.query('RESET ROLE');
    expect(seen.rows).toEqual([]);
    expect(await keyRows()).toHaveLength(1);
  });
});

describe('the connection is lost at COMMIT', () => {
  /** Cuts the first COMMIT, of the application's transaction. */
  function cut(verdict: Verdict): { readonly cuts: number } {
    const seen = { cuts: 0 };
    proxy.decide = ({ type, sql }) => {
      if (seen.cuts > 0 || type !== 'Execute' || sql !== 'COMMIT') return 'forward';
      seen.cuts++;
      return verdict;
    };
    return seen;
  }

  const outcomes = [
    ['was carried out', 'cut-after'],
    ['was not', 'cut-before'],
  ] as const;

  test.each(outcomes)(
    'it %s: it happens once, and is answered with what it did',
    async (_name, verdict) => {
      for (const path of ['/payments', '/single', '/loading']) {
        const seen = cut(verdict);
        const before = await payments();
        const id = randomUUID();
        const first = await pay(t, payer, id, path);
        expect(seen.cuts).toBe(1);
        expect(first.status).toBeLessThan(300);
        expect(await payments()).toBe(before + 1);
        const found = await database.admin.query<{ id: string }>(
          'SELECT id FROM payments WHERE tenant_id = $1',
          [tenant],
        );
        const answered = /[0-9a-f-]{36}/.exec(first.text)?.[0];
        expect(found.rows.map((row) => row.id)).toContain(answered);
        expectReplay(await pay(t, payer, id, path), first);
        expect(await payments()).toBe(before + 1);
      }
    },
  );

  test.each(outcomes)(
    'it %s, and there is no key: the outcome is unknown',
    async (_name, verdict) => {
      const seen = cut(verdict);
      const { origin } = t;
      const options = {
        method: 'POST',
        headers: { ...payer.headers, origin },
        body: '{"amount":1}',
      };
      expect((await ask(origin, '/payments', options)).json().code).toBe('outcome-unknown');
      expect(seen.cuts).toBe(1);
    },
  );

  test('it was not, and another with the key was quicker: that one counts', async () => {
    cut('cut-before');
    let begun = 0;
    let other: Answer | undefined;
    t.beforeStatement = async () => {
      if (++begun === 2) other = await pay(t, payer, key);
    };
    const first = await pay(t, payer, key);
    // Of the two that met, the later may be told so by a 40001, and then it is begun once more.
    expect(begun).toBeGreaterThanOrEqual(3);
    expect(other?.status).toBe(201);
    expectReplay(first, other as Answer);
    expect(await payments()).toBe(1);
  });

  test('and it cannot be asked what became of it: the outcome is unknown; the same request later is right', async () => {
    let lost = 0;
    proxy.decide = ({ type, sql }) => {
      if (type === 'Execute' && sql === 'COMMIT') return ++lost === 1 ? 'cut-after' : 'forward';
      return lost > 0 && type === 'Execute' && sql.startsWith('BEGIN') ? 'cut-before' : 'forward';
    };
    const first = await pay(t, payer, key);
    expect([first.status, first.json().code]).toEqual([503, 'outcome-unknown']);
    proxy.decide = () => 'forward';
    expect(await payments()).toBe(1);
    expect((await pay(t, payer, key)).json().code).toBe('idempotency-answer-not-kept');
    expect(await payments()).toBe(1);
  });
});

test('a serialization failure at COMMIT: it is run again, and happens once', async () => {
  let failed = 0;
  proxy.fail = ({ type, sql }) =>
    type === 'Execute' && sql === 'COMMIT' && failed++ === 0 ? '40001' : null;
  const first = await pay(t, payer, key);
  expect(failed).toBe(2);
  expect(first.status).toBe(201);
  expect(await payments()).toBe(1);
  expectReplay(await pay(t, payer, key), first);
});

test('the embedded database does it too', async () => {
  const lite = await PGlite.create();
  const client = new pg.Client(embeddedConfig(lite));
  await client.connect();
  await migrate(client, 'embedded', async () => null);
  for (const statement of PAYMENTS) await client.query(statement);
  const own = await insertTenant(client);
  const ada = await insertPayer(client, own);
  await client.end();
  const core = {
    database: openEmbeddedDatabase(lite),
    passwords: createPasswordHasher(),
    encryptionKey: TEST_KEY,
  };
  const policy = {
    origin: '',
    trustedOrigins: [],
    trustedProxies: [],
    hosts: [] as readonly string[],
  };
  const registered = registerPermissions({ 'payments:write': { text: 'Pay' } });
  if ('problems' in registered) throw new Error(registered.problems.join(' '));
  const permissions = registered.registry;
  const scope = scopeTo({ tenant: new Set(['payments']), shared: new Set() });
  const options = { core, policy, mount: '', version: '0.0.0', scope, permissions };
  const embedded = await startKeyedApp(async (app) => app.register(gated, options));
  policy.origin = embedded.origin;
  policy.hosts = [new URL(embedded.origin).host];
  const first = await pay(embedded, ada, key);
  expect(first.status).toBe(201);
  expectReplay(await pay(embedded, ada, key), first);
  const other = await pay(embedded, ada, key, '/payments', { amount: 8 });
  expect(other.json().code).toBe('idempotency-key-reused');
  await embedded.app.close();
  await core.database.close();
  const { rows } = await lite.query('SELECT amount FROM payments');
  await lite.close();
  expect(rows).toEqual([{ amount: 7 }]);
});
