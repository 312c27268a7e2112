// A small application before it knew of tenants, the way people write them: global keys, global
// uniqueness, foreign keys by id alone, and rows.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { ProtectOptions } from '../../src/db/protect.ts';
import { planProtection } from '../../src/db/protect-server.ts';
import { insertPrincipal, type TestPrincipal } from './principals.ts';

export const APPLICATION = `
  CREATE TABLE currencies (code TEXT PRIMARY KEY);
  INSERT INTO currencies VALUES ('EUR'), ('USD');
  CREATE TABLE customers (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    email TEXT NOT NULL UNIQUE,
    owner_id UUID,
    organisation TEXT NOT NULL
  );
  CREATE TABLE invoices (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    number INT4 NOT NULL CONSTRAINT invoices_number UNIQUE,
    customer_id UUID NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    replaces UUID REFERENCES invoices (id) ON DELETE SET NULL,
    currency TEXT NOT NULL REFERENCES currencies (code),
    title TEXT NOT NULL DEFAULT '',
    paid BOOL NOT NULL DEFAULT false
  );
  CREATE INDEX invoices_by_customer ON invoices (customer_id);
  CREATE UNIQUE INDEX invoices_open_title ON invoices (lower(title), number DESC) WHERE NOT paid;
  CREATE INDEX invoices_words ON invoices USING gin (to_tsvector('simple', title));
  CREATE SCHEMA billing;
  CREATE TABLE billing."Order" (
    invoice_number INT4 NOT NULL REFERENCES invoices (number) ON UPDATE CASCADE,
    "select" INT4 NOT NULL,
    amount INT8 NOT NULL,
    PRIMARY KEY (invoice_number, "select")
  );`;

export const TABLES = ['customers', 'invoices', 'billing.Order'];

export const NO_OPTIONS: ProtectOptions = {
  owner: null,
  read: null,
  write: null,
  form: 'functions',
};

export interface TwoTenants {
  readonly ours: Member;
  readonly theirs: Member;
}

export interface Member extends TestPrincipal {
  readonly tenantId: string;
  readonly customerId: string;
  readonly invoiceId: string;
}

/** The statements that protect these tables; the test fails where there are none. */
export async function planned(
  url: string,
  tables: readonly string[] = TABLES,
  options: Partial<ProtectOptions> = {},
): Promise<readonly string[]> {
  const protection = await planProtection(url, tables, { ...NO_OPTIONS, ...options });
  if ('problems' in protection) throw new Error(protection.problems.join('\n'));
  return protection.steps.map(({ sql }) => sql);
}

/** What a person puts in the place of the text that the migration leaves for them. */
export function withTenantsNamed(statements: readonly string[]): readonly string[] {
  const lookup = `(SELECT t.id FROM sallyport.tenants AS t WHERE t.name = organisation)`;
  return statements.map((sql) => sql.replace(`'the tenant of each row'`, lookup));
}

export async function protect(
  { url, admin }: { readonly url: string; readonly admin: pg.Client },
  tables: readonly string[] = TABLES,
  options: Partial<ProtectOptions> = {},
): Promise<void> {
  for (const sql of withTenantsNamed(await planned(url, tables, options))) await admin.query(sql);
}

/** Two tenants, each with a member who may do everything, a customer and an invoice. */
export async function insertTenants(admin: pg.Client): Promise<TwoTenants> {
  const ours = await insertMember(admin, 'Ours', 1);
  const theirs = await insertMember(admin, 'Theirs', 2);
  return { ours, theirs };
}

async function insertMember(admin: pg.Client, name: string, number: number): Promise<Member> {
  const tenantId = randomUUID();
  const customerId = randomUUID();
  const invoiceId = randomUUID();
  await admin.query('INSERT INTO sallyport.tenants (id, name) VALUES ($1, $2)', [tenantId, name]);
  await admin.query(
    `INSERT INTO sallyport.roles (tenant_id, name, permissions) VALUES
      ($1, 'editor', '{invoices:read,invoices:write}'), ($1, 'viewer', '{invoices:read}')`,
    [tenantId],
  );
  const principal = await insertPrincipal(admin, name.toLowerCase(), tenantId);
  await admin.query(
    `INSERT INTO sallyport.memberships (tenant_id, identity_id, role) VALUES ($1, $2, 'editor')`,
    [tenantId, principal.identityId],
  );
  await admin.query(
    `INSERT INTO customers (id, email, owner_id, organisation) VALUES ($1, $2, $3, $4)`,
    [customerId, `${name}@example.com`, principal.identityId, name],
  );
  await admin.query(
    `INSERT INTO invoices (id, number, customer_id, currency, title) VALUES ($1, $2, $3, 'EUR', $4)`,
    [invoiceId, number, customerId, `Invoice of ${name}`],
  );
  await admin.query(`INSERT INTO billing."Order" VALUES ($1, 1, 100), ($1, 2, 200)`, [number]);
  return { ...principal, tenantId, customerId, invoiceId };
}
