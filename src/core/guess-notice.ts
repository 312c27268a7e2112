import { type Caller, insertSecurityEvent } from '../db/security-events.ts';
import type { Tx } from '../db/transaction.ts';
import type { Core } from './core.ts';
import type { AdmittedGuess, Factor } from './guess-budget.ts';
import { queueMail } from './mail.ts';
import { mayNotify } from './mail-limit.ts';

/**
 * Tells the owner of an account that somebody keeps guessing, after a wrong guess that has used a
 * budget up; in the transaction that notes the failure. At most one mail a day of each kind: a
 * guesser must not be able to flood the mailbox (ASVS 6.3.5, CWE-799).
 */
export async function noteWrongGuess(
  tx: Tx,
  core: Core,
  owner: { readonly identityId: string; readonly email: string } | undefined,
  { last }: AdmittedGuess,
  { factor, caller }: { readonly factor: Factor; readonly caller: Caller },
): Promise<void> {
  if (!owner || last === null) return;
  const { identityId, email } = owner;
  const kind = last === 'of-all' ? 'authenticator-closed' : 'guesses-limited';
  await insertSecurityEvent(tx, { kind, identityId, caller, details: { factor } });
  if (!(await mayNotify(tx, kind, identityId))) return;
  const { language } = caller;
  const message = { kind, to: email, language, factor } as const;
  await queueMail(tx, core.encryptionKey, message);
}
