import { decodeJwt, decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose';
import type { Outbound } from '../outbound/outbound.ts';
import { type IssuerAlgorithm, type IssuerKeys, issuerKeys } from './issuer-keys.ts';
import { digestOf } from './secret.ts';

/** Somebody else whose tokens are taken, as configured. */
export interface ExternalIssuer {
  /** Exactly what `iss` says. */
  readonly issuer: string;
  /** What `aud` must have: us. */
  readonly audience: string;
  readonly algorithms: readonly IssuerAlgorithm[];
  /** What `typ` may say; no ID token and no logout token is an access token. */
  readonly types: readonly string[];
  readonly keySetUrl: string | null;
  /** Whose token it is: the claim, and what that holds. */
  readonly identity: { readonly claim: string; readonly by: 'id' | 'email' };
  /** The tenant: a claim that selects among memberships, or always the same one. */
  readonly tenant: { readonly claim: string } | { readonly id: string };
  /** The claim that narrows what the member may do; null where nothing does. */
  readonly permissions: { readonly claim: string } | null;
  readonly lifetimeSecondsMax: number;
}

/** What a token says, verified; the database has not been asked yet. */
export interface VerifiedToken {
  readonly issuer: string;
  /** Tells the token from every other, whatever is done to its signature (RFC 8725, CWE-294). */
  readonly tokenId: string;
  readonly identity: { readonly by: 'id' | 'email'; readonly value: string };
  readonly tenantId: string;
  readonly permissions: readonly string[] | null;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** An issuer's keys cannot be had, or are none: no token of it can be verified. */
export class IssuerUnreachableError extends Error {
  override readonly name = 'IssuerUnreachableError';

  constructor(issuer: string, cause: unknown) {
    super(`the keys of ${issuer} cannot be had`, { cause });
  }
}

export interface ExternalIssuers {
  /**
   * Null for whatever is not in every way a token of an issuer that we trust.
   * @throws IssuerUnreachableError
   */
  verify(token: string): Promise<VerifiedToken | null>;
}

const SKEW_SECONDS = 30;
const VALUE_CHARACTERS_MAX = 255;
const PERMISSIONS_MAX = 200;
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Header parameters that name or bring a key, change what is signed, or must be understood. */
const REFUSED_PARAMETERS = ['jku', 'jwk', 'x5u', 'x5c', 'crit', 'b64', 'zip', 'enc', 'cty'];

/**
 * Verifies tokens of these issuers, and of nobody else. In the order of RFC 8725 and ASVS V9: form,
 * header, issuer, key, signature, claims; each step refuses in the same way.
 */
export function externalIssuers(
  issuers: readonly ExternalIssuer[],
  outbound: Outbound,
): ExternalIssuers {
  const known = new Map(
    issuers.map((issuer) => [issuer.issuer, { issuer, keys: issuerKeys(issuer, outbound) }]),
  );
  return {
    async verify(token) {
      const parts = token.split('.');
      if (parts.length !== 3 || !parts.every(isCanonical)) return null;
      const read = unverified(token);
      if (!read || REFUSED_PARAMETERS.some((name) => Object.hasOwn(read.header, name))) return null;
      const { alg, kid, typ } = read.header;
      if (typeof alg !== 'string' || typeof kid !== 'string' || typeof typ !== 'string')
        return null;
      const trusted = known.get(read.issuer);
      if (!trusted?.issuer.types.includes(typ.toLowerCase().replace(/^application\//, ''))) {
        return null;
      }
      const key = await keyOf(trusted, kid, alg);
      if (!key) return null;
      const payload = await verified(token, key, alg, trusted.issuer);
      return payload && mapped(trusted.issuer, payload, digestOf(`${parts[0]}.${parts[1]}`));
    },
  };
}

/** The issuer's key of this name. @throws IssuerUnreachableError */
async function keyOf(
  { issuer, keys }: { readonly issuer: ExternalIssuer; readonly keys: IssuerKeys },
  kid: string,
  algorithm: string,
): Promise<CryptoKey | null> {
  try {
    return await keys.find(kid, algorithm, performance.now());
  } catch (error) {
    throw new IssuerUnreachableError(issuer.issuer, error);
  }
}

/** Base64url has one form of every text: other forms of a token would be other tokens (CWE-180). */
function isCanonical(part: string): boolean {
  return part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part;
}

function unverified(token: string) {
  try {
    const header: Readonly<Record<string, unknown>> = decodeProtectedHeader(token);
    const { iss } = decodeJwt(token);
    return typeof iss === 'string' ? { header, issuer: iss } : null;
  } catch {
    return null;
  }
}

async function verified(
  token: string,
  key: CryptoKey,
  algorithm: string,
  { issuer, audience, lifetimeSecondsMax }: ExternalIssuer,
): Promise<JWTPayload | null> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: [algorithm],
      issuer,
      audience,
      clockTolerance: SKEW_SECONDS,
      maxTokenAge: lifetimeSecondsMax,
      requiredClaims: ['exp', 'iat', 'sub'],
    });
    return payload;
  } catch {
    // Which check refused is nobody's business but the test's (CWE-204).
    return null;
  }
}

/** What the claims say in our words; null where they do not say all of it, in the right form. */
function mapped(
  issuer: ExternalIssuer,
  payload: JWTPayload,
  tokenId: string,
): VerifiedToken | null {
  const { exp = 0, iat = 0 } = payload;
  if (!(exp - iat > 0 && exp - iat <= issuer.lifetimeSecondsMax)) return null;
  const text = (claim: string) => {
    const value = Object.hasOwn(payload, claim) ? payload[claim] : undefined;
    const fits = typeof value === 'string' && value !== '' && value.length <= VALUE_CHARACTERS_MAX;
    return fits ? value : null;
  };
  const { by, claim } = issuer.identity;
  const value = text(claim);
  if (text('sub') === null || value === null) return null;
  if (by === 'id' && !UUID.test(value)) return null;
  // Somebody who typed another's address at the issuer is not that person (CWE-287).
  if (by === 'email' && payload['email_verified'] !== true) return null;
  const tenantId = 'id' in issuer.tenant ? issuer.tenant.id : text(issuer.tenant.claim);
  if (tenantId === null || !UUID.test(tenantId)) return null;
  const permissions = issuer.permissions && listOf(payload[issuer.permissions.claim]);
  if (issuer.permissions && !permissions) return null;
  const identity = { by, value };
  return {
    issuer: issuer.issuer,
    tokenId,
    identity,
    tenantId,
    permissions,
    issuedAt: iat,
    expiresAt: exp,
  };
}

/** As OAuth's `scope` writes it, or as a list (RFC 8693 4.2). */
function listOf(value: unknown): readonly string[] | null {
  const list: unknown = typeof value === 'string' ? value.split(' ').filter((each) => each) : value;
  if (!Array.isArray(list) || list.length > PERMISSIONS_MAX) return null;
  return list.every((each): each is string => typeof each === 'string') ? list : null;
}
