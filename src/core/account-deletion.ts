import { runAuthorizedTransaction } from '../db/authorization.ts';
import { deleteEmailChange } from '../db/email-changes.ts';
import { scheduleDeletion } from '../db/identities.ts';
import { insertSecurityEvent } from '../db/security-events.ts';
import { deleteSessions } from '../db/sessions.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { isLastOwner } from './membership.ts';
import { type MailLanguage, queueMail } from './mail.ts';

/** How long a deletion can be called off, by signing in and keeping the account. */
export const DELETION_GRACE_DAYS = 14;

/**
 * Schedules the deletion of the own account and ends every session. Whoever is the last owner of a
 * tenant must hand it on or delete it first. @returns when it will be.
 */
export async function requestDeletion(
  core: Core,
  authority: Authority,
  language: MailLanguage,
): Promise<{ readonly deletesAt: Date } | 'last-owner' | Refused> {
  const { identityId, email } = authority.principal;
  const { caller } = authority;
  const outcome = await runAuthorizedTransaction(
    core.database,
    authority.requirement,
    async (tx) => {
      if (await isLastOwner(tx, identityId)) return 'last-owner';
      const deletesAt = await scheduleDeletion(tx, identityId, DELETION_GRACE_DAYS);
      await deleteSessions(tx, identityId, null);
      // An account on its way out takes no new address by an older link.
      await deleteEmailChange(tx, identityId);
      await queueMail(tx, core.encryptionKey, {
        kind: 'account-deletion',
        to: email,
        language,
        deletesAt: deletesAt.toISOString(),
      });
      await insertSecurityEvent(tx, { kind: 'deletion-requested', identityId, caller });
      return deletesAt;
    },
  );
  if ('refusal' in outcome) return outcome;
  return outcome.result === 'last-owner' ? 'last-owner' : { deletesAt: outcome.result };
}
