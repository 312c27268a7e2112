import { type Engine, pinnedSearchPath } from '../engine.ts';
import { type DefinerFunction, grantFunctions, grantTables, type TableGrant } from '../grants.ts';
import type { MigrationStatement } from '../migration-statements.ts';

/**
 * What tenants, roles and members need to be managed: a slug and a grace period before deletion,
 * roles in an order, the permissions that are known, and indexes in which a tenant comes first.
 */
export function tenants(engine: Engine): readonly MigrationStatement[] {
  return [
    ...columns(),
    ...tables(),
    ...indexes(),
    renaming(engine),
    ...grantFunctions(TENANT_FUNCTIONS),
    ...grantTables(TENANT_GRANTS),
  ];
}

export const TENANT_FUNCTIONS: readonly DefinerFunction[] = [
  { signature: 'rename_memberships(TEXT, BYTEA[])', volatility: 'VOLATILE' },
];

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
  {
    id: 'member-words',
    on: ['member_words'],
    privileges: ['SELECT', 'INSERT', 'DELETE'],
    to: ['sallyport_identity'],
  },
];

function columns(): readonly MigrationStatement[] {
  return [
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
    {
      // The words by which members are found: their beginnings are ranges of the primary key, in
      // bytes, so that no collation matters and no other tenant's rows are read.
      id: 'member-words',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.member_words (
        tenant_id UUID NOT NULL,
        word BYTEA NOT NULL,
        identity_id UUID NOT NULL,
        source TEXT NOT NULL,
        PRIMARY KEY (tenant_id, word, identity_id, source),
        CONSTRAINT member_words_source CHECK (source IN ('name', 'address')),
        CONSTRAINT member_words_member FOREIGN KEY (tenant_id, identity_id)
          REFERENCES sallyport.memberships (tenant_id, identity_id) ON DELETE CASCADE
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
      id: 'member-words-by-member',
      sql: `CREATE INDEX IF NOT EXISTS member_words_by_member ON sallyport.member_words (identity_id, tenant_id, word)`,
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

/** Of the request's own identity alone, whoever calls it. */
function renaming(engine: Engine): MigrationStatement {
  return {
    id: 'function-rename_memberships',
    sql: `CREATE OR REPLACE FUNCTION sallyport.rename_memberships(p_sort_name TEXT, p_words BYTEA[]) RETURNS BOOL LANGUAGE plpgsql VOLATILE SECURITY DEFINER ${pinnedSearchPath(engine)} AS $$
      DECLARE v_identity UUID;
      BEGIN
        v_identity := sallyport.current_identity();
        UPDATE sallyport.memberships SET sort_name = p_sort_name WHERE identity_id = v_identity;
        DELETE FROM sallyport.member_words WHERE identity_id = v_identity AND source = 'name';
        INSERT INTO sallyport.member_words (tenant_id, word, identity_id, source)
          SELECT m.tenant_id, w.word, m.identity_id, 'name'
            FROM sallyport.memberships AS m CROSS JOIN unnest(p_words) AS w (word)
            WHERE m.identity_id = v_identity;
        RETURN TRUE;
      END $$`,
  };
}
