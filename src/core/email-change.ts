import { runAuthorizedTransaction } from '../db/authorization.ts';
import { deleteEmailChange, replaceEmailChange } from '../db/email-changes.ts';
import {
  consumeEmailReversion,
  findReservation,
  insertEmailReversion,
} from '../db/email-reversions.ts';
import { findFoldedAddress, findProvedAddress, replaceAddress } from '../db/identities.ts';
import { insertSecurityEvent } from '../db/security-events.ts';
import { deleteSessions } from '../db/sessions.ts';
import type { Tx } from '../db/transaction.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { type EmailAddressProblem, parseEmailAddress } from './email-address.ts';
import { type MailLanguage, queueMail } from './mail.ts';
import { mayMail } from './mail-limit.ts';
import { digestOf, newSecret, parseSecret, secretText } from './secret.ts';

const LINK_HOURS = 24;
const REVERSION_DAYS = 7;

/**
 * Asks to change the address: a link goes to the new one, which proves it, and a notice with the way
 * back to the old one. The route requires a fresh authentication (ASVS 7.5.1). Whether the new
 * address is taken shows nowhere but in its owner's mailbox (CWE-204, R-48).
 */
export async function requestEmailChange(
  core: Core,
  authority: Authority,
  text: string,
  language: MailLanguage,
): Promise<'requested' | { readonly problem: EmailAddressProblem | 'same-address' } | Refused> {
  const parsed = parseEmailAddress(text);
  if ('problem' in parsed) return parsed;
  const { address, folded } = parsed.email;
  const { identityId, email } = authority.principal;
  const token = newSecret();
  const wayBack = newSecret();
  const outcome = await runAuthorizedTransaction(
    core.database,
    authority.requirement,
    async (tx) => {
      const oldFolded = await findFoldedAddress(tx, identityId);
      if (oldFolded === undefined || oldFolded === folded) return 'same-address';
      if (!(await mayMail(tx, folded)) || !(await mayMail(tx, `of ${identityId}`)))
        return 'requested';
      const change = { identityId, oldFolded, folded, address };
      await replaceEmailChange(tx, change, digestOf(token.bytes), LINK_HOURS);
      const old = { identityId, folded: oldFolded, address: email };
      await insertEmailReversion(tx, old, digestOf(wayBack.bytes), REVERSION_DAYS);
      const owner = await ownerAddress(tx, folded);
      await queueMail(
        tx,
        core.encryptionKey,
        owner === undefined
          ? {
              kind: 'email-change',
              to: address,
              language,
              token: secretText(token),
              expiresInHours: LINK_HOURS,
            }
          : { kind: 'existing-account', to: owner, language },
      );
      await queueMail(tx, core.encryptionKey, {
        kind: 'email-change-notice',
        to: email,
        language,
        token: secretText(wayBack),
        newAddressMasked: maskAddress(address),
        expiresInDays: REVERSION_DAYS,
      });
      await insertSecurityEvent(tx, { kind: 'email-change-requested', identityId });
      return 'requested';
    },
  );
  if ('refusal' in outcome) return outcome;
  return outcome.result === 'requested' ? 'requested' : { problem: 'same-address' };
}

/**
 * Gives an identity its old address back, by the link that was mailed there: a change that somebody
 * else asked for is undone or called off. Every session ends, for one of them may be theirs.
 */
export async function revertEmailChange(core: Core, text: string): Promise<'reverted' | 'invalid'> {
  const token = parseSecret(text);
  if (!token) return 'invalid';
  return await core.database.transaction(async (tx) => {
    const reversion = await consumeEmailReversion(tx, digestOf(token.bytes));
    if (!reversion) return 'invalid';
    const { identityId } = reversion;
    await deleteEmailChange(tx, identityId);
    const current = await findFoldedAddress(tx, identityId);
    if (current === undefined) return 'invalid';
    if (current !== reversion.folded) await replaceAddress(tx, identityId, current, reversion);
    await deleteSessions(tx, identityId, null);
    await insertSecurityEvent(tx, { kind: 'email-reverted', identityId });
    return 'reverted';
  });
}

/** Who must not lose this address: its owner, or one who may yet want it back. */
export async function ownerAddress(tx: Tx, folded: string): Promise<string | undefined> {
  return (await findProvedAddress(tx, folded)) ?? (await findReservation(tx, folded))?.address;
}

/** Enough to recognise one's own address, not enough to learn another's. */
function maskAddress(address: string): string {
  const [local = '', domain = ''] = address.split('@');
  return `${[...local][0] ?? ''}\u2026@${domain}`;
}
