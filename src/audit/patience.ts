import type { Exchange } from './exchange.ts';

/** The longest that a target may ask to wait before a request; who asks for more means a ban. */
const RETRY_SECONDS_MAX = 60;

/** Where a 429 does not say how long: what most limits that are no ban let pass again after. */
const UNSAID_SECONDS = [1, 5, 12];

/** How often one request is sent again: a limit may count the attempts that it refuses. */
export const RETRIES_MAX = UNSAID_SECONDS.length;

/** Headers that say when the next request may come, the standard one first. */
const HEADERS = [
  'retry-after',
  'x-retry-after',
  'ratelimit-reset',
  'x-ratelimit-reset',
  'x-rate-limit-reset',
];

/** A number beyond this is a moment and no duration. */
const EPOCH_SECONDS_MIN = 1_000_000_000;

/**
 * The seconds to wait before a request that was answered 429, or 503 with a time, is sent once
 * more; null where that is of no use. `retries` is how often it was sent again already. RFC 6585 4,
 * RFC 9110 10.2.3 and 15.6.4; the other headers are what frameworks send in its place.
 */
export function patienceAskedBy({ answer }: Exchange, now: Date, retries: number): number | null {
  const isAsked = answer?.status === 503 && 'retry-after' in answer.headers;
  if ((answer?.status !== 429 && !isAsked) || retries >= RETRIES_MAX) return null;
  for (const name of HEADERS) {
    const seconds = secondsOf(answer.headers[name] ?? '', now);
    if (seconds !== null) return seconds <= RETRY_SECONDS_MAX ? Math.max(seconds, 0.1) : null;
  }
  return UNSAID_SECONDS[retries] ?? null;
}

function secondsOf(text: string, now: Date): number | null {
  if (/^\d+(\.\d+)?$/.test(text)) {
    const number = Number(text);
    if (number < EPOCH_SECONDS_MIN) return number;
    const moment = number < 1_000 * EPOCH_SECONDS_MIN ? number * 1_000 : number;
    return (moment - now.getTime()) / 1_000;
  }
  const moment = Date.parse(text);
  return Number.isNaN(moment) ? null : (moment - now.getTime()) / 1_000;
}
