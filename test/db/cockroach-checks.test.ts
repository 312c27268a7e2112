// What is checked on CockroachDB alone. None of it has been run on a cluster: here the answers are
// rows as the documentation shows them, and the statements are written down for the grammar check
// of .ci/run.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { tableStatements } from '../../src/db/application-catalog.ts';
import { checkCluster, cockroachdbPrivileges } from '../../src/db/checks/cockroachdb.ts';
import { checkConnections, type ConnectionFacts } from '../../src/db/checks/connections.ts';
import { checkConsoles } from '../../src/db/checks/console.ts';
import { tenantTables } from '../../src/db/checks/tenant-tables.ts';
import type { Database } from '../../src/db/database.ts';

/** A database that answers like a cluster that tells its roles this much. */
function cluster(answer: (sql: string) => readonly Record<string, unknown>[]) {
  const asked: string[] = [];
  const database: Database = {
    engine: 'cockroachdb',
    async batch(_options, statements) {
      return statements.map(({ sql }) => {
        asked.push(sql);
        const rows = [...answer(sql)];
        return { command: 'SELECT', rowCount: rows.length, rows };
      });
    },
    transaction: () => Promise.reject(new Error('no transaction is asked for')),
    countingTransaction: () => Promise.reject(new Error('no transaction is asked for')),
    applicationTransaction: () => Promise.reject(new Error('no transaction is asked for')),
    close: () => Promise.resolve(),
  };
  return { database, asked };
}

test('the statements are written down for the grammar check', async () => {
  const { database, asked } = cluster(() => []);
  await checkCluster(database);
  const statements = [
    ...asked,
    ...cockroachdbPrivileges.statements.map(({ sql }) => sql),
    ...tableStatements('cockroachdb').map(({ sql }) => sql),
  ];
  mkdirSync('test-results', { recursive: true });
  const lines = statements.map((sql) => `${JSON.stringify(sql)}\n`);
  writeFileSync('test-results/cockroach-checks.jsonl', lines.join(''));
  expect(statements).toHaveLength(9);
});

test('a role that may open changefeeds or create things is refused', () => {
  const on = { database: 'app', schema: 'public', object: 'invoices', type: 'table' };
  const findings = cockroachdbPrivileges.judge(
    [
      { ...on, grantee: 'sallyport_app', privilege: 'CHANGEFEED' },
      { ...on, object: null, type: 'schema', grantee: 'public', privilege: 'CREATE' },
      {
        database: 'app',
        schema: null,
        object: null,
        type: 'database',
        grantee: 'sallyport_app',
        privilege: 'BACKUP',
      },
    ],
    [{ owner: 'sallyport_app', table: 'public.invoices' }],
  );
  expect(findings).toEqual([
    {
      id: 'changefeeds',
      ok: false,
      line: 'sallyport_app must not have CHANGEFEED on TABLE app.public.invoices: run REVOKE CHANGEFEED ON TABLE app.public.invoices FROM sallyport_app.',
    },
    {
      id: 'lasting-objects',
      ok: false,
      line: 'public must not have CREATE on SCHEMA app.public: run REVOKE CREATE ON SCHEMA app.public FROM public.',
    },
    {
      id: 'lasting-objects',
      ok: false,
      line: 'sallyport_app must not have BACKUP on DATABASE app: run REVOKE BACKUP ON DATABASE app FROM sallyport_app.',
    },
    {
      id: 'ownership',
      ok: false,
      line: 'sallyport_app owns public.invoices: run ALTER TABLE public.invoices OWNER TO sallyport_owner.',
    },
  ]);
  expect(cockroachdbPrivileges.judge([], []).map(({ ok }) => ok)).toEqual([true, true, true]);
});

test('a changefeed on a table of tenants is refused among its privileges too', () => {
  const relation = {
    id: '1',
    schema: 'public',
    name: 'invoices',
    sqlName: 'public.invoices',
    schemaSqlName: 'public',
    kind: 'table',
    owner: 'root',
    touchable: true,
    schemaUsable: true,
    enabled: true,
    forced: true,
    options: '',
  };
  const grant = { table: '1', column: null, grantee: 'sallyport_app', grantable: false };
  const column = {
    table: '1',
    number: 1,
    name: 'tenant_id',
    sqlName: 'tenant_id',
    type: 'uuid',
    notNull: true,
  };
  const judge = (privileges: readonly string[]) =>
    tenantTables('cockroachdb', 'functions', []).judge(
      [relation],
      [column],
      [
        {
          table: '1',
          name: 'p',
          sqlName: 'p',
          unique: true,
          primary: true,
          columns: '1',
          definition: '',
        },
      ],
      [{ table: '1', name: 'p', sqlName: 'p', kind: 'p', columns: '1', referencedName: null }],
      [
        {
          table: '1',
          name: 'all',
          sqlName: 'all',
          kind: 'PERMISSIVE',
          command: 'ALL',
          roles: 'sallyport_app',
          using: 'tenant_id = sallyport.current_tenant()',
          check: null,
        },
      ],
      privileges.map((privilege) => ({ ...grant, privilege })),
    );
  expect(judge(['SELECT', 'INSERT', 'UPDATE', 'DELETE']).filter(({ ok }) => !ok)).toEqual([]);
  expect(judge(['SELECT', 'CHANGEFEED']).filter(({ ok }) => !ok)).toEqual([
    {
      id: 'table-privileges',
      ok: false,
      line: 'sallyport_app must not have CHANGEFEED on public.invoices: run REVOKE CHANGEFEED ON TABLE public.invoices FROM sallyport_app.',
    },
  ]);
});

test('a system privilege is refused [CWE-250]; what is not told is said to be unchecked', async () => {
  const granted = [{ grantee: 'sallyport_app', privilege: 'BYPASSRLS' }];
  const [privileges, log] = await checkCluster(cluster(() => granted).database);
  expect(privileges).toEqual({
    id: 'system-privileges',
    ok: false,
    line: 'sallyport_app must not have the system privilege BYPASSRLS: run REVOKE SYSTEM BYPASSRLS FROM sallyport_app.',
  });
  expect(log?.line).toMatch(
    /^Not checked, .* SHOW CLUSTER SETTING sql\.log\.all_statements\.enabled/,
  );
  const failing = (code: string) =>
    cluster(() => {
      throw Object.assign(new Error('insufficient privilege'), { code, severity: 'ERROR' });
    }).database;
  const [unread] = await checkCluster(failing('42501'));
  expect(unread).toMatchObject({ ok: true, line: expect.stringMatching(/^Not checked, /) });
  await expect(checkCluster(failing('42703'))).rejects.toThrow('insufficient privilege');
});

test('plain text off loopback, weaker isolation and another search_path are refused', () => {
  const facts: ConnectionFacts = {
    role: 'sallyport_app',
    access: 'write',
    sessionRole: 'sallyport_app',
    currentRole: 'sallyport_app',
    isolation: 'serializable',
    searchPath: 'public, pg_temp',
    rowSecurity: 'on',
    version: 'CockroachDB CCL v26.2.0',
    tls: null,
    settings: {},
  };
  const failing = (spoilt: Partial<ConnectionFacts>, overNetwork: boolean, plainText: boolean) =>
    checkConnections('cockroachdb', [{ ...facts, ...spoilt }], { overNetwork, plainText })
      .filter(({ ok }) => !ok)
      .map(({ id }) => id);
  expect(failing({}, true, false)).toEqual([]);
  expect(failing({}, false, true)).toEqual([]);
  expect(failing({}, true, true)).toEqual(['tls']);
  expect(failing({ isolation: 'read committed' }, false, false)).toEqual(['connection-isolation']);
  expect(failing({ searchPath: '"$user", public' }, false, false)).toEqual(['search-path']);
});

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  return (server.address() as AddressInfo).port;
}

test.each([200, 307, 401, 503])(
  'a console that answers this machine with %i is refused, and no redirect is followed [CWE-918]',
  async (status) => {
    const paths: (string | undefined)[] = [];
    const port = await listening(
      createServer((request, response) => {
        paths.push(request.url);
        response.writeHead(status, { location: '/elsewhere' }).end('x'.repeat(1e6));
      }),
    );
    expect(await checkConsoles(['127.0.0.1', '127.0.0.1'], port)).toEqual([
      {
        id: 'console',
        ok: false,
        line: `Something answers HTTP on port ${port} of 127.0.0.1, as the console of CockroachDB does: let a firewall or --http-addr keep it from this machine.`,
      },
    ]);
    expect(paths).toEqual(['/health']);
  },
);

test('a port that is closed, says nothing or speaks something else is no console, and is not waited for', async () => {
  const silent = await listening(
    createTcpServer((socket) => socket.resume().on('error', () => {})),
  );
  const other = await listening(
    createTcpServer((socket) =>
      socket
        .resume()
        .on('error', () => {})
        .end('220 mail\r\n'),
    ),
  );
  const closing = createTcpServer();
  const closed = await listening(closing);
  await new Promise((resolve) => closing.close(resolve));
  for (const port of [silent, other, closed]) {
    expect((await checkConsoles(['127.0.0.1'], port)).map(({ ok }) => ok)).toEqual([true]);
  }
  expect((await checkConsoles([], 1)).map(({ ok }) => ok)).toEqual([true]);
}, 10_000);
