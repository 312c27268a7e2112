import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import {
  forgetPrepared,
  runBatch,
  type Statement,
  type StatementResult,
  watchAnswers,
} from './batch.ts';
import {
  DatabaseUnavailableError,
  isAmbiguous,
  isStalePreparedStatement,
  OpenTransactionError,
  sqlState,
  UnknownOutcomeError,
} from './errors.ts';
import { CONNECT_TIMEOUT_MILLISECONDS, isConnectionLoss, markWhenLost } from './pool.ts';

/**
 * A few connections, each shared by many batches in flight at once (pipelining). For reads only: a
 * batch whose connection is lost is sent again on another, which is right only where doing it twice
 * is the same as once.
 */
export interface Lanes {
  run(statements: readonly Statement[]): Promise<StatementResult[]>;
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
  return {
    async run(statements) {
      for (let attempt = 1; ; attempt++) {
        const outcome = await runIn(leastLoaded(lanes), statements);
        if (!('lost' in outcome)) return outcome;
        if (attempt === 2) {
          throw new DatabaseUnavailableError('connection lost', { cause: outcome.lost });
        }
      }
    },
    close,
  };
}

/** `depth`: how many batches may be in flight on one of them, all lost if it is. */
export function openWriteLanes(config: pg.ClientConfig, count: number, depth: number): WriteLanes {
  const { lanes, runIn, close } = openConnections(config, count);

  async function runOnce(lane: Lane, statements: readonly Statement[]): Promise<StatementResult[]> {
    const outcome = await runIn(lane, statements).catch((error: unknown) => {
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

  async function runIn(lane: Lane, statements: readonly Statement[]): Promise<Outcome> {
    if (lane.inFlight++ === 0) lane.waitingSince = performance.now();
    try {
      const client = lane.client ?? (await connect(lane));
      const outcome = await runOn(client, statements);
      // Its end may not have been reported yet, and the next attempt must not land on it.
      if ('lost' in outcome && lane.client === client) lane.client = null;
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
      // Or it was given up: another's transaction was open on it, which 25P02 says if that failed.
      const givenUp = error instanceof DatabaseUnavailableError || sqlState(error) === '25P02';
      if (givenUp || isConnectionLoss(client, error)) return { lost: error };
      if (!isStalePreparedStatement(error) || attempt === 2) throw error;
      forgetPrepared(client);
    }
  }
}

function leastLoaded(lanes: readonly Lane[]): Lane {
  return lanes.reduce((least, lane) => (lane.inFlight < least.inFlight ? lane : least));
}
