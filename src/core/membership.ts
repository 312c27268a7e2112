import { runAuthorizedTransaction } from '../db/authorization.ts';
import { findOwnAddress } from '../db/identities.ts';
import { replaceMemberWords } from '../db/member-words.ts';
import {
  findLasting,
  findMemberships,
  findTenantsWithRole,
  insertMembership,
  type Membership,
} from '../db/memberships.ts';
import { findDisplayName } from '../db/profiles.ts';
import type { Role } from '../db/tenant-roles.ts';
import type { Tx } from '../db/transaction.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { sortNameOf, wordsOfAddress, wordsOfName } from './member-words.ts';

/** Who changes something in their tenant, with the role that they have inside the transaction. */
export interface Actor extends Membership {
  readonly tenantId: string;
}

/** What is refused because of what stands in the tenant, whoever asks. */
export type TenantRefusal =
  | 'not-found'
  | 'above-own-level'
  | 'last-owner'
  | 'built-in-role'
  | 'role-in-use';

/**
 * Runs the work in one transaction, for a member of the request's tenant. What they may do is read
 * there, behind the decision: their role may have changed since the gate let them through.
 */
export async function runInTenant<T>(
  core: Core,
  authority: Authority,
  work: (tx: Tx, actor: Actor) => Promise<T>,
): Promise<{ readonly result: T } | Refused> {
  const { identityId, tenantId } = authority.principal;
  if (tenantId === null) return { refusal: 'tenant-not-selected' };
  const outcome = await runAuthorizedTransaction(
    core.database,
    authority.requirement,
    async (tx): Promise<{ readonly done: T } | Refused> => {
      const [membership] = await findMemberships(tx, tenantId, [identityId]);
      if (!membership) return { refusal: 'forbidden' };
      return { done: await work(tx, { ...membership, tenantId }) };
    },
  );
  if ('refusal' in outcome) return outcome;
  return 'refusal' in outcome.result ? outcome.result : { result: outcome.result.done };
}

/**
 * Makes somebody a member, with what they are found by. Whether they may be is the caller's matter.
 * @returns false where they are one already.
 */
export async function addMember(
  tx: Tx,
  tenantId: string,
  identityId: string,
  role: string,
): Promise<boolean> {
  const name = await findDisplayName(tx, identityId);
  const made = await insertMembership(tx, {
    tenantId,
    identityId,
    role,
    sortName: sortNameOf(name),
  });
  if (!made) return false;
  await replaceMemberWords(tx, identityId, 'name', wordsOfName(name));
  await followAddress(tx, identityId);
  return true;
}

/** Has an identity be found by its new address wherever it is a member. */
export async function followAddress(tx: Tx, identityId: string): Promise<void> {
  const address = await findOwnAddress(tx, identityId);
  const words = address ? wordsOfAddress(address.folded) : [];
  await replaceMemberWords(tx, identityId, 'address', words);
}

/**
 * Whether the role may be given by this actor: it stands no higher than their own, and permits
 * nothing that they may not do themselves (ASVS 8.2.1, 8.3.1; CWE-269).
 */
export function mayGive(actor: Membership, role: Pick<Role, 'level' | 'permissions'>): boolean {
  return (
    role.level <= actor.level &&
    role.permissions.every((permission) => actor.permissions.includes(permission))
  );
}

/**
 * Whether the tenant still has an owner, who can sign in and is not about to be deleted, once these
 * are owners no more and those are. Read and decided in the transaction that makes it so:
 * SERIALIZABLE lets no two of them leave by each seeing the other (CWE-362).
 */
export async function keepsOwner(
  tx: Tx,
  tenantId: string,
  leaving: readonly string[],
  coming: readonly string[] = [],
): Promise<boolean> {
  const owners = await findLasting(tx, tenantId, 'owner');
  return [...owners, ...coming].some((id) => !leaving.includes(id));
}

/** Whether a tenant would be left without an owner if this identity were gone. */
export async function isLastOwner(tx: Tx, identityId: string): Promise<boolean> {
  for (const tenantId of await findTenantsWithRole(tx, identityId, 'owner')) {
    if (!(await keepsOwner(tx, tenantId, [identityId]))) return true;
  }
  return false;
}
