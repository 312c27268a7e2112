import { requireFresh } from '../db/authorization.ts';
import {
  deleteMembership,
  findMemberships,
  type Membership,
  updateMembershipRole,
} from '../db/memberships.ts';
import { insertSecurityEvent } from '../db/security-events.ts';
import { findRoles, type Role } from '../db/tenant-roles.ts';
import type { Tx } from '../db/transaction.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { type Actor, keepsOwner, mayGive, runInTenant, type TenantRefusal } from './membership.ts';

/** Another role for a member, or with null none: they are removed. */
export interface MemberChange {
  readonly id: string;
  readonly role: string | null;
}

/** How old the proof may be where somebody becomes an owner or is one no more (ASVS 7.5.3). */
const OWNER_PROOF_SECONDS = 300;

export type MemberRefusal = TenantRefusal | 'unknown-role';

interface Planned {
  readonly member: Membership;
  readonly role: Role | null;
}

/**
 * Changes members of the request's tenant, all of them or none: one that is not a member there, or
 * may not be changed so, and nothing is written (CWE-639, R-90). Two changes of one member are one
 * too many.
 */
export async function changeMembers(
  core: Core,
  authority: Authority,
  changes: readonly MemberChange[],
): Promise<{ readonly changed: number } | { readonly problem: MemberRefusal } | Refused> {
  const outcome = await runInTenant(core, authority, async (tx, actor) => {
    const planned = await plan(tx, actor, changes);
    if (typeof planned === 'string') return planned;
    if (!planned.every((each) => mayChange(actor, each))) return 'above-own-level' as const;
    if (planned.some(touchesOwner)) await requireFresh(tx, OWNER_PROOF_SECONDS);
    if (!(await leavesOwner(tx, actor.tenantId, planned))) return 'last-owner' as const;
    for (const each of planned) await apply(tx, authority, actor.tenantId, each);
    return planned.length;
  });
  return answerOf(outcome);
}

/** Takes the request's own identity out of the tenant; no permission is needed to go. */
export async function leaveTenant(
  core: Core,
  authority: Authority,
): Promise<{ readonly changed: number } | { readonly problem: MemberRefusal } | Refused> {
  const outcome = await runInTenant(core, authority, async (tx, actor) => {
    const leaving: Planned = { member: actor, role: null };
    if (touchesOwner(leaving)) await requireFresh(tx, OWNER_PROOF_SECONDS);
    if (!(await leavesOwner(tx, actor.tenantId, [leaving]))) return 'last-owner' as const;
    await apply(tx, authority, actor.tenantId, leaving);
    return 1;
  });
  return answerOf(outcome);
}

function answerOf(outcome: { readonly result: number | MemberRefusal } | Refused) {
  if ('refusal' in outcome) return outcome;
  const { result } = outcome;
  return typeof result === 'number' ? { changed: result } : { problem: result };
}

async function plan(
  tx: Tx,
  { tenantId }: Actor,
  changes: readonly MemberChange[],
): Promise<readonly Planned[] | 'not-found' | 'unknown-role'> {
  const ids = changes.map(({ id }) => id);
  const members = await findMemberships(tx, tenantId, ids);
  // Also where an id stands twice: which of the two changes would count is a guess.
  if (members.length !== changes.length) return 'not-found';
  const names = changes.flatMap(({ role }) => (role === null ? [] : [role]));
  const roles = await findRoles(tx, tenantId, names);
  const planned: Planned[] = [];
  for (const { id, role } of changes) {
    const member = members.find(({ identityId }) => identityId === id);
    if (!member) return 'not-found';
    const found = role === null ? null : roles.find(({ name }) => name === role);
    if (found === undefined) return 'unknown-role';
    planned.push({ member, role: found });
  }
  return planned;
}

/** Nobody touches a member above them, nor gives what they could not be given themselves. */
function mayChange(actor: Actor, { member, role }: Planned): boolean {
  return member.level <= actor.level && (role === null || mayGive(actor, role));
}

function touchesOwner({ member, role }: Planned): boolean {
  return (member.role === 'owner') !== (role?.name === 'owner');
}

async function leavesOwner(
  tx: Tx,
  tenantId: string,
  planned: readonly Planned[],
): Promise<boolean> {
  const owned = planned.filter(touchesOwner);
  const ids = (list: readonly Planned[]) => list.map(({ member }) => member.identityId);
  const leaving = ids(owned.filter(({ member }) => member.role === 'owner'));
  if (leaving.length === 0) return true;
  const coming = ids(owned.filter(({ role }) => role?.name === 'owner'));
  return await keepsOwner(tx, tenantId, leaving, coming);
}

async function apply(
  tx: Tx,
  { caller }: Authority,
  tenantId: string,
  { member, role }: Planned,
): Promise<void> {
  const { identityId } = member;
  const about = { identityId, tenantId, caller };
  if (role === null) {
    await deleteMembership(tx, tenantId, identityId);
    const kind = identityId === caller.identityId ? 'member-left' : 'member-removed';
    await insertSecurityEvent(tx, { kind, ...about, details: { role: member.role } });
    return;
  }
  if (role.name === member.role) return;
  await updateMembershipRole(tx, tenantId, identityId, role.name);
  const details = { from: member.role, to: role.name };
  await insertSecurityEvent(tx, { kind: 'member-role-changed', ...about, details });
}
