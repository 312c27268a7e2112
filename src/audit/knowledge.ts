import type { Actor, ActorRole } from './actor.ts';
import type { Call, Selector } from './call.ts';
import type { Recipe } from './creation.ts';
import type { Exchange } from './exchange.ts';
import type { JsonPath } from './json.ts';
import type { Operation } from './operation.ts';

/** Operations that every API has in some form. */
export type Purpose =
  | 'sign-in'
  | 'who-am-i'
  | 'sign-out'
  | 'registration'
  | 'password-change'
  | 'recovery-start'
  | 'recovery-finish'
  | 'refresh';

/** An operation and why it is thought to be that. */
export interface Chosen {
  readonly operation: Operation;
  readonly purpose: Purpose;
  /** Higher is surer; only comparable within one purpose. */
  readonly score: number;
  /** What spoke for it: `path`, `password field`, `tokenUrl of the document`. */
  readonly signals: readonly string[];
  /** Whether the target behaved so. */
  readonly confirmed: boolean;
}

/** A call that the target granted to this actor, and its answer. */
export interface Granted {
  readonly call: Call;
  readonly actor: Actor;
  readonly exchange: Exchange;
}

/**
 * How it is known whose an object is: A made it in this run; it holds A's identity; only A's lists
 * have it; or A could reach it, which alone proves nothing.
 */
export type Ownership = 'created' | 'holds-identity' | 'listed-to-owner' | 'reachable';

/** Something of an account's: a value that selects it, and the calls that take the value. */
export interface OwnedObject {
  readonly owner: Actor;
  readonly ownership: Ownership;
  /** The value that selects it, as text. */
  readonly id: string;
  /** The collection it is in, as a path: `/orders`. */
  readonly collection: string;
  /** Reads it; granted to the owner. */
  readonly read: Granted;
  readonly selector: Selector;
  /** Values of its answer that stand in no answer to anybody else who may not read it. */
  readonly canaries: readonly string[];
}

/** A call that changes something of A's, with the place for a canary and the call that shows it. */
export interface ProvenWrite {
  readonly granted: Granted;
  /** Where a canary can be put into the body. */
  readonly field: JsonPath;
  /** Reads back as A; its answer had the canary. */
  readonly reader: Call;
  readonly kind: 'creates' | 'changes';
  /** Gives A's own account the values that it had before this run; null for what the run made. */
  readonly original: Call | null;
}

/** What was learned about the target before anything was attacked. */
export interface Knowledge {
  readonly chosen: Partial<Record<Purpose, Chosen>>;
  /**
   * A read that tells A from nobody: granted to A with A's identity in it, refused to anonymous
   * and bogus. Null where none was found; then little can be concluded.
   */
  readonly control: Granted | null;
  /** Safe calls that were granted to A, at most two for each operation. */
  readonly reads: readonly Granted[];
  /** The same for every role: what each finds by itself. Nobody's are its own too. */
  readonly views: Readonly<Partial<Record<ActorRole, readonly Granted[]>>>;
  /** Canaries that A planted in objects of its own. */
  readonly planted: readonly string[];
  readonly objects: readonly OwnedObject[];
  /** Calls that make objects of A's, to be sent again with fresh canaries (`refreshed`). */
  readonly recipes: readonly Recipe[];
  readonly writes: readonly ProvenWrite[];
  /** Operations that nothing could be sent to, and why. */
  readonly untried: readonly { readonly operation: Operation; readonly reason: string }[];
  /** What each role was answered, by operation: the access matrix. */
  readonly matrix: ReadonlyMap<string, Partial<Record<ActorRole, Access>>>;
}

export type Access = 'granted' | 'refused' | 'unclear';
