import { runAuthorizedTransaction } from '../db/authorization.ts';
import { findPasswordHash } from '../db/identities.ts';
import { insertSecurityEvent } from '../db/security-events.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { guessOwnPassword } from './guess-budget.ts';
import { noteWrongGuess } from './guess-notice.ts';
import { normalizePassword } from './password.ts';
import { type RotatedSecret, rotate } from './session-rotation.ts';

/**
 * Proves again who is at the browser: the same identity, in the same session, which gets a new
 * secret and a new time of authentication (ASVS 7.5.3, R-25).
 * @throws TooManyAttemptsError, HashingBusyError: nothing was checked.
 */
export async function reauthenticate(
  core: Core,
  authority: Authority,
  password: string,
): Promise<RotatedSecret | 'wrong-credentials' | Refused> {
  const { identityId } = authority.principal;
  const { caller } = authority;
  const stored = await core.database.transaction((tx) => findPasswordHash(tx, identityId));
  return await guessOwnPassword(core, authority, async (admitted) => {
    const matches = await core.passwords.verify(
      admitted.open ? (stored ?? null) : null,
      normalizePassword(password),
    );
    const outcome = await runAuthorizedTransaction(
      core.database,
      authority.requirement,
      async (tx) => {
        const unchanged = (await findPasswordHash(tx, identityId)) === stored;
        if (matches && unchanged) {
          await insertSecurityEvent(tx, { kind: 'reauthenticated', identityId, caller });
          return await rotate(tx, authority.principal);
        }
        await insertSecurityEvent(tx, { kind: 'reauthentication-failed', identityId, caller });
        await noteWrongGuess(tx, core, authority.principal, admitted, {
          factor: 'password',
          caller,
        });
        return 'wrong-credentials' as const;
      },
    );
    const result = 'refusal' in outcome ? outcome : outcome.result;
    return { right: typeof result === 'object' && 'secret' in result, outcome: result };
  });
}
