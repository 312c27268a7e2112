import { connect } from 'node:net';
import { hasWrk, type Load, loadWithWrk } from './wrk.ts';

export interface Target {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: 'GET' | 'POST';
  readonly body?: string;
}

const CONNECTIONS = 32;

/** Requests a second under load for so many seconds. Throws when an answer was not a success. */
export async function requestsPerSecond(target: Target, seconds: number): Promise<number> {
  return (await load([target], seconds)).perSecond;
}

/**
 * Asks for so many seconds, for all targets in turn.
 *
 * The load shares a core with PostgreSQL, so it does no more than it must: each connection sends
 * the next request, ready as bytes, as soon as it was answered. That is wrk, or where there is none
 * a generator of our own. A client with every comfort of HTTP takes as much of that core as the
 * database does, and its share grows with the headers of an answer.
 */
export async function load(targets: readonly Target[], seconds: number): Promise<Load> {
  const url = new URL(targets[0]?.url ?? '');
  const requests = targets.map((target) => bytesOf(new URL(target.url), target));
  if (hasWrk) return await loadWithWrk(url.origin, requests, seconds, CONNECTIONS);
  const started = performance.now();
  const isOver = () => performance.now() - started > seconds * 1_000;
  const counts = await Promise.all(
    Array.from({ length: CONNECTIONS }, (_, connection) => {
      let next = Math.floor((connection * requests.length) / CONNECTIONS);
      const nextRequest = () => requests[next++ % requests.length] ?? Buffer.alloc(0);
      return askAgainAndAgain(url, nextRequest, isOver);
    }),
  );
  const taken = performance.now() - started;
  const answers = counts.reduce((sum, count) => sum + count, 0);
  return { answers, perSecond: (answers * 1_000) / taken, p99Milliseconds: null };
}

/**
 * Until the connections are open, the statements prepared and the code compiled: by then a server
 * that does much for a request has answered some ten thousand.
 */
export async function warmUp(targets: readonly Target[]): Promise<void> {
  let answered = 0;
  for (let second = 0; second < 20 && (second < 5 || answered < 15_000); second++) {
    answered += (await load(targets, 1)).answers;
  }
}

function bytesOf(url: URL, { method = 'GET', headers = {}, body = '' }: Target): Buffer {
  const lines = Object.entries({
    host: url.host,
    ...headers,
    ...(method === 'POST' ? { 'content-length': String(Buffer.byteLength(body)) } : {}),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${url.pathname} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
}

/** How many answers came, on one connection, one after the other. */
function askAgainAndAgain(
  url: URL,
  nextRequest: () => Buffer,
  isOver: () => boolean,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname);
    let answers = 0;
    let pending = Buffer.alloc(0);
    socket.setNoDelay(true);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`${url.href}: the connection was closed`)));
    socket.on('connect', () => socket.write(nextRequest()));
    socket.on('data', (chunk) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      const length = lengthOfAnswer(pending);
      if (length === null || pending.length < length) return;
      if (pending.length > length || !pending.subarray(0, 12).equals(SUCCESS)) {
        socket.destroy(new Error(`${url.href} answered ${pending.toString('latin1')}`));
        return;
      }
      pending = Buffer.alloc(0);
      answers += 1;
      if (!isOver()) {
        socket.write(nextRequest());
        return;
      }
      resolve(answers);
      socket.destroy();
    });
  });
}

const SUCCESS = Buffer.from('HTTP/1.1 200');

/** Null while the head has not come whole. */
function lengthOfAnswer(received: Buffer): number | null {
  const end = received.indexOf('\r\n\r\n');
  if (end === -1) return null;
  const declared = /\r\ncontent-length: ([0-9]+)/i.exec(received.toString('latin1', 0, end));
  if (!declared) throw new Error('an answer without a Content-Length');
  return end + 4 + Number(declared[1]);
}

/** The speed of one target as a ratio to another's, both warm and under load. */
export async function compare(
  ours: Target,
  reference: Target,
): Promise<{ ratio: number; spread: [number, number] }> {
  await warmUp([reference]);
  await warmUp([ours]);
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

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.round((sorted.length - 1) * share)] ?? 0;
  return Math.round(value * 100) / 100;
}
