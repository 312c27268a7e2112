import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, type JWK } from 'jose';
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
/** How old the key may be that a process has found before it looks again, and before that waits. */
const LOOKED_MILLISECONDS = 3_000;
const KEPT_MILLISECONDS = 10_000;
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

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

/**
 * The key that signs now. What is signed with it is for others to verify and nothing of ours takes
 * it for a proof. @throws Error where no key has been made
 */
export async function findCurrentKey({
  database,
  encryptionKey,
  previousKeys,
}: Pick<Core, 'database' | 'encryptionKey' | 'previousKeys'>): Promise<SigningKey> {
  const found = await database.transaction(findSigningKey);
  if (!found) throw new Error('there is no signing key');
  const { kid, privateKey } = found;
  const opened = decrypt(encryptionKey, contextOf(kid), privateKey, previousKeys);
  return { kid, privateKey: createPrivateKey({ key: JSON.parse(opened), format: 'jwk' }) };
}

/**
 * The same for a process that signs all the time: it looks every three seconds, behind whatever
 * asks, and whoever asks waits for that where the last look is ten seconds old. So long a key that
 * was given up as compromised may go on signing here; who fetches the published keys no longer
 * takes it, and from then on the new one signs.
 */
export function keptSigningKey(core: Core): (now: Date) => Promise<SigningKey> {
  let kept: { readonly key: SigningKey; readonly at: number } | null = null;
  let looking: Promise<SigningKey> | null = null;
  const look = (at: number): Promise<SigningKey> => {
    looking ??= findCurrentKey(core)
      .then((key) => {
        // The same object as long as it is the same key: who signs keeps something for each.
        kept = { key: kept?.key.kid === key.kid ? kept.key : key, at };
        return kept.key;
      })
      .finally(() => void (looking = null));
    return looking;
  };
  return async (now) => {
    const at = now.getTime();
    if (kept === null || at - kept.at > KEPT_MILLISECONDS) return await look(at);
    // Fails where the database cannot be reached; the next request looks again.
    if (at - kept.at > LOOKED_MILLISECONDS) look(at).catch(() => {});
    return kept.key;
  };
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
