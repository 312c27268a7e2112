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
import { SlowQueries } from './slow-queries.ts';
import { CONNECT_TIMEOUT_MILLISECONDS, isConnectionLoss, markWhenLost } from './pool.ts';

/**
 * A few connections, each shared by many batches in flight at once (pipelining). For reads only: a
 * batch whose connection is lost is sent again on another, which is right only where doing it twice
 * is the same as once.
 */
export interface Lanes {
  /** The statements between an opening and a closing that say nothing about how long they take. */
  run(
    opening: readonly Statement[],
    statements: readonly Statement[],
    closing?: readonly Statement[],
  ): Promise<StatementResult[]>;
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

/** A batch takes a few milliseconds. Behind one that takes so much longer no other is sent. */
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
 * Opens connections as they are needed; `count` at the most for what is answered in a moment. Of
 * `aside` more, none or two at least, one is for queries that may take long and the others for
 * those that do (decisions/055). `query_timeout` is for one that answers nothing at all: see
 * watchAnswers.
 */
export function openLanes(config: pg.ClientConfig, count: number, aside = 0): Lanes {
  const { lanes, runIn, close } = openConnections(config, count + aside);
  const usual = lanes.slice(0, count);
  const lanesFor = {
    prompt: usual,
    suspected: aside === 0 ? usual : lanes.slice(count, count + 1),
    slow: aside === 0 ? usual : lanes.slice(count + 1),
  };
  const slow = new SlowQueries(PROMPT_MILLISECONDS);
  const joining = new Joining((batches) => void runJoined(batches));

  /** Another than the usual ones only where none of those answers and the other does. */
  function laneFor(statements: readonly Statement[]): Lane {
    const kind = slow.judge(statements);
    const among = kind === 'prompt' ? [usual, lanes] : [lanesFor[kind]];
    const prompt = among.map((each) => each.filter(isPrompt)).find(({ length }) => length > 0);
    return leastLoaded(prompt ?? lanesFor[kind]);
  }

  async function run(
    opening: readonly Statement[],
    statements: readonly Statement[],
    closing: readonly Statement[] = [],
    attempts = 2,
  ): Promise<StatementResult[]> {
    const sent = [...opening, ...statements, ...closing];
    for (let attempt = 1; ; attempt++) {
      const outcome = await runIn(
        laneFor(statements),
        async (client) => await runOn(client, sent),
        (milliseconds) => slow.noteAlone(statements, milliseconds),
      );
      if (!('lost' in outcome)) return outcome;
      if (attempt === attempts) {
        throw new DatabaseUnavailableError('connection lost', { cause: outcome.lost });
      }
    }
  }

  /** What comes behind one that fails has not run, and is sent again by itself. */
  async function runJoined(batches: readonly Joined[]): Promise<void> {
    const left = await runIn(
      laneFor([]),
      async (client) => await runJoinedOn(client, batches),
      (milliseconds) => slow.noteTogether(batches, milliseconds),
    ).catch(() => ({ batches, attempts: 2 }));
    for (const { opening, statements, resolve, reject } of left.batches) {
      run(opening, statements, [], left.attempts).then(resolve, reject);
    }
  }

  return {
    run: async (opening, statements, closing) => await run(opening, statements, closing),
    join: async (opening, statements) =>
      slow.judge(statements) === 'prompt'
        ? await joining.add(opening, statements)
        : await run(opening, statements),
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
      const taking = lanes.filter((lane) => lane.inFlight < depth && isPrompt(lane));
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
    noteTime: (milliseconds: number) => void = () => {},
  ): Promise<T> {
    if (lane.inFlight++ === 0) lane.waitingSince = performance.now();
    let sent = false;
    try {
      const client = lane.client ?? (await connect(lane));
      sent = true;
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
      const now = performance.now();
      if (sent) noteTime(now - lane.waitingSince);
      lane.waitingSince = now;
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
    lane.waitingSince = performance.now();
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
  const sent = batches.map(({ opening, statements }) => [...opening, ...statements]);
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

/** Whether it has nothing to answer, or has answered a moment ago. */
function isPrompt({ inFlight, waitingSince }: Lane): boolean {
  return inFlight === 0 || performance.now() - waitingSince < PROMPT_MILLISECONDS;
}

function leastLoaded(lanes: readonly Lane[]): Lane {
  return lanes.reduce((least, lane) => (lane.inFlight < least.inFlight ? lane : least));
}
