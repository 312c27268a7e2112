import type { Engine } from '../engine.ts';
import { grantTables, type TableGrant } from '../grants.ts';
import type { MigrationStatement } from '../migration-statements.ts';

/**
 * What tenants, roles and members need to be managed: a slug and a grace period before deletion,
 * roles in an order, the permissions that are known, and indexes in which a tenant comes first.
 */
export function tenants(_engine: Engine): readonly MigrationStatement[] {
  return [...columns(), ...tables(), ...indexes(), ...grantTables(TENANT_GRANTS)];
}

export const TENANT_GRANTS: readonly TableGrant[] = [
  {
    id: 'tenants',
    on: ['tenants', 'roles', 'memberships'],
    privileges: ['INSERT', 'UPDATE', 'DELETE'],
    to: ['sallyport_identity'],
  },
  {
    id: 'permissions',
    on: ['permissions'],
    privileges: ['SELECT', 'INSERT', 'UPDATE'],
    to: ['sallyport_identity'],
  },
];

function columns(): readonly MigrationStatement[] {
  return [
    {
      id: 'tenants-slug',
      sql: `ALTER TABLE sallyport.tenants ADD COLUMN IF NOT EXISTS slug TEXT NOT NULL DEFAULT CAST(gen_random_uuid() AS TEXT)`,
    },
    {
      // Set while the tenant waits for its deletion: it has no members until it is restored.
      id: 'tenants-delete-after',
      sql: `ALTER TABLE sallyport.tenants ADD COLUMN IF NOT EXISTS delete_after TIMESTAMPTZ`,
    },
    {
      id: 'roles-title',
      sql: `ALTER TABLE sallyport.roles ADD COLUMN IF NOT EXISTS title TEXT NOT NULL DEFAULT ''`,
    },
    {
      // Nobody gives, takes or changes what stands above their own level. 10 is a viewer's.
      id: 'roles-level',
      sql: `ALTER TABLE sallyport.roles ADD COLUMN IF NOT EXISTS level INT4 NOT NULL DEFAULT 10`,
    },
    {
      // Owner, admin, member and viewer: the declarations say what these permit, and no tenant.
      id: 'roles-built-in',
      sql: `ALTER TABLE sallyport.roles ADD COLUMN IF NOT EXISTS built_in BOOL NOT NULL DEFAULT FALSE`,
    },
    {
      // The member's name as the list is sorted: folded, and the same wherever the identity is.
      id: 'memberships-sort-name',
      sql: `ALTER TABLE sallyport.memberships ADD COLUMN IF NOT EXISTS sort_name TEXT NOT NULL DEFAULT ''`,
    },
  ];
}

function tables(): readonly MigrationStatement[] {
  return [
    {
      // The permissions that the product and its applications declare, with the built-in roles
      // that have each. The same for all tenants; a role row has the names that it permits.
      id: 'permissions',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.permissions (
        name TEXT NOT NULL PRIMARY KEY,
        roles TEXT[] NOT NULL
      )`,
    },
  ];
}

function indexes(): readonly MigrationStatement[] {
  return [
    {
      id: 'tenants-by-slug',
      sql: `CREATE UNIQUE INDEX IF NOT EXISTS tenants_slug ON sallyport.tenants (slug)`,
    },
    {
      id: 'tenants-by-deletion',
      sql: `CREATE INDEX IF NOT EXISTS tenants_by_deletion ON sallyport.tenants (delete_after) WHERE delete_after IS NOT NULL`,
    },
    {
      id: 'memberships-by-name',
      sql: `CREATE INDEX IF NOT EXISTS memberships_by_name ON sallyport.memberships (tenant_id, sort_name, identity_id)`,
    },
    {
      id: 'memberships-by-role',
      sql: `CREATE INDEX IF NOT EXISTS memberships_by_role ON sallyport.memberships (tenant_id, role, sort_name, identity_id)`,
    },
  ];
}
