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

/** The speed of one target as a ratio to another's, both under load. */
export async function compare(
  ours: Target,
  reference: Target,
): Promise<{ ratio: number; spread: [number, number] }> {
  return await compareRates(
    () => requestsPerSecond(ours, 2),
    () => requestsPerSecond(reference, 1),
    10,
  );
}

/**
 * The ratio of two rates. Short windows of the two alternate, and each of ours is compared with its
 * two neighbours, so that a slower minute of the machine is slow for both.
 */
export async function compareRates(
  ours: () => Promise<number>,
  reference: () => Promise<number>,
  windows: number,
): Promise<{ ratio: number; spread: [number, number] }> {
  await reference();
  await ours();
  const ratios: number[] = [];
  let before = await reference();
  for (let window = 0; window < windows; window++) {
    const measured = await ours();
    const after = await reference();
    ratios.push(measured / ((before + after) / 2));
    before = after;
  }
  return { ratio: quantile(ratios, 0.5), spread: [quantile(ratios, 0.25), quantile(ratios, 0.75)] };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.round((sorted.length - 1) * share)] ?? 0;
  return Math.round(value * 100) / 100;
}
