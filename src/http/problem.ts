/** A refusal or a failure as the client sees it, in the members of RFC 9457. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly instance: string;
  readonly errors?: readonly FieldError[];
  /** How old a proof of who is there may be, in seconds (RFC 9470 3). */
  readonly max_age?: number;
  /** What must be proved, one of these (RFC 9470 3). */
  readonly acr_values?: readonly string[];
}

/** One rejected field of a body: its name and why, never the value that was sent. */
export interface FieldError {
  readonly field: string;
  readonly reason: string;
}

/** The code of a problem: stable, for programs to branch on. */
export type ProblemCode = keyof typeof PROBLEMS;

/**
 * Every answer that is not a success: one code, one status, one sentence for a person.
 *
 * A title never says which check refused, or whether something exists: unknown, expired and used
 * one-time tokens share a code, and so do all wrong credentials. The whole reason goes to the
 * security event log under the request's id. CWE-204, CWE-209, ASVS 16.5.1.
 */
export const PROBLEMS = {
  'malformed-request': { status: 400, title: 'The request could not be understood.' },
  'ambiguous-request': { status: 400, title: 'The request could be understood in two ways.' },
  'invalid-fields': { status: 400, title: 'Some fields need to be corrected.' },
  'duplicate-cookie': {
    status: 400,
    title: "The browser sent conflicting cookies. Clear this site's cookies and sign in again.",
  },
  'account-exists': {
    status: 409,
    title: 'Sign in first, then accept the invitation.',
  },
  'invalid-token': {
    status: 400,
    title: 'This link or code does not work, or no longer does. Ask for a new one.',
  },
  'not-signed-in': { status: 401, title: 'Sign in to continue.' },
  'malformed-authorization': {
    status: 401,
    title: 'The Authorization header is not one bearer token.',
  },
  'bearer-not-accepted': {
    status: 403,
    title: 'This takes a person who is signed in, and no key or token.',
  },
  'two-principals': {
    status: 400,
    title: 'The request is signed in twice, as two different people or in two tenants.',
  },
  'wrong-credentials': { status: 401, title: 'These sign-in details are not correct.' },
  'password-compromised': {
    status: 403,
    title: 'This password has become known to others. Choose a new one by mail.',
  },
  'foreign-origin': { status: 403, title: 'The request did not come from this site.' },
  'synchronizer-token-mismatch': {
    status: 403,
    title: 'This page is out of date. Reload it and try again.',
  },
  'sign-in-over': { status: 401, title: 'This took too long, or too many tries. Start again.' },
  'provider-refused': { status: 401, title: 'The other site did not say who you are.' },
  'provider-unreachable': {
    status: 503,
    title: 'The other site cannot be reached at the moment. Try again later.',
  },
  'provider-address-unproved': {
    status: 403,
    title: 'The other site has not made sure that your address is yours.',
  },
  'provider-not-linked': {
    status: 409,
    title: 'This address is known here. Sign in in another way, then link the other site.',
  },
  'provider-taken': {
    status: 409,
    title: 'This is linked already, or something else of the same site is.',
  },
  'second-factor-required': {
    status: 401,
    title: 'Prove again that it is you, with your second factor, then try once more.',
  },
  'second-factor-missing': { status: 403, title: 'Set up a second factor first.' },
  'tenant-proof-required': {
    status: 401,
    title: 'This tenant asks you to prove again that it is you, in a way that it accepts.',
  },
  'tenant-factor-missing': {
    status: 403,
    title: 'This tenant asks for a second factor or a passkey. Set one up first.',
  },
  'policy-unmet': {
    status: 409,
    title: 'You do not meet this yourself. Prove it first, then ask it of others.',
  },
  'too-many': {
    status: 409,
    title: 'There are as many of these as there may be. Remove one first.',
  },
  'last-way-in': {
    status: 409,
    title: 'This is the only way in. Add another one first.',
  },
  'already-set-up': { status: 409, title: 'This is set up already. Remove it first.' },
  'step-up-required': { status: 401, title: 'Prove again that it is you, then try once more.' },
  forbidden: { status: 403, title: 'You are not allowed to do this.' },
  'tenant-not-selected': {
    status: 409,
    title: 'You are a member of more than one tenant. Say which one this is for.',
  },
  'tenant-deleted': { status: 403, title: 'This tenant is waiting for its deletion.' },
  'above-own-level': {
    status: 403,
    title: 'You may not give, take or change what is above your own role.',
  },
  'last-owner': {
    status: 409,
    title: 'A tenant needs an owner. Make somebody else one first, or delete the tenant.',
  },
  'built-in-role': { status: 409, title: 'This role is the same in every tenant.' },
  'role-in-use': { status: 409, title: 'Members have this role. Give them another one first.' },
  'not-found': { status: 404, title: 'There is nothing here.' },
  'method-not-allowed': { status: 405, title: 'This method is not supported here.' },
  'idempotency-key-malformed': {
    status: 400,
    title: 'The Idempotency-Key is not 1 to 255 visible characters.',
  },
  'idempotency-key-reused': {
    status: 409,
    title: 'This Idempotency-Key was used for another request.',
  },
  'idempotency-key-in-use': {
    status: 409,
    title: 'This was done, and its answer is on its way. Ask again in a moment.',
  },
  'idempotency-answer-not-kept': {
    status: 409,
    title: 'This was done before, and its answer was not kept.',
  },
  'request-timeout': { status: 408, title: 'The request took too long to arrive.' },
  'body-too-large': { status: 413, title: 'The request is too large.' },
  'too-many-attempts': { status: 429, title: 'That was tried too often. Try again later.' },
  'unsupported-media-type': { status: 415, title: 'This content type is not supported here.' },
  'foreign-host': { status: 421, title: 'This site does not answer under that name.' },
  'main-origin-only': {
    status: 421,
    title: "This is not done under a tenant's own name. Go to the main address.",
  },
  'header-too-large': { status: 431, title: 'The header of the request is too large.' },
  internal: { status: 500, title: 'Something went wrong on our side.' },
  'upstream-failed': {
    status: 502,
    title: 'The service behind this one did not answer properly.',
  },
  'upstream-unavailable': {
    status: 503,
    title: 'The service behind this one is not available at the moment. Try again later.',
  },
  'upstream-timeout': {
    status: 504,
    title: 'The service behind this one took too long to answer.',
  },
  'outcome-unknown': {
    status: 503,
    title: 'It is not certain whether this was done. Check before you try again.',
  },
  busy: { status: 503, title: 'The service is busy. Try again in a moment.' },
  'database-unavailable': {
    status: 503,
    title: 'The service is not available at the moment. Try again later.',
  },
} as const satisfies Readonly<Record<string, { readonly status: number; readonly title: string }>>;

/** What a step-up asks for, as a client reads it: see `stepUpChallenge`. */
export type StepUpMembers = Required<Pick<Problem, 'max_age' | 'acr_values'>>;

/**
 * What a request lacks that was refused for its assurance: a proof not older than so many seconds,
 * at this level of NIST SP 800-63B-4. As members of the problem, and as the header of RFC 9470 3.
 */
export function stepUpChallenge(
  code: 'step-up-required' | 'second-factor-required',
  withinSeconds: number,
): { readonly members: StepUpMembers; readonly header: string } {
  const acr = `urn:sallyport:aal:${code === 'second-factor-required' ? 2 : 1}`;
  const parameters = [
    'error="insufficient_user_authentication"',
    `error_description="${PROBLEMS[code].title}"`,
    `max_age="${withinSeconds}"`,
    `acr_values="${acr}"`,
  ];
  return {
    members: { max_age: withinSeconds, acr_values: [acr] },
    header: `Bearer ${parameters.join(', ')}`,
  };
}

/**
 * The body of an `application/problem+json` answer.
 *
 * `requestId` is the UUID that we gave the request, never one that the client sent; it leads the
 * operator to the reason. `errors` only for fields of the client's own body. RFC 9457 3.1.
 */
export function problem(
  code: ProblemCode,
  requestId: string,
  errors?: readonly FieldError[],
  stepUp?: StepUpMembers,
): Problem {
  const { status, title } = PROBLEMS[code];
  const base = {
    type: `urn:sallyport:problem:${code}`,
    title,
    status,
    code,
    instance: `urn:uuid:${requestId}`,
  };
  return { ...base, ...(errors && { errors }), ...stepUp };
}
