import { type PasswordRow } from '../db/identities.ts';
import { noteLeakCheck } from '../db/passwords.ts';
import { type Caller, insertSecurityEvent } from '../db/security-events.ts';
import { deleteSessions } from '../db/sessions.ts';
import type { Core } from './core.ts';
import { queueMail } from './mail.ts';

/** The password is right, and everybody can know it: it opens nothing until it is replaced. */
export class CompromisedPasswordError extends Error {
  override readonly name = 'CompromisedPasswordError';
}

/**
 * Looks a right password up that nobody could be asked about when it was chosen. One that is in the
 * list is taken no more, and all sessions end: the owner is told, and chooses another one by the
 * way of a forgotten one (NIST SP 800-63B-4 3.1.1.2, ASVS 6.2.12). Only whoever knows the password
 * learns of it here.
 *
 * @throws CompromisedPasswordError
 */
export async function refuseLeakedPassword(
  core: Core,
  row: PasswordRow,
  password: string,
  caller: Caller,
): Promise<void> {
  const { identityId, email, hash, leakCheck } = row;
  if (leakCheck === 'failed') throw new CompromisedPasswordError();
  if (leakCheck === 'passed' || !core.compromisedPasswords) return;
  const found = await core.compromisedPasswords.lookUp(password);
  if (found === 'unknown') return;
  await core.database.transaction(async (tx) => {
    const result = found === 'compromised' ? 'failed' : 'passed';
    await noteLeakCheck(tx, identityId, hash, result);
    if (result === 'passed') return;
    await deleteSessions(tx, identityId, null);
    const { language } = caller;
    await queueMail(tx, core.encryptionKey, { kind: 'password-compromised', to: email, language });
    await insertSecurityEvent(tx, { kind: 'password-compromised', identityId, caller });
  });
  if (found === 'compromised') throw new CompromisedPasswordError();
}
