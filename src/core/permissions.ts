import type { Database } from '../db/database.ts';
import { defaultPermissions, refreshBuiltInRoles, upsertPermissions } from '../db/permissions.ts';
import { TEAM_ROLES, type TeamRole } from '../db/team-members.ts';

/** The roles that every tenant has, from the highest: what they permit is declared, not edited. */
export const BUILT_IN_ROLES = ['owner', 'admin', 'member', 'viewer'] as const;

export type BuiltInRole = (typeof BUILT_IN_ROLES)[number];

/** Nobody gives, takes or changes what stands above their own role's level. */
export const LEVELS: Readonly<Record<BuiltInRole, number>> = {
  owner: 40,
  admin: 30,
  member: 20,
  viewer: 10,
};

/** What the product's own routes ask for, and the built-in roles that have it beside the owner. */
export const OWN_PERMISSIONS = {
  'tenant:read': ['admin', 'member', 'viewer'],
  'tenant:write': ['admin'],
  'tenant:delete': [],
  'tenant:policy': [],
  'members:read': ['admin', 'member', 'viewer'],
  'members:write': ['admin'],
  'members:recover': [],
  'roles:read': ['admin', 'member', 'viewer'],
  'roles:write': ['admin'],
  'teams:read': ['admin', 'member', 'viewer'],
  'teams:write': ['admin'],
  'invitations:read': ['admin'],
  'invitations:write': ['admin'],
  'events:read': ['admin'],
  'keys:read': ['admin'],
  'keys:write': ['admin'],
} as const satisfies Readonly<Record<string, readonly Exclude<BuiltInRole, 'owner'>[]>>;

/** Those that a role in a team gives there, whatever the role in the tenant is. */
const OWN_TEAM_PERMISSIONS: Readonly<Partial<Record<OwnPermission, readonly TeamRole[]>>> = {
  'teams:read': ['lead', 'member'],
  'teams:write': ['lead'],
};

export type OwnPermission = keyof typeof OWN_PERMISSIONS;

/** What an application says of a permission of its own. */
export interface PermissionDeclaration {
  /** What it lets somebody do, for the people who make roles; in both languages, or in any one. */
  readonly text: string | { readonly en: string; readonly de: string };
  /** The built-in roles that have it; the owner has every one, and nobody else unless said. */
  readonly roles?: readonly BuiltInRole[];
  /** The roles in a team that have it there, for `access: { team }`; none unless said. */
  readonly teamRoles?: readonly TeamRole[];
}

export interface RegisteredPermission {
  /** Null for the product's own, whose texts are those of its pages. */
  readonly text: PermissionDeclaration['text'] | null;
  readonly roles: readonly BuiltInRole[];
  readonly teamRoles: readonly TeamRole[];
}

/** Every permission that a route may ask for and a role may have, by name. */
export type PermissionRegistry = ReadonlyMap<string, RegisteredPermission>;

/** The product's own, in the order in which people are shown them. */
export const OWN_REGISTRY: PermissionRegistry = new Map(
  Object.entries(OWN_PERMISSIONS).map(([name, roles]) => {
    const teamRoles = OWN_TEAM_PERMISSIONS[name as OwnPermission] ?? [];
    return [name, { text: null, roles: inOrder(roles), teamRoles }];
  }),
);

/** One kind of resource and one action on it. */
const NAME = /^[a-z][a-z0-9-]{0,39}:[a-z][a-z0-9-]{0,39}$/;
const TEXT_CHARACTERS_MAX = 200;

/**
 * The product's permissions and those that an application declares, or what is wrong with these, a
 * sentence each: a name that nobody can ask for would silently protect nothing.
 */
export function registerPermissions(
  declared: Readonly<Record<string, PermissionDeclaration>> = {},
): { readonly registry: PermissionRegistry } | { readonly problems: readonly string[] } {
  const problems = Object.entries(declared).flatMap(([name, declaration]) =>
    declarationProblems(name, declaration).map(
      (problem) => `The permission ${JSON.stringify(name)} ${problem}.`,
    ),
  );
  if (problems.length > 0) return { problems };
  const others = Object.entries(declared).map(
    ([name, { text, roles = [], teamRoles = [] }]) =>
      [name, { text, roles: inOrder(roles), teamRoles }] as const,
  );
  return { registry: new Map([...OWN_REGISTRY, ...others]) };
}

function inOrder(roles: readonly BuiltInRole[]): readonly BuiltInRole[] {
  return BUILT_IN_ROLES.filter((role) => role === 'owner' || roles.includes(role));
}

function declarationProblems(name: string, declaration: PermissionDeclaration): readonly string[] {
  const { text, roles = [], teamRoles = [], ...rest } = declaration;
  const texts = typeof text === 'string' ? [text] : [text?.en, text?.de];
  const strangers = roles.filter((role) => !BUILT_IN_ROLES.includes(role));
  const strangersInTeams = teamRoles.filter((role) => !TEAM_ROLES.includes(role));
  return [
    ...(NAME.test(name) ? [] : ['must be written like invoices:read']),
    ...(Object.hasOwn(OWN_PERMISSIONS, name) ? ["is the product's own: take another name"] : []),
    ...(texts.every((each) => each && each.length <= TEXT_CHARACTERS_MAX)
      ? []
      : [`needs a text of at most ${TEXT_CHARACTERS_MAX} characters, or one as en and one as de`]),
    ...(strangers.length === 0 ? [] : [`may be given to ${BUILT_IN_ROLES.join(', ')} only`]),
    ...(strangersInTeams.length === 0
      ? []
      : [`may be given in a team to ${TEAM_ROLES.join(', ')} only`]),
    ...(Object.keys(rest).length === 0 ? [] : ['has only text, roles and teamRoles']),
  ];
}

/** Tenants whose built-in roles are brought up to date in one transaction. */
const TENANTS_AT_ONCE = 500;

/**
 * Notes the permissions and gives them to the built-in roles of every tenant, before anything is
 * answered. What another application on the same database has declared stays.
 */
export async function recordPermissions(
  database: Database,
  registry: PermissionRegistry,
): Promise<void> {
  const declared = [...registry].map(([name, { roles, teamRoles }]) => ({
    name,
    roles,
    teamRoles,
  }));
  await database.transaction((tx) => upsertPermissions(tx, declared));
  for (const role of BUILT_IN_ROLES) {
    for (;;) {
      const refreshed = await database.transaction(async (tx) => {
        const permissions = await defaultPermissions(tx, role);
        return await refreshBuiltInRoles(tx, role, permissions, TENANTS_AT_ONCE);
      });
      if (refreshed < TENANTS_AT_ONCE) break;
    }
  }
}
