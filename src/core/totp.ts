import { runAuthorizedTransaction } from '../db/authorization.ts';
import { insertSecurityEvent } from '../db/security-events.ts';
import { raiseSession } from '../db/sessions.ts';
import {
  consumeTotpEnrolment,
  deleteTotp,
  findTotp,
  findTotpEnrolment,
  findTotpOfOtherKeys,
  insertTotp,
  replaceTotpEnrolment,
  replaceTotpSecret,
} from '../db/totp.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { decrypt, encrypt, keyIdOf } from './encryption.ts';
import { firstRecoveryCodes, forgetAuthenticator, noteChange } from './factors.ts';
import { forgetGuesses } from './guess-budget.ts';
import { type RotatedSecret, rotate } from './session-rotation.ts';
import { newTotpSecret, totpStep, totpUri } from './totp-code.ts';

/** What an authenticator app is set up with; shown to its owner until it is confirmed. */
export interface TotpEnrolment {
  readonly secret: string;
  readonly uri: string;
}

/** To what a ciphertext of a secret belongs: moved to another identity's row it does not open. */
export function totpContext(identityId: string): string {
  return `totp ${identityId}`;
}

/**
 * Makes the secret of an authenticator app, for ten minutes and this session. It proves nothing
 * until its owner has shown a code of it.
 */
export async function beginTotp(
  core: Core,
  authority: Authority,
  issuer: string,
): Promise<TotpEnrolment | 'already' | Refused> {
  const { identityId, sessionId, email } = authority.principal;
  const secret = newTotpSecret();
  const outcome = await runAuthorizedTransaction(
    core.database,
    authority.requirement,
    async (tx) => {
      if (await findTotp(tx, identityId)) return 'already' as const;
      const sealed = encrypt(core.encryptionKey, totpContext(identityId), secret);
      await replaceTotpEnrolment(tx, { identityId, sessionId, secret: sealed });
      return { secret, uri: totpUri(secret, email, issuer) };
    },
  );
  return 'refusal' in outcome ? outcome : outcome.result;
}

/** The secret that this session has begun to set up, to be shown again; null where none is. */
export async function pendingTotp(
  core: Core,
  authority: Authority,
  issuer: string,
): Promise<TotpEnrolment | null> {
  const { identityId, sessionId, email } = authority.principal;
  const row = await core.database.transaction((tx) => findTotpEnrolment(tx, identityId, sessionId));
  if (!row) return null;
  const secret = decrypt(
    core.encryptionKey,
    totpContext(identityId),
    row.secret,
    core.previousKeys,
  );
  return { secret, uri: totpUri(secret, email, issuer) };
}

export interface TotpConfirmed extends RotatedSecret {
  /** The recovery codes of somebody who had none; they are not shown again. */
  readonly recoveryCodes: readonly string[] | null;
}

/**
 * The authenticator app counts from now on: its owner has shown a code of it, in the session that
 * made the secret. That session has shown both factors; it gets a new secret (ASVS 7.2.4). Wrong
 * codes leave the enrolment as it is, expired ones do not come back.
 */
export async function confirmTotp(
  core: Core,
  authority: Authority,
  code: string,
): Promise<TotpConfirmed | 'wrong-code' | 'expired' | Refused> {
  const { identityId, sessionId } = authority.principal;
  const outcome = await runAuthorizedTransaction(
    core.database,
    authority.requirement,
    async (tx) => {
      const row = await findTotpEnrolment(tx, identityId, sessionId);
      if (!row || (await findTotp(tx, identityId))) return 'expired' as const;
      const context = totpContext(identityId);
      const secret = decrypt(core.encryptionKey, context, row.secret, core.previousKeys);
      const step = totpStep(secret, code, row.nowSeconds);
      if (step === null) {
        const { caller } = authority;
        const reason = 'totp-enrolment';
        await insertSecurityEvent(tx, { kind: 'second-factor-failed', identityId, reason, caller });
        return 'wrong-code' as const;
      }
      if (!(await consumeTotpEnrolment(tx, identityId, row.secret))) return 'expired' as const;
      const id = await insertTotp(tx, identityId, row.secret, step);
      await forgetGuesses(tx, identityId, 'one-time-password');
      const recoveryCodes = await firstRecoveryCodes(tx, identityId);
      await raiseSession(tx, sessionId, 'totp', id);
      await noteChange(core, tx, authority, 'totp-added');
      return { ...(await rotate(tx, authority.principal, null)), recoveryCodes };
    },
  );
  return 'refusal' in outcome ? outcome : outcome.result;
}

/** Takes the authenticator app away; false where there is none. */
export async function removeTotp(core: Core, authority: Authority): Promise<boolean | Refused> {
  const { identityId } = authority.principal;
  const outcome = await runAuthorizedTransaction(
    core.database,
    authority.requirement,
    async (tx) => {
      const id = await deleteTotp(tx, identityId);
      if (id === undefined) return false;
      await forgetAuthenticator(tx, identityId, id);
      await noteChange(core, tx, authority, 'totp-removed');
      return true;
    },
  );
  return 'refusal' in outcome ? outcome : outcome.result;
}

const RESEALED_AT_ONCE = 100;

/**
 * Encrypts secrets of earlier keys with the key in force, a hundred at a time, so that those keys
 * can be taken out of the settings afterwards. @returns how many it found.
 */
export async function resealTotpSecrets(core: Core): Promise<number> {
  const { encryptionKey, previousKeys = [] } = core;
  return await core.database.transaction(async (tx) => {
    const rows = await findTotpOfOtherKeys(tx, keyIdOf(encryptionKey), RESEALED_AT_ONCE);
    for (const { identityId, secret } of rows) {
      const context = totpContext(identityId);
      const opened = decrypt(encryptionKey, context, secret, previousKeys);
      const sealed = encrypt(encryptionKey, context, opened);
      await replaceTotpSecret(tx, identityId, secret, sealed);
    }
    return rows.length;
  });
}
