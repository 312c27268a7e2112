import type { Statement, StatementResult } from './batch.ts';

/** A batch that shares its transaction, and whoever waits for it. */
export interface Joined {
  readonly opening: readonly Statement[];
  readonly statements: readonly Statement[];
  readonly resolve: (results: StatementResult[]) => void;
  readonly reject: (error: unknown) => void;
}

/** The first of them is answered when the last is. */
const JOINED_MAX = 8;

/** Puts batches together that are asked for in the same turn of the event loop. */
export class Joining {
  readonly #run: (batches: readonly Joined[]) => void;
  #opening: readonly Statement[] = [];
  #batches: Joined[] = [];

  constructor(run: (batches: readonly Joined[]) => void) {
    this.#run = run;
  }

  add(opening: readonly Statement[], statements: readonly Statement[]): Promise<StatementResult[]> {
    if (this.#batches.length > 0 && !haveOneText(opening, this.#opening)) this.send();
    return new Promise((resolve, reject) => {
      if (this.#batches.length === 0) {
        this.#opening = opening;
        setImmediate(() => this.send());
      }
      this.#batches.push({ opening, statements, resolve, reject });
      if (this.#batches.length === JOINED_MAX) this.send();
    });
  }

  /** Does not wait for the end of the turn. */
  send(): void {
    const batches = this.#batches;
    if (batches.length === 0) return;
    this.#batches = [];
    this.#run(batches);
  }
}

function haveOneText(one: readonly Statement[], other: readonly Statement[]): boolean {
  return one.length === other.length && one.every(({ sql }, at) => sql === other[at]?.sql);
}
