import type { Credential } from './actor.ts';
import { type Exchange, isGranted } from './exchange.ts';
import { leavesOf } from './json.ts';
import { portraitClaims } from './identity.ts';
import type { Run } from './run.ts';
import type { Severity } from './verdict.ts';

/** How long an authority outlived its end. */
export interface Window {
  /** Seconds after which it was refused; null where it was still granted at the last look. */
  readonly closedAfter: number | null;
  /** Seconds after its end at which it was last granted. */
  readonly lastGranted: number;
  /** The last answer that was granted. */
  readonly exchange: Exchange;
}

/** When it is looked again, in seconds after the end; as far as the run may wait. */
const LOOKS = [0, 1, 2, 5, 10, 30, 60, 120];

/**
 * Looks again and again whether something is still granted after its end. Null where it was refused
 * at once, which is what should be; `look` returns null where nothing can be concluded.
 */
export async function measureWindow(
  run: Run,
  look: () => Promise<{ readonly granted: boolean; readonly exchange: Exchange } | null>,
): Promise<Window | 'closed' | 'unclear'> {
  const started = performance.now();
  let last: { readonly at: number; readonly exchange: Exchange } | null = null;
  for (const at of LOOKS) {
    if (at > 0 && at > run.settings.waitSecondsMax) break;
    await sleep(started + at * 1000 - performance.now());
    const seen = await look();
    const seconds = (performance.now() - started) / 1000;
    if (seen === null) return last === null ? 'unclear' : opened(last, null);
    if (!seen.granted) return last === null ? 'closed' : opened(last, seconds);
    last = { at: seconds, exchange: seen.exchange };
  }
  return last === null ? 'unclear' : opened(last, null);
}

/**
 * How bad it is by how long it lasts: up to a minute, up to a quarter of an hour, longer. What was
 * not waited for is taken from the credential's own expiry, where it says one.
 */
export function severityOf(window: Window, credential: Credential, run: Run): Severity {
  const seconds = window.closedAfter ?? expiryOf(credential, run) ?? Number.POSITIVE_INFINITY;
  if (seconds <= 60) return 'informational';
  return seconds <= 15 * 60 ? 'medium' : 'high';
}

/** `for at least 10 s, and by its own expiry for 29 min`. */
export function describeWindow(window: Window, credential: Credential, run: Run): string {
  if (window.closedAfter !== null) return `for ${window.closedAfter.toFixed(1)} s`;
  const expiry = expiryOf(credential, run);
  const least = `for at least ${window.lastGranted.toFixed(1)} s, when it was last tried`;
  return expiry === null
    ? least
    : `${least}, and by its own expiry for ${Math.round(expiry / 60)} min more`;
}

function expiryOf(credential: Credential, run: Run): number | null {
  const expiry = portraitClaims(credential).find(([key]) => key === 'exp')?.[1];
  return typeof expiry === 'number' ? expiry - run.now().getTime() / 1000 : null;
}

function opened(
  last: { readonly at: number; readonly exchange: Exchange },
  closedAfter: number | null,
): Window {
  return { closedAfter, lastGranted: last.at, exchange: last.exchange };
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, Math.max(0, milliseconds));
  });
}

/** The value of a field of A's or another's own data, as an answer has it. */
export function fieldIn(exchange: Exchange | null, name: RegExp) {
  if (exchange === null || !isGranted(exchange)) return undefined;
  return leavesOf(exchange.answer?.json).find(({ key }) => name.test(key.toLowerCase()));
}
