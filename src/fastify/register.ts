/**
 * What an application says about itself, once, for the types of every route:
 *
 *     declare module 'sallyport/fastify' {
 *       interface Register { database: MyTables; permissions: 'invoices:read' | 'invoices:write' }
 *     }
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- applications add to it
export interface Register {}

/** The application's tables, as Kysely sees them; loosely typed until Register says more. */
export type ApplicationTables = Register extends { database: infer Tables }
  ? Tables
  : Record<string, Record<string, unknown>>;

/** The permissions that a route may ask for; any text until Register says more. */
export type Permission = Register extends { permissions: infer Names extends string }
  ? Names
  : string;
