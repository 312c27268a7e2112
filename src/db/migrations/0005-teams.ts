import { type Engine, expiringRows, pinnedSearchPath } from '../engine.ts';
import { type DefinerFunction, grantFunctions, grantTables, type TableGrant } from '../grants.ts';
import type { MigrationStatement } from '../migration-statements.ts';

/**
 * Teams inside of a tenant and their members, what a role in a team permits there, and invitations.
 */
export function teams(engine: Engine): readonly MigrationStatement[] {
  return [
    ...tables(),
    invitations(engine),
    ...indexes(),
    ...requireTeam(engine),
    ...grantFunctions(TEAM_FUNCTIONS),
    ...grantTables(TEAM_GRANTS),
  ];
}

export const TEAM_FUNCTIONS: readonly DefinerFunction[] = [
  { signature: 'require_team(TEXT, TEXT)', volatility: 'STABLE' },
  { signature: 'require_team_for_write(TEXT, TEXT)', volatility: 'VOLATILE' },
];

export const TEAM_GRANTS: readonly TableGrant[] = ['teams', 'team_members', 'invitations'].map(
  (table) => ({
    id: table,
    on: [table],
    privileges: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
    to: ['sallyport_identity'],
  }),
);

function tables(): readonly MigrationStatement[] {
  return [
    {
      // Which roles in a team have the permission there; the same for all tenants.
      id: 'permissions-team-roles',
      sql: `ALTER TABLE sallyport.permissions ADD COLUMN IF NOT EXISTS team_roles TEXT[] NOT NULL DEFAULT '{}'`,
    },
    {
      // The slug is unique in its tenant: two tenants may each have a team called support.
      id: 'teams',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.teams (
        tenant_id UUID NOT NULL REFERENCES sallyport.tenants (id) ON DELETE CASCADE,
        id UUID NOT NULL DEFAULT gen_random_uuid(),
        slug TEXT NOT NULL,
        name TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, id),
        CONSTRAINT teams_slug UNIQUE (tenant_id, slug),
        CONSTRAINT teams_slug_length CHECK (length(slug) BETWEEN 3 AND 40),
        CONSTRAINT teams_name_length CHECK (length(name) BETWEEN 1 AND 100)
      )`,
    },
    {
      // A member of a team is a member of its tenant: the key makes it so, and whoever leaves the
      // tenant has left its teams.
      id: 'team-members',
      sql: `CREATE TABLE IF NOT EXISTS sallyport.team_members (
        tenant_id UUID NOT NULL,
        team_id UUID NOT NULL,
        identity_id UUID NOT NULL,
        role TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, team_id, identity_id),
        CONSTRAINT team_members_team FOREIGN KEY (tenant_id, team_id) REFERENCES sallyport.teams (tenant_id, id) ON DELETE CASCADE,
        CONSTRAINT team_members_membership FOREIGN KEY (tenant_id, identity_id) REFERENCES sallyport.memberships (tenant_id, identity_id) ON DELETE CASCADE,
        CONSTRAINT team_members_role CHECK (role IN ('lead', 'member'))
      )`,
    },
  ];
}

/**
 * One invitation an address in a tenant: the newest replaces the older one, whose link is dead. The
 * row names all that is granted; the link is a random token and nothing else.
 */
function invitations(engine: Engine): MigrationStatement {
  return {
    id: 'invitations',
    sql: `CREATE TABLE IF NOT EXISTS sallyport.invitations (
        tenant_id UUID NOT NULL REFERENCES sallyport.tenants (id) ON DELETE CASCADE,
        id UUID NOT NULL DEFAULT gen_random_uuid(),
        folded TEXT NOT NULL,
        address TEXT NOT NULL,
        role TEXT NOT NULL,
        token_digest TEXT NOT NULL UNIQUE,
        invited_by UUID NOT NULL,
        created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
        expires_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (tenant_id, id),
        CONSTRAINT invitations_once UNIQUE (tenant_id, folded),
        CONSTRAINT invitations_role FOREIGN KEY (tenant_id, role) REFERENCES sallyport.roles (tenant_id, name) ON DELETE CASCADE,
        CONSTRAINT invitations_inviter FOREIGN KEY (tenant_id, invited_by) REFERENCES sallyport.memberships (tenant_id, identity_id) ON DELETE CASCADE,
        CONSTRAINT invitations_digest_is_sha256 CHECK (length(token_digest) = 64)
      )${expiringRows(engine)}`,
  };
}

function indexes(): readonly MigrationStatement[] {
  return [
    {
      id: 'team-members-by-member',
      sql: `CREATE INDEX IF NOT EXISTS team_members_by_member ON sallyport.team_members (tenant_id, identity_id)`,
    },
    {
      id: 'invitations-by-role',
      sql: `CREATE INDEX IF NOT EXISTS invitations_by_role ON sallyport.invitations (tenant_id, role)`,
    },
    {
      id: 'invitations-by-inviter',
      sql: `CREATE INDEX IF NOT EXISTS invitations_by_inviter ON sallyport.invitations (tenant_id, invited_by)`,
    },
  ];
}

/**
 * Answers the id of a team of the request's own tenant, where the principal has the permission
 * there: by their role in the tenant, or by their role in the team. Else it raises SP404, whether
 * there is no such team, it is another tenant's or it is forbidden. Runs behind the decision
 * that carries the proof; without one there is no tenant, and so no team. A bearer credential has
 * what its permissions say and nothing by the role in a team, which it was not given. For a write
 * the member's place in the team is locked first, as in require_for_write.
 */
export function requireTeam(engine: Engine, refusal = ''): readonly MigrationStatement[] {
  const found = `SELECT t.id INTO v_team
          FROM sallyport.teams AS t
          LEFT JOIN sallyport.team_members AS m
            ON m.tenant_id = t.tenant_id AND m.team_id = t.id AND m.identity_id = v_identity
          LEFT JOIN sallyport.permissions AS p ON p.name = p_permission
          WHERE t.tenant_id = v_tenant AND t.slug = p_team
            AND (v_permitted OR v_person AND COALESCE(m.role = ANY (p.team_roles), FALSE));
        IF v_team IS NULL THEN
          RAISE EXCEPTION 'not found' USING ERRCODE = 'SP404';
        END IF;
        RETURN v_team;`;
  const who = `v_tenant := sallyport.current_tenant();
        v_identity := sallyport.current_identity();
        v_permitted := sallyport.has_permission(p_permission);
        v_person := current_setting('sallyport.proof', true) NOT LIKE 'bearer %';${refusal}`;
  const declared = `DECLARE v_tenant UUID; v_identity UUID; v_permitted BOOL; v_person BOOL; v_team UUID;`;
  return [
    {
      id: 'function-require_team',
      sql: `CREATE OR REPLACE FUNCTION sallyport.require_team(p_team TEXT, p_permission TEXT) RETURNS UUID LANGUAGE plpgsql STABLE SECURITY DEFINER ${pinnedSearchPath(engine)} AS $$
      ${declared}
      BEGIN
        ${who}
        ${found}
      END $$`,
    },
    {
      id: 'function-require_team_for_write',
      sql: `CREATE OR REPLACE FUNCTION sallyport.require_team_for_write(p_team TEXT, p_permission TEXT) RETURNS UUID LANGUAGE plpgsql VOLATILE SECURITY DEFINER ${pinnedSearchPath(engine)} AS $$
      ${declared}
      BEGIN
        ${who}
        SELECT m.team_id INTO v_team
          FROM sallyport.teams AS t
          JOIN sallyport.team_members AS m ON m.tenant_id = t.tenant_id AND m.team_id = t.id
          WHERE t.tenant_id = v_tenant AND t.slug = p_team AND m.identity_id = v_identity
          FOR SHARE;
        ${found}
      END $$`,
    },
  ];
}
