// The policies' other form, for a CockroachDB on which functions in policies should turn out not to
// work: chosen by SALLYPORT_INSECURE_SETTING_POLICIES, and weaker, as the last tests here show.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runAuthorized } from '../../src/db/authorization.ts';
import { checkDatabase } from '../../src/db/checks.ts';
import type { Database } from '../../src/db/database.ts';
import { policyPrincipal } from '../../src/db/engine.ts';
import { migrationStatements } from '../../src/db/migrations.ts';
import { readConfig } from '../../src/server/config.ts';
import { migrateServer, openManaged } from '../../src/server/databases.ts';
import { startServer } from '../../src/server/server.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { newcomer } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer, testConfig } from '../support/servers.ts';
import { TEST_KEY } from '../support/test-key.ts';
import { insertPrincipal, loginUrl, type TestPrincipal } from './principals.ts';

const onLoopback = { overNetwork: false } as const;

const failing = async (database: Database, policyForm: 'functions' | 'settings') =>
  (await checkDatabase(database, { ...onLoopback, policyForm })).filter(({ ok }) => !ok);

describe.each(['settings', 'functions'] as const)('with policies that ask %s', (form) => {
  let created: TestDatabase;
  let database: Database;
  let ada: TestPrincipal;
  let eve: TestPrincipal;
  beforeAll(async () => {
    created = await createDatabase();
    database = await openManaged(created.url, TEST_KEY, form);
    [ada, eve] = [
      await insertPrincipal(created.admin, 'ada'),
      await insertPrincipal(created.admin, 'eve'),
    ];
  });
  afterAll(async () => {
    await database.close();
    await created.drop();
  });

  const as = async (who: TestPrincipal, sql: string, write = false) => {
    const { proof, synchronizerDigest } = who;
    const authorized = await runAuthorized(
      database,
      { role: 'sallyport_app', proof, permission: null, ...(write ? { synchronizerDigest } : {}) },
      [{ sql, parameters: [] }],
    );
    if ('refusal' in authorized) throw new Error(authorized.refusal);
    return authorized.results[0]?.rows ?? [];
  };

  test('a forgotten predicate finds and changes the own row alone [CWE-639]', async () => {
    const sql = 'SELECT identity_id AS id FROM sallyport.profiles /* attack */';
    for (const who of [ada, eve]) expect(await as(who, sql)).toEqual([{ id: who.identityId }]);
    const update = `UPDATE sallyport.profiles SET display_name = 'x' RETURNING identity_id AS id /* attack */`;
    expect(await as(ada, update, true)).toEqual([{ id: ada.identityId }]);
    const { rows } = await created.admin.query(
      `SELECT display_name AS name FROM sallyport.profiles WHERE identity_id = $1`,
      [eve.identityId],
    );
    expect(rows).toEqual([{ name: eve.displayName }]);
  });

  test('a row cannot be given to somebody else', async () => {
    const update = `UPDATE sallyport.profiles SET identity_id = '${eve.identityId}' /* attack */`;
    await expect(as(ada, update, true)).rejects.toThrow(/row-level security|permission denied/);
  });

  test('without a decision there is no row', async () => {
    const statement = { sql: 'SELECT 1 FROM sallyport.profiles /* attack */', parameters: [] };
    const asApp = { role: 'sallyport_app', access: 'read' } as const;
    for (let round = 0; round < 2; round++) {
      const [answer] = await database.batch(asApp, [statement]);
      expect(answer?.rows).toEqual([]);
      await as(ada, 'SELECT 1 AS one');
    }
  });

  test('SQL injected before the query gets at another identity\u2019s row only by a setting', async () => {
    const injected = `SELECT p.identity_id AS id /* attack */
      FROM (SELECT set_config('sallyport.identity', '${eve.identityId}', true) AS x OFFSET 0) AS s
      CROSS JOIN LATERAL (SELECT identity_id FROM sallyport.profiles WHERE s.x IS NOT NULL) AS p`;
    const found = (await as(ada, injected)).map(({ id }) => id);
    expect(found.includes(eve.identityId)).toBe(form === 'settings');
  });

  test('the check says which form is in force, and refuses the other', async () => {
    const other = form === 'settings' ? 'functions' : 'settings';
    const findings = await checkDatabase(database, { ...onLoopback, policyForm: form });
    const policies = findings.find(({ id }) => id === 'policies');
    expect(policies).toEqual({
      id: 'policies',
      ok: true,
      line: expect.stringMatching(
        form === 'settings' ? /compare with settings/ : /look the proof up/,
      ),
    });
    expect(await failing(database, form)).toEqual([]);
    expect(await failing(database, other)).toEqual([
      {
        id: 'policies',
        ok: false,
        line: expect.stringContaining('SALLYPORT_INSECURE_SETTING_POLICIES'),
      },
    ]);
  });
});

describe('SALLYPORT_INSECURE_SETTING_POLICIES', () => {
  test('serves the account: sign up, sign in, read and change the own profile, sign out', async () => {
    const server = await startTestServer({ SALLYPORT_INSECURE_SETTING_POLICIES: 'true' });
    const [{ browser, person }, other] = [
      await newcomer(server.origin),
      await newcomer(server.origin),
    ];
    const path = '/api/account/profile';
    expect((await browser.get(path)).json()).toEqual({ displayName: person.displayName });
    const changed = await changedBy(server.admin, async () => {
      expect((await browser.send('PATCH', path, { displayName: 'Grace' })).status).toBe(200);
    });
    expect(changed).toEqual(['profiles']);
    expect((await browser.get(path)).json()).toEqual({ displayName: 'Grace' });
    expect((await other.browser.get(path)).json()).toEqual({
      displayName: other.person.displayName,
    });
    expect((await browser.send('POST', '/api/sign-out')).status).toBe(204);
    expect((await browser.get(path)).status).toBe(401);
    await server.close();
  });

  test('is chosen and left by starting with it and without it, whatever was before', async () => {
    const { url, admin, drop } = await createDatabase();
    const policy = async () =>
      (
        await admin.query<{ qual: string }>(
          `SELECT qual FROM pg_policies WHERE policyname = 'profiles_own'`,
        )
      ).rows[0]?.qual;
    const settings = { SALLYPORT_INSECURE_SETTING_POLICIES: 'true' };
    for (const more of [settings, {}, settings, settings, {}]) {
      await (await startServer(testConfig({ DATABASE_URL: url, ...more }))).close();
      expect(await policy()).toContain(
        more === settings ? 'current_setting' : 'current_identity()',
      );
    }
    await drop();
  });

  test('a process with the two logins alone starts on the form that it is told, and on no other', async () => {
    const { url, drop } = await createDatabase();
    const logins = {
      SALLYPORT_APP_DATABASE_URL: loginUrl(url, 'sallyport_app'),
      SALLYPORT_IDENTITY_DATABASE_URL: loginUrl(url, 'sallyport_identity'),
    };
    const start = async (more: Record<string, string>) =>
      await (await startServer(testConfig({ ...logins, ...more }))).close();
    const settings = { SALLYPORT_INSECURE_SETTING_POLICIES: 'true' };
    await start({});
    await expect(start(settings)).rejects.toThrow('take the setting away');
    expect(await migrateServer(url, 'settings')).toBe(4);
    await expect(start({})).rejects.toThrow(
      'run `sallyport migrate` with DATABASE_URL and without',
    );
    await start(settings);
    expect(await migrateServer(url)).toBe(4);
    await start({});
    await drop();
  });

  test('is off unless it is said, and takes no other word', () => {
    const read = (value?: string) =>
      readConfig(value === undefined ? {} : { SALLYPORT_INSECURE_SETTING_POLICIES: value });
    expect(read()).toMatchObject({ config: { policyForm: 'functions' } });
    expect(read('false')).toMatchObject({ config: { policyForm: 'functions' } });
    expect(read('true')).toMatchObject({ config: { policyForm: 'settings' } });
    expect(read('yes')).toEqual({
      problems: ['SALLYPORT_INSECURE_SETTING_POLICIES must be true or false.'],
    });
  });

  test('is one expression on every engine, for identities and tenants alike, without a subquery', () => {
    for (const who of ['identity', 'tenant'] as const) {
      for (const engine of ['cockroachdb', 'postgresql', 'embedded'] as const) {
        expect(policyPrincipal(engine, 'settings', who)).toBe(
          `NULLIF(current_setting('sallyport.${who}', true), '')::UUID`,
        );
      }
    }
    const differing = (form: 'functions' | 'settings') =>
      migrationStatements('cockroachdb', form).map(({ sql }) => sql);
    expect(differing('functions').filter((sql) => !differing('settings').includes(sql))).toEqual([
      expect.stringContaining('CREATE POLICY profiles_own'),
      expect.stringContaining('CREATE POLICY idempotency_keys_own'),
    ]);
  });
});

test('sallyport migrate refuses to cross the network without TLS [ASVS 12.3.1]', async () => {
  const { url, drop } = await createDatabase({ migrated: false });
  const remote = new URL(url);
  remote.hostname = '0.0.0.0';
  await expect(migrateServer(remote.href)).rejects.toThrow('DATABASE_URL must use TLS');
  expect(await migrateServer(url)).toBeGreaterThan(40);
  await drop();
});
