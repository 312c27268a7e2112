import type pg from 'pg';
import type { WireValue } from './parameters.ts';
import { Patience } from './patience.ts';
import { PreparedStatements } from './prepared-statements.ts';

/** Forgets what was prepared on this connection: something else has deallocated or changed it. */
export function forgetPrepared(client: pg.Client | pg.PoolClient): void {
  stateOf(client.connection).prepared = new PreparedStatements();
}

/**
 * Gives the client's connection up when batches wait for it and it has answered none for so long:
 * what they waited for is then lost, as with any connection that ends.
 */
export function watchAnswers(client: pg.Client | pg.PoolClient, milliseconds: number): void {
  const connection = client.connection as unknown as Connection;
  const giveUp = () => connection.stream.destroy(new Error('the database does not answer'));
  stateOf(connection).patience = new Patience(milliseconds, giveUp);
}

/**
 * The messages that a batch needs of pg's connection; its published types leave their shapes open.
 */
export interface Connection {
  readonly stream: { destroy(error?: Error): void; cork?(): void; uncork?(): void };
  parse(message: { name: string; text: string }): void;
  describe(message: { type: 'S'; name: string }): void;
  bind(message: { statement: string; values: readonly WireValue[] }): void;
  execute(message: { portal: string }): void;
  close(message: { type: 'S'; name: string }): void;
  sync(): void;
  on(event: 'readyForQuery' | 'end', listener: () => void): void;
  off(event: 'readyForQuery' | 'end', listener: () => void): void;
}

/** What is kept of a connection as long as it is there. */
export class ConnectionState {
  prepared = new PreparedStatements();
  /** What is written waits for the end of this turn of the event loop. */
  held = false;
  /** A batch has left a transaction open: what is still answered behind it ran in that. */
  givenUp = false;
  patience: Patience | null = null;
}

const states = new WeakMap<object, ConnectionState>();

export function stateOf(connection: object): ConnectionState {
  let state = states.get(connection);
  if (!state) {
    state = new ConnectionState();
    states.set(connection, state);
  }
  return state;
}

/**
 * The server sends an error first and then, by itself, whether a transaction is open: who hears of
 * the error must be able to rely on that. A connection that ends answers no more.
 */
export function whenAnswered(connection: Connection, settle: () => void): void {
  const done = () => {
    connection.off('readyForQuery', done);
    connection.off('end', done);
    settle();
  };
  connection.on('readyForQuery', done);
  connection.on('end', done);
}

/**
 * Keeps what is written until this turn of the event loop is over: the batches of all requests that
 * arrived together leave in one system call.
 */
export function holdUntilNextTurn(state: ConnectionState, { stream }: Connection): void {
  if (!stream.cork || state.held) return;
  state.held = true;
  stream.cork();
  setImmediate(() => {
    state.held = false;
    stream.uncork?.();
  });
}

/** All that is written leaves in one system call, at once. */
export function holdWhile(connection: Connection, write: () => void): void {
  const { stream } = connection;
  const state = stateOf(connection);
  if (!stream.cork || state.held) return write();
  state.held = true;
  stream.cork();
  try {
    write();
  } finally {
    state.held = false;
    stream.uncork?.();
  }
}
