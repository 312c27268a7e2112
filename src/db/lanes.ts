import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { runBatch, runTogether, type Statement, type StatementResult } from './batch.ts';
import {
  DatabaseUnavailableError,
  isAmbiguous,
  isStalePreparedStatement,
  OpenTransactionError,
  sqlState,
  UnknownOutcomeError,
} from './errors.ts';
import { type Joined, Joining } from './joining.ts';
import { forgetPrepared, watchAnswers } from './connection-state.ts';
import { CONNECT_TIMEOUT_MILLISECONDS, isConnectionLoss, markWhenLost } from './pool.ts';

/**
 * A few connections, each shared by many batches in flight at once (pipelining). For reads only: a
 * batch whose connection is lost is sent again on another, which is right only where doing it twice
 * is the same as once.
 */
export interface Lanes {
  run(statements: readonly Statement[]): Promise<StatementResult[]>;
  /**
   * The same, perhaps in one transaction with others of this turn of the event loop that have the
   * same opening, one after the other (decisions/053): for statements that leave nothing behind but
   * what the opening sets, which each sets anew.
   */
  join(opening: readonly Statement[], statements: readonly Statement[]): Promise<StatementResult[]>;
  close(): Promise<void>;
}

/** The same for batches that change something: they are sent once. */
export interface WriteLanes {
  /**
   * Null, and nothing was sent, where no lane takes one more: each has enough in flight, or has not
   * answered for a moment. It may wait for a row that somebody has locked, and whoever is behind it
   * would wait along.
   * @throws UnknownOutcomeError when its connection is lost.
   */
  run(statements: readonly Statement[]): Promise<StatementResult[]> | null;
  close(): Promise<void>;
}

/**
 * After a refused connection, requests in this window fail at once and do not queue for another
 * try.
 */
const RECONNECT_PAUSE_MILLISECONDS = 250;

/** A write takes a few milliseconds. Behind one that takes so much longer no other is sent. */
const PROMPT_MILLISECONDS = 250;

interface Lane {
  client: pg.Client | null;
  connecting: Promise<pg.Client> | null;
  refusedUntil: number;
  inFlight: number;
  /** When the batch that is answered next was sent, or was next. */
  waitingSince: number;
}

type Outcome = StatementResult[] | { readonly lost: unknown };

/**
 * Opens connections as they are needed; `count` at the most. `query_timeout` is for one that
 * answers nothing at all: see watchAnswers.
 */
export function openLanes(config: pg.ClientConfig, count: number): Lanes {
  const { lanes, runIn, close } = openConnections(config, count);
  const joining = new Joining((batches) => void runJoined(batches));

  async function run(statements: readonly Statement[], attempts = 2): Promise<StatementResult[]> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await runIn(leastLoaded(lanes), async (on) => await runOn(on, statements));
      if (!('lost' in outcome)) return outcome;
      if (attempt === attempts) {
        throw new DatabaseUnavailableError('connection lost', { cause: outcome.lost });
      }
    }
  }

  /** What comes behind one that fails has not run, and is sent again by itself. */
  async function runJoined(batches: readonly Joined[]): Promise<void> {
    const lane = leastLoaded(lanes);
    const left = await runIn(lane, async (client) => await runJoinedOn(client, batches)).catch(
      () => ({ batches, attempts: 2 }),
    );
    for (const { statements, resolve, reject } of left.batches) {
      run(statements, left.attempts).then(resolve, reject);
    }
  }

  return {
    run: async (statements) => await run(statements),
    join: async (opening, statements) => await joining.add(opening, statements),
    async close() {
      joining.send();
      await close();
    },
  };
}

/** `depth`: how many batches may be in flight on one of them, all lost if it is. */
export function openWriteLanes(config: pg.ClientConfig, count: number, depth: number): WriteLanes {
  const { lanes, runIn, close } = openConnections(config, count);

  async function runOnce(lane: Lane, statements: readonly Statement[]): Promise<StatementResult[]> {
    const running = runIn(lane, async (client) => await runOn(client, statements));
    const outcome = await running.catch((error: unknown) => {
      if (!isAmbiguous(error)) throw error;
      throw new UnknownOutcomeError('ambiguous commit', { cause: error });
    });
    if (!('lost' in outcome)) return outcome;
    throw new UnknownOutcomeError('connection lost in a write', { cause: outcome.lost });
  }

  return {
    run(statements) {
      const now = performance.now();
      const taking = lanes.filter(
        ({ inFlight, waitingSince }) =>
          inFlight === 0 || (inFlight < depth && now - waitingSince < PROMPT_MILLISECONDS),
      );
      return taking.length === 0 ? null : runOnce(leastLoaded(taking), statements);
    },
    close,
  };
}

function openConnections({ query_timeout: patience, ...config }: pg.ClientConfig, count: number) {
  const lanes: readonly Lane[] = Array.from({ length: count }, () => ({
    client: null,
    connecting: null,
    refusedUntil: 0,
    inFlight: 0,
    waitingSince: 0,
  }));
  let closed = false;

  async function runIn<T extends object>(
    lane: Lane,
    work: (client: pg.Client) => Promise<T>,
  ): Promise<T> {
    if (lane.inFlight++ === 0) lane.waitingSince = performance.now();
    try {
      const client = lane.client ?? (await connect(lane));
      // Its end may not have been reported yet, and the next attempt must not land on it.
      const forget = () => {
        if (lane.client === client) lane.client = null;
      };
      const outcome = await work(client).catch((error: unknown) => {
        if (error instanceof OpenTransactionError) forget();
        throw error;
      });
      if ('lost' in outcome) forget();
      return outcome;
    } finally {
      lane.inFlight--;
      lane.waitingSince = performance.now();
    }
  }

  async function connect(lane: Lane): Promise<pg.Client> {
    if (closed || performance.now() < lane.refusedUntil) {
      throw new DatabaseUnavailableError(closed ? 'closed' : 'refused a moment ago');
    }
    lane.connecting ??= connectNew(lane).finally(() => {
      lane.connecting = null;
    });
    return await lane.connecting;
  }

  async function connectNew(lane: Lane): Promise<pg.Client> {
    const client = new pg.Client({
      connectionTimeoutMillis: CONNECT_TIMEOUT_MILLISECONDS,
      ...config,
      pipeline: true,
    });
    markWhenLost(client);
    if (patience) watchAnswers(client, patience);
    const forget = () => {
      if (lane.client === client) lane.client = null;
    };
    client.on('error', forget);
    client.on('end', forget);
    try {
      await client.connect();
    } catch (error) {
      lane.refusedUntil = performance.now() + RECONNECT_PAUSE_MILLISECONDS;
      throw new DatabaseUnavailableError('no connection', { cause: error });
    }
    lane.client = client;
    return client;
  }

  async function close(): Promise<void> {
    closed = true;
    while (lanes.some((lane) => lane.inFlight > 0)) await sleep(5);
    await Promise.all(lanes.map(async (lane) => await lane.client?.end()));
  }

  return { lanes, runIn, close };
}

async function runOn(client: pg.Client, statements: readonly Statement[]): Promise<Outcome> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runBatch(client, statements, { idleAfter: true });
    } catch (error) {
      if (error instanceof OpenTransactionError) throw error;
      if (isLost(client, error)) return { lost: error };
      if (!isStalePreparedStatement(error) || attempt === 2) throw error;
      forgetPrepared(client);
    }
  }
}

/** What has not run of batches that shared a transaction, and how often each may be tried. */
interface Left {
  readonly batches: readonly Joined[];
  readonly attempts: number;
  readonly lost?: unknown;
}

/** Settles the batches that were answered, and the one that failed. */
async function runJoinedOn(client: pg.Client, batches: readonly Joined[]): Promise<Left> {
  const sent = batches.map(({ statements }) => statements);
  const { results, error } = await runTogether(client, sent);
  for (const [index, answered] of results.entries()) batches[index]?.resolve(answered);
  const left = batches.slice(results.length);
  if (isLost(client, error)) return { batches: left, attempts: 1, lost: error };
  if (isStalePreparedStatement(error)) return { batches: left, attempts: 2 };
  const [failed, ...behind] = left;
  failed?.reject(error);
  return { batches: behind, attempts: 2 };
}

/** Or it was given up: another's transaction was open on it, which 25P02 says if that failed. */
function isLost(client: pg.Client, error: unknown): boolean {
  const givenUp = error instanceof DatabaseUnavailableError || sqlState(error) === '25P02';
  return givenUp || isConnectionLoss(client, error);
}

function leastLoaded(lanes: readonly Lane[]): Lane {
  return lanes.reduce((least, lane) => (lane.inFlight < least.inFlight ? lane : least));
}
