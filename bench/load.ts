import autocannon from 'autocannon';

export interface Target {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: 'GET' | 'POST';
  readonly body?: string;
}

const CONNECTIONS = 32;

/** Requests a second under load for so many seconds. Throws when an answer was not a success. */
export async function requestsPerSecond(target: Target, seconds: number): Promise<number> {
  const result = await autocannon({ ...target, connections: CONNECTIONS, duration: seconds });
  if (result.non2xx > 0 || result.errors > 0 || result.timeouts > 0) {
    throw new Error(`${target.url}: ${result.non2xx} refused, ${result.errors} failed`);
  }
  return result.requests.total / result.duration;
}

/**
 * The speed of one target as a ratio to another's. Short windows of the two alternate, and each of
 * ours is compared with its two neighbours, so that a slower minute of the machine is slow for both.
 */
export async function compare(
  ours: Target,
  reference: Target,
  windows = 10,
): Promise<{ ratio: number; spread: [number, number] }> {
  await requestsPerSecond(reference, 2);
  await requestsPerSecond(ours, 2);
  const ratios: number[] = [];
  let before = await requestsPerSecond(reference, 1);
  for (let window = 0; window < windows; window++) {
    const measured = await requestsPerSecond(ours, 2);
    const after = await requestsPerSecond(reference, 1);
    ratios.push(measured / ((before + after) / 2));
    before = after;
  }
  const sorted = ratios.toSorted((a, b) => a - b);
  const at = (share: number) => round(sorted[Math.round((sorted.length - 1) * share)] ?? 0);
  return { ratio: at(0.5), spread: [at(0.25), at(0.75)] };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
