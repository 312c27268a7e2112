import type { FastifyInstance } from 'fastify';
import type { PermissionRegistry } from '../core/permissions.ts';

const PERMISSIONS = Symbol('sallyport.permissions');

/** Notes which permissions there are, before the first route that asks for one. */
export function keepPermissions(app: FastifyInstance, registry: PermissionRegistry): void {
  app.decorate(PERMISSIONS, { registry });
}

/** The permissions that routes of this app may ask for. */
export function permissionsOf(app: FastifyInstance): PermissionRegistry {
  return (Reflect.get(app, PERMISSIONS) as { readonly registry: PermissionRegistry }).registry;
}
