import type { Statement } from './batch.ts';

/** A query that was slow by itself is kept apart for so long since it last was. */
const APART_MILLISECONDS = 60_000;

/** Until it was tried by itself. */
const SUSPECTED = Number.POSITIVE_INFINITY;

/** Behind so many the one that was found first is forgotten. */
const KEPT_MAX = 100;

/**
 * Which queries, by their text, take longer than others should wait for. Of some that were slow
 * together nobody knows which it was: each is tried by itself the next time.
 */
export class SlowQueries {
  readonly #slow: number;
  /** Until when it is kept apart. */
  readonly #apart = new Map<string, number>();

  constructor(slowMilliseconds: number) {
    this.#slow = slowMilliseconds;
  }

  /** The worst of them. */
  judge(statements: readonly Statement[]): 'prompt' | 'suspected' | 'slow' {
    if (this.#apart.size === 0) return 'prompt';
    const until = statements.map(({ sql }) => this.#apart.get(sql) ?? 0);
    if (until.some((time) => time < SUSPECTED && performance.now() < time)) return 'slow';
    return until.includes(SUSPECTED) ? 'suspected' : 'prompt';
  }

  noteAlone(statements: readonly Statement[], milliseconds: number): void {
    const isSlow = milliseconds >= this.#slow;
    for (const { sql } of statements) {
      if (isSlow) this.#keep(sql, performance.now() + APART_MILLISECONDS);
      else if (this.#apart.get(sql) === SUSPECTED) this.#apart.delete(sql);
    }
  }

  noteTogether(
    batches: readonly { readonly statements: readonly Statement[] }[],
    milliseconds: number,
  ): void {
    if (milliseconds < this.#slow) return;
    if (batches.length === 1) return this.noteAlone(batches[0]?.statements ?? [], milliseconds);
    for (const { sql } of batches.flatMap(({ statements }) => statements)) {
      if (this.judge([{ sql, parameters: [] }]) === 'prompt') this.#keep(sql, SUSPECTED);
    }
  }

  #keep(sql: string, until: number): void {
    this.#apart.delete(sql);
    this.#apart.set(sql, until);
    if (this.#apart.size <= KEPT_MAX) return;
    for (const first of this.#apart.keys()) {
      this.#apart.delete(first);
      return;
    }
  }
}
