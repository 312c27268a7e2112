import type { Generated } from 'kysely';

type Id = Generated<string>;

/** As 0001-tables.sql makes them, without tenant_id: that is Sallyport's to put in. */
export interface Tables {
  customers: { id: Id; name: string; email: string };
  invoices: { id: Id; number: string; customer_id: string; issued_on: Generated<Date> };
  invoice_lines: {
    invoice_id: string;
    position: number;
    description: string;
    quantity: number;
    unit_cents: number;
  };
  payments: { id: Id; invoice_id: string; paid_on: Generated<Date>; amount_cents: number };
}

export const permissions = {
  'invoices:read': { text: 'See invoices', roles: ['admin', 'member', 'viewer'] },
  'invoices:write': { text: 'Write invoices and payments', roles: ['admin', 'member'] },
} as const;

declare module 'sallyport/fastify' {
  interface Register {
    database: Tables;
    permissions: keyof typeof permissions;
  }
}
