import { runAuthorizedTransaction } from '../db/authorization.ts';
import { defaultPermissions } from '../db/permissions.ts';
import { insertSecurityEvent } from '../db/security-events.ts';
import { insertRole } from '../db/tenant-roles.ts';
import { insertTenant } from '../db/tenants.ts';
import type { Tx } from '../db/transaction.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { type DisplayNameProblem, parseDisplayName } from './display-name.ts';
import { addMember } from './membership.ts';
import { BUILT_IN_ROLES, LEVELS } from './permissions.ts';
import { type RotatedSecret, rotateInto } from './session-rotation.ts';
import { parseSlug, type SlugProblem, slugOf } from './tenant-slug.ts';

export interface Tenant {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
}

/** What is wrong with a field of the form. */
export type TenantProblem =
  | { readonly field: 'name'; readonly reason: DisplayNameProblem }
  | { readonly field: 'slug'; readonly reason: SlugProblem };

/** How often a slug that was made of the name is tried with something random behind it. */
const SLUG_TRIES = 5;

/**
 * Makes a tenant, with the built-in roles and its creator as the owner, and takes the session into
 * it. That somebody has a slug is told to whoever wants it: it is a public name, like a subdomain.
 */
export async function createTenant(
  core: Core,
  authority: Authority,
  input: { readonly name: string; readonly slug?: string | undefined },
): Promise<
  | { readonly tenant: Tenant; readonly session: RotatedSecret }
  | { readonly problems: readonly TenantProblem[] }
  | Refused
> {
  const name = parseDisplayName(input.name);
  const slug = input.slug ? parseSlug(input.slug, 'tenant') : null;
  const problems: TenantProblem[] = [
    ...('problem' in name ? [{ field: 'name', reason: name.problem } as const] : []),
    ...(slug && 'problem' in slug ? [{ field: 'slug', reason: slug.problem } as const] : []),
  ];
  if ('problem' in name || (slug && 'problem' in slug)) return { problems };
  const outcome = await runAuthorizedTransaction(
    core.database,
    authority.requirement,
    async (tx) => {
      const tenant = await insertNamed(tx, name.displayName, slug?.slug ?? null);
      if (!tenant) return null;
      await insertBuiltInRoles(tx, tenant.id);
      const { principal, caller } = authority;
      const { identityId } = principal;
      await addMember(tx, tenant.id, identityId, 'owner');
      await insertSecurityEvent(tx, {
        kind: 'tenant-created',
        identityId,
        tenantId: tenant.id,
        caller,
      });
      return { tenant, session: await rotateInto(tx, principal, tenant.id) };
    },
  );
  if ('refusal' in outcome) return outcome;
  return outcome.result ?? { problems: [{ field: 'slug', reason: 'slug-taken' }] };
}

/** Null where the slug that was asked for is another tenant's. */
async function insertNamed(tx: Tx, name: string, asked: string | null): Promise<Tenant | null> {
  for (let tried = 0; tried < SLUG_TRIES; tried++) {
    const slug = asked ?? slugOf(name, 'tenant', tried > 0);
    const id = await insertTenant(tx, { slug, name });
    if (id !== undefined) return { id, slug, name };
    if (asked !== null) break;
  }
  return null;
}

/** The four roles that every tenant has, with what the declarations give them. */
export async function insertBuiltInRoles(tx: Tx, tenantId: string): Promise<void> {
  for (const name of BUILT_IN_ROLES) {
    const permissions = await defaultPermissions(tx, name);
    const role = { name, title: '', level: LEVELS[name], builtIn: true, permissions };
    await insertRole(tx, tenantId, role);
  }
}
