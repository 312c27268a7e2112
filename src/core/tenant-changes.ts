import { runAuthorizedTransaction } from '../db/authorization.ts';
import { findAddresses, findMemberships } from '../db/memberships.ts';
import { insertSecurityEvent } from '../db/security-events.ts';
import type { Tx } from '../db/transaction.ts';
import { findTenant, restoreTenant, scheduleTenantDeletion, updateTenant } from '../db/tenants.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { parseDisplayName } from './display-name.ts';
import { type MailLanguage, queueMail } from './mail.ts';
import { runInTenant } from './membership.ts';
import { type RotatedSecret, rotateInto } from './session-rotation.ts';
import type { Tenant, TenantProblem } from './tenant-creation.ts';
import { parseSlug } from './tenant-slug.ts';

/** How long an owner can call the deletion of a tenant off. */
export const TENANT_GRACE_DAYS = 30;

/** Gives the request's tenant another name or slug; what is left out stays. */
export async function changeTenant(
  core: Core,
  authority: Authority,
  input: { readonly name?: string | undefined; readonly slug?: string | undefined },
): Promise<
  { readonly tenant: Tenant } | { readonly problems: readonly TenantProblem[] } | Refused
> {
  const name = input.name === undefined ? null : parseDisplayName(input.name);
  const slug = input.slug === undefined ? null : parseSlug(input.slug, 'tenant');
  const problems: TenantProblem[] = [
    ...(name && 'problem' in name ? [{ field: 'name', reason: name.problem } as const] : []),
    ...(slug && 'problem' in slug ? [{ field: 'slug', reason: slug.problem } as const] : []),
  ];
  if (problems.length > 0) return { problems };
  const outcome = await runInTenant(core, authority, async (tx, { tenantId, identityId }) => {
    const old = await findTenant(tx, tenantId);
    if (!old) throw new Error('a member of a tenant that is not there');
    const tenant = {
      id: tenantId,
      name: name && 'displayName' in name ? name.displayName : old.name,
      slug: slug && 'slug' in slug ? slug.slug : old.slug,
    };
    if (!(await updateTenant(tx, tenant))) return null;
    const { caller } = authority;
    await insertSecurityEvent(tx, { kind: 'tenant-changed', identityId, tenantId, caller });
    return tenant;
  });
  if ('refusal' in outcome) return outcome;
  if (outcome.result === null) return { problems: [{ field: 'slug', reason: 'slug-taken' }] };
  return { tenant: outcome.result };
}

/**
 * Has the request's tenant deleted after its grace. From the commit on nobody is in it: every
 * session of its members is refused there, with a code that says why. All its owners are told.
 * @returns when it will be.
 */
export async function deleteTenant(
  core: Core,
  authority: Authority,
  language: MailLanguage,
): Promise<{ readonly deletesAt: Date } | Refused> {
  const outcome = await runInTenant(core, authority, async (tx, { tenantId, identityId }) => {
    const deletesAt = await scheduleTenantDeletion(tx, tenantId, TENANT_GRACE_DAYS);
    const { caller } = authority;
    const kind = 'tenant-deletion-requested';
    await insertSecurityEvent(tx, { kind, identityId, tenantId, caller });
    const notice = { kind: 'tenant-deletion', deletesAt: deletesAt.toISOString() } as const;
    await tellOwners(core, tx, tenantId, { ...notice, language });
    return deletesAt;
  });
  return 'refusal' in outcome ? outcome : { deletesAt: outcome.result };
}

/**
 * Calls the deletion off, and tells all owners: an owner may. For everybody else there is nothing
 * of that id.
 */
export async function keepTenant(
  core: Core,
  authority: Authority,
  tenantId: string,
  language: MailLanguage,
): Promise<'restored' | 'not-found' | Refused> {
  const { principal, requirement, caller } = authority;
  const { identityId } = principal;
  const outcome = await runAuthorizedTransaction(core.database, requirement, async (tx) => {
    const [membership] = await findMemberships(tx, tenantId, [identityId]);
    if (membership?.role !== 'owner') return 'not-found';
    if (!(await restoreTenant(tx, tenantId))) return 'not-found';
    await insertSecurityEvent(tx, { kind: 'tenant-restored', identityId, tenantId, caller });
    await tellOwners(core, tx, tenantId, { kind: 'tenant-restored', language });
    return 'restored';
  });
  return 'refusal' in outcome ? outcome : outcome.result;
}

/** By its slug: a name is whatever somebody typed, and could be a message of theirs. */
async function tellOwners(
  core: Core,
  tx: Tx,
  tenantId: string,
  notice:
    | { readonly kind: 'tenant-restored'; readonly language: MailLanguage }
    | {
        readonly kind: 'tenant-deletion';
        readonly language: MailLanguage;
        readonly deletesAt: string;
      },
): Promise<void> {
  const tenant = await findTenant(tx, tenantId);
  if (!tenant) throw new Error('a tenant of an owner is not there');
  const { slug } = tenant;
  for (const to of await findAddresses(tx, tenantId, 'owner')) {
    await queueMail(tx, core.encryptionKey, { ...notice, to, slug });
  }
}

/**
 * Takes the session into another tenant of its person, under a new secret and a new synchronizer
 * token: what was opened in the one before can change nothing in this one (ASVS 7.2.4, R-25).
 */
export async function switchTenant(
  core: Core,
  authority: Authority,
  tenantId: string,
): Promise<RotatedSecret | 'not-found' | Refused> {
  const { principal, requirement, caller } = authority;
  const { identityId } = principal;
  const outcome = await runAuthorizedTransaction(
    core.database,
    requirement,
    async (tx): Promise<RotatedSecret | 'not-found' | Refused> => {
      const [membership] = await findMemberships(tx, tenantId, [identityId]);
      const tenant = membership && (await findTenant(tx, tenantId));
      if (!tenant) return 'not-found';
      if (tenant.deletesAt) return { refusal: 'tenant-deleted' };
      await insertSecurityEvent(tx, { kind: 'tenant-entered', identityId, tenantId, caller });
      return await rotateInto(tx, principal, tenantId);
    },
  );
  return 'refusal' in outcome ? outcome : outcome.result;
}
