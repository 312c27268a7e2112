import { generateKeyPairSync } from 'node:crypto';
import { calculateJwkThumbprint, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose';
import {
  deleteSigningKeys,
  endSigningKeys,
  findPublishedKeys,
  findSigningKey,
  findSigningKeysOfOtherKeys,
  hasSigningKey,
  insertSigningKey,
  type NewSigningKey,
  replacePrivateKey,
} from '../db/signing-keys.ts';
import type { Tx } from '../db/transaction.ts';
import type { Core } from './core.ts';
import { decrypt, encrypt, type EncryptionKey, keyIdOf } from './encryption.ts';

/** A new key is published this long before it signs: twice as long as the set may be kept. */
const AHEAD_SECONDS = 600;
/** How long whoever fetches the set of keys may keep it. */
export const KEY_SET_SECONDS = 300;
/** An old key stays published this long after it has signed for the last time. */
const BEHIND_SECONDS = 3_600;
/** Well below BEHIND_SECONDS: nothing outlives the key that verifies it. */
const ASSERTION_SECONDS_MAX = 300;
/** A key that is older is replaced without anybody's asking (NIST SP 800-57 part 1, 5.3.6). */
const KEY_DAYS_MAX = 90;

const ALGORITHM = 'EdDSA';

export interface Rotation {
  readonly kid: string;
  /** When the new key begins to sign, and the old ones stop. */
  readonly signsFrom: Date;
}

/**
 * Makes a new signing key. With `overlap` it is published at once and signs after ten minutes, and
 * the one before stays published for an hour after that: whoever verifies is never without the key.
 * Where the old one is `compromised` it is forgotten at once, and with it all that it has signed.
 */
export async function rotateSigningKeys(
  core: Core,
  reason: 'overlap' | 'compromised',
): Promise<Rotation> {
  const key = await newSigningKey(core.encryptionKey);
  return await core.database.transaction(async (tx) => {
    if (reason === 'compromised') await deleteSigningKeys(tx);
    return await replaceKey(tx, key);
  });
}

/**
 * Sees to it that there is a key, and none that is too old. Any number of processes may do so at
 * once: what each finds and what it writes are one serializable transaction, so one makes the key.
 */
export async function keepSigningKeys(core: Core): Promise<void> {
  const isKept = async (tx: Tx) => await hasSigningKey(tx, KEY_DAYS_MAX);
  if (await core.database.transaction(isKept)) return;
  const key = await newSigningKey(core.encryptionKey);
  await core.database.transaction(async (tx) => {
    if (!(await isKept(tx))) await replaceKey(tx, key);
  });
}

/** Encrypts private keys of an earlier encryption key with the one in force. */
export async function resealSigningKeys(core: Core): Promise<void> {
  const { encryptionKey, previousKeys = [] } = core;
  await core.database.transaction(async (tx) => {
    const rows = await findSigningKeysOfOtherKeys(tx, keyIdOf(encryptionKey));
    for (const { kid, privateKey } of rows) {
      const opened = decrypt(encryptionKey, contextOf(kid), privateKey, previousKeys);
      await replacePrivateKey(tx, kid, encrypt(encryptionKey, contextOf(kid), opened));
    }
  });
}

/** Whoever verifies what we sign finds the keys in this (RFC 7517 section 5). */
export async function publishedKeySet(core: Core): Promise<{ readonly keys: readonly JWK[] }> {
  const keys = await core.database.transaction(findPublishedKeys);
  return { keys: keys.map((text) => JSON.parse(text) as JWK) };
}

export interface Assertion {
  /** What tells it from every other JWT of ours, such as `identity-assertion+jwt`. */
  readonly type: string;
  readonly issuer: string;
  readonly audience: string;
  readonly subject: string;
  readonly claims: JWTPayload;
  /** At most five minutes. */
  readonly seconds: number;
}

/**
 * Signs a statement about somebody for others to verify. Nothing of ours takes one for a proof.
 * @throws Error where no key has been made, or it would be valid for too long.
 */
export async function signAssertion(core: Core, assertion: Assertion): Promise<string> {
  const { type, issuer, audience, subject, claims, seconds } = assertion;
  if (!(seconds > 0 && seconds <= ASSERTION_SECONDS_MAX)) {
    throw new Error(`an assertion is valid for at most ${ASSERTION_SECONDS_MAX} seconds`);
  }
  const found = await core.database.transaction(findSigningKey);
  if (!found) throw new Error('there is no signing key');
  const { kid, privateKey, now } = found;
  const { encryptionKey, previousKeys } = core;
  const opened = decrypt(encryptionKey, contextOf(kid), privateKey, previousKeys);
  const jwk = JSON.parse(opened) as JWK;
  const issuedAt = Math.floor(now.getTime() / 1000);
  return await new SignJWT(claims)
    .setProtectedHeader({ alg: ALGORITHM, kid, typ: type })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(subject)
    .setIssuedAt(issuedAt)
    .setNotBefore(issuedAt)
    .setExpirationTime(issuedAt + seconds)
    .sign(await importJWK(jwk, ALGORITHM));
}

async function replaceKey(tx: Tx, key: NewSigningKey): Promise<Rotation> {
  const signing = await findSigningKey(tx);
  const inSeconds = signing ? AHEAD_SECONDS : 0;
  await endSigningKeys(tx, inSeconds, BEHIND_SECONDS);
  return { kid: key.kid, signsFrom: await insertSigningKey(tx, key, inSeconds) };
}

async function newSigningKey(encryptionKey: EncryptionKey): Promise<NewSigningKey> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const jwk = publicKey.export({ format: 'jwk' });
  const kid = await calculateJwkThumbprint(jwk);
  return {
    kid,
    publicJwk: JSON.stringify({ ...jwk, kid, alg: ALGORITHM, use: 'sig' }),
    privateKey: encrypt(
      encryptionKey,
      contextOf(kid),
      JSON.stringify(privateKey.export({ format: 'jwk' })),
    ),
  };
}

function contextOf(kid: string): string {
  return `signing key ${kid}`;
}
