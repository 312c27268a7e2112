import { DummyDriver, type Generated, Kysely, PostgresAdapter, PostgresIntrospector } from 'kysely';
import { type ApplicationTables, scopeTo } from '../../src/db/scoping.ts';

/** The tables of a small application, of which `countries` belongs to all tenants. */
export interface Tables {
  notes: {
    tenant_id: Generated<string>;
    id: Generated<number>;
    title: string;
    owner_id: number | null;
  };
  people: { tenant_id: Generated<string>; id: Generated<number>; name: string; country: string };
  'billing.invoices': { tenant_id: Generated<string>; id: number; total: number };
  countries: { code: string; name: string };
}

export const TABLES: ApplicationTables = {
  tenant: new Set(['notes', 'people', 'billing.invoices']),
  shared: new Set(['countries']),
};

/** Kysely as an application has it; it is connected to nothing. */
export const db = new Kysely<Tables>({
  dialect: {
    createDriver: () => new DummyDriver(),
    createAdapter: () => new PostgresAdapter(),
    createQueryCompiler: () => scopeTo(TABLES),
    createIntrospector: (of) => new PostgresIntrospector(of),
  },
});

export const TENANT = `NULLIF(current_setting('sallyport.tenant', true), '')::UUID`;

/** The predicate on a table that the statement calls by this name. */
export function own(name: string): string {
  return `"${name}"."tenant_id" = ${TENANT}`;
}
