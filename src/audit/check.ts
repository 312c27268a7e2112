import type { Run } from './run.ts';
import type { Verdict } from './verdict.ts';

/**
 * When a check runs. In this order, so that what spoils an account comes last: reads, attacks on
 * credentials that change nothing, writes, requests from other sites, ends of sessions, guessing
 * (which may lock an account), deletions, and last safe methods that nobody knows.
 */
export const PHASES = [
  'reads',
  'credentials',
  'writes',
  'cross-site',
  'endings',
  'guessing',
  'deletions',
  'unknown',
] as const;

export type Phase = (typeof PHASES)[number];

/**
 * What a check cannot do without. The runner answers `not-tested` with the reason where it is
 * missing, so that a check need not ask again.
 *
 * - `a`, `b`, `stranger`, `superior`: this account is signed in (`b-or-stranger`: one of the two).
 * - `identity`: a who-am-I operation, or another answer that tells A from nobody, is known.
 * - `sign-in`: a session of A can be opened again by name and password.
 * - `ambient`: the credential is one that browsers send by themselves (a cookie).
 * - `writes`: the target may be written to.
 */
export type Need =
  | 'a'
  | 'b'
  | 'b-or-stranger'
  | 'stranger'
  | 'superior'
  | 'identity'
  | 'sign-in'
  | 'ambient'
  | 'writes';

/** One weakness. One file in `checks/`, named as its id. */
export interface Check {
  /** Kebab case, and stable: baselines and suppressions name it. */
  readonly id: string;
  /** The weakness as a noun phrase: `Missing authentication`. */
  readonly title: string;
  readonly cwe: readonly number[];
  /** `API1:2023`. OWASP API Security Top 10. */
  readonly owaspApi: readonly string[];
  /** Requirement ids of ASVS 5.0. */
  readonly asvs: readonly string[];
  readonly phase: Phase;
  readonly needs: readonly Need[];
  /** Whether it sends requests that may change something. */
  readonly effect: 'reads' | 'writes';
  /** How to repair it, in one paragraph each. */
  readonly repair: {
    readonly fastapi: string;
    readonly fastify: string;
    readonly sallyport: string;
  };
  /**
   * Attacks, and returns a verdict for each thing that it looked at; never an empty list. An error
   * that it throws becomes `inconclusive`, so it need not catch any.
   */
  run(run: Run): Promise<readonly Verdict[]>;
}
