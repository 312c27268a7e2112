/** The requests, streams and tunnels that have not ended, each with what cuts it. */
export interface UnderWay {
  readonly count: () => number;
  /** @returns what takes it out again, once it has ended. */
  readonly add: (cut: () => void) => () => void;
  readonly cutAll: () => void;
}

/**
 * In an array, and each knows its place in it. A Set, to which every request is added and from
 * which it is deleted, gets a new table all the time; V8 keeps what was in the old ones until the
 * next full collection, and by that every request with all that hangs on it.
 */
export function underWay(): UnderWay {
  const entries: Array<{ readonly cut: () => void; at: number }> = [];
  return {
    count: () => entries.length,
    add(cut) {
      const entry = { cut, at: entries.length };
      entries.push(entry);
      return () => {
        if (entries[entry.at] !== entry) return;
        const last = entries.pop() ?? entry;
        if (last === entry) return;
        entries[entry.at] = last;
        last.at = entry.at;
      };
    },
    cutAll() {
      for (const { cut } of entries.slice()) cut();
    },
  };
}
