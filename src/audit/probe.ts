import type { Readable } from 'node:stream';
import { Pool } from 'undici';
import { answerOf, BODY_BYTES_MAX, type Exchange, type ProbeRequest } from './exchange.ts';
import { patienceAskedBy } from './patience.ts';

/** The audit's connection to its target. It has one host and cannot be pointed at another. */
export interface Probe {
  /** Scheme, host and port of the target. */
  readonly origin: string;
  /**
   * Sends one request and waits for the answer; a redirect is an answer and is not followed.
   *
   * A target that asks for patience (429) gets it, and the request once more, until that is of no
   * use; `impatient` takes the 429 for the answer, which says that there is a limit.
   *
   * Throws `StopError` when the budget is spent or the target suffers. A request that gets no
   * answer is an exchange all the same.
   */
  send(request: ProbeRequest, as: string, manner?: 'patient' | 'impatient'): Promise<Exchange>;
  sent(): number;
  /** Ids of operations that somebody was granted. */
  readonly reached: Set<string>;
  /** Lets a few more requests go out than the budget has, to put back what was changed. */
  reserve(): void;
  /** Called when many answers in a row were 5xx or none: returns whether the target is well. */
  onDistress(isWell: () => Promise<boolean>): void;
  close(): Promise<void>;
}

export interface ProbeLimits {
  readonly requestsMax: number;
  readonly timeoutMilliseconds: number;
  /** A pause before each request, for targets that must not be loaded. */
  readonly pauseMilliseconds: number;
  readonly now: () => Date;
}

/** The audit must not go on: what is left is not tested, for this reason. */
export class StopError extends Error {}

/** Answers in a row that were 5xx or none, before somebody asks whether the target is well. */
const DISTRESS_STREAK = 10;

/** Requests beyond the budget that putting things back may take. */
const RESERVE = 60;

/** Four times this and four times slower than at first counts as suffering. */
const SLOW_MILLISECONDS = 2_000;

export function openProbe(
  origin: string,
  limits: ProbeLimits,
  log: (exchange: Exchange) => void,
): Probe {
  const pool = new Pool(origin, {
    connections: 4,
    // Some targets end idle connections early; a request on one that just ended would be lost.
    keepAliveTimeout: 2_000,
    headersTimeout: limits.timeoutMilliseconds,
    bodyTimeout: limits.timeoutMilliseconds,
    connect: { timeout: limits.timeoutMilliseconds },
  });
  const watch = watchDistress();
  let sent = 0;
  let asking = false;
  let isWell: () => Promise<boolean> = async () => false;
  let waited = 0;
  let reserved = 0;
  const banned = new Set<string>();
  const sendOnce = async (request: ProbeRequest, as: string): Promise<Exchange> => {
    if (sent >= limits.requestsMax + reserved) {
      throw new StopError(`the budget of ${limits.requestsMax} requests is spent`);
    }
    sent += 1;
    if (limits.pauseMilliseconds > 0) await sleep(limits.pauseMilliseconds);
    const number = sent;
    const outcome = await perform(pool, request, limits.timeoutMilliseconds);
    const exchange = { number, as, request, ...outcome };
    log(exchange);
    const complaint = watch(exchange);
    if (complaint !== null && !asking) {
      asking = true;
      const well = await isWell().finally(() => {
        asking = false;
      });
      if (!well) throw new StopError(`the target suffers: ${complaint}`);
    }
    return exchange;
  };
  return {
    origin,
    sent: () => sent,
    reached: new Set(),
    reserve: () => {
      reserved = RESERVE;
    },
    onDistress: (ask) => {
      isWell = ask;
    },
    close: () => pool.destroy(),
    async send(request, as, manner = 'patient') {
      let exchange = await sendOnce(request, as);
      if (manner === 'impatient' || banned.has(placeOf(request))) return exchange;
      for (let retries = 0; ; retries += 1) {
        const seconds = patienceAskedBy(exchange, limits.now(), retries);
        if (seconds === null || waited + seconds > WAIT_SECONDS_MAX) break;
        waited += seconds;
        await sleep(seconds * 1_000);
        exchange = await sendOnce(request, as);
      }
      // What no patience opens is not waited for again.
      if (exchange.answer?.status === 429) banned.add(placeOf(request));
      return exchange;
    },
  };
}

/** All such waits of a run. After them a 429 is an answer that nothing follows from. */
const WAIT_SECONDS_MAX = 600;

function placeOf({ method, path }: ProbeRequest): string {
  return `${method} ${path.split('?')[0]}`;
}

type Outcome = Pick<Exchange, 'answer' | 'failure'>;

async function perform(pool: Pool, request: ProbeRequest, milliseconds: number): Promise<Outcome> {
  const started = performance.now();
  try {
    const response = await pool.request({
      method: request.method,
      path: request.path,
      headers: request.headers,
      body: request.body,
      signal: AbortSignal.timeout(milliseconds),
    });
    const isStream = String(response.headers['content-type']).startsWith('text/event-stream');
    const text = isStream ? await leave(response.body) : await readText(response.body);
    const headers: Record<string, string> = {};
    let setCookies: readonly string[] = [];
    for (const [name, value = ''] of Object.entries(response.headers)) {
      headers[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
      if (name.toLowerCase() === 'set-cookie') setCookies = Array.isArray(value) ? value : [value];
    }
    const took = performance.now() - started;
    return {
      answer: answerOf(response.statusCode, headers, setCookies, text, took),
      failure: null,
    };
  } catch (error) {
    return { answer: null, failure: failureOf(error) };
  }
}

/** A stream of events has no end: that it began is all there is to see. */
async function leave(body: Readable): Promise<string> {
  body.on('error', () => {});
  body.destroy();
  return '';
}

async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    // Leaving the loop ends the connection: an endless stream is cut off here.
    if (bytes > BODY_BYTES_MAX) break;
  }
  return Buffer.concat(chunks).subarray(0, BODY_BYTES_MAX).toString('utf8');
}

function failureOf(error: unknown): string {
  const {
    name = '',
    code = '',
    message = '',
  } = error as { name?: string; code?: string; message?: string };
  if (name === 'TimeoutError' || /TIMEOUT/.test(code)) return 'timeout';
  if (code === 'ECONNREFUSED') return 'connection refused';
  if (code === 'ECONNRESET' || code === 'UND_ERR_SOCKET') return 'connection lost';
  return code === '' ? message : code;
}

/** Says what is wrong when the last answers look like a target that is going down. */
function watchDistress(): (exchange: Exchange) => string | null {
  let streak = 0;
  const first: number[] = [];
  const last: number[] = [];
  return ({ answer }) => {
    streak = answer === null || answer.status >= 500 ? streak + 1 : 0;
    if (streak >= DISTRESS_STREAK) {
      streak = 0;
      return `${DISTRESS_STREAK} answers in a row were errors of the server, or none`;
    }
    if (answer === null) return null;
    if (first.length < 20) first.push(answer.milliseconds);
    last.push(answer.milliseconds);
    if (last.length > 20) last.shift();
    const slow =
      last.length === 20 && median(last) > Math.max(SLOW_MILLISECONDS, 4 * median(first));
    if (!slow) return null;
    last.length = 0;
    return `it takes ${Math.round(answer.milliseconds)} ms to answer, and took ${Math.round(median(first))} ms at first`;
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
