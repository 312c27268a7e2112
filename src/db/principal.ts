/** The authenticated actor of a request, as the database found it behind the request's proof. */
export interface Principal {
  /** Null where the request presented no session but a bearer credential. */
  readonly sessionId: string | null;
  /** Which kind of bearer credential that was, and its id; absent where it was a session. */
  readonly bearer?: 'api-key' | 'external-token';
  readonly bearerId?: string;
  readonly identityId: string;
  readonly tenantId: string | null;
  /**
   * Those of the identity's role in the tenant, or of these those that the bearer credential has;
   * null where there is no tenant.
   */
  readonly permissions: readonly string[] | null;
  readonly authenticatedAt: Date;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly synchronizerGeneration: number;
  /** Whether that it was seen is to be noted again: the last time was over a minute ago. */
  readonly seenLongAgo: boolean;
}

/** The principal of a requirement `withAccount`. */
export interface AccountPrincipal extends Principal {
  readonly sessionId: string;
  readonly email: string;
  readonly displayName: string;
}

/**
 * The principal from the text that sallyport.require answers
 * (migrations/0001-foundation-functions.ts).
 */
export function principalOf(decided: string): Principal | AccountPrincipal {
  const [
    sessionId,
    permissions,
    authenticatedAt,
    createdAt,
    expiresAt,
    synchronizerGeneration,
    seenLongAgo,
    email,
    displayName,
  ] = JSON.parse(decided.slice(2 * UUID_LENGTH)) as DecidedPrincipal;
  const tenantId = decided.slice(UUID_LENGTH, 2 * UUID_LENGTH).trimEnd();
  const principal: Principal = {
    sessionId,
    identityId: decided.slice(0, UUID_LENGTH),
    tenantId: tenantId === '' ? null : tenantId,
    permissions,
    authenticatedAt: instantOf(authenticatedAt),
    createdAt: instantOf(createdAt),
    expiresAt: instantOf(expiresAt),
    synchronizerGeneration,
    seenLongAgo,
  };
  if (email === undefined || displayName === undefined) return principal;
  return { ...principal, email, displayName };
}

/**
 * The same of sallyport.require_bearer (migrations/0009-bearer.ts), whose text has the credential's
 * id and the first letter of its kind before the array.
 */
export function bearerPrincipalOf(decided: string): Principal {
  const array = 3 * UUID_LENGTH + 1;
  const ids = decided.slice(0, 2 * UUID_LENGTH);
  const principal = principalOf(`${ids}${decided.slice(array)}`);
  const bearer = decided[array - 1] === 'a' ? 'api-key' : 'external-token';
  const bearerId = decided.slice(2 * UUID_LENGTH, 3 * UUID_LENGTH);
  return { ...principal, sessionId: null, bearer, bearerId };
}

const UUID_LENGTH = 36;

/** Of seconds since 1970 with six places, which no product of theirs must lose a millisecond of. */
function instantOf(seconds: number): Date {
  return new Date(Math.round(seconds * 1_000_000) / 1_000);
}

type DecidedPrincipal = readonly [
  sessionId: string,
  permissions: readonly string[] | null,
  authenticatedAt: number,
  createdAt: number,
  expiresAt: number,
  synchronizerGeneration: number,
  seenLongAgo: boolean,
  email?: string,
  displayName?: string,
];
