import { importJWK, type JWK } from 'jose';
import { AssertionRejectedError } from './rejected.ts';

/** As long as the gateway lets its set be kept; then it is fetched again, behind a request. */
const FRESH_MILLISECONDS = 300_000;
/**
 * How long a set is still believed when it cannot be fetched: as long as the gateway publishes an
 * old key. A key that was withdrawn is taken no longer than this.
 */
const KEPT_MILLISECONDS = 3_600_000;
/** How long an unknown name does not have it fetched again: strangers choose names. */
const COOLDOWN_MILLISECONDS = 10_000;
const TIMEOUT_MILLISECONDS = 5_000;
const BYTES_MAX = 65_536;

export interface PublishedKeys {
  readonly keys: readonly JWK[];
}

export interface KeySet {
  /** @throws AssertionRejectedError `key`, `keys-unavailable` */
  find(kid: string, now: number): Promise<CryptoKey>;
}

/** Keys that are known and do not change. */
export async function fixedKeySet(published: PublishedKeys): Promise<KeySet> {
  const keys = await importKeys(published);
  return { find: async (kid) => keyOf(keys, kid) };
}

/**
 * The keys that are published at this address. They are fetched at the first use, when they are
 * older than five minutes, and for a name that they do not have, though at most once in ten
 * seconds; while the address does not answer, the last set is believed for an hour.
 */
export function fetchedKeySet(url: URL): KeySet {
  let kept: { readonly keys: Keys; readonly at: number } | null = null;
  let lastFetch = Number.NEGATIVE_INFINITY;
  let fetching: Promise<void> | null = null;
  let failure: unknown;

  /** One at a time, and none within the cooldown, whether the last one succeeded or not. */
  async function refresh(now: number): Promise<void> {
    if (fetching === null) {
      if (now - lastFetch < COOLDOWN_MILLISECONDS) return;
      lastFetch = now;
      fetching = fetchKeys(url)
        .then((keys) => void (kept = { keys, at: now }))
        .catch((error: unknown) => void (failure = error))
        .finally(() => void (fetching = null));
    }
    await fetching;
  }

  return {
    async find(kid, now) {
      const known = kept?.keys.has(kid) && now - kept.at < KEPT_MILLISECONDS;
      if (!known) await refresh(now);
      else if (kept && now - kept.at > FRESH_MILLISECONDS) void refresh(now);
      if (kept === null || now - kept.at >= KEPT_MILLISECONDS) {
        throw new AssertionRejectedError('keys-unavailable', failure);
      }
      return keyOf(kept.keys, kid);
    },
  };
}

/** Null under a name that two keys have: which is meant would be a guess. */
type Keys = ReadonlyMap<string, CryptoKey | null>;

function keyOf(keys: Keys, kid: string): CryptoKey {
  const key = keys.get(kid);
  if (!key) throw new AssertionRejectedError('key');
  return key;
}

/** The key says what it is for: only Ed25519 keys for signatures, and none that is private. */
async function importKeys({ keys }: PublishedKeys): Promise<Keys> {
  const imported = new Map<string, CryptoKey | null>();
  for (const jwk of keys) {
    const { kty, crv, kid, alg = 'EdDSA', use = 'sig', d, x } = jwk;
    if (kty !== 'OKP' || crv !== 'Ed25519' || alg !== 'EdDSA' || use !== 'sig') continue;
    if (typeof kid !== 'string' || typeof x !== 'string' || d !== undefined) continue;
    const key = await importJWK({ kty, crv, x }, 'EdDSA');
    if (key instanceof Uint8Array) continue;
    imported.set(kid, imported.has(kid) ? null : key);
  }
  return imported;
}

async function fetchKeys(url: URL): Promise<Keys> {
  const answer = await fetch(url, {
    headers: { accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
  });
  if (answer.status !== 200) {
    await answer.body?.cancel();
    throw new Error(`the set of keys was answered with ${answer.status}`);
  }
  const published: unknown = JSON.parse(await limitedText(answer));
  if (!isKeySet(published)) throw new Error('the answer is no set of keys');
  return await importKeys(published);
}

async function limitedText(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > BYTES_MAX) throw new Error('the set of keys is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function isKeySet(value: unknown): value is PublishedKeys {
  if (typeof value !== 'object' || value === null || !('keys' in value)) return false;
  const { keys } = value;
  return Array.isArray(keys) && keys.every((key) => typeof key === 'object' && key !== null);
}
