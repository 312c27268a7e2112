import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import {
  consumeChallenge,
  notePasskeyUse,
  type NewPasskey,
  type PasskeyRow,
} from '../db/passkeys.ts';
import type { Tx } from '../db/transaction.ts';
import type { Core } from './core.ts';
import {
  type AnsweredChallenge,
  type Ceremony,
  newChallenge,
  parseChallenge,
} from './passkey-challenge.ts';

/** Whom passkeys are for: the configured origin and its host, never a request's. */
export interface RelyingParty {
  readonly origin: string;
}

/** EdDSA, ES256 and RS256: what authenticators have. */
const ALGORITHMS = [-8, -7, -257];
const CEREMONY_MILLISECONDS = 300_000;

/** Who shall get a passkey; the id is random, and says nothing of the person (WebAuthn 14.6.1). */
export interface PasskeyOwner {
  readonly identityId: string;
  readonly email: string;
  readonly displayName: string;
}

/** What `navigator.credentials.create` takes, for one more passkey of this person. */
export async function creationOptions(
  core: Core,
  ceremony: Ceremony,
  { origin }: RelyingParty,
  owner: PasskeyOwner,
  existing: readonly PasskeyRow[],
  now: Date,
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  const host = new URL(origin).hostname;
  return await generateRegistrationOptions({
    rpName: host,
    rpID: host,
    userID: new Uint8Array(userHandleOf(owner.identityId)),
    userName: owner.email,
    userDisplayName: owner.displayName,
    challenge: new Uint8Array(newChallenge(core, ceremony, now)),
    timeout: CEREMONY_MILLISECONDS,
    attestationType: 'none',
    excludeCredentials: existing.map(({ credentialId, transports }) => ({
      id: credentialId,
      transports: [...transports],
    })),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    supportedAlgorithmIDs: ALGORITHMS,
  });
}

/** What `navigator.credentials.get` takes; where none is named, for whichever the browser has. */
export async function requestOptions(
  core: Core,
  ceremony: Ceremony,
  { origin }: RelyingParty,
  now: Date,
  allowed: readonly PasskeyRow[] = [],
): Promise<PublicKeyCredentialRequestOptionsJSON> {
  return await generateAuthenticationOptions({
    rpID: new URL(origin).hostname,
    challenge: new Uint8Array(newChallenge(core, ceremony, now)),
    timeout: CEREMONY_MILLISECONDS,
    userVerification: ceremony.purpose === 'second-factor' ? 'preferred' : 'required',
    allowCredentials: allowed.map(({ credentialId, transports }) => ({
      id: credentialId,
      transports: [...transports],
    })),
  });
}

/** A passkey that a browser has made for us; its challenge is not used up yet. */
export interface VerifiedRegistration {
  readonly passkey: Omit<NewPasskey, 'identityId' | 'name'>;
  readonly challenge: AnsweredChallenge;
}

/**
 * Null for whatever is not a passkey made in this ceremony, for our origin, by somebody who has
 * unlocked it. Attestation is neither asked for nor looked at: any authenticator will do (NIST SP
 * 800-63B-4 3.2.4).
 */
export async function verifyRegistration(
  core: Core,
  ceremony: Ceremony,
  { origin }: RelyingParty,
  response: unknown,
): Promise<VerifiedRegistration | null> {
  const challenges: AnsweredChallenge[] = [];
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: response as RegistrationResponseJSON,
      expectedChallenge: (text) => noteChallenge(core, ceremony, text, challenges),
      expectedOrigin: origin,
      expectedRPID: new URL(origin).hostname,
      requireUserVerification: true,
      supportedAlgorithmIDs: ALGORITHMS,
    });
    const [challenge] = challenges;
    if (!verified || !challenge || isEmbedded(response)) return null;
    const { credential, credentialBackedUp } = registrationInfo;
    const passkey = {
      credentialId: credential.id,
      publicKey: Buffer.from(credential.publicKey).toString('base64url'),
      signCount: credential.counter,
      transports: knownTransports(credential.transports),
      backedUp: credentialBackedUp,
    };
    return { passkey, challenge };
  } catch {
    // The library throws for everything that does not fit, and says in words what.
    return null;
  }
}

/** An assertion whose signature is right; its challenge is not used up yet. */
export interface VerifiedAssertion {
  readonly passkey: PasskeyRow;
  readonly challenge: AnsweredChallenge;
  readonly signCount: number;
  readonly backedUp: boolean;
  /** Whether the passkey was unlocked with a PIN, a finger or a face. */
  readonly userVerified: boolean;
}

/**
 * Null for whatever is not this passkey's assertion of this ceremony: another origin, another
 * relying party, purpose or browser, a page inside another site's, a wrong signature, and, but for
 * a second factor, a passkey that was not unlocked (ASVS 6.3.3; NIST SP 800-63B-4 3.1.7.2). A
 * counter that did not go on is judged later.
 */
export async function verifyAssertion(
  core: Core,
  ceremony: Ceremony,
  { origin }: RelyingParty,
  response: unknown,
  passkey: PasskeyRow,
): Promise<VerifiedAssertion | null> {
  const challenges: AnsweredChallenge[] = [];
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: response as AuthenticationResponseJSON,
      expectedChallenge: (text) => noteChallenge(core, ceremony, text, challenges),
      expectedOrigin: origin,
      expectedRPID: new URL(origin).hostname,
      credential: {
        id: passkey.credentialId,
        publicKey: new Uint8Array(Buffer.from(passkey.publicKey, 'base64url')),
        counter: 0,
      },
      requireUserVerification: ceremony.purpose !== 'second-factor',
    });
    const [challenge] = challenges;
    if (!verified || !challenge || isEmbedded(response)) return null;
    if (!isFor(passkey.identityId, response)) return null;
    const { newCounter, credentialBackedUp, userVerified } = authenticationInfo;
    const signCount = newCounter;
    return { passkey, challenge, signCount, backedUp: credentialBackedUp, userVerified };
  } catch {
    return null;
  }
}

/** Uses the assertion's challenge up, and notes the use of its passkey. */
export async function useAssertion(
  tx: Tx,
  assertion: VerifiedAssertion,
): Promise<'used' | 'counter-went-back' | 'refused'> {
  const { challenge, passkey, signCount, backedUp } = assertion;
  if (!(await consumeChallenge(tx, challenge.digest, challenge.madeAt))) return 'refused';
  const used = await notePasskeyUse(tx, passkey.id, signCount, backedUp);
  return used === 'gone' ? 'refused' : used;
}

/** The id that a response names, of whatever shape it is. */
export function credentialIdOf(response: unknown): string {
  const id: unknown = typeof response === 'object' && response && Reflect.get(response, 'id');
  return typeof id === 'string' ? id : '';
}

function noteChallenge(
  core: Core,
  ceremony: Ceremony,
  text: string,
  challenges: AnsweredChallenge[],
): boolean {
  const challenge = parseChallenge(core, ceremony, text);
  if (challenge) challenges.push(challenge);
  return challenge !== null;
}

/** Whether the page that asked was a frame inside of another site's (WebAuthn 5.8.1; CWE-1021). */
function isEmbedded(response: unknown): boolean {
  const { clientDataJSON } = (response as AuthenticationResponseJSON).response;
  const client = JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString('utf8')) as {
    readonly crossOrigin?: unknown;
  };
  return client.crossOrigin !== undefined && client.crossOrigin !== false;
}

/** What an authenticator says of its owner, where it does, must be whose passkey this is. */
function isFor(identityId: string, response: unknown): boolean {
  const { userHandle } = (response as AuthenticationResponseJSON).response;
  return userHandle === undefined || userHandle === userHandleOf(identityId).toString('base64url');
}

function userHandleOf(identityId: string): Buffer {
  return Buffer.from(identityId.replaceAll('-', ''), 'hex');
}

const TRANSPORTS: ReadonlySet<string> = new Set([
  'ble',
  'cable',
  'hybrid',
  'internal',
  'nfc',
  'smart-card',
  'usb',
]);

/** The browser says these; of texts that nobody knows nothing is kept. */
function knownTransports(transports: readonly string[] = []): readonly string[] {
  return transports.filter((each) => TRANSPORTS.has(each));
}
