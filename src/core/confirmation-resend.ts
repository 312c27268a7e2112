import { replaceOneTimeToken } from '../db/one-time-tokens.ts';
import { type Caller, insertSecurityEvent } from '../db/security-events.ts';
import { findEarlierSignUp, replaceSignUpToken } from '../db/sign-ups.ts';
import type { Core } from './core.ts';
import { parseEmailAddress } from './email-address.ts';
import { queueMail } from './mail.ts';
import { countMailRequest, mayMail } from './mail-limit.ts';
import { browserDigestOf, digestOf, newSecret, type Secret, secretText } from './secret.ts';
import type { FieldProblem } from './sign-up.ts';

/**
 * Mails the link of a sign-up once more, with a new token in place of the old one, to whoever sent
 * the sign-up: the same browser, or a program. It works no longer than the old one would have: what
 * has expired does not come back. Where there is no such sign-up the answer is the same,
 * after the same statements, and nothing is sent (CWE-204, CWE-208, R-57).
 *
 * @param browser the secret of the browser that asks, null where a program does.
 * @throws TooManyAttemptsError when this network has asked for too many mails.
 */
export async function resendConfirmation(
  core: Core,
  email: string,
  browser: Secret | null,
  caller: Caller,
): Promise<{ readonly problems: readonly FieldProblem[] } | 'check-mail'> {
  const parsed = parseEmailAddress(email);
  if ('problem' in parsed) return { problems: [{ field: 'email', reason: parsed.problem }] };
  const { folded, address } = parsed.email;
  await countMailRequest(core, caller);
  const token = newSecret();
  const browserDigest = browser ? browserDigestOf(browser) : '';
  await core.database.transaction(async (tx) => {
    if (!(await mayMail(tx, folded))) return;
    const earlier = await findEarlierSignUp(tx, folded, browserDigest);
    const digest = digestOf(token.bytes);
    const hours = earlier?.hoursLeft ?? 0;
    await replaceSignUpToken(tx, folded, browserDigest, digest);
    const replacing = { purpose: 'email-confirmation', digest, folded } as const;
    await replaceOneTimeToken(tx, earlier?.tokenDigest ?? digest, replacing, hours);
    await queueMail(tx, core.encryptionKey, {
      kind: 'sign-up',
      to: earlier?.address ?? address,
      language: caller.language,
      token: secretText(token),
      expiresInHours: hours,
    });
    await insertSecurityEvent(tx, { kind: 'confirmation-resent', identityId: null, caller });
  });
  return 'check-mail';
}
