import type { Exchange } from './exchange.ts';

/** How bad it is if it is true. */
export type Severity = 'critical' | 'high' | 'medium' | 'low' | 'informational';

/**
 * How well it is proved: an effect or a planted value was seen (`confirmed`), a difference between
 * accounts without one (`probable`), or a missing defence that nothing was done with.
 */
export type Confidence = 'confirmed' | 'probable' | 'informational';

/** One step of a proof: what was sent, what came, and what that shows. */
export interface Step {
  readonly says: string;
  readonly exchange: Exchange;
}

/**
 * Something is wrong, and here is what was seen. One cause is one finding: findings of a check
 * with the same `cause` are merged, their subjects and evidence joined.
 */
export interface Finding {
  readonly verdict: 'finding';
  /** What would have to be repaired (`POST /login: no limit`): equal where one repair ends both. */
  readonly cause: string;
  readonly severity: Severity;
  readonly confidence: Confidence;
  /** One sentence for a heading: who could do what. */
  readonly title: string;
  /** What it means and how it was told from what is meant to be so. Plain sentences. */
  readonly detail: string;
  /** Ids of the operations it was seen on, or what else it is about. */
  readonly subjects: readonly string[];
  /** The attack beside what the attacker may do: the difference is the proof. */
  readonly evidence: readonly Step[];
  /** The controls: the right credential works, none does not, a random id does not. */
  readonly controls: readonly Step[];
}

/** It was attacked and held. */
export interface Sound {
  readonly verdict: 'sound';
  readonly subject: string;
  readonly detail: string;
}

/** It was tried and nothing can be said: a control failed, an account is locked, 429, 5xx. */
export interface Inconclusive {
  readonly verdict: 'inconclusive';
  readonly subject: string;
  readonly reason: string;
  readonly steps: readonly Step[];
}

/** It was not tried. */
export interface NotTested {
  readonly verdict: 'not-tested';
  readonly subject: string;
  readonly reason: string;
}

export type Verdict = Finding | Sound | Inconclusive | NotTested;

export function step(says: string, exchange: Exchange): Step {
  return { says, exchange };
}

export function sound(subject: string, detail: string): Sound {
  return { verdict: 'sound', subject, detail };
}

export function inconclusive(subject: string, reason: string, ...steps: Step[]): Inconclusive {
  return { verdict: 'inconclusive', subject, reason, steps };
}

export function notTested(subject: string, reason: string): NotTested {
  return { verdict: 'not-tested', subject, reason };
}
