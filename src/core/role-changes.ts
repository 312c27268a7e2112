import { insertSecurityEvent } from '../db/security-events.ts';
import {
  countRoles,
  deleteUnusedRole,
  findRoles,
  insertRole,
  type Role,
  updateRole,
} from '../db/tenant-roles.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { type DisplayNameProblem, parseDisplayName } from './display-name.ts';
import { type Actor, mayGive, runInTenant, type TenantRefusal } from './membership.ts';
import { BUILT_IN_ROLES, LEVELS, type PermissionRegistry } from './permissions.ts';

export interface RoleInput {
  readonly name: string;
  readonly title: string;
  readonly level: number;
  readonly permissions: readonly string[];
}

/** What is left out stays as it is. */
export interface RoleChange extends Partial<RoleInput> {
  readonly name: string;
}

/** What is wrong with a field of the form. */
export interface RoleProblem {
  readonly field: 'name' | 'title' | 'level' | 'permissions';
  readonly reason:
    | Exclude<DisplayNameProblem, 'required'>
    | 'required'
    | 'malformed-role-name'
    | 'role-name-taken'
    | 'unknown-level'
    | 'unknown-permission'
    | 'too-many-roles';
}

type Answer<T> =
  | T
  | { readonly problem: TenantRefusal }
  | { readonly problems: readonly RoleProblem[] }
  | Refused;

/** A name stands in addresses and in the log of events; what people read is the title. */
const NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const NAME_CHARACTERS_MAX = 40;
/** All of them stand in one table on one page. */
const ROLES_MAX = 50;

/** Makes a role of the tenant's own, no higher than whoever makes it. */
export async function createRole(
  core: Core,
  authority: Authority,
  registry: PermissionRegistry,
  input: RoleInput,
): Promise<Answer<{ readonly role: Role }>> {
  const problems = [...nameProblems(input.name), ...roleProblems(input, registry, [])];
  if (problems.length > 0) return { problems };
  const outcome = await runInTenant(core, authority, async (tx, actor) => {
    const role = { ...stored(input), builtIn: false };
    if (!mayGive(actor, role)) return { problem: 'above-own-level' } as const;
    if ((await countRoles(tx, actor.tenantId)) >= ROLES_MAX) return one('name', 'too-many-roles');
    if (!(await insertRole(tx, actor.tenantId, role))) return one('name', 'role-name-taken');
    await note(authority, actor, 'role-created', role.name)(tx);
    return { role };
  });
  return 'refusal' in outcome ? outcome : outcome.result;
}

/**
 * Changes roles of the tenant's own, all of them or none. Nobody changes a role that stands above
 * them, raises one above themselves, or puts a permission into it that they do not have: not even
 * into the one that they have themselves (CWE-269).
 */
export async function changeRoles(
  core: Core,
  authority: Authority,
  registry: PermissionRegistry,
  changes: readonly RoleChange[],
): Promise<Answer<{ readonly roles: readonly Role[] }>> {
  const outcome = await runInTenant(core, authority, async (tx, actor) => {
    const names = changes.map(({ name }) => name);
    const found = await findRoles(tx, actor.tenantId, names);
    if (found.length !== changes.length) return { problem: 'not-found' } as const;
    if (found.some(({ builtIn }) => builtIn)) return { problem: 'built-in-role' } as const;
    const planned: Role[] = [];
    for (const change of changes) {
      const old = found.find(({ name }) => name === change.name);
      if (!old) return { problem: 'not-found' } as const;
      const next = { ...old, ...stored({ ...old, ...defined(change) }) };
      const problems = roleProblems(next, registry, old.permissions);
      if (problems.length > 0) return { problems };
      const added = next.permissions.filter((each) => !old.permissions.includes(each));
      const raised = { level: Math.max(old.level, next.level), permissions: added };
      if (!mayGive(actor, raised)) return { problem: 'above-own-level' } as const;
      planned.push(next);
    }
    for (const role of planned) {
      await updateRole(tx, actor.tenantId, role);
      await note(authority, actor, 'role-changed', role.name)(tx);
    }
    return { roles: planned };
  });
  return 'refusal' in outcome ? outcome : outcome.result;
}

/** Deletes a role of the tenant's own that nobody has. */
export async function deleteRole(
  core: Core,
  authority: Authority,
  name: string,
): Promise<Answer<{ readonly deleted: true }>> {
  const outcome = await runInTenant(core, authority, async (tx, actor) => {
    const [role] = await findRoles(tx, actor.tenantId, [name]);
    if (!role) return { problem: 'not-found' } as const;
    if (role.builtIn) return { problem: 'built-in-role' } as const;
    if (role.level > actor.level) return { problem: 'above-own-level' } as const;
    if (!(await deleteUnusedRole(tx, actor.tenantId, name))) {
      return { problem: 'role-in-use' } as const;
    }
    await note(authority, actor, 'role-deleted', name)(tx);
    return { deleted: true } as const;
  });
  return 'refusal' in outcome ? outcome : outcome.result;
}

function one(field: RoleProblem['field'], reason: RoleProblem['reason']) {
  return { problems: [{ field, reason }] } as const;
}

function note(
  { caller, principal }: Authority,
  { tenantId }: Actor,
  kind: 'role-created' | 'role-changed' | 'role-deleted',
  role: string,
) {
  const { identityId } = principal;
  return (tx: Parameters<typeof insertSecurityEvent>[0]) =>
    insertSecurityEvent(tx, { kind, identityId, tenantId, caller, details: { role } });
}

function stored({ name, title, level, permissions }: RoleInput): RoleInput {
  const parsed = parseDisplayName(title);
  return {
    name,
    title: 'displayName' in parsed ? parsed.displayName : '',
    level,
    permissions: [...new Set(permissions)].toSorted(),
  };
}

function defined(change: RoleChange): Partial<RoleInput> {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
}

function nameProblems(name: string): readonly RoleProblem[] {
  if (name === '') return [{ field: 'name', reason: 'required' }];
  if (name.length > NAME_CHARACTERS_MAX) return [{ field: 'name', reason: 'too-long' }];
  return NAME.test(name) ? [] : [{ field: 'name', reason: 'malformed-role-name' }];
}

/** @param had what the role permitted before, which may be another application's to know. */
function roleProblems(
  { title, level, permissions }: RoleInput,
  registry: PermissionRegistry,
  had: readonly string[],
): readonly RoleProblem[] {
  const parsed = parseDisplayName(title);
  const levels = BUILT_IN_ROLES.filter((role) => role !== 'owner').map((role) => LEVELS[role]);
  const known = permissions.every((each) => registry.has(each) || had.includes(each));
  return [
    ...('problem' in parsed && parsed.problem !== 'required'
      ? [{ field: 'title', reason: parsed.problem } as const]
      : []),
    ...(levels.includes(level) ? [] : [{ field: 'level', reason: 'unknown-level' } as const]),
    ...(known ? [] : [{ field: 'permissions', reason: 'unknown-permission' } as const]),
  ];
}
