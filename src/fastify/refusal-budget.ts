/** How many refusals may be written: at once, and lasting, in all and of one source. */
const ALL = { burst: 300, perSecond: 2 } as const;
const SOURCE = { burst: 60, perSecond: 0.5 } as const;

/** So many sources are told apart; the one that was quiet the longest is forgotten first. */
const SOURCES_MAX = 10_000;

interface Bucket {
  left: number;
  at: number;
}

/**
 * Says whether one more refusal may be written. Whoever sends refused requests as fast as they can
 * would else have us write as fast: a row costs more than a refusal (CWE-400, CWE-779). A source
 * uses its own allowance up before it can use up everybody's.
 */
export function refusalBudget(): (source: string, now: number) => boolean {
  const all: Bucket = { left: ALL.burst, at: 0 };
  const sources = new Map<string, Bucket>();
  return (source, now) => {
    const bucket = sources.get(source) ?? { left: SOURCE.burst, at: now };
    sources.delete(source);
    sources.set(source, bucket);
    if (sources.size > SOURCES_MAX) {
      for (const oldest of sources.keys()) {
        sources.delete(oldest);
        break;
      }
    }
    refill(bucket, SOURCE, now);
    refill(all, ALL, now);
    if (bucket.left < 1 || all.left < 1) return false;
    bucket.left--;
    all.left--;
    return true;
  };
}

function refill(bucket: Bucket, rate: { burst: number; perSecond: number }, now: number): void {
  const gained = ((now - bucket.at) / 1000) * rate.perSecond;
  bucket.left = Math.min(rate.burst, bucket.left + Math.max(0, gained));
  bucket.at = now;
}
