// `sallyport protect` writes a migration; here it is run, on a real server, on tables with rows and
// foreign keys, the way a person would run it: statement by statement, more than once, and with the
// mistakes that a person makes.
import pg from 'pg';
import { beforeEach, describe, expect, inject, test } from 'vitest';
import { findApplicationTables, namesOf } from '../../src/db/application-tables.ts';
import { checkDatabase } from '../../src/db/checks.ts';
import type { ProtectOptions } from '../../src/db/protect.ts';
import { checkProtection, planProtection } from '../../src/db/protect-server.ts';
import { openTestDatabase } from '../support/databases.ts';
import {
  APPLICATION,
  insertTenants,
  type Member,
  NO_OPTIONS,
  planned,
  protect,
  TABLES,
  withTenantsNamed,
} from './application-schema.ts';
import { loginUrl } from './principals.ts';

beforeEach(({ skip }) => {
  if (inject('engine') === 'cockroachdb') skip('not tried there yet: see cockroach-sql.test.ts');
});

async function openApplication() {
  const opened = await openTestDatabase();
  await opened.admin.query(APPLICATION);
  return { ...opened, ...(await insertTenants(opened.admin)) };
}

const shared = { overNetwork: false, sharedTables: ['currencies'] };

/** What a member sees or does with a statement that names no tenant, as sallyport_app. */
async function asMember(url: string, member: Pick<Member, 'proof'>, sql: string) {
  const client = new pg.Client(loginUrl(url, 'sallyport_app'));
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query(`SELECT set_config('sallyport.proof', $1, true)`, [member.proof]);
    const result = await client.query(sql);
    await client.query('COMMIT');
    return { rows: result.rows as unknown[], count: result.rowCount };
  } catch (error) {
    return { refused: (error as pg.DatabaseError).code };
  } finally {
    await client.end();
  }
}

async function problemsOf(url: string, tables: string[], options: Partial<ProtectOptions> = {}) {
  const protection = await planProtection(url, tables, { ...NO_OPTIONS, ...options });
  return 'problems' in protection ? protection.problems : [];
}

async function missing(url: string, options: Partial<ProtectOptions> = {}) {
  const checked = await checkProtection(url, TABLES, { ...NO_OPTIONS, ...options });
  if ('problems' in checked) throw new Error(checked.problems.join('\n'));
  return checked;
}

/** Keys, policies, privileges and rows, as the catalog has them. */
async function snapshot(admin: pg.Client): Promise<unknown> {
  const queries = [
    `SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relacl::TEXT FROM pg_class AS c
      JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname IN ('public', 'billing') ORDER BY 1`,
    `SELECT indexdef FROM pg_indexes WHERE schemaname IN ('public', 'billing') ORDER BY 1`,
    `SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
      WHERE connamespace IN ('public'::REGNAMESPACE, 'billing'::REGNAMESPACE) ORDER BY 1, 2`,
    `SELECT tablename, policyname, cmd, roles::TEXT, qual, with_check FROM pg_policies ORDER BY 1, 2`,
    `SELECT attrelid::REGCLASS::TEXT, attname, attacl::TEXT FROM pg_attribute WHERE attacl IS NOT NULL ORDER BY 1, 2`,
    `SELECT * FROM customers ORDER BY id`,
    `SELECT * FROM invoices ORDER BY id`,
    `SELECT * FROM billing."Order" ORDER BY 1, 2`,
  ];
  const found: unknown[] = [];
  for (const sql of queries) found.push((await admin.query(sql)).rows);
  return found;
}

describe('the migration', () => {
  test('makes of tables with rows what start, doctor and --check ask for [R-93]', async () => {
    const { url, admin, database } = await openApplication();
    expect((await missing(url)).ok).toBe(false);
    await protect({ url, admin });
    await admin.query('GRANT SELECT ON currencies TO sallyport_app');
    expect(await missing(url)).toEqual({
      ok: true,
      lines: [
        'public.customers: nothing is missing.',
        'public.invoices: nothing is missing.',
        'billing."Order": nothing is missing.',
      ],
    });
    expect((await checkDatabase(database, shared)).filter(({ ok }) => !ok)).toEqual([]);
    expect(namesOf(await findApplicationTables(database))).toEqual({
      tenant: new Set(['customers', 'invoices', 'billing.Order']),
      shared: new Set(['currencies']),
    });
  });

  test('gives each row the tenant of the row that it refers to', async () => {
    const { url, admin, ours, theirs } = await openApplication();
    await protect({ url, admin });
    const sql = `SELECT i.number, i.tenant_id, array_agg(o.tenant_id) AS orders, c.tenant_id AS customer
      FROM invoices AS i JOIN customers AS c ON c.id = i.customer_id
      JOIN billing."Order" AS o ON o.invoice_number = i.number GROUP BY 1, 2, 4 ORDER BY 1`;
    const all = ({ tenantId }: Member) => ({
      tenant_id: tenantId,
      customer: tenantId,
      orders: [tenantId, tenantId],
    });
    expect((await admin.query(sql)).rows).toEqual([
      { number: 1, ...all(ours) },
      { number: 2, ...all(theirs) },
    ]);
  });

  test('may run again, as a whole and each statement by itself, and changes nothing then', async () => {
    const { url, admin } = await openApplication();
    const statements = withTenantsNamed(await planned(url));
    for (const sql of statements) await admin.query(sql);
    const once = await snapshot(admin);
    for (const sql of statements) await admin.query(sql);
    expect(await snapshot(admin)).toEqual(once);
    await admin.query(statements.join(';\n'));
    expect(await snapshot(admin)).toEqual(once);
  });

  test('of protected tables touches no key and no row', async () => {
    const { url, admin } = await openApplication();
    await protect({ url, admin });
    const once = await snapshot(admin);
    const again = await planned(url);
    expect(again.filter((sql) => /CONSTRAINT|INDEX|UPDATE [^(]*SET/.test(sql))).toEqual([]);
    for (const sql of again) await admin.query(sql);
    expect(await snapshot(admin)).toEqual(once);
  });

  test('stops where a person has to say whose the rows are; until then nobody sees any', async () => {
    const { url, admin, ours } = await openApplication();
    const statements = await planned(url);
    const failed: string[] = [];
    // The worst way to run it: on, past every error.
    for (const sql of statements) await admin.query(sql).catch(() => failed.push(sql));
    expect(failed[0]).toMatch(/^UPDATE public\.customers SET tenant_id = 'the tenant of each row'/);
    for (const table of ['customers', 'invoices', 'billing."Order"']) {
      const { rows } = await admin.query(`SELECT count(*)::INT4 AS rows FROM ${table}`);
      expect(rows).not.toEqual([{ rows: 0 }]);
      expect(await asMember(url, ours, `SELECT * FROM ${table}`)).toMatchObject({ count: 0 });
    }
    expect((await missing(url)).ok).toBe(false);
    for (const sql of withTenantsNamed(statements)) await admin.query(sql);
    expect((await missing(url)).ok).toBe(true);
    expect(await asMember(url, ours, 'SELECT * FROM customers')).toMatchObject({ count: 1 });
  });

  test('fails where a row would refer to another tenant, and keeps it from both', async () => {
    const { url, admin, theirs, ours } = await openApplication();
    await admin.query('UPDATE invoices SET replaces = $1 WHERE id = $2', [
      theirs.invoiceId,
      ours.invoiceId,
    ]);
    await expect(protect({ url, admin })).rejects.toMatchObject({
      code: '23503',
      constraint: 'invoices_replaces_fkey',
    });
    expect(await asMember(url, ours, 'SELECT * FROM invoices')).toEqual({ refused: '42501' });
  });

  test('keeps what an index and a foreign key were beside the tenant', async () => {
    const { url, admin } = await openApplication();
    await protect({ url, admin });
    const { rows } = await admin.query<{ definition: string }>(
      `SELECT indexdef AS definition FROM pg_indexes WHERE tablename = 'invoices'
        UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conrelid IN ('invoices'::REGCLASS, 'billing."Order"'::REGCLASS) AND contype = 'f' ORDER BY 1`,
    );
    const definitions = rows.map(({ definition }) => definition.replace(/^.* ON public\.\w+ /, ''));
    expect(definitions.toSorted()).toEqual(
      [
        'USING btree (tenant_id, customer_id)',
        "USING gin (to_tsvector('simple'::regconfig, title))",
        'USING btree (tenant_id, number)',
        'USING btree (tenant_id, lower(title), number DESC) WHERE (NOT paid)',
        'USING btree (tenant_id, id)',
        'FOREIGN KEY (currency) REFERENCES currencies(code)',
        'FOREIGN KEY (tenant_id) REFERENCES sallyport.tenants(id)',
        'FOREIGN KEY (tenant_id) REFERENCES sallyport.tenants(id)',
        'FOREIGN KEY (tenant_id, customer_id) REFERENCES customers(tenant_id, id) ON DELETE CASCADE',
        'FOREIGN KEY (tenant_id, invoice_number) REFERENCES invoices(tenant_id, number) ON UPDATE CASCADE',
        'FOREIGN KEY (tenant_id, replaces) REFERENCES invoices(tenant_id, id) ON DELETE SET NULL (replaces)',
      ].toSorted(),
    );
  });

  test('takes away what PUBLIC had, and every policy that would let more through', async () => {
    const { url, admin, ours } = await openApplication();
    await admin.query(`GRANT ALL ON customers TO PUBLIC, sallyport_identity;
      CREATE POLICY everybody ON customers USING (true)`);
    await protect({ url, admin });
    expect((await missing(url)).ok).toBe(true);
    expect(await asMember(url, ours, 'SELECT organisation FROM customers')).toEqual({
      count: 1,
      rows: [{ organisation: 'Ours' }],
    });
    expect(await asMember(url, ours, 'TRUNCATE customers')).toEqual({ refused: '42501' });
  });
});

describe('sallyport_app, afterwards', () => {
  test('reads and writes the rows of its proof and no others [R-92]', async () => {
    const { url, admin, ours, theirs } = await openApplication();
    await protect({ url, admin });
    expect(await asMember(url, ours, 'SELECT number FROM invoices')).toMatchObject({
      rows: [{ number: 1 }],
    });
    expect(await asMember(url, theirs, 'SELECT number FROM invoices')).toMatchObject({
      rows: [{ number: 2 }],
    });
    expect(await asMember(url, { proof: '' }, 'SELECT number FROM invoices')).toMatchObject({
      count: 0,
    });
    expect(await asMember(url, ours, `UPDATE invoices SET title = 'x'`)).toMatchObject({
      count: 1,
    });
    expect(await asMember(url, ours, 'DELETE FROM billing."Order"')).toMatchObject({ count: 2 });
    const { rows } = await admin.query(`SELECT title, (SELECT count(*)::INT4 FROM billing."Order")
      FROM invoices WHERE number = 2`);
    expect(rows).toEqual([{ title: 'Invoice of Theirs', count: 2 }]);
  });

  test('may not write a row for another tenant, nor move one there', async () => {
    const { url, admin, ours, theirs } = await openApplication();
    await protect({ url, admin });
    const insert = ({ tenantId }: Member) =>
      `INSERT INTO customers (tenant_id, email, organisation) VALUES ('${tenantId}', 'new@example.com', 'New')`;
    expect(await asMember(url, ours, insert(theirs))).toEqual({ refused: '42501' });
    expect(await asMember(url, ours, insert(ours))).toMatchObject({ count: 1 });
    const move = `UPDATE customers SET tenant_id = '${theirs.tenantId}'`;
    expect(await asMember(url, ours, move)).toEqual({ refused: '42501' });
    // The policy stands by itself, were the privilege given.
    await admin.query('GRANT UPDATE ON customers TO sallyport_app');
    expect(await asMember(url, ours, move)).toEqual({ refused: '42501' });
    const { rows } = await admin.query(
      `SELECT tenant_id FROM customers WHERE organisation <> 'Theirs'`,
    );
    expect(rows).toEqual([{ tenant_id: ours.tenantId }, { tenant_id: ours.tenantId }]);
  });

  test('with --read and --write the database refuses a viewer what it lets an editor [R-89]', async () => {
    const { url, admin, ours } = await openApplication();
    await protect({ url, admin }, TABLES, { read: 'invoices:read', write: 'invoices:write' });
    const update = 'UPDATE invoices SET paid = true';
    const insert = `INSERT INTO customers (tenant_id, email, organisation) VALUES ('${ours.tenantId}', 'n@example.com', 'N')`;
    expect(await asMember(url, ours, update)).toMatchObject({ count: 1 });
    await admin.query(`UPDATE sallyport.memberships SET role = 'viewer'`);
    expect(await asMember(url, ours, 'SELECT 1 FROM invoices')).toMatchObject({ count: 1 });
    expect(await asMember(url, ours, update)).toMatchObject({ count: 0 });
    expect(await asMember(url, ours, insert)).toEqual({ refused: '42501' });
    expect(await asMember(url, ours, 'DELETE FROM billing."Order"')).toMatchObject({ count: 0 });
    await admin.query(`UPDATE sallyport.roles SET permissions = '{}' WHERE name = 'viewer'`);
    expect(await asMember(url, ours, 'SELECT 1 FROM invoices')).toMatchObject({ count: 0 });
  });

  test("with --owner the rows are one person's, and a row without an owner is nobody's [R-33] [R-88]", async () => {
    const { url, admin, ours, theirs } = await openApplication();
    await protect({ url, admin }, TABLES);
    await protect({ url, admin }, ['customers'], { owner: 'owner_id' });
    expect(await asMember(url, ours, 'SELECT 1 FROM customers')).toMatchObject({ count: 1 });
    for (const owner of [theirs.identityId, null]) {
      await admin.query('UPDATE customers SET owner_id = $1', [owner]);
      expect(await asMember(url, ours, 'SELECT 1 FROM customers')).toMatchObject({ count: 0 });
      expect(await asMember(url, ours, 'DELETE FROM customers')).toMatchObject({ count: 0 });
    }
  });
});

describe('is refused, with a line for each reason', () => {
  test('a name that no table has, in whichever form', async () => {
    const { url } = await openApplication();
    for (const name of [
      'Invoices',
      'sallyport.sessions',
      'order',
      `invoices; DROP TABLE invoices`,
      '',
    ]) {
      expect(await problemsOf(url, [name])).toEqual([
        `There is no table ${JSON.stringify(name)} outside the schema sallyport.`,
      ]);
    }
    expect(await problemsOf(url, ['public.customers', 'invoices', 'billing."Order"'])).toEqual([]);
  });

  test.each(['x', 'invoices:read:all', 'a.b-c_d:e'])('not the permission %s', async (read) => {
    const { url } = await openApplication();
    expect(await problemsOf(url, TABLES, { read })).toEqual([]);
  });

  test.each([
    `a') OR true --`,
    '',
    ' ',
    'Invoices:Read',
    'a:',
    ':a',
    'a\n',
    `a'b`,
    'a'.repeat(101),
  ])('a malformed permission [CWE-89]: %j', async (write) => {
    const { url } = await openApplication();
    expect(await problemsOf(url, TABLES, { write })).toEqual([
      expect.stringMatching(/^The permission .* must look like invoices:read: [^\n]*$/),
    ]);
  });

  const cases: readonly (readonly [string, string, string[], Partial<ProtectOptions>, RegExp])[] = [
    [
      'an owner column that is not there',
      '',
      ['customers', 'invoices', 'billing.Order'],
      { owner: 'owner' },
      /^public\.customers has no column "owner"\.$/m,
    ],
    [
      'an owner column that is no UUID',
      '',
      TABLES,
      { owner: 'title' },
      /^public\.invoices: the column title is of type text, and an identity is a UUID\.$/m,
    ],
    [
      'a table that an unprotected one refers to',
      '',
      ['customers'],
      {},
      /^public\.invoices refers to public\.customers: protect both together, with `sallyport protect customers invoices`\.$/,
    ],
    [
      'a view',
      'CREATE VIEW paid AS SELECT * FROM invoices',
      ['paid'],
      {},
      /^public\.paid is a view: only an ordinary table/,
    ],
    [
      'a table without a primary key',
      'CREATE TABLE log (line TEXT)',
      ['log'],
      {},
      /^public\.log has no primary key: give it one\.$/,
    ],
    [
      'a tenant_id that is no UUID',
      'CREATE TABLE log (id INT4 PRIMARY KEY, tenant_id TEXT)',
      ['log'],
      {},
      /^public\.log has a column tenant_id of type text: make it UUID\.$/,
    ],
    [
      'a deferrable key',
      'CREATE TABLE log (id INT4 PRIMARY KEY, at INT4 UNIQUE DEFERRABLE)',
      ['log'],
      {},
      /^public\.log: the constraint log_at_key is deferrable/,
    ],
    [
      'an exclusion constraint without the tenant',
      `CREATE TABLE log (id INT4 PRIMARY KEY, span INT4RANGE, EXCLUDE USING gist (span WITH &&))`,
      ['log'],
      {},
      /^public\.log: the exclusion constraint log_span_excl would tell of other tenants' rows/,
    ],
    [
      'a table of the role that requests run as',
      'CREATE TABLE log (id INT4 PRIMARY KEY); ALTER TABLE log OWNER TO sallyport_app',
      ['log'],
      {},
      /^public\.log belongs to sallyport_app: run ALTER TABLE/,
    ],
    [
      'a foreign key that would set the tenant to NULL',
      'CREATE TABLE log (id INT4 PRIMARY KEY, of UUID REFERENCES invoices (id) ON UPDATE SET NULL)',
      [...TABLES, 'log'],
      {},
      /^public\.log: the foreign key log_of_fkey would take the tenant from a row/,
    ],
  ];
  test.each(cases)('%s', async (_, setUp, tables, options, line) => {
    const { url, admin } = await openApplication();
    await admin.query(setUp);
    const before = await snapshot(admin);
    const problems = await problemsOf(url, tables, options);
    expect(problems.join('\n')).toMatch(line);
    expect(problems.filter((each) => /\n/.test(each))).toEqual([]);
    expect(await snapshot(admin)).toEqual(before);
  });

  test('options that are forgotten the second time: a policy does not ask less by accident', async () => {
    const { url, admin } = await openApplication();
    await protect({ url, admin }, TABLES, { read: 'invoices:read' });
    expect(await problemsOf(url, ['invoices'])).toEqual([
      expect.stringMatching(
        /^public\.invoices has a policy that asks sallyport\.has_permission\('invoices:read'\): repeat it/,
      ),
    ]);
    expect(await problemsOf(url, ['invoices'], { read: 'invoices:read' })).toEqual([]);
  });

  test('a database that has no schema sallyport', async () => {
    const { url, admin } = await openTestDatabase();
    await admin.query('CREATE TABLE log (id INT4 PRIMARY KEY); DROP SCHEMA sallyport CASCADE');
    expect(await problemsOf(url, ['log'])).toEqual([
      expect.stringContaining('run `sallyport migrate` first'),
    ]);
  });
});

describe('--check tells', () => {
  const spoils: readonly (readonly [string, RegExp])[] = [
    [
      'ALTER TABLE invoices DROP CONSTRAINT invoices_pkey CASCADE; ALTER TABLE invoices ALTER COLUMN tenant_id DROP NOT NULL',
      /its column tenant_id is not UUID NOT NULL/,
    ],
    [
      'ALTER TABLE invoices DROP CONSTRAINT invoices_pkey CASCADE',
      /public\.invoices: it has no primary key/,
    ],
    [
      'ALTER TABLE customers DROP CONSTRAINT customers_pkey CASCADE, ADD PRIMARY KEY (id)',
      /public\.customers: its primary key does not begin with tenant_id/,
    ],
    [
      'CREATE UNIQUE INDEX again ON customers (email)',
      /its unique index again does not begin with tenant_id/,
    ],
    [
      'ALTER TABLE customers ADD CONSTRAINT c UNIQUE (id); ALTER TABLE invoices ADD FOREIGN KEY (customer_id) REFERENCES customers (id)',
      /its foreign key invoices_customer_id_fkey1 is without tenant_id/,
    ],
    ['ALTER TABLE invoices NO FORCE ROW LEVEL SECURITY', /its row-level security is not forced/],
    ['ALTER TABLE invoices DISABLE ROW LEVEL SECURITY', /its row-level security is not enabled/],
    ['DROP POLICY tenant_delete ON invoices', /it has no policy for DELETE/],
    [
      'CREATE POLICY more ON invoices FOR SELECT TO PUBLIC USING (true)',
      /its policy more lets SELECT past the tenant/,
    ],
    [
      'ALTER POLICY tenant_update ON invoices WITH CHECK (true)',
      /its policy tenant_update lets UPDATE past the tenant/,
    ],
    [
      'ALTER POLICY tenant_select ON invoices USING (tenant_id = (SELECT sallyport.current_tenant()) OR paid)',
      /its policy tenant_select lets SELECT past the tenant/,
    ],
    [
      `ALTER POLICY tenant_select ON invoices USING (tenant_id = NULLIF(current_setting('sallyport.tenant', true), '')::UUID)`,
      /its policy tenant_select lets SELECT past the tenant/,
    ],
    ['GRANT UPDATE (tenant_id) ON invoices TO sallyport_app', /sallyport_app may UPDATE tenant_id/],
    ['ALTER TABLE invoices ADD COLUMN note TEXT', /sallyport_app lacks UPDATE \(note\)/],
    ['REVOKE DELETE ON invoices FROM sallyport_app', /sallyport_app lacks DELETE/],
    [
      'GRANT TRUNCATE ON invoices TO sallyport_app',
      /must not have TRUNCATE on public\.invoices: run REVOKE TRUNCATE/,
    ],
    [
      'GRANT SELECT ON invoices TO PUBLIC',
      /PUBLIC must not have SELECT on public\.invoices: run REVOKE SELECT/,
    ],
  ];
  test.each(spoils)('%s', async (sql, line) => {
    const { url, admin } = await openApplication();
    await protect({ url, admin });
    await admin.query(sql);
    const { ok, lines } = await missing(url);
    expect(ok).toBe(false);
    expect(lines.join('\n')).toMatch(line);
  });

  test('nothing where a restrictive policy asks for the tenant, whatever else is permitted', async () => {
    const { url, admin, ours } = await openApplication();
    await protect({ url, admin });
    await admin.query(`CREATE POLICY more ON invoices TO sallyport_app USING (paid OR true);
      CREATE POLICY tenants ON invoices AS RESTRICTIVE TO sallyport_app
        USING (sallyport.current_tenant() = tenant_id)`);
    expect(await missing(url)).toMatchObject({ ok: true });
    expect(await asMember(url, ours, 'SELECT 1 FROM invoices')).toMatchObject({ count: 1 });
  });

  test('the permission that the options ask for, with the command that adds it', async () => {
    const { url, admin } = await openApplication();
    await protect({ url, admin });
    const { lines } = await missing(url, { write: 'invoices:write' });
    expect(lines).toContain(
      `public.invoices: its policy tenant_delete does not ask sallyport.has_permission('invoices:write') for DELETE. Run what \`sallyport protect invoices --write invoices:write\` writes.`,
    );
    await protect({ url, admin }, TABLES, { write: 'invoices:write' });
    expect(await missing(url, { write: 'invoices:write' })).toMatchObject({ ok: true });
  });
});

// The form for a CockroachDB that should not let a policy's functions read tables.
describe('policies that compare with settings', () => {
  const settings = { form: 'settings' } as const;

  test('are written, checked and refused as their own form', async () => {
    const { url, admin, database, ours } = await openApplication();
    await protect({ url, admin });
    await protect({ url, admin }, ['invoices'], settings);
    await admin.query('GRANT SELECT ON currencies TO sallyport_app');
    expect(await missing(url, settings)).toMatchObject({ ok: true });
    expect((await missing(url)).lines.join('\n')).toContain(
      'public.invoices: its policy tenant_select lets SELECT past the tenant',
    );
    const found = await checkDatabase(database, shared);
    expect(found.filter(({ id, ok }) => id === 'tenant-tables' && !ok)).toHaveLength(4);
    const set = `WITH decided AS MATERIALIZED
      (SELECT set_config('sallyport.tenant', '${ours.tenantId}', true) AS tenant)
      SELECT number FROM decided, invoices WHERE tenant <> ''`;
    expect(await asMember(url, { proof: '' }, set)).toMatchObject({ rows: [{ number: 1 }] });
    expect(await asMember(url, ours, 'SELECT number FROM invoices')).toMatchObject({ count: 0 });
  });

  test('cannot ask for a permission', async () => {
    const { url } = await openApplication();
    expect(await problemsOf(url, TABLES, { ...settings, read: 'invoices:read' })).toEqual([
      expect.stringMatching(/^Policies that compare with settings cannot ask for a permission: /),
    ]);
  });
});
