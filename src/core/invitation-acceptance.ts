import { runAuthorizedTransaction } from '../db/authorization.ts';
import { isUniqueViolation } from '../db/errors.ts';
import { insertIdentity } from '../db/identities.ts';
import { findInvitationByToken } from '../db/invitations.ts';
import { deleteOneTimeTokens } from '../db/one-time-tokens.ts';
import { type Caller, insertSecurityEvent } from '../db/security-events.ts';
import { deleteSignUps } from '../db/sign-ups.ts';
import type { Tx } from '../db/transaction.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { type DisplayNameProblem, parseDisplayName } from './display-name.ts';
import { ownerAddress } from './email-change.ts';
import {
  type FirstPasskey,
  firstPasskeyOptions,
  keepFirstPasskey,
  verifyFirstPasskey,
} from './first-passkey.ts';
import { readInvitation, redeem } from './invitations.ts';
import { addMember } from './membership.ts';
import type { RelyingParty, VerifiedRegistration } from './passkey-ceremony.ts';
import { parseNewPassword, type PasswordProblem } from './password.ts';
import { digestOf, parseSecret, type Secret } from './secret.ts';
import { type RotatedSecret, rotateInto } from './session-rotation.ts';
import { type SignedIn, startSession } from './session-start.ts';
import { assuranceOf } from './sign-in-flow.ts';

/** What is wrong with a field of the form. */
export interface InvitedSignUpProblem {
  readonly field: 'displayName' | 'password';
  readonly reason: DisplayNameProblem | PasswordProblem;
}

/** What somebody invited gives, to have an account and open it. */
export interface InvitedSignUp {
  readonly token: string;
  readonly displayName: string;
  readonly credential:
    | { readonly password: string }
    | { readonly passkey: Omit<FirstPasskey, 'name'> };
}

export interface JoinedNewcomer extends SignedIn {
  /** Of whoever has made a passkey; null beside a password. They are not shown again. */
  readonly recoveryCodes: readonly string[] | null;
}

/** What the browser of somebody invited makes a passkey with; null where the link is dead. */
export async function invitedPasskeyOptions(
  core: Core,
  text: string,
  presession: Secret,
  relyingParty: RelyingParty,
  now: Date,
) {
  const token = parseSecret(text);
  const invitation = token && (await readInvitation(core, token));
  if (!invitation || invitation.hasAccount) return null;
  const { id: identityId, address } = invitation;
  const owner = { identityId, email: address, displayName: address };
  return await firstPasskeyOptions(core, presession, relyingParty, owner, now);
}

/**
 * Makes whoever is signed in a member of the tenant that they were invited to, and takes the
 * session there. It needs the token of the mail and the address that the mail went to, proved by
 * the principal. A link that is unknown, expired, used, replaced, withdrawn, or was mailed
 * to another address is one answer.
 */
export async function acceptInvitation(
  core: Core,
  authority: Authority,
  text: string,
): Promise<{ readonly session: RotatedSecret } | 'invalid' | Refused> {
  const token = parseSecret(text);
  if (!token) return 'invalid';
  const { principal, requirement, caller } = authority;
  const outcome = await runAuthorizedTransaction(core.database, requirement, async (tx) => {
    const tenantId = await join(tx, principal.identityId, token, caller);
    return tenantId === undefined ? 'invalid' : await rotateInto(tx, principal, tenantId);
  });
  if ('refusal' in outcome) return outcome;
  return outcome.result === 'invalid' ? 'invalid' : { session: outcome.result };
}

/**
 * Signs somebody up who was invited, with a password or a passkey that they have just made, makes
 * them a member and signs them in, in one transaction. The token was mailed to the address and to
 * nowhere else, so it proves it as a confirmation would; what anybody else typed for that address
 * is gone. An address that has an account is its owner's: they sign in and accept.
 *
 * @throws HashingBusyError when too many passwords wait; nothing was consumed.
 */
export async function signUpInvited(
  core: Core,
  input: InvitedSignUp,
  previous: Secret | null,
  caller: Caller,
): Promise<
  | JoinedNewcomer
  | 'invalid'
  | 'sign-in-first'
  | 'refused'
  | { readonly problems: readonly InvitedSignUpProblem[] }
> {
  const token = parseSecret(input.token);
  const invitation = token && (await readInvitation(core, token));
  if (!token || !invitation) return 'invalid';
  if (invitation.hasAccount) return 'sign-in-first';
  const name = parseDisplayName(input.displayName);
  const personal = [invitation.address, input.displayName];
  const opening = await openingOf(core, input.credential, personal);
  if (opening === 'refused') return opening;
  const problems: InvitedSignUpProblem[] = [];
  if ('problem' in name) problems.push({ field: 'displayName', reason: name.problem });
  if ('problem' in opening) problems.push(opening.problem);
  if ('problem' in name || 'problem' in opening) return { problems };

  const passwordHash =
    opening.password === undefined ? null : await core.passwords.hash(opening.password);
  const { displayName } = name;
  try {
    return await core.database.transaction(async (tx) => {
      const identity = await insertInvited(tx, token, { displayName, passwordHash }, caller);
      if (!identity) return 'invalid';
      if ((await join(tx, identity.id, token, caller)) === undefined) throw new GoneError();
      const browser = { previous, caller };
      if (!opening.registration) {
        const assurance = assuranceOf(['password']);
        return {
          ...(await startSession(tx, core, identity, browser, assurance)),
          recoveryCodes: null,
        };
      }
      const kept = await keepFirstPasskey(tx, identity.id, opening.registration, '', caller);
      if (!kept) throw new GoneError();
      const assurance = assuranceOf(['passkey'], kept.id);
      const { recoveryCodes } = kept;
      return { ...(await startSession(tx, core, identity, browser, assurance)), recoveryCodes };
    });
  } catch (error) {
    // Somebody else has used the link, or proved the same address, in the same moment.
    if (error instanceof GoneError || isUniqueViolation(error)) return 'invalid';
    throw error;
  }
}

interface Opening {
  readonly password?: string;
  readonly registration?: VerifiedRegistration;
}

async function openingOf(
  core: Core,
  credential: InvitedSignUp['credential'],
  personal: readonly string[],
): Promise<Opening | 'refused' | { readonly problem: InvitedSignUpProblem }> {
  if ('password' in credential) {
    const parsed = await parseNewPassword(credential.password, personal);
    if ('password' in parsed) return parsed;
    return { problem: { field: 'password', reason: parsed.problem } };
  }
  const registration = await verifyFirstPasskey(core, { ...credential.passkey, name: '' });
  return registration ? { registration } : 'refused';
}

/** Thrown so that the identity that was made for nothing is rolled back. */
class GoneError extends Error {}

async function insertInvited(
  tx: Tx,
  token: Secret,
  person: { readonly displayName: string; readonly passwordHash: string | null },
  caller: Caller,
): Promise<SignedIn['identity'] | undefined> {
  const invitation = await findInvitationByToken(tx, digestOf(token.bytes));
  if (!invitation) return undefined;
  const { id: identityId, folded, address } = invitation;
  if ((await ownerAddress(tx, folded, null)) !== undefined) return undefined;
  const id = await insertIdentity(tx, { identityId, folded, address, ...person });
  await deleteSignUps(tx, folded);
  await deleteOneTimeTokens(tx, [folded]);
  await insertSecurityEvent(tx, { kind: 'signed-up', identityId: id, caller });
  await insertSecurityEvent(tx, { kind: 'address-proved', identityId: id, caller });
  return { id, email: address, displayName: person.displayName };
}

/**
 * Somebody who is a member already stays what they are. @returns the tenant, undefined where the
 * link is worth nothing to them.
 */
async function join(
  tx: Tx,
  identityId: string,
  token: Secret,
  caller: Caller,
): Promise<string | undefined> {
  const invitation = await redeem(tx, identityId, token);
  if (!invitation) return undefined;
  const { tenantId, role } = invitation;
  if (await addMember(tx, tenantId, identityId, role)) {
    const details = { role };
    await insertSecurityEvent(tx, { kind: 'member-joined', identityId, tenantId, caller, details });
  }
  return tenantId;
}
