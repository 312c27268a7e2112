import type { Account, ActorRole } from './actor.ts';
import type { Purpose } from './knowledge.ts';
import type { ExpectedMatrix, Settings } from './run.ts';

/** Roles that have an account. */
export type AccountRole = Exclude<ActorRole, 'anonymous' | 'bogus'>;

export const ACCOUNT_ROLES: readonly AccountRole[] = ['a', 'b', 'stranger', 'superior'];

/** What an audit is asked to do. */
export interface AuditOptions {
  /** The address of the target: only its host is ever asked. */
  readonly url: string;
  /** A file, or an address on the target's host; null to look for it. */
  readonly document: string | null;
  readonly accounts: Readonly<Partial<Record<AccountRole, Account>>>;
  readonly settings: Settings;
  readonly requestsMax: number;
  readonly timeoutMilliseconds: number;
  readonly pauseMilliseconds: number;
  /** Ids of the checks to run; null for all. */
  readonly checks: readonly string[] | null;
  /** Which operation is what, where a person has said so: `{ 'sign-in': 'POST /login' }`. */
  readonly operations: Readonly<Partial<Record<Purpose, string>>>;
  /** Ids of operations that are never called. */
  readonly exclude: readonly string[];
  /** The reviewed access matrix, or null. */
  readonly expected: ExpectedMatrix | null;
  readonly now: () => Date;
  readonly progress: (line: string) => void;
  /** Takes each request and its answer as one line of JSON, secrets masked. */
  readonly log: (line: string) => void;
}

/** The audit cannot begin: the message says why, for whoever started it. */
export class AuditError extends Error {}
