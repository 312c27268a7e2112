// A program with an API key, and whoever has found one: what it can do, when it can no longer, and
// what a request with two credentials or a malformed one is.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { secretText, newSecret, bearerProofOf } from '../../src/core/secret.ts';
import { SESSION_COOKIE } from '../../src/http/cookies.ts';
import { accessTable, type SallyportOptions } from '../../src/fastify.ts';
import { parseApiKey } from '../../src/core/api-key.ts';
import { ask, Visitor } from '../support/client.ts';
import { insertKey, type TestKey } from '../support/api-keys.ts';
import type { TestDatabase } from '../support/databases.ts';
import {
  createInvoices,
  insertMember,
  type Member,
  optionsFor,
  type PluginApp,
  startPluginApp,
} from '../support/plugin-apps.ts';

const BOTH = ['invoices:read', 'invoices:write'];

let database: TestDatabase;
/**
 * The same app twice, with connections of its own: what one process knows, the other does not. The
 * third stands behind a proxy that names the tenant of each request.
 */
let apps: readonly PluginApp[];
let maker: Member;
let key: TestKey;

beforeAll(async () => {
  database = await createInvoices();
  const start = async (more: Partial<SallyportOptions> = {}) =>
    await startPluginApp({ ...optionsFor(database), ...more }, (app) => {
      const read = { permission: 'invoices:read' } as const;
      const write = { permission: 'invoices:write' } as const;
      app.get(
        '/invoices',
        { access: read, load: (db) => ({ found: db.selectFrom('invoices').select('number') }) },
        async (request) => ({
          numbers: (request.loaded['found'] as { number: number }[]).map(({ number }) => number),
          principal: request.principal,
        }),
      );
      app.post<{ Body: { number: number } }>(
        '/invoices',
        { access: write, bodyType: 'json' },
        async ({ db, body }) =>
          await db
            .insertInto('invoices')
            .values({ number: body.number })
            .returning('number')
            .execute(),
      );
      app.get('/mine', { access: 'signed-in' }, async ({ principal }) => principal);
      app.get('/people-only', { access: 'signed-in', bearer: false }, async () => 'ok');
      app.post(
        '/sensitive',
        {
          access: { permission: 'invoices:write', stepUp: { withinSeconds: 300 } },
          bodyType: 'json',
        },
        async () => 'ok',
      );
      app.get(
        '/raw',
        { access: 'signed-in' },
        async ({ db }) => await db.selectFrom('invoices').select('number').execute(),
      );
    });
  const proxied = { trustedProxies: ['127.0.0.1'], tenantHeader: 'X-Tenant' };
  apps = [await start(), await start(), await start(proxied)];
});
afterAll(async () => {
  for (const app of apps) await app.close();
  await database.drop();
});
beforeEach(async () => {
  maker = await insertMember(database.admin, originOf(0), { permissions: BOTH });
  key = await insertKey(database.admin, maker, BOTH);
});

const originOf = (index: number) => apps[index]?.origin ?? '';
const withKey = (text = key.text) => ({ authorization: `Bearer ${text}` });
const get = (path: string, headers: Record<string, string | string[]> = withKey(), app = 0) =>
  ask(originOf(app), path, { headers });
const post = (body: object, headers: Record<string, string> = withKey(), path = '/invoices') =>
  ask(originOf(0), path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

/** How many invoices this member's tenant has, behind the product's back. */
async function invoicesOf({ tenantId }: Member): Promise<number> {
  const sql = 'SELECT count(*)::INT4 AS n FROM invoices WHERE tenant_id = $1';
  return (await database.admin.query<{ n: number }>(sql, [tenantId])).rows[0]?.n ?? 0;
}

describe('with a key', () => {
  test('a program reads and writes in the one tenant, without cookie and synchronizer token', async () => {
    const other = await insertMember(database.admin, originOf(0), { permissions: BOTH });
    await database.admin.query('INSERT INTO invoices (tenant_id, number) VALUES ($1, 7)', [
      other.tenantId,
    ]);
    expect((await post({ number: 3 })).status).toBe(200);
    const answer = await get('/invoices');
    expect(answer.json().numbers).toEqual([3]);
    expect(answer.json().principal).toMatchObject({
      sessionId: null,
      bearer: 'api-key',
      bearerId: key.id,
      identityId: maker.identityId,
      tenantId: maker.tenantId,
      permissions: BOTH,
    });
    expect(answer.setCookies).toEqual([]);
  });

  test('it can do what the key names and its maker may, and no more [ASVS 8.2.1]', async () => {
    const reader = await insertKey(database.admin, maker, ['invoices:read', 'secret:read']);
    expect((await get('/invoices', withKey(reader.text))).json().principal.permissions).toEqual([
      'invoices:read',
    ]);
    const refused = await post({ number: 4 }, withKey(reader.text));
    expect(refused.status).toBe(403);
    expect(refused.headers['www-authenticate']).toBe('Bearer error="insufficient_scope"');
    const without = await insertKey(database.admin, maker, []);
    expect((await get('/invoices', withKey(without.text))).status).toBe(403);
    expect((await get('/mine', withKey(without.text))).status).toBe(200);
    expect(await invoicesOf(maker)).toBe(0);
  });

  test('a request in the name of another tenant is refused, and nothing of it is done [CWE-441] [CWE-639] [ASVS 8.4.1]', async () => {
    const victim = await insertMember(database.admin, originOf(0), { permissions: BOTH });
    // Its maker is a member of both: it is the key that belongs to one.
    await database.admin.query(
      `INSERT INTO sallyport.memberships (tenant_id, identity_id, role)
        SELECT tenant_id, $2, role FROM sallyport.memberships WHERE identity_id = $1`,
      [victim.identityId, maker.identityId],
    );
    const { rows } = await database.admin.query<{ id: string; slug: string }>(
      'SELECT id, slug FROM sallyport.tenants',
    );
    const slugOf = ({ tenantId }: Member) => rows.find(({ id }) => id === tenantId)?.slug ?? '';
    const named = (slug: string) => ({ ...withKey(), 'x-tenant': slug });
    const write = async (slug: string) =>
      await ask(originOf(2), '/invoices', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...named(slug) },
        body: JSON.stringify({ number: 5 }),
      });
    for (const slug of [slugOf(victim), 'nobody-has-this']) {
      for (const answer of [await get('/mine', named(slug), 2), await write(slug)]) {
        expect(answer.status).toBe(403);
        expect(answer.json().code).toBe('forbidden');
      }
    }
    expect(await invoicesOf(maker)).toBe(0);
    expect(await invoicesOf(victim)).toBe(0);
    // Controls: in its own tenant, in none that is named, and where no proxy is believed.
    expect((await write(slugOf(maker))).status).toBe(200);
    expect((await get('/invoices', withKey(), 2)).json().numbers).toEqual([5]);
    expect((await get('/invoices', named(slugOf(victim)))).json().numbers).toEqual([5]);
  });

  test('neither body, query nor header names another principal [R-69]', async () => {
    const victim = await insertMember(database.admin, originOf(0), { permissions: BOTH });
    const ids = {
      identityId: victim.identityId,
      tenantId: victim.tenantId,
      userId: victim.identityId,
    };
    const query = new URLSearchParams(ids).toString();
    const headers = {
      ...withKey(),
      'x-tenant-id': victim.tenantId,
      'x-user-id': victim.identityId,
    };
    expect((await get(`/mine?${query}`, headers)).json().identityId).toBe(maker.identityId);
    expect((await post({ number: 5, ...ids, tenant_id: victim.tenantId }, headers)).status).toBe(
      200,
    );
    expect(await invoicesOf(victim)).toBe(0);
    // Without the key, an id is nobody.
    expect((await get(`/mine?${query}`, { 'x-user-id': victim.identityId })).status).toBe(401);
  });

  test('in an address or a body it is no credential [CWE-598]', async () => {
    expect((await get(`/mine?access_token=${key.text}`, {})).status).toBe(401);
    expect((await post({ number: 1, access_token: key.text }, {})).status).toBe(401);
    expect((await get('/mine', { cookie: `${SESSION_COOKIE}=${key.text}` })).status).toBe(401);
  });

  test('its use is noted, to about a minute, in a row of its own', async () => {
    const isNoted = async (id: string) => {
      const { rowCount } = await database.admin.query(
        `SELECT 1 FROM sallyport.bearer_activity
          WHERE credential_id = $1 AND last_used_at > now() - INTERVAL '1 minute'`,
        [id],
      );
      return rowCount === 1;
    };
    expect(await isNoted(key.id)).toBe(false);
    await get('/mine');
    await expect.poll(async () => await isNoted(key.id)).toBe(true);
    // A moment later it is not written again: what follows here is noted, and this is not.
    await database.admin.query(
      `UPDATE sallyport.bearer_activity SET last_used_at = now() - INTERVAL '2 minutes'`,
    );
    const other = await insertKey(database.admin, maker, BOTH);
    await get('/mine');
    await get('/mine', withKey(other.text));
    await expect.poll(async () => await isNoted(other.id)).toBe(true);
    expect(await isNoted(key.id)).toBe(false);
    // Another process has not noted it yet, and finds that it was used long ago.
    await get('/mine', withKey(), 1);
    await expect.poll(async () => await isNoted(key.id)).toBe(true);
  });
});

describe('a key is dead at the next request, on every process [CWE-613] [R-27]', () => {
  const ofMaker = (sql: string) => async () =>
    void (await database.admin.query(sql, [maker.identityId]));
  test.each<[string, () => Promise<void>, number]>([
    [
      'its maker loses the permission [ASVS 8.3.2]',
      ofMaker(`UPDATE sallyport.roles SET permissions = '{}' WHERE (tenant_id, name) =
      (SELECT tenant_id, role FROM sallyport.memberships WHERE identity_id = $1)`),
      403,
    ],
    [
      'its maker is given another role [ASVS 8.3.2]',
      async () => {
        const { tenantId, identityId } = maker;
        await database.admin.query(
          `INSERT INTO sallyport.roles (tenant_id, name, permissions) VALUES ($1, 'less', '{}')`,
          [tenantId],
        );
        await database.admin.query(
          `UPDATE sallyport.memberships SET role = 'less' WHERE identity_id = $1`,
          [identityId],
        );
      },
      403,
    ],
    [
      "its maker's membership ends",
      ofMaker('DELETE FROM sallyport.memberships WHERE identity_id = $1'),
      401,
    ],
    [
      'its maker is disabled',
      ofMaker('UPDATE sallyport.identities SET disabled_at = now() WHERE id = $1'),
      401,
    ],
    [
      'its maker waits for deletion',
      ofMaker(
        `UPDATE sallyport.identities SET delete_after = now() + INTERVAL '14 days' WHERE id = $1`,
      ),
      401,
    ],
    [
      'its tenant waits for deletion',
      ofMaker(`UPDATE sallyport.tenants SET delete_after = now() + INTERVAL '14 days'
        WHERE id = (SELECT tenant_id FROM sallyport.memberships WHERE identity_id = $1)`),
      401,
    ],
    ['its maker is gone', ofMaker('DELETE FROM sallyport.identities WHERE id = $1'), 401],
    [
      'it is revoked',
      ofMaker('DELETE FROM sallyport.bearer_credentials WHERE identity_id = $1'),
      401,
    ],
    [
      'it expires',
      ofMaker('UPDATE sallyport.bearer_credentials SET expires_at = now() WHERE identity_id = $1'),
      401,
    ],
  ])('%s', async (_, end, status) => {
    for (const app of [0, 1]) expect((await get('/invoices', withKey(), app)).status).toBe(200);
    await end();
    for (const app of [0, 1]) {
      const answer = await get('/invoices', withKey(), app);
      expect(answer.status).toBe(status);
      const error = status === 401 ? 'invalid_token' : 'insufficient_scope';
      expect(answer.headers['www-authenticate']).toBe(`Bearer error="${error}"`);
    }
  });

  test('and does not come back with a new membership', async () => {
    const { rows } = await database.admin.query(
      'DELETE FROM sallyport.memberships WHERE identity_id = $1 RETURNING role',
      [maker.identityId],
    );
    await database.admin.query(
      'INSERT INTO sallyport.memberships (tenant_id, identity_id, role) VALUES ($1, $2, $3)',
      [maker.tenantId, maker.identityId, rows[0].role],
    );
    expect((await get('/invoices')).status).toBe(401);
  });

  test('fifty writes at once with its end: none that begins after it is committed', async () => {
    const writing = Array.from({ length: 50 }, async (_, number) => await post({ number }));
    await database.admin.query('DELETE FROM sallyport.bearer_credentials WHERE id = $1', [key.id]);
    const before = await invoicesOf(maker);
    const statuses = (await Promise.all(writing)).map(({ status }) => status);
    const after = await invoicesOf(maker);
    expect(statuses.filter((status) => ![200, 401].includes(status))).toEqual([]);
    expect(after).toBe(before);
    expect(statuses.filter((status) => status === 200)).toHaveLength(after);
    expect((await post({ number: 99 })).status).toBe(401);
  });
});

describe('what no key reaches', () => {
  test("every route of the account's own: it makes no keys and touches no credential [R-69]", async () => {
    const [app] = apps;
    const rows = accessTable(app?.app as never).filter(
      ({ url, access }) => url.startsWith('/sallyport') && access !== 'public',
    );
    expect(rows.length).toBeGreaterThan(15);
    for (const { method, url, bodyType } of rows) {
      const type = bodyType === 'form' ? 'application/x-www-form-urlencoded' : 'application/json';
      const answer = await ask(originOf(0), url.replace(/:\w+/g, key.id), {
        method,
        headers: { ...withKey(), 'content-type': type },
        ...(bodyType ? { body: '' } : {}),
      });
      expect([method, url, answer.status]).toEqual([method, url, 403]);
    }
  });

  test('what asks for a fresh proof, and what an application keeps for people [ASVS 7.5.3]', async () => {
    expect((await post({}, withKey(), '/sensitive')).json().code).toBe('bearer-not-accepted');
    expect((await get('/people-only')).json().code).toBe('bearer-not-accepted');
    const { browser } = maker;
    expect((await browser.get('/people-only')).status).toBe(200);
  });

  test('the database says the same: a key is no session, and nothing is fresh', async () => {
    const proof = bearerProofOf(parseApiKey(key.text) ?? newSecret());
    await expect(
      database.admin.query('SELECT sallyport.require($1, NULL, FALSE)', [proof]),
    ).rejects.toMatchObject({ code: 'SP401' });
    await database.admin.query(`SELECT set_config('sallyport.proof', $1, false)`, [proof]);
    const { rows } = await database.admin.query(
      `SELECT sallyport.current_session() AS session, sallyport.current_tenant() AS tenant, sallyport.has_permission('invoices:read') AS may, sallyport.has_permission('secret:read') AS "mayNot"`,
    );
    expect(rows).toEqual([{ session: null, tenant: maker.tenantId, may: true, mayNot: false }]);
    await database.admin.query(`SELECT set_config('sallyport.proof', '', false)`);
  });
});

describe('two credentials in one request', () => {
  test.each(['another person', 'the same person in another tenant'])(
    'of %s: refused, and nothing is done [CWE-436]',
    async (who) => {
      const other = await insertMember(database.admin, originOf(0), { permissions: BOTH });
      if (who !== 'another person')
        await database.admin.query(
          `UPDATE sallyport.sessions SET identity_id = $1, member_id = NULL, member_role = NULL,
            member_kept = NULL, member_policy = NULL WHERE id = $2`,
          [maker.identityId, other.sessionId],
        );
      const { browser } = other;
      const answer = await post({ number: 8 }, { ...browser.ownHeaders(), ...withKey() });
      expect(answer.json().code).toBe('two-principals');
      expect(await invoicesOf(other)).toBe(0);
    },
  );

  test('of one principal: the key alone decides', async () => {
    const reader = await insertKey(database.admin, maker, ['invoices:read']);
    const { browser } = maker;
    expect(
      (await get('/invoices', { ...browser.cookieHeader(), ...withKey(reader.text) })).status,
    ).toBe(200);
    expect(
      (await post({ number: 9 }, { ...browser.ownHeaders(), ...withKey(reader.text) })).status,
    ).toBe(403);
    expect((await post({ number: 9 }, { ...browser.ownHeaders() })).status).toBe(200);
  });

  test('of a session that has ended, and a key: the key stands', async () => {
    const cookie = `${SESSION_COOKIE}=${secretText(newSecret())}`;
    expect((await get('/invoices', { cookie, ...withKey() })).status).toBe(200);
  });

  test('of a session, and a token that is none: refused, and not taken for the session', async () => {
    const { browser } = maker;
    for (const authorization of ['Bearer abc', `Bearer ${key.text.slice(0, -1)}`, 'Basic YTpi']) {
      expect((await get('/invoices', { ...browser.cookieHeader(), authorization })).status).toBe(
        401,
      );
    }
  });

  test('a request from another site carries no key by itself, and with one is refused all the same [CWE-352]', async () => {
    const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    expect((await post({ number: 10 }, foreign)).json().code).toBe('foreign-origin');
    expect((await post({ number: 10 }, { ...foreign, ...withKey() })).json().code).toBe(
      'foreign-origin',
    );
  });
});

describe('a malformed Authorization header is 401 with a challenge, never 500 [R-65] [ASVS 16.5.3]', () => {
  test.each([
    ['Basic', 'Basic YTpi'],
    ['the scheme alone', 'Bearer'],
    ['two tokens', 'Bearer a b'],
    ['percent-encoding', 'Bearer %E0%A4%A'],
    ['bytes that are no UTF-8', `Bearer ${String.fromCodePoint(0xff, 0xfe)}`],
    ['ten thousand characters', `Bearer ${'a'.repeat(10_000)}`],
    ['two headers', ['Bearer a', 'Bearer b']],
  ])('%s', async (_, authorization) => {
    const answer = await get('/invoices', { authorization });
    expect(answer.status).toBe(401);
    expect(answer.json().code).toBe('malformed-authorization');
    expect(answer.headers['www-authenticate']).toBe('Bearer error="invalid_request"');
  });

  test('NUL, and a header of a megabyte, end before there is a request', async () => {
    await expect(get('/invoices', { authorization: 'Bearer a\0' })).rejects.toThrow(
      'Invalid character',
    );
    expect(
      (await get('/invoices', { authorization: `Bearer ${'a'.repeat(1_000_000)}` })).status,
    ).toBe(431);
  });

  test('every unknown token gets one answer, whatever is wrong with it [CWE-204]', async () => {
    const other = (await insertKey(database.admin, maker, BOTH)).text;
    await database.admin.query('DELETE FROM sallyport.bearer_credentials WHERE identity_id = $1', [
      maker.identityId,
    ]);
    const answers = [];
    for (const token of [
      key.text,
      other,
      'abc',
      'a.b.c',
      `${other.slice(0, -1)}-`,
      secretText(newSecret()),
    ]) {
      const { status, headers, text } = await get('/invoices', withKey(token));
      answers.push([status, headers['www-authenticate'], text.replace(/urn:uuid:[\w-]+/, '')]);
    }
    expect(new Set(answers.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(answers[0]?.slice(0, 2)).toEqual([401, 'Bearer error="invalid_token"']);
  });

  test('without any credential the challenge says how', async () => {
    expect((await get('/invoices', {})).headers['www-authenticate']).toBe('Bearer');
    expect(
      (await new Visitor(originOf(0)).get('/sallyport/api/session')).headers['www-authenticate'],
    ).toBeUndefined();
  });
});
