import { createHmac, hash, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';

/**
 * What a cookie holds: 32 random bytes, as 43 characters of base64url. It is never stored, logged
 * or sent to the database; what they get is derived from it, one way and for one purpose. ASVS
 * 7.2.3, 11.5.1.
 */
export interface Secret {
  readonly bytes: Buffer;
  readonly text: string;
  /** These keep a secret that is serialised, printed or logged by mistake from appearing. */
  toJSON(): '[redacted]';
  [inspect.custom](): '[redacted]';
}

export function newSecret(): Secret {
  return new CanonicalSecret(randomBytes(32).toString('base64url'));
}

/** Null unless the text is the one canonical encoding of 32 bytes. */
export function parseSecret(text: string): Secret | null {
  return CANONICAL.test(text) ? new CanonicalSecret(text) : null;
}

export function secretText(secret: Secret): string {
  return secret.text;
}

/** What a transaction carries so that the database knows whose request it serves. 64 hex digits. */
export function proofOf(secret: Secret): string {
  return derive(secret, 'sallyport proof');
}

/**
 * The same for a bearer credential of ours. The first word tells the database where to look, and is
 * digested with the rest: a session's proof is never one of a key, nor the other way round.
 */
export function bearerProofOf(secret: Secret): string {
  return `bearer ${derive(secret, 'sallyport bearer proof')}`;
}

/** The same for a token that somebody else has made: of all its characters, signature included. */
export function tokenProofOf(token: string): string {
  const proof = createHmac('sha256', token).update('sallyport external token proof\x01');
  return `bearer ${proof.digest('hex')}`;
}

/**
 * The session's synchronizer token, 32 bytes; a new generation makes all earlier ones worthless.
 */
export function synchronizerTokenOf(secret: Secret, generation: number): Buffer {
  return Buffer.from(derive(secret, `sallyport synchronizer token ${generation}`), 'hex');
}

/** The token of a visitor's forms, from the pre-session cookie's secret: worthless in a session. */
export function visitorTokenOf(secret: Secret): Buffer {
  return Buffer.from(derive(secret, 'sallyport visitor form token'), 'hex');
}

/** What a session's row keeps so that the database can check a selection. 64 hex digits. */
export function selectionKeyOf(secret: Secret): string {
  return derive(secret, 'sallyport tenant selection');
}

/**
 * The slug of the tenant that a request is for, with a proof that the process named it: the key is
 * in the session's row, which no statement of the application can read.
 */
export function selectionOf(secret: Secret, slug: string): string {
  return `${slug}:${digestOf(selectionKeyOf(secret) + slug)}`;
}

/** By what a sign-in under way is told: as a session's secret the same bytes are worthless. */
export function signInDigestOf(secret: Secret): string {
  return digestOf(derive(secret, 'sallyport sign-in'));
}

/** By what a visit to a provider is told. 64 hex digits. */
export function flowDigestOf(flow: Secret): string {
  return digestOf(derive(flow, 'sallyport provider flow'));
}

/**
 * What goes to the provider and has to come back, and what only its token endpoint is shown: each
 * follows from the cookie of the browser that was sent there, so none of them is stored.
 */
export function flowValuesOf(flow: Secret): {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
} {
  const value = (name: string) =>
    Buffer.from(derive(flow, `sallyport provider ${name}`), 'hex').toString('base64url');
  return { state: value('state'), nonce: value('nonce'), verifier: value('verifier') };
}

/** What a passkey's challenge is bound to: the cookie that the browser has when it is made. */
export function challengeBindingOf(secret: Secret): string {
  return digestOf(derive(secret, 'sallyport passkey challenge'));
}

/** What a pending sign-up keeps of the browser that it was typed in. 64 hex digits. */
export function browserDigestOf(presession: Secret): string {
  return digestOf(derive(presession, 'sallyport sign-up browser'));
}

/** What is kept of a browser where somebody has signed in, to know it again. 64 hex digits. */
export function deviceDigestOf(device: Secret): string {
  return digestOf(derive(device, 'sallyport device'));
}

/**
 * SHA-256 in lower-case hex, as the database stores it. Right for random secrets, not passwords.
 */
export function digestOf(value: string | Buffer): string {
  return hash('sha256', value, 'hex');
}

/**
 * One-step key derivation with SHA-256 (NIST SP 800-56C Rev. 2 section 4.1, option 1): a counter of
 * one, the secret, the purpose. 64 hex digits. The secret has 256 random bits and always as many
 * characters, so whoever knows one derived value, as the database does, can tell nothing of
 * another: what could be appended to the hashed text (length extension) makes no other purpose of
 * it. A quarter of an HMAC's time, twice in every request (decisions/052).
 */
function derive(secret: Secret, purpose: string): string {
  return hash('sha256', `\0\0\0\x01${secret.text}${purpose}`, 'hex');
}

// The last character's two spare bits are zero, or one secret would have four spellings.
const CANONICAL = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/** Keeps the text alone: what a request needs is derived from it, and not from its bytes. */
class CanonicalSecret implements Secret {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  get bytes(): Buffer {
    return Buffer.from(this.text, 'base64url');
  }

  toJSON(): '[redacted]' {
    return '[redacted]';
  }

  [inspect.custom](): '[redacted]' {
    return '[redacted]';
  }
}
