// What the process refuses to start on. Each test spoils one thing, in a database of its own, the
// way a hurried hand would: exactly that finding fails, its line says what to do, and doing that
// heals it.
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
import { derivedPassword } from '../../src/core/encryption.ts';
import { checkDatabase, type Finding } from '../../src/db/checks.ts';
import { checkVersion } from '../../src/db/checks/version.ts';
import type { Database } from '../../src/db/database.ts';
import type { Config } from '../../src/server/config.ts';
import { StartError } from '../../src/server/data-folder.ts';
import { migrateServer, openManaged } from '../../src/server/databases.ts';
import { startServer } from '../../src/server/server.ts';
import { createDatabase, openTestDatabase } from '../support/databases.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';
import { testConfig } from '../support/servers.ts';
import { TEST_KEY } from '../support/test-key.ts';

const onLoopback = { overNetwork: false };

/** The findings that fail on the database as it is, once the statements have been run. */
async function spoilt(...statements: string[]) {
  const opened = await openTestDatabase();
  const name = new URL(opened.url).pathname.slice(1);
  for (const statement of statements) {
    await opened.admin.query(statement.replace('{database}', name));
  }
  const failing = async () => failed(await checkDatabase(opened.database, onLoopback));
  return { ...opened, failing, found: await failing() };
}

/** The same after a change in the body of one of our functions. */
async function rewritten(signature: string, from: string, to: string) {
  const opened = await openTestDatabase();
  const { rows } = await opened.admin.query<{ definition: string }>(
    `SELECT pg_get_functiondef('sallyport.${signature}'::regprocedure) AS definition`,
  );
  const definition = rows[0]?.definition ?? '';
  expect(definition).toContain(from);
  await opened.admin.query(definition.replace(from, to));
  const failing = async () => failed(await checkDatabase(opened.database, onLoopback));
  return { ...opened, failing, found: await failing() };
}

function failed(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter(({ ok }) => !ok);
}

async function startOn(url: string): Promise<void> {
  const server = await startServer(testConfig({ DATABASE_URL: url }));
  await server.close();
}

/** Why the product does not start as configured; it must not. */
async function refusalOf(config: Config): Promise<string> {
  const started = startServer(config);
  const outcome = await started.then(
    async (server) => await server.close(),
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(StartError);
  return (outcome as StartError).message;
}

/** How the two roles sign in to this database once openManaged has set their passwords. */
function loginUrls(url: string) {
  const as = (role: 'sallyport_app' | 'sallyport_identity') => {
    const login = new URL(url);
    login.username = role;
    login.password = derivedPassword(TEST_KEY, role);
    return login.href;
  };
  return { appUrl: as('sallyport_app'), identityUrl: as('sallyport_identity') };
}

function withLogins(url: string, other: { app?: string; identity?: string } = {}): Config {
  const { appUrl, identityUrl } = loginUrls(url);
  return testConfig({
    SALLYPORT_APP_DATABASE_URL: other.app ?? appUrl,
    SALLYPORT_IDENTITY_DATABASE_URL: other.identity ?? identityUrl,
  });
}

/** The statements that a line asks for: what stands behind "run", up to the full stop. */
function remedies(findings: readonly Finding[]): readonly string[] {
  return findings.flatMap(({ line }) => {
    const [, advice = ''] = /: run (.*)\.$/.exec(line) ?? [];
    return (advice.split(', or ')[0] ?? '').split(', then ');
  });
}

/** What the product has of tenants: the application reads none of it, and so needs no policy. */
const TENANTS_TABLES = [
  'tenants',
  'memberships',
  'member_words',
  'roles',
  'teams',
  'team_members',
  'invitations',
  'bearer_credentials',
  'security_events',
];

describe('on PostgreSQL', () => {
  beforeEach(({ skip }) => {
    if (inject('engine') === 'cockroachdb') skip('the catalogs are not asked on CockroachDB');
  });

  test('a sound database gives no failing finding, and one for each check', async () => {
    const { database } = await openTestDatabase();
    const findings = await checkDatabase(database, onLoopback);
    expect(failed(findings)).toEqual([]);
    expect(findings.map(({ id }) => id)).toEqual([
      'server-version',
      'connection-roles',
      'connection-isolation',
      'search-path',
      'row-security',
      'tls',
      'statement-log',
      'migrations',
      'role-attributes',
      'role-memberships',
      'ownership',
      'temporary-objects',
      'lasting-objects',
      'app-grants',
      'identity-grants',
      'retention-grants',
      'row-level-security',
      'credential-tables',
      'policies',
      'functions',
      'tenant-tables',
      'shared-tables',
      'view-rights',
      'table-privileges',
      'event-retention',
      'no-proof',
      'unknown-proof',
    ]);
  });

  test('the check changes nothing', async () => {
    const { admin, database } = await openTestDatabase();
    const { rows: tables } = await admin.query<{ name: string }>(
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'sallyport'`,
    );
    // The version and the place of each row. The server counts what is written, and tells it late.
    const versions = tables.map(
      ({ name }) =>
        `SELECT '${name}', array_agg(xmin::TEXT || ctid::TEXT ORDER BY ctid) FROM sallyport.${name}`,
    );
    const state = async () => [
      (await admin.query({ text: `${versions.join(' UNION ALL ')} ORDER BY 1`, rowMode: 'array' }))
        .rows,
      (await admin.query('SELECT count(*)::INT4 FROM pg_class')).rows,
    ];
    const before = await state();
    await checkDatabase(database, onLoopback);
    expect(await state()).toEqual(before);
  });

  const spoils: readonly {
    readonly name: string;
    readonly by: readonly string[];
    readonly id: string;
    readonly line: RegExp;
  }[] = [
    {
      name: 'sallyport_app may read sessions [CWE-250]',
      by: ['GRANT SELECT ON sallyport.sessions TO sallyport_app'],
      id: 'app-grants',
      line: /must not have SELECT on sallyport\.sessions: run REVOKE SELECT ON TABLE sallyport\.sessions FROM sallyport_app/,
    },
    {
      name: 'sallyport_app may read one column of passwords',
      by: ['GRANT SELECT (hash) ON sallyport.passwords TO sallyport_app'],
      id: 'app-grants',
      line: /must not have SELECT \(hash\) on sallyport\.passwords/,
    },
    ...TENANTS_TABLES.map((table) => ({
      name: `sallyport_app may read ${table}, which have no policy for it [R-93]`,
      by: [`GRANT SELECT ON sallyport.${table} TO sallyport_app`],
      id: 'app-grants',
      line: new RegExp(`must not have SELECT on sallyport\\.${table}:`),
    })),
    {
      name: 'everybody may read the outbox',
      by: ['GRANT SELECT ON sallyport.outbox TO PUBLIC'],
      id: 'app-grants',
      line: /PUBLIC must not have SELECT on sallyport\.outbox/,
    },
    {
      name: 'sallyport_app may empty the profiles, which no policy stops',
      by: ['GRANT TRUNCATE ON sallyport.profiles TO sallyport_app'],
      id: 'app-grants',
      line: /must not have TRUNCATE on sallyport\.profiles/,
    },
    {
      name: 'sallyport_app may pass a privilege on',
      by: ['GRANT SELECT ON sallyport.profiles TO sallyport_app WITH GRANT OPTION'],
      id: 'app-grants',
      line: /run REVOKE GRANT OPTION FOR SELECT ON TABLE sallyport\.profiles/,
    },
    {
      name: 'a privilege that sallyport_app needs is missing',
      by: ['REVOKE UPDATE ON sallyport.profiles FROM sallyport_app'],
      id: 'app-grants',
      line: /lacks UPDATE on sallyport\.profiles: run GRANT UPDATE ON TABLE sallyport\.profiles TO sallyport_app/,
    },
    {
      name: 'sallyport_identity may rewrite security events',
      by: ['GRANT UPDATE ON sallyport.security_events TO sallyport_identity'],
      id: 'identity-grants',
      line: /must not have UPDATE on sallyport\.security_events/,
    },
    {
      name: 'sallyport_identity may delete security events [ASVS 16.4.2] [CWE-778]',
      by: ['GRANT DELETE ON sallyport.security_events TO sallyport_identity'],
      id: 'identity-grants',
      line: /must not have DELETE on sallyport\.security_events/,
    },
    {
      name: 'sallyport_app may empty the security event log [ASVS 16.4.2]',
      by: ['GRANT TRUNCATE ON sallyport.security_events TO sallyport_app'],
      id: 'app-grants',
      line: /must not have TRUNCATE on sallyport\.security_events/,
    },
    {
      name: 'sallyport_identity may say how long security events are kept [ASVS 16.4.2]',
      by: ['GRANT UPDATE ON sallyport.security_event_retention TO sallyport_identity'],
      id: 'identity-grants',
      line: /must not have UPDATE on sallyport\.security_event_retention/,
    },
    {
      name: 'sallyport_app may have old security events deleted',
      by: ['GRANT EXECUTE ON FUNCTION sallyport.delete_old_security_events() TO sallyport_app'],
      id: 'functions',
      line: /sallyport_app may call sallyport\.delete_old_security_events/,
    },
    {
      name: 'what deletes old security events may do more than that',
      by: ['GRANT SELECT ON sallyport.sessions TO sallyport_retention'],
      id: 'retention-grants',
      line: /sallyport_retention must not have SELECT on sallyport\.sessions/,
    },
    {
      name: 'old security events are deleted as the owner',
      by: ['ALTER FUNCTION sallyport.delete_old_security_events() OWNER TO sallyport_owner'],
      id: 'functions',
      line: /delete_old_security_events\(\) belongs to sallyport_owner/,
    },
    {
      name: 'a privilege that sallyport_identity needs is missing',
      by: ['REVOKE INSERT ON sallyport.sessions FROM sallyport_identity'],
      id: 'identity-grants',
      line: /lacks INSERT on sallyport\.sessions/,
    },
    {
      name: 'sallyport_identity may not look into the schema',
      by: ['REVOKE USAGE ON SCHEMA sallyport FROM sallyport_identity'],
      id: 'identity-grants',
      line: /run GRANT USAGE ON SCHEMA sallyport TO sallyport_identity/,
    },
    {
      name: 'row-level security is not forced on profiles [R-93]',
      by: ['ALTER TABLE sallyport.profiles NO FORCE ROW LEVEL SECURITY'],
      id: 'row-level-security',
      line: /not forced on sallyport\.profiles: run ALTER TABLE/,
    },
    {
      name: 'row-level security is disabled on profiles [R-93]',
      by: ['ALTER TABLE sallyport.profiles DISABLE ROW LEVEL SECURITY'],
      id: 'row-level-security',
      line: /not enabled on sallyport\.profiles: run ALTER TABLE/,
    },
    {
      name: 'a policy is missing [R-93]',
      by: ['DROP POLICY profiles_own ON sallyport.profiles'],
      id: 'policies',
      line: /profiles_own on sallyport\.profiles is missing: run CREATE POLICY profiles_own/,
    },
    {
      name: 'a policy lets every row through [R-93]',
      by: ['ALTER POLICY profiles_own ON sallyport.profiles USING (true)'],
      id: 'policies',
      line: /profiles_own on sallyport\.profiles is not as it should be/,
    },
    {
      name: 'a policy lets every row be written [R-93]',
      by: ['ALTER POLICY profiles_own ON sallyport.profiles WITH CHECK (true)'],
      id: 'policies',
      line: /profiles_own on sallyport\.profiles is not as it should be/,
    },
    {
      name: 'the policy without a condition is for another role too',
      by: ['ALTER POLICY profiles_identity ON sallyport.profiles TO sallyport_identity, PUBLIC'],
      id: 'policies',
      line: /profiles_identity on sallyport\.profiles is not as it should be/,
    },
    {
      name: 'a policy is for one command instead of all',
      by: [
        'DROP POLICY profiles_identity ON sallyport.profiles',
        'CREATE POLICY profiles_identity ON sallyport.profiles FOR SELECT TO sallyport_identity USING (true)',
      ],
      id: 'policies',
      line: /profiles_identity on sallyport\.profiles is not as it should be/,
    },
    {
      name: 'there is a policy more, and permissive ones add up',
      by: ['CREATE POLICY debugging ON sallyport.profiles FOR SELECT USING (true)'],
      id: 'policies',
      line: /debugging on sallyport\.profiles is not one of ours: run DROP POLICY debugging/,
    },
    {
      name: 'a table that the functions read carries row-level security',
      by: ['ALTER TABLE sallyport.memberships ENABLE ROW LEVEL SECURITY'],
      id: 'credential-tables',
      line: /sallyport\.memberships must not carry row-level security/,
    },
    {
      name: 'sallyport_app may create temporary tables [R-98]',
      by: ['GRANT TEMPORARY ON DATABASE {database} TO sallyport_app'],
      id: 'temporary-objects',
      line: /sallyport_app may create temporary tables: run REVOKE TEMPORARY ON DATABASE/,
    },
    {
      name: 'everybody may create temporary tables, as in a restored database [R-98]',
      by: ['GRANT TEMPORARY ON DATABASE {database} TO PUBLIC'],
      id: 'temporary-objects',
      line: /sallyport_identity may create temporary tables/,
    },
    {
      name: 'everybody may create objects in the schema public [R-98]',
      by: ['GRANT CREATE ON SCHEMA public TO PUBLIC'],
      id: 'lasting-objects',
      line: /run REVOKE CREATE ON SCHEMA public FROM PUBLIC/,
    },
    {
      name: 'sallyport_app may create objects in the schema sallyport [R-98]',
      by: ['GRANT CREATE ON SCHEMA sallyport TO sallyport_app'],
      id: 'lasting-objects',
      line: /run REVOKE CREATE ON SCHEMA sallyport FROM PUBLIC, sallyport_app/,
    },
    {
      name: 'sallyport_app may create objects in a schema of the application',
      by: ['CREATE SCHEMA "Billing"', 'GRANT CREATE ON SCHEMA "Billing" TO PUBLIC'],
      id: 'lasting-objects',
      line: /run REVOKE CREATE ON SCHEMA "Billing" FROM PUBLIC, sallyport_app/,
    },
    {
      name: 'sallyport_app may create schemas',
      by: ['GRANT CREATE ON DATABASE {database} TO sallyport_app'],
      id: 'lasting-objects',
      line: /sallyport_app may create schemas: run REVOKE CREATE ON DATABASE/,
    },
    {
      name: 'a table belongs to somebody else',
      by: ['ALTER TABLE sallyport.security_events OWNER TO postgres'],
      id: 'ownership',
      line: /TABLE sallyport\.security_events belongs to postgres: run ALTER TABLE/,
    },
    {
      name: 'a function belongs to somebody else',
      by: ['ALTER FUNCTION sallyport.current_identity() OWNER TO postgres'],
      id: 'functions',
      line: /current_identity\(\) belongs to postgres: run ALTER FUNCTION .* OWNER TO sallyport_owner/,
    },
    {
      name: 'a function runs with the eyes of its caller',
      by: ['ALTER FUNCTION sallyport.has_permission(TEXT) SECURITY INVOKER'],
      id: 'functions',
      line: /has_permission\(TEXT\) runs as its caller: run ALTER FUNCTION .* SECURITY DEFINER/,
    },
    {
      name: 'a search_path of a function is not pinned [CWE-426]',
      by: ['ALTER FUNCTION sallyport.require(TEXT, TEXT, BOOLEAN) RESET search_path'],
      id: 'functions',
      line: /require\(TEXT, TEXT, BOOLEAN\) is not pinned/,
    },
    {
      name: 'a search_path of a function is pinned to where others may write [CWE-426]',
      by: [
        'ALTER FUNCTION sallyport.require(TEXT, TEXT, BOOLEAN) SET search_path = public, pg_catalog',
      ],
      id: 'functions',
      line: /require\(TEXT, TEXT, BOOLEAN\) is not pinned/,
    },
    {
      name: 'everybody may call a function',
      by: ['GRANT EXECUTE ON FUNCTION sallyport.has_permission(TEXT) TO PUBLIC'],
      id: 'functions',
      line: /Everybody may call sallyport\.has_permission\(TEXT\): run REVOKE EXECUTE/,
    },
    {
      name: 'sallyport_identity may not call a function',
      by: ['REVOKE EXECUTE ON FUNCTION sallyport.current_tenant() FROM sallyport_identity'],
      id: 'functions',
      line: /sallyport_identity may not call sallyport\.current_tenant\(\): run GRANT EXECUTE/,
    },
    {
      name: 'a function is said to depend on nothing, so that its answer may be kept',
      by: [
        'ALTER FUNCTION sallyport.require_for_write(TEXT, TEXT, TEXT, BOOLEAN) VOLATILE',
        'ALTER FUNCTION sallyport.has_permission(TEXT) IMMUTABLE',
      ],
      id: 'functions',
      line: /has_permission\(TEXT\) is IMMUTABLE: run ALTER FUNCTION .* STABLE/,
    },
  ];

  test.each(spoils)('is refused: $name', async ({ by, id, line }) => {
    const { url, admin, found, failing } = await spoilt(...by);
    expect([...new Set(found.map((each) => each.id))]).toEqual([id]);
    expect(found.map((each) => each.line).join('\n')).toMatch(line);
    await expect(startOn(url)).rejects.toMatchObject({
      name: 'StartError',
      message: found.map((each) => each.line).join('\n'),
    });
    for (const remedy of remedies(found)) await admin.query(remedy);
    expect(await failing()).toEqual([]);
  });

  test('is refused: security events are kept for another time than was configured [ASVS 16.4.2]', async () => {
    const { found, url, admin, failing } = await spoilt(
      'UPDATE sallyport.security_event_retention SET days = 30',
    );
    expect(found).toMatchObject([{ id: 'event-retention', ok: false }]);
    expect(found[0]?.line).toContain('for 30 days, and SALLYPORT_EVENT_DAYS says 400');
    await expect(startServer(withLogins(url))).rejects.toThrow('SALLYPORT_EVENT_DAYS says 400');
    for (const remedy of remedies(found)) await admin.query(remedy);
    expect(await failing()).toEqual([]);
  });

  test('is refused: one of the roles owns an object', async () => {
    const { found, url } = await spoilt(
      'CREATE FUNCTION public.mine() RETURNS INT LANGUAGE sql AS $$ SELECT 1 $$',
      'ALTER FUNCTION public.mine() OWNER TO sallyport_app',
    );
    expect(found).toEqual([
      {
        id: 'ownership',
        ok: false,
        line: 'sallyport_app owns function mine(): give it to another role with ALTER ... OWNER TO sallyport_owner.',
      },
    ]);
    await expect(startOn(url)).rejects.toMatchObject({ message: found[0]?.line });
  });

  test.each([
    [
      'current_identity()',
      'names somebody',
      'RETURN v_found;\n      END $function$',
      'RETURN gen_random_uuid();\n      END $function$',
    ],
    [
      'require(text, text, boolean)',
      'lets a request through',
      `RAISE EXCEPTION 'not signed in' USING ERRCODE = 'SP401'`,
      `RAISE NOTICE 'welcome'`,
    ],
  ])('is refused: %s %s whatever the proof [CWE-287]', async (signature, what, from, to) => {
    const { found, url, admin, failing } = await rewritten(signature, from, to);
    expect([...new Set(found.map(({ id }) => id))]).toEqual(['no-proof', 'unknown-proof']);
    expect(found[0]?.line).toContain(`${what} without a proof: run DELETE FROM sallyport.migr`);
    await expect(startOn(url)).rejects.toThrow('with a proof that nobody was given');
    await admin.query(remedies(found)[0] ?? '');
    await migrateServer(url);
    expect(await failing()).toEqual([]);
  });

  describe('the migrations', () => {
    const forget = `DELETE FROM sallyport.migrations WHERE id = '0001-foundation/grant-outbox'`;
    const one =
      '1 migration statements have not been applied: run `sallyport migrate` with DATABASE_URL first.';

    test('one that is not recorded is refused by a process that may not migrate', async () => {
      const { found, url, failing } = await spoilt(forget);
      expect(found).toEqual([{ id: 'migrations', ok: false, line: one }]);
      await expect(startServer(withLogins(url))).rejects.toMatchObject({ message: one });
      await migrateServer(url);
      expect(await failing()).toEqual([]);
      await (await startServer(withLogins(url))).close();
    });

    test('on an empty database that is all there is to say', async () => {
      const { url, admin, drop } = await createDatabase({ migrated: false });
      onTestFinished(drop);
      const refusal = await refusalOf(withLogins(url));
      expect(refusal).toMatch(/^\d+ migration statements have not been applied/);
      expect(refusal.split('\n')).toHaveLength(1);
      const { rows } = await admin.query(`SELECT 1 FROM pg_namespace WHERE nspname = 'sallyport'`);
      expect(rows).toEqual([]);
    });

    test('a record that cannot be read is refused', async () => {
      const { found, admin, failing } = await spoilt(
        'REVOKE SELECT ON sallyport.migrations FROM sallyport_app',
      );
      expect(found.map(({ id }) => id)).toEqual(['migrations']);
      for (const remedy of remedies(found)) await admin.query(remedy);
      expect(await failing()).toEqual([]);
    });
  });

  describe('the connections', () => {
    test('the two roles may not be exchanged [ASVS 13.2.1]', async () => {
      const { url } = await openTestDatabase();
      const { appUrl, identityUrl } = loginUrls(url);
      const refusal = await refusalOf(withLogins(url, { app: identityUrl, identity: appUrl }));
      expect(refusal.split('\n')).toEqual([
        expect.stringContaining('The connection for sallyport_app signs in as sallyport_identity'),
        expect.stringContaining('The connection for sallyport_identity signs in as sallyport_app'),
      ]);
    });

    test('a superuser in place of sallyport_app is refused [CWE-250] [ASVS 13.2.1]', async () => {
      const { url } = await openTestDatabase();
      const refusal = await refusalOf(withLogins(url, { app: url }));
      expect(refusal).toContain('The connection for sallyport_app signs in as postgres');
    });

    test('a wrong password is one line', async () => {
      const { url } = await openTestDatabase();
      const wrong = new URL(loginUrls(url).identityUrl);
      wrong.password = 'wrong';
      const refusal = await refusalOf(withLogins(url, { identity: wrong.href }));
      expect(refusal.split('\n')).toHaveLength(1);
      expect(refusal).toMatch(
        /^No connection as sallyport_identity: password authentication failed/,
      );
      expect(refusal).not.toContain('wrong');
    });

    // What a URL says goes before what the program says, so it can take the settings away.
    test.each([
      ['search_path=public,pg_temp', 'runs at read committed and not at serializable'],
      ['default_transaction_isolation=serializable', 'The search_path of sallyport_identity is'],
    ])('options in a URL that leave only %s are refused', async (options, line) => {
      const { url } = await openTestDatabase();
      const identity = new URL(loginUrls(url).identityUrl);
      identity.searchParams.set('options', `-c ${options}`);
      const refusal = await refusalOf(withLogins(url, { identity: identity.href }));
      expect(refusal.split('\n')).toEqual([expect.stringContaining(line)]);
    });

    test('over the network TLS is asked for [ASVS 12.3.1]', async () => {
      const { database } = await openTestDatabase();
      const found = failed(await checkDatabase(database, { overNetwork: true }));
      expect([...new Set(found.map(({ id }) => id))]).toEqual(['tls']);
      expect(found[0]?.line).toContain('add ?sslmode=verify-full');
    });
  });
});

// Roles belong to the whole server, and other tests start the product on the run's own at this
// moment: so these have a server to themselves.
describe('the roles', () => {
  let postgres: Postgres;
  let database: Database;
  let admin: pg.Client;
  beforeAll(async () => {
    postgres = await startPostgres({ shortLived: true });
    database = await openManaged(postgres.url, TEST_KEY);
    admin = new pg.Client(postgres.url);
    await admin.connect();
  });
  afterAll(async () => {
    await database.close();
    await admin.end();
    await postgres.stop();
  });

  test.each([
    ['sallyport_app', 'BYPASSRLS'],
    ['sallyport_app', 'CREATEROLE'],
    ['sallyport_app', 'CREATEDB'],
    ['sallyport_app', 'REPLICATION'],
    ['sallyport_identity', 'BYPASSRLS'],
    ['sallyport_owner', 'BYPASSRLS'],
    ['sallyport_owner', 'LOGIN'],
  ])('%s with %s is refused [CWE-250]', async (role, attribute) => {
    await admin.query(`ALTER ROLE ${role} ${attribute}`);
    const found = failed(await checkDatabase(database, onLoopback));
    expect(found).toEqual([
      {
        id: 'role-attributes',
        ok: false,
        line: `The role ${role} may do more than its grants say: run ALTER ROLE ${role} NO${attribute}.`,
      },
    ]);
    await expect(startOn(postgres.url)).rejects.toMatchObject({ message: found[0]?.line });
    for (const remedy of remedies(found)) await admin.query(remedy);
    expect(failed(await checkDatabase(database, onLoopback))).toEqual([]);
  });

  test('sallyport_app as a superuser is refused [CWE-250]', async () => {
    await admin.query('ALTER ROLE sallyport_app SUPERUSER');
    const lines = failed(await checkDatabase(database, onLoopback)).map(({ line }) => line);
    expect(lines.join('\n')).toContain('run ALTER ROLE sallyport_app NOSUPERUSER');
    await admin.query('ALTER ROLE sallyport_app NOSUPERUSER');
  });

  test.each([
    ['sallyport_app', 'sallyport_owner'],
    ['sallyport_app', 'pg_read_all_data'],
    ['sallyport_app', 'sallyport_identity'],
    ['sallyport_identity', 'pg_monitor'],
  ])('%s as a member of %s is refused', async (role, other) => {
    await admin.query(`GRANT ${other} TO ${role}`);
    const found = failed(await checkDatabase(database, onLoopback));
    const line = `${role} is a member of ${other}: run REVOKE ${other} FROM ${role}.`;
    expect(found).toContainEqual({ id: 'role-memberships', ok: false, line });
    for (const remedy of remedies(found)) await admin.query(remedy);
    expect(failed(await checkDatabase(database, onLoopback))).toEqual([]);
  });

  test('a role that sees its queries fail instead of filtered is refused', async () => {
    await admin.query('ALTER ROLE sallyport_app SET row_security = off');
    const again = await openManaged(postgres.url, TEST_KEY);
    const found = failed(await checkDatabase(again, onLoopback));
    await again.close();
    await admin.query('ALTER ROLE sallyport_app RESET row_security');
    const lines = found.filter(({ id }) => id === 'row-security').map(({ line }) => line);
    expect(lines).toEqual([expect.stringContaining('ALTER ROLE sallyport_app RESET row_security')]);
  });

  test('an address that is not loopback is the network, and needs TLS [ASVS 12.3.1]', async () => {
    const url = new URL(postgres.url);
    url.hostname = '0.0.0.0';
    await expect(startOn(url.href)).rejects.toThrow('DATABASE_URL must use TLS');
    await expect(startOn(postgres.url)).resolves.toBeUndefined();
  });
});

describe('the version', () => {
  const debian = '(Debian 1) on x86_64-pc-linux-gnu, compiled by gcc, 64-bit';

  test.each([
    ['PostgreSQL 14.22', false],
    ['PostgreSQL 15.13', false],
    ['PostgreSQL 15.14', true],
    ['PostgreSQL 16.9', false],
    ['PostgreSQL 16.10', true],
    ['PostgreSQL 17.5', false],
    ['PostgreSQL 17.6', true],
    ['PostgreSQL 18.0', true],
    ['PostgreSQL 18.6 (PGlite 0.5.16)', true],
    ['PostgreSQL 19beta1', true],
    ['CockroachDB CCL v25.1.9', false],
    ['CockroachDB CCL v25.2.0', true],
    ['CockroachDB CCL v26.3.0-alpha.1', true],
    ['CockroachDB CCL v24.3.20', false],
    ['Something else 99.1', false],
  ])('%s: %s [R-94]', (version, ok) => {
    const findings = checkVersion(`${version} ${debian}`);
    const line = ok ? /\.$/ : /upgrade it/;
    expect(findings).toEqual([{ id: 'server-version', ok, line: expect.stringMatching(line) }]);
  });
});
