import { insertSecurityEvent } from '../db/security-events.ts';
import { countsAsMember, type PolicyRow, updatePolicy } from '../db/tenant-policies.ts';
import type { Authority, Refused } from './authority.ts';
import type { Core } from './core.ts';
import { runInTenant } from './membership.ts';

/** What members may have proved themselves with, where a tenant says so. */
export const AUTHENTICATORS = ['passkey', 'password', 'provider', 'totp', 'recovery-code'] as const;

export type Authenticator = (typeof AUTHENTICATORS)[number];

/** What a tenant asks of the proofs of its members, whichever role they have. */
export interface TenantPolicy {
  /** Nothing, two factors (AAL2), or a passkey among what was shown. */
  readonly memberProof: PolicyRow['memberProof'];
  /** Without a request for so long, a session proves itself again; 5 to 60. */
  readonly idleMinutes: number;
  /** After so long since the last proof, too; 15 to 720. */
  readonly proofMinutes: number;
  /** Null for all. */
  readonly authenticators: readonly Authenticator[] | null;
}

export interface PolicyProblem {
  readonly field: keyof TenantPolicy;
  readonly reason: 'out-of-range' | 'unusable';
}

/** The product's own limits are the longest that there are (ASVS 7.3.1, 7.3.2). */
export const LIMITS = {
  idleMinutes: { min: 5, max: 60 },
  proofMinutes: { min: 15, max: 720 },
} as const;

/**
 * Asks it of the members of the request's tenant, from their next request on. Whoever does not meet
 * it is refused with what is missing, and meets it by proving more; nothing of theirs is lost. Who
 * sets it must meet it: nobody locks themselves out of their tenant.
 */
export async function changePolicy(
  core: Core,
  authority: Authority,
  policy: TenantPolicy,
): Promise<
  | { readonly policy: TenantPolicy }
  | { readonly problems: readonly PolicyProblem[] }
  | 'policy-unmet'
  | Refused
> {
  const problems = problemsOf(policy);
  if (problems.length > 0) return { problems };
  try {
    const outcome = await runInTenant(core, authority, async (tx, { tenantId, identityId }) => {
      await updatePolicy(tx, tenantId, rowOf(policy));
      if (!(await countsAsMember(tx))) throw new UnmetError();
      const { memberProof, idleMinutes, proofMinutes } = policy;
      await insertSecurityEvent(tx, {
        kind: 'tenant-policy-changed',
        identityId,
        tenantId,
        caller: authority.caller,
        details: { proof: memberProof, idle: idleMinutes, age: proofMinutes },
      });
    });
    return 'refusal' in outcome ? outcome : { policy };
  } catch (error) {
    if (error instanceof UnmetError) return 'policy-unmet';
    throw error;
  }
}

/** Thrown so that the policy is rolled back. */
class UnmetError extends Error {}

/** A policy that nobody can meet is none: a second factor needs one that is allowed. */
function problemsOf(policy: TenantPolicy): readonly PolicyProblem[] {
  const { memberProof, authenticators } = policy;
  const problems: PolicyProblem[] = [];
  for (const field of ['idleMinutes', 'proofMinutes'] as const) {
    const { min, max } = LIMITS[field];
    const value = policy[field];
    if (!Number.isInteger(value) || value < min || value > max) {
      problems.push({ field, reason: 'out-of-range' });
    }
  }
  if (authenticators === null) return problems;
  const has = (name: Authenticator) => authenticators.includes(name);
  const reachable: Readonly<Record<TenantPolicy['memberProof'], boolean>> = {
    any: has('passkey') || has('password') || has('provider'),
    'second-factor': has('passkey') || ((has('password') || has('provider')) && has('totp')),
    passkey: has('passkey'),
  };
  if (!reachable[memberProof]) problems.push({ field: 'authenticators', reason: 'unusable' });
  return problems;
}

/** A passkey behind a password need not be unlocked; a session notes that as another method. */
function rowOf({ authenticators, ...policy }: TenantPolicy): PolicyRow {
  const methods = AUTHENTICATORS.filter((name) => authenticators?.includes(name));
  const all = authenticators === null || methods.length === AUTHENTICATORS.length;
  const listed = methods.flatMap((name) =>
    name === 'passkey' ? ['passkey', 'passkey-touch'] : [name],
  );
  return { ...policy, authenticators: all ? '' : listed.join(',') };
}

/** The policy as its row has it. */
export function policyOf({ authenticators, ...policy }: PolicyRow): TenantPolicy {
  const methods = authenticators.split(',');
  return {
    ...policy,
    authenticators:
      authenticators === '' ? null : AUTHENTICATORS.filter((name) => methods.includes(name)),
  };
}
