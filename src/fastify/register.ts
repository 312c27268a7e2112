import type { OwnPermission, PermissionDeclaration } from '../core/permissions.ts';

/**
 * What an application says about itself, once, for the types of every route:
 *
 *     declare module 'sallyport/fastify' {
 *       interface Register { database: MyTables; permissions: keyof typeof permissions }
 *     }
 *
 * with the very object that it registers the plugin with: `{ 'invoices:read': { text: '...' } }`.
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- applications add to it
export interface Register {}

/** The application's tables, as Kysely sees them; loosely typed until Register says more. */
export type ApplicationTables = Register extends { database: infer Tables }
  ? Tables
  : Record<string, Record<string, unknown>>;

/** The application's own permissions; any text until Register says more. */
export type ApplicationPermission = Register extends { permissions: infer Names extends string }
  ? Names
  : string;

/** The permissions that a route may ask for: the application's, and the product's own. */
export type Permission = Register extends { permissions: infer Names extends string }
  ? Names | OwnPermission
  : string;

/** What an application says of each of its permissions: the option `permissions`. */
export type DeclaredPermissions = Readonly<Record<ApplicationPermission, PermissionDeclaration>>;
