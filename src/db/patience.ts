/**
 * Waits for answers that come one after the other, and gives up when none came for so long though
 * some are due. One timer serves all of them: one for each costs as much as sending the question,
 * and keeps the question, and whoever asks it, out of reach of the young generation's collections.
 */
export class Patience {
  readonly #milliseconds: number;
  readonly #giveUp: () => void;
  #due = 0;
  /** When the first question was asked, or the last was answered. */
  #since = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(milliseconds: number, giveUp: () => void) {
    this.#milliseconds = milliseconds;
    this.#giveUp = giveUp;
  }

  asked(): void {
    if (this.#due++ === 0) this.#since = performance.now();
    if (!this.#timer) this.#wait(this.#milliseconds);
  }

  answered(): void {
    this.#due--;
    this.#since = performance.now();
  }

  #wait(milliseconds: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#due === 0) return;
      const left = this.#since + this.#milliseconds - performance.now();
      if (left <= 0) this.#giveUp();
      else this.#wait(left);
    }, milliseconds).unref();
  }
}
