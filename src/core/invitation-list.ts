import { type InvitationRow, invitationsOfTenant } from '../db/invitations.ts';
import type { Core } from './core.ts';
import { type Page, type PageQuery, pageOf, type Reader } from './page.ts';

/** A page of the invitations of the request's tenant that wait, read behind its decision. */
export async function listInvitations(
  core: Core,
  reader: Reader,
  query: PageQuery,
): Promise<Page<InvitationRow>> {
  return await pageOf(core, reader, 'invitations', query, {
    statementFor: (after: string | null, limit) => invitationsOfTenant(after, limit),
    keyOf: ({ folded }: InvitationRow) => folded,
  });
}
