import { runAuthorizedTransaction } from '../db/authorization.ts';
import { isUniqueViolation } from '../db/errors.ts';
import { consumeChallenge, deletePasskey, findPasskeysOf, insertPasskey } from '../db/passkeys.ts';
import { raiseSession } from '../db/sessions.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { parseDisplayName } from './display-name.ts';
import { firstRecoveryCodes, forgetAuthenticator, noteChange } from './factors.ts';
import { creationOptions, type RelyingParty, verifyRegistration } from './passkey-ceremony.ts';
import type { Secret } from './secret.ts';
import { type RotatedSecret, rotate } from './session-rotation.ts';
import { hasOtherWayIn } from './ways-in.ts';

/** What the browser of a signed-in person makes another passkey with. */
export async function passkeyCreationOptions(
  core: Core,
  authority: Authority,
  session: Secret,
  relyingParty: RelyingParty,
  now: Date,
) {
  const { principal } = authority;
  const existing = await core.database.transaction((tx) =>
    findPasskeysOf(tx, principal.identityId),
  );
  const ceremony = { purpose: 'registration', secret: session } as const;
  return await creationOptions(core, ceremony, relyingParty, principal, existing, now);
}

export interface PasskeyAdded extends RotatedSecret {
  readonly id: string;
  /** The recovery codes of somebody who had none; they are not shown again. */
  readonly recoveryCodes: readonly string[] | null;
}

/** Beyond this an account's list says nothing to its owner any more. */
const PASSKEYS_MAX = 20;

/**
 * Adds a passkey that this session's browser has made. The session has shown two factors from then
 * on, and gets a new secret (ASVS 7.2.4). A credential that somebody has registered before, whoever
 * it was, is refused like any that does not fit.
 */
export async function addPasskey(
  core: Core,
  authority: Authority,
  session: Secret,
  relyingParty: RelyingParty,
  input: { readonly response: unknown; readonly name: string },
): Promise<PasskeyAdded | 'refused' | 'too-many' | Refused> {
  const { identityId, sessionId } = authority.principal;
  const ceremony = { purpose: 'registration', secret: session } as const;
  const verified = await verifyRegistration(core, ceremony, relyingParty, input.response);
  if (!verified) return 'refused';
  const { passkey, challenge } = verified;
  const name = passkeyName(input.name);
  try {
    const outcome = await runAuthorizedTransaction(
      core.database,
      authority.requirement,
      async (tx) => {
        if ((await findPasskeysOf(tx, identityId)).length >= PASSKEYS_MAX) return 'too-many';
        const once = await consumeChallenge(tx, challenge.digest, challenge.madeAt);
        if (!once) return 'refused' as const;
        const id = await insertPasskey(tx, { ...passkey, identityId, name });
        const recoveryCodes = await firstRecoveryCodes(tx, identityId);
        await raiseSession(tx, sessionId, 'passkey', id);
        await noteChange(core, tx, authority, 'passkey-added');
        return { ...(await rotate(tx, authority.principal, null)), id, recoveryCodes };
      },
    );
    return 'refusal' in outcome ? outcome : outcome.result;
  } catch (error) {
    if (isUniqueViolation(error)) return 'refused';
    throw error;
  }
}

/** A name in the form in which it is stored; a passkey without a good one gets a plain one. */
export function passkeyName(text: string): string {
  const parsed = parseDisplayName(text);
  return 'problem' in parsed ? 'Passkey' : parsed.displayName;
}

/**
 * Removes one of the own passkeys, at once from the assurance of every session. The only way
 * in stays (ASVS 6.4.4).
 */
export async function removePasskey(
  core: Core,
  authority: Authority,
  id: string,
): Promise<'removed' | 'not-found' | 'last-way-in' | Refused> {
  const { identityId } = authority.principal;
  const outcome = await runAuthorizedTransaction(
    core.database,
    authority.requirement,
    async (tx) => {
      const passkeys = await findPasskeysOf(tx, identityId);
      if (!passkeys.some((passkey) => passkey.id === id)) return 'not-found' as const;
      if (!(await hasOtherWayIn(core, tx, identityId, { id }))) return 'last-way-in' as const;
      await deletePasskey(tx, identityId, id);
      await forgetAuthenticator(tx, identityId, id);
      await noteChange(core, tx, authority, 'passkey-removed');
      return 'removed' as const;
    },
  );
  return 'refusal' in outcome ? outcome : outcome.result;
}
