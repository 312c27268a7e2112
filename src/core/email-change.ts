import { runAuthorizedTransaction } from '../db/authorization.ts';
import { consumeEmailChange, deleteEmailChange, replaceEmailChange } from '../db/email-changes.ts';
import {
  consumeEmailReversion,
  deleteLaterReversions,
  findReservation,
  insertEmailReversion,
} from '../db/email-reversions.ts';
import { findOwnAddress, findProvedAddress, isDisabled, replaceAddress } from '../db/identities.ts';
import { deleteOneTimeTokens } from '../db/one-time-tokens.ts';
import { type Caller, insertSecurityEvent } from '../db/security-events.ts';
import { deleteOtherSessions, deleteSessions } from '../db/sessions.ts';
import { deleteSignUps } from '../db/sign-ups.ts';
import type { Tx } from '../db/transaction.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { type EmailAddressProblem, parseEmailAddress } from './email-address.ts';
import { type MailLanguage, queueMail } from './mail.ts';
import { mayMail } from './mail-limit.ts';
import { followAddress } from './membership.ts';
import { digestOf, newSecret, parseSecret, proofOf, type Secret, secretText } from './secret.ts';

const LINK_HOURS = 24;
const REVERSION_DAYS = 7;

/**
 * Asks to change the address: a link goes to the new one, which proves it, and a notice with the
 * way back to the old one. The route requires a fresh authentication (ASVS 7.5.1). Whether the new
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
  const { identityId } = authority.principal;
  const { caller } = authority;
  const token = newSecret();
  const wayBack = newSecret();
  const outcome = await runAuthorizedTransaction(
    core.database,
    authority.requirement,
    async (tx) => {
      // Read here: the principal's was read before, and may have been replaced since.
      const old = await findOwnAddress(tx, identityId);
      if (old === undefined || old.folded === folded) return 'same-address';
      if (!(await mayMail(tx, folded)) || !(await mayMail(tx, `of ${identityId}`)))
        return 'requested';
      const change = { identityId, oldFolded: old.folded, folded, address };
      await replaceEmailChange(tx, change, digestOf(token.bytes), LINK_HOURS);
      const reversion = { identityId, ...old };
      await insertEmailReversion(tx, reversion, digestOf(wayBack.bytes), REVERSION_DAYS);
      const owner = await ownerAddress(tx, folded, identityId);
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
        to: old.address,
        language,
        token: secretText(wayBack),
        newAddressMasked: maskAddress(address),
        expiresInDays: REVERSION_DAYS,
      });
      await insertSecurityEvent(tx, { kind: 'email-change-requested', identityId, caller });
      return 'requested';
    },
  );
  if ('refusal' in outcome) return outcome;
  return outcome.result === 'requested' ? 'requested' : { problem: 'same-address' };
}

/**
 * Gives the identity the address that the token proves. The row holds that one and the one that it
 * replaces: if the identity has another by now, or has been disabled since, the change is void
 * . Whoever was signed in over the old address need not be its owner: every session ends but
 * the one in whose browser the link was followed (ASVS 7.4.3). Tokens mailed to either address are
 * void, and a sign-up under way for the new one ends.
 */
export async function confirmEmailChange(
  tx: Tx,
  digest: string,
  session: Secret | null,
  caller: Caller,
): Promise<'email-changed' | 'invalid'> {
  const change = await consumeEmailChange(tx, digest);
  if (!change || (await isDisabled(tx, change.identityId))) return 'invalid';
  const { identityId, oldFolded, folded } = change;
  if ((await ownerAddress(tx, folded, identityId)) !== undefined) return 'invalid';
  if (!(await replaceAddress(tx, identityId, oldFolded, change))) return 'invalid';
  await followAddress(tx, identityId);
  await deleteOtherSessions(tx, identityId, session && digestOf(proofOf(session)));
  await deleteOneTimeTokens(tx, [oldFolded, folded]);
  await deleteSignUps(tx, folded);
  await insertSecurityEvent(tx, { kind: 'email-changed', identityId, caller });
  return 'email-changed';
}

/**
 * Gives an identity its old address back, by the link that was mailed there: a change that somebody
 * else asked for is undone or called off, and so is all that came after it: no way back to an
 * address that they had given it stays open. Every session ends, for one of them may be theirs, and
 * so does every token mailed to either address. It also works while the identity is disabled or
 * waits for its deletion, which may be what somebody else brought about: the address is safe first.
 */
export async function revertEmailChange(
  core: Core,
  text: string,
  caller: Caller,
): Promise<'reverted' | 'invalid'> {
  const token = parseSecret(text);
  if (!token) return 'invalid';
  return await core.database.transaction(async (tx) => {
    const reversion = await consumeEmailReversion(tx, digestOf(token.bytes));
    if (!reversion) return 'invalid';
    const { identityId } = reversion;
    await deleteEmailChange(tx, identityId);
    await deleteLaterReversions(tx, reversion);
    const current = await findOwnAddress(tx, identityId);
    if (!current || !(await replaceAddress(tx, identityId, current.folded, reversion)))
      return 'invalid';
    await followAddress(tx, identityId);
    await deleteSessions(tx, identityId, null);
    await deleteOneTimeTokens(tx, [current.folded, reversion.folded]);
    await insertSecurityEvent(tx, { kind: 'email-reverted', identityId, caller });
    return 'reverted';
  });
}

/**
 * Who has this address, or may yet want it back, other than the one who asks: undefined where it is
 * free for them. The answer is that person's own spelling, for mail.
 */
export async function ownerAddress(
  tx: Tx,
  folded: string,
  asking: string | null,
): Promise<string | undefined> {
  const proved = await findProvedAddress(tx, folded);
  // Asked in any case: it is the same work whether or not somebody has it (CWE-208).
  const reservation = await findReservation(tx, folded);
  if (proved !== undefined) return proved;
  return reservation?.identityId === asking ? undefined : reservation?.address;
}

/** Enough to recognise one's own address, not enough to learn another's. */
function maskAddress(address: string): string {
  const [local = '', domain = ''] = address.split('@');
  return `${[...local][0] ?? ''}\u2026@${domain}`;
}
