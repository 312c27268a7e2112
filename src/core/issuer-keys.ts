import { importJWK, type JWK } from 'jose';
import type { Outbound } from '../outbound/outbound.ts';

/** The algorithms that a token may be signed with: each has a public key, which is no secret. */
export const ISSUER_ALGORITHMS = [
  'EdDSA',
  'Ed25519',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
] as const;

export type IssuerAlgorithm = (typeof ISSUER_ALGORITHMS)[number];

/** How long a set of keys is kept; a key that its issuer has withdrawn is taken no longer. */
const KEPT_MILLISECONDS = 10 * 60_000;
/** How long an unknown key does not have the set fetched again: strangers choose its name. */
const COOLDOWN_MILLISECONDS = 30_000;
const KEYS_MAX = 100;

export interface KeySource {
  readonly issuer: string;
  readonly algorithms: readonly IssuerAlgorithm[];
  /** Found by discovery where it is not given. */
  readonly keySetUrl: string | null;
}

export interface IssuerKeys {
  /** The key of this name, for this algorithm if it is the key's; null where there is none. */
  find(kid: string, algorithm: string, now: number): Promise<CryptoKey | null>;
}

/**
 * The keys of an issuer, from where its configuration says and nowhere else: what a token names is
 * an entry of this set, never an address (`jku`, `x5u`) and never a key (`jwk`). Which algorithm a
 * key is for follows from the key, and from the configuration where it does not say (R-58, R-60,
 * ASVS 9.1.2, 9.1.3; RFC 8725 3.1).
 */
export function issuerKeys(source: KeySource, outbound: Outbound): IssuerKeys {
  let kept: { readonly keys: readonly JWK[]; readonly at: number } | null = null;
  let lastFetch = Number.NEGATIVE_INFINITY;
  let fetching: Promise<void> | null = null;

  /** At most one at a time, and none within the cooldown, whether the last one succeeded or not. */
  async function refresh(now: number): Promise<void> {
    if (fetching === null && now - lastFetch < COOLDOWN_MILLISECONDS) return;
    lastFetch = fetching === null ? now : lastFetch;
    fetching ??= fetchKeys(source, outbound)
      .then((keys) => void (kept = { keys, at: now }))
      .finally(() => void (fetching = null));
    await fetching;
  }

  return {
    async find(kid, algorithm, now) {
      if (kept === null || now - kept.at > KEPT_MILLISECONDS) await refresh(now);
      const known = () => kept?.keys.filter((key) => key.kid === kid) ?? [];
      if (known().length === 0) await refresh(now);
      const stale = kept === null || now - kept.at > KEPT_MILLISECONDS;
      const fitting = stale
        ? []
        : known().filter((key) => isFor(key, algorithm, source.algorithms));
      // Two keys of one name: which is meant is a guess.
      const [key, ...more] = fitting;
      if (!key || more.length > 0) return null;
      const imported = await importJWK({ ...key, alg: algorithm }, algorithm);
      return imported instanceof Uint8Array ? null : imported;
    },
  };
}

async function fetchKeys(source: KeySource, outbound: Outbound): Promise<readonly JWK[]> {
  const url = source.keySetUrl ?? (await discover(source.issuer, outbound));
  const { keys } = (await fetchJson(url, outbound)) as { readonly keys?: unknown };
  if (!Array.isArray(keys)) throw new Error('the issuer answered no set of keys');
  return keys.slice(0, KEYS_MAX).filter(isPublicKey);
}

/**
 * OpenID Connect Discovery 1.0, section 4: the document must be about the issuer that was asked.
 */
async function discover(issuer: string, outbound: Outbound): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const document = (await fetchJson(url, outbound)) as {
    readonly issuer?: unknown;
    readonly jwks_uri?: unknown;
  };
  if (document.issuer !== issuer || typeof document.jwks_uri !== 'string') {
    throw new Error('the discovery document is not of this issuer');
  }
  return document.jwks_uri;
}

async function fetchJson(url: string, outbound: Outbound): Promise<object> {
  const answer = await outbound.fetch(url, { headers: { accept: 'application/json' } });
  const value: unknown = answer.status === 200 ? await answer.json() : null;
  if (typeof value !== 'object' || value === null) throw new Error('the issuer answered no JSON');
  return value;
}

/** A secret key in a public set is none, and neither is one for encryption. */
function isPublicKey(key: unknown): key is JWK {
  if (typeof key !== 'object' || key === null) return false;
  const { kty, kid, use, d, k, key_ops: operations } = key as JWK;
  if (!['OKP', 'EC', 'RSA'].includes(String(kty)) || d !== undefined || k !== undefined)
    return false;
  if (typeof kid !== 'string' || kid === '' || (use !== undefined && use !== 'sig')) return false;
  return operations === undefined || (Array.isArray(operations) && operations.includes('verify'));
}

const CURVES: Readonly<Record<string, string>> = {
  EdDSA: 'Ed25519',
  Ed25519: 'Ed25519',
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
};

function isFor(key: JWK, algorithm: string, allowed: readonly string[]): boolean {
  if (!allowed.includes(algorithm) || (key.alg ?? algorithm) !== algorithm) return false;
  const curve = CURVES[algorithm];
  if (curve === undefined) return key.kty === 'RSA';
  return key.crv === curve && key.kty === (curve === 'Ed25519' ? 'OKP' : 'EC');
}
