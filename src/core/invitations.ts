import { findOwnAddress, findProvedAddress } from '../db/identities.ts';
import {
  consumeInvitation,
  countInvitations,
  deleteInvitation,
  findInvitation,
  findInvitationByToken,
  type Invitation,
  replaceInvitation,
} from '../db/invitations.ts';
import { findMemberships } from '../db/memberships.ts';
import { insertSecurityEvent } from '../db/security-events.ts';
import { findRoles } from '../db/tenant-roles.ts';
import { findTenant } from '../db/tenants.ts';
import type { Tx } from '../db/transaction.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { type EmailAddressProblem, parseEmailAddress } from './email-address.ts';
import { type MailLanguage, queueMail } from './mail.ts';
import { mayMail } from './mail-limit.ts';
import { type Actor, mayGive, runInTenant } from './membership.ts';
import { digestOf, newSecret, type Secret, secretText } from './secret.ts';

export interface InvitationInput {
  readonly email: string;
  readonly role: string;
}

/** What is wrong with one of the invitations. */
export type InvitationProblem =
  | { readonly field: 'email'; readonly reason: EmailAddressProblem | 'too-many-invitations' }
  | { readonly field: 'role'; readonly reason: 'unknown-role' };

type Answer<T> =
  | T
  | { readonly problem: 'above-own-level' | 'not-found' }
  | { readonly problems: readonly InvitationProblem[] }
  | Refused;

/** How long a link works. */
export const INVITATION_DAYS = 7;
/** So many may wait to be accepted in one tenant: an open relay for mail would be worth having. */
const INVITATIONS_MAX = 1_000;

/**
 * Invites people into the request's tenant, all of them or nobody. The newest invitation to an
 * address replaces the older one of the tenant. Whether somebody has an account, or is a member
 * already, is told to nobody: the answer is the same (CWE-204).
 */
export async function invite(
  core: Core,
  authority: Authority,
  inputs: readonly InvitationInput[],
  language: MailLanguage,
): Promise<Answer<{ readonly invited: number }>> {
  const parsed = inputs.map(({ email, role }) => ({ email: parseEmailAddress(email), role }));
  const problems = parsed.flatMap(({ email }): readonly InvitationProblem[] =>
    'problem' in email ? [{ field: 'email', reason: email.problem }] : [],
  );
  if (problems.length > 0) return { problems };
  const outcome = await runInTenant(core, authority, async (tx, actor) => {
    if ((await countInvitations(tx, actor.tenantId)) + inputs.length > INVITATIONS_MAX) {
      return { problems: [{ field: 'email', reason: 'too-many-invitations' } as const] };
    }
    const roles = await findRoles(tx, actor.tenantId, [...new Set(inputs.map(({ role }) => role))]);
    for (const { role } of parsed) {
      const found = roles.find(({ name }) => name === role);
      if (!found) return { problems: [{ field: 'role', reason: 'unknown-role' } as const] };
      if (!mayGive(actor, found)) return { problem: 'above-own-level' as const };
    }
    for (const { email, role } of parsed) {
      if ('problem' in email) continue;
      await send(core, tx, authority, actor, { ...email.email, role }, language);
    }
    return { invited: parsed.length };
  });
  return 'refusal' in outcome ? outcome : outcome.result;
}

/** Mails an invitation anew, with a new link and a new week; the link before is dead. */
export async function resendInvitation(
  core: Core,
  authority: Authority,
  id: string,
  language: MailLanguage,
): Promise<Exclude<Answer<'sent'>, { readonly problems: unknown }>> {
  const outcome = await runInTenant(core, authority, async (tx, actor) => {
    const invitation = await findInvitation(tx, actor.tenantId, id);
    if (!invitation) return { problem: 'not-found' as const };
    const [role] = await findRoles(tx, actor.tenantId, [invitation.role]);
    if (!role || !mayGive(actor, role)) return { problem: 'above-own-level' as const };
    await send(core, tx, authority, actor, invitation, language);
    return 'sent';
  });
  return 'refusal' in outcome ? outcome : outcome.result;
}

/** Takes an invitation back; its link is dead. */
export async function withdrawInvitation(
  core: Core,
  authority: Authority,
  id: string,
): Promise<Exclude<Answer<'withdrawn'>, { readonly problems: unknown }>> {
  const { caller, principal } = authority;
  const outcome = await runInTenant(core, authority, async (tx, actor) => {
    const { tenantId } = actor;
    const invitation = await findInvitation(tx, tenantId, id);
    if (!invitation) return { problem: 'not-found' as const };
    const [role] = await findRoles(tx, tenantId, [invitation.role]);
    if (role && role.level > actor.level) return { problem: 'above-own-level' as const };
    await deleteInvitation(tx, tenantId, id);
    await insertSecurityEvent(tx, {
      kind: 'invitation-withdrawn',
      identityId: principal.identityId,
      tenantId,
      caller,
      details: { role: invitation.role },
    });
    return 'withdrawn';
  });
  return 'refusal' in outcome ? outcome : outcome.result;
}

/** What whoever follows the link is told before they decide; undefined where it is dead. */
export async function readInvitation(
  core: Core,
  token: Secret,
): Promise<
  | {
      readonly id: string;
      readonly address: string;
      readonly tenantName: string;
      readonly hasAccount: boolean;
    }
  | undefined
> {
  return await core.database.transaction(async (tx) => {
    const invitation = await findInvitationByToken(tx, digestOf(token.bytes));
    if (!invitation || !(await isInForce(tx, invitation))) return undefined;
    const tenant = await findTenant(tx, invitation.tenantId);
    if (!tenant) return undefined;
    const proved = await findProvedAddress(tx, invitation.folded);
    const { id, address } = invitation;
    return { id, address, tenantName: tenant.name, hasAccount: proved !== undefined };
  });
}

/**
 * Consumes the invitation for somebody who has proved the address that it was mailed to: the token
 * alone may have been forwarded, and the address alone may be typed by anybody.
 */
export async function redeem(
  tx: Tx,
  identityId: string,
  token: Secret,
): Promise<Invitation | undefined> {
  const own = await findOwnAddress(tx, identityId);
  const invitation = own && (await consumeInvitation(tx, digestOf(token.bytes), own.folded));
  return invitation && (await isInForce(tx, invitation)) ? invitation : undefined;
}

/**
 * Whether it still grants what it says: the tenant is not about to be deleted, and whoever invited
 * could invite so today. Somebody who was demoted leaves no way up behind (CWE-269, trap 77).
 */
async function isInForce(tx: Tx, invitation: Invitation): Promise<boolean> {
  const { tenantId, role: name, invitedBy } = invitation;
  const tenant = await findTenant(tx, tenantId);
  const [inviter] = await findMemberships(tx, tenantId, [invitedBy]);
  const [role] = await findRoles(tx, tenantId, [name]);
  if (!tenant || tenant.deletesAt !== null || !inviter || !role) return false;
  return inviter.permissions.includes('invitations:write') && mayGive(inviter, role);
}

/**
 * Keeps the invitation and mails its link. Beyond the limit on mails to one address nothing is
 * mailed, and the link of the last mail goes on working; the answer is the same, for the others'
 * mails to that address are not this tenant's to know.
 */
async function send(
  core: Core,
  tx: Tx,
  { caller, principal }: Authority,
  { tenantId }: Actor,
  to: { readonly folded: string; readonly address: string; readonly role: string },
  language: MailLanguage,
): Promise<void> {
  const { identityId } = principal;
  const token = newSecret();
  const mailed = await mayMail(tx, to.folded);
  const invitation = { ...to, tenantId, invitedBy: identityId };
  await replaceInvitation(tx, invitation, digestOf(token.bytes), mailed, INVITATION_DAYS);
  await insertSecurityEvent(tx, {
    kind: 'invitation-sent',
    identityId,
    tenantId,
    caller,
    details: { role: to.role },
  });
  if (!mailed) return;
  await queueMail(tx, core.encryptionKey, {
    kind: 'invitation',
    to: to.address,
    language,
    token: secretText(token),
    expiresInHours: INVITATION_DAYS * 24,
  });
}
