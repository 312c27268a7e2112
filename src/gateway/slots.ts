/** Places of those that may be under way at once. */
export interface Slots {
  /** Calls back with a place, at once or in turn. @returns what gives up waiting for it. */
  take(admit: () => void): () => void;
  give(): void;
}

const nothing = () => {};

/**
 * At most so many requests on their way to the upstream. Whoever waits does so before anything is
 * signed: an assertion is good for ten seconds only, and a queue behind it could be longer.
 */
export function slots(count: number): Slots {
  let free = count;
  const waiting = new Set<() => void>();
  return {
    take(admit) {
      if (free > 0) {
        free -= 1;
        admit();
        return nothing;
      }
      waiting.add(admit);
      return () => void waiting.delete(admit);
    },
    give() {
      const [next] = waiting;
      if (!next) {
        free += 1;
        return;
      }
      waiting.delete(next);
      next();
    },
  };
}
