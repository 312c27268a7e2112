import {
  consumeFactorReset,
  deleteFactors,
  findFactorReset,
  isMemberElsewhere,
  replaceFactorReset,
} from '../db/factor-resets.ts';
import { findOwnAddress } from '../db/identities.ts';
import { findMemberships } from '../db/memberships.ts';
import { type Caller, insertSecurityEvent } from '../db/security-events.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { forgetGuesses } from './guess-budget.ts';
import { type MailLanguage, queueMail } from './mail.ts';
import { mayMail } from './mail-limit.ts';
import { runInTenant } from './membership.ts';
import { chooseNewPassword } from './new-password.ts';
import { rebindPassword } from './recovery.ts';
import { digestOf, newSecret, parseSecret, secretText } from './secret.ts';
import type { FieldProblem } from './sign-up.ts';

const LINK_HOURS = 24;

/**
 * Mails a member who has lost their second factor a link by which it can be reset. The owner who
 * asks for it chooses nothing and sees nothing, and the link alone does nothing: it takes whoever
 * reads the member's mailbox.
 *
 * An account belongs to its person and to every tenant that they are in, so an owner of one tenant
 * must not weaken it for another (CWE-266, CWE-863): whoever is a member of any other tenant is
 * mailed that nothing was changed, and what to do, and the link is dead as soon as they are. The
 * owner is answered alike, or they would learn of the other tenant.
 */
export async function requestFactorReset(
  core: Core,
  authority: Authority,
  memberId: string,
  language: MailLanguage,
): Promise<'mailed' | 'not-found' | 'above-own-level' | Refused> {
  const { caller } = authority;
  const token = newSecret();
  const outcome = await runInTenant(core, authority, async (tx, { tenantId, level }) => {
    const [member] = await findMemberships(tx, tenantId, [memberId]);
    const address = member && (await findOwnAddress(tx, memberId));
    if (!member || !address) return 'not-found' as const;
    if (member.level > level) return 'above-own-level' as const;
    const event = { kind: 'factor-reset-granted', identityId: memberId, tenantId, caller } as const;
    await insertSecurityEvent(tx, event);
    const { folded, address: to } = address;
    // Beyond the limit the link of the last mail goes on working.
    if (!(await mayMail(tx, `factor-reset ${folded}`))) return 'mailed' as const;
    if (await isMemberElsewhere(tx, memberId, tenantId)) {
      const message = { kind: 'authenticators-changed', to, language } as const;
      await queueMail(tx, core.encryptionKey, { ...message, change: 'factors-kept' });
      return 'mailed' as const;
    }
    const reset = { tenantId, identityId: memberId, folded };
    await replaceFactorReset(tx, reset, digestOf(token.bytes), LINK_HOURS);
    await queueMail(tx, core.encryptionKey, {
      kind: 'factor-reset',
      to,
      language,
      token: secretText(token),
      expiresInHours: LINK_HOURS,
    });
    return 'mailed' as const;
  });
  return 'refusal' in outcome ? outcome : outcome.result;
}

/** Whose factors the token lets be reset; null where it does not work. Consumes nothing. */
export async function factorResetAddress(core: Core, text: string): Promise<string | null> {
  const token = parseSecret(text);
  if (!token) return null;
  const digest = digestOf(token.bytes);
  const found = await core.database.transaction((tx) => findFactorReset(tx, digest));
  return found?.email ?? null;
}

/**
 * Takes every factor away and sets the password that whoever follows the link chooses: they sign in
 * with that alone, and set up another factor. All sessions end; the owner of the account is mailed.
 * Unknown, expired, used and replaced tokens are refused alike, and those of whoever has become a
 * member of another tenant meanwhile.
 *
 * @throws HashingBusyError when too many passwords wait; nothing was changed.
 */
export async function resetFactors(
  core: Core,
  input: { readonly token: string; readonly password: string },
  caller: Caller,
): Promise<{ readonly problems: readonly FieldProblem[] } | 'reset' | 'invalid'> {
  const token = parseSecret(input.token);
  if (!token) return 'invalid';
  const digest = digestOf(token.bytes);
  const found = await core.database.transaction((tx) => findFactorReset(tx, digest));
  if (!found) return 'invalid';
  const next = await chooseNewPassword(core, input.password, [found.email, found.displayName]);
  if ('problem' in next) return { problems: [{ field: 'password', reason: next.problem }] };
  const hash = await core.passwords.hash(next.password);
  return await core.database.transaction(async (tx) => {
    const current = await findFactorReset(tx, digest);
    if (!current || !(await consumeFactorReset(tx, digest))) return 'invalid';
    const { identityId, email, tenantId } = current;
    await rebindPassword(tx, identityId, { hash, leakCheck: next.leakCheck });
    await deleteFactors(tx, identityId);
    await forgetGuesses(tx, identityId, 'one-time-password');
    await forgetGuesses(tx, identityId, 'recovery-code');
    const { language } = caller;
    const message = { kind: 'authenticators-changed', to: email, language } as const;
    await queueMail(tx, core.encryptionKey, { ...message, change: 'factors-reset' });
    const event = { kind: 'factors-reset', identityId, tenantId, caller } as const;
    await insertSecurityEvent(tx, event);
    return 'reset';
  });
}
