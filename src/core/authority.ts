import type { AccountPrincipal, Refusal, Requirement } from '../db/authorization.ts';
import type { Caller } from '../db/security-events.ts';

/**
 * On whose behalf an operation runs: the principal that the database has found, and what it
 * required of the request, which the operation's own transaction requires again.
 */
export interface Authority {
  readonly principal: AccountPrincipal;
  readonly requirement: Requirement;
  readonly caller: Caller;
}

/** What had been authorized no longer was when the operation's transaction began. */
export interface Refused {
  readonly refusal: Refusal;
}
