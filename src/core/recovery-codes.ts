import { runAuthorizedTransaction } from '../db/authorization.ts';
import { replaceRecoveryCodes } from '../db/recovery-codes.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { findFactors, noteChange } from './factors.ts';
import { forgetGuesses } from './guess-budget.ts';
import { newRecoveryCodes, recoveryCodeDigest } from './recovery-code.ts';
import { hasSecondFactor } from './sign-in-flow.ts';

/**
 * A new set of recovery codes in place of every earlier one. They are shown once: the database has
 * only digests. Null for somebody without a second factor, whom they would help to nothing.
 */
export async function renewRecoveryCodes(
  core: Core,
  authority: Authority,
): Promise<{ readonly codes: readonly string[] } | null | Refused> {
  const { identityId } = authority.principal;
  const codes = newRecoveryCodes();
  const outcome = await runAuthorizedTransaction(
    core.database,
    authority.requirement,
    async (tx) => {
      if (!hasSecondFactor(await findFactors(tx, identityId))) return null;
      await replaceRecoveryCodes(tx, identityId, codes.map(recoveryCodeDigest));
      await forgetGuesses(tx, identityId, 'recovery-code');
      await noteChange(core, tx, authority, 'recovery-codes-replaced');
      return { codes };
    },
  );
  return 'refusal' in outcome ? outcome : outcome.result;
}
