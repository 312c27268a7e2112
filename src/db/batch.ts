import pg from 'pg';
import { DatabaseUnavailableError, OpenTransactionError, sqlState } from './errors.ts';
import { Patience } from './patience.ts';
import { planStep, PreparedStatements, type Step } from './prepared-statements.ts';
import { toWireValue, type WireValue } from './parameters.ts';

/** One SQL statement and its bind parameters. A secret is always a parameter, never in the text. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  /** Whether its text was judged to call no function, and so to leave no setting behind. */
  readonly callsNothing?: true;
}

export type Row = Record<string, unknown>;

/** What one statement of a batch answered. `rowCount` is what its command tag says. */
export interface StatementResult {
  readonly command: string;
  readonly rowCount: number;
  readonly rows: Row[];
}

/**
 * Sends the statements in one flush with one Sync, and resolves with a result for each. On
 * PostgreSQL the messages up to a Sync are one implicit transaction: an error skips the rest, and
 * everything rolls back. Statements are prepared once a connection and then reused by name.
 *
 * `idleAfter`: the connection must be outside a transaction once the batch has ended. If it is not
 * (a statement was a BEGIN), what follows on this connection would run in a foreign transaction:
 * the connection is destroyed before the next batch's answer is read, and the batch rejects.
 */
export function runBatch(
  client: pg.Client | pg.PoolClient,
  statements: readonly Statement[],
  options: { readonly idleAfter: boolean },
): Promise<StatementResult[]> {
  return new Promise((resolve, reject) => {
    const values = statements.map((statement) => statement.parameters.map(toWireValue));
    client.query(new Batch(client, statements, values, options.idleAfter, resolve, reject));
  });
}

/** One statement by itself, on a connection that may be inside a transaction. */
export async function runStatement(
  client: pg.Client | pg.PoolClient,
  sql: string,
  ...parameters: readonly unknown[]
): Promise<StatementResult> {
  const [result] = await runBatch(client, [{ sql, parameters }], { idleAfter: false });
  if (!result) throw new Error('the server answered no statement');
  return result;
}

/** Forgets what was prepared on this connection: something else has deallocated or changed it. */
export function forgetPrepared(client: pg.Client | pg.PoolClient): void {
  lineOf(client.connection).prepared = new PreparedStatements();
}

/**
 * Gives the client's connection up when batches wait for it and it has answered none for so long:
 * what they waited for is then lost, as with any connection that ends.
 */
export function watchAnswers(client: pg.Client | pg.PoolClient, milliseconds: number): void {
  const connection = client.connection as unknown as Connection;
  const giveUp = () => connection.stream.destroy(new Error('the database does not answer'));
  lineOf(connection).patience = new Patience(milliseconds, giveUp);
}

/**
 * The messages that a batch needs of pg's connection; its published types leave their shapes open.
 */
interface Connection {
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
class Line {
  prepared = new PreparedStatements();
  /** What is written waits for the end of this turn of the event loop. */
  held = false;
  /** A batch has left a transaction open: what is still answered behind it ran in that. */
  givenUp = false;
  patience: Patience | null = null;
}

const lines = new WeakMap<object, Line>();

function lineOf(connection: object): Line {
  let line = lines.get(connection);
  if (!line) {
    line = new Line();
    lines.set(connection, line);
  }
  return line;
}

/** A batch as pg's extension point, a `Submittable`. */
class Batch {
  readonly #client: pg.Client | pg.PoolClient;
  readonly #line: Line;
  readonly #statements: readonly Statement[];
  readonly #values: readonly (readonly WireValue[])[];
  readonly #idleAfter: boolean;
  readonly #resolve: (results: StatementResult[]) => void;
  readonly #reject: (error: Error) => void;
  readonly #steps: Step[] = [];
  readonly #results: StatementResult[] = [];
  /** A `query_timeout` that a connection string sets hangs on this; calling it stops the clock. */
  callback?: () => void;

  constructor(
    client: pg.Client | pg.PoolClient,
    statements: readonly Statement[],
    values: readonly (readonly WireValue[])[],
    idleAfter: boolean,
    resolve: (results: StatementResult[]) => void,
    reject: (error: Error) => void,
  ) {
    this.#client = client;
    this.#line = lineOf(client.connection);
    this.#statements = statements;
    this.#values = values;
    this.#idleAfter = idleAfter;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  submit(to: unknown): null {
    const connection = to as Connection;
    this.#line.patience?.asked();
    holdUntilNextTurn(this.#line, connection);
    for (const [index, { sql }] of this.#statements.entries()) {
      const step = planStep(this.#line.prepared, sql);
      const name = step.how === 'once' ? '' : (step.prepared?.name ?? '');
      if (step.how !== 'reuse') {
        // Closing a name that does not exist is no error; one whose first execution failed does.
        if (name) connection.close({ type: 'S', name });
        connection.parse({ name, text: sql });
        connection.describe({ type: 'S', name });
      }
      connection.bind({ statement: name, values: this.#values[index] ?? [] });
      connection.execute({ portal: '' });
      this.#steps.push(step);
    }
    connection.sync();
    return null;
  }

  handleRowDescription(message: { fields: readonly { name: string; dataTypeID: number }[] }): void {
    const step = this.#current();
    if (!step) return;
    step.fields = message.fields.map(({ name, dataTypeID }) => ({
      name,
      parse: pg.types.getTypeParser(dataTypeID, 'text'),
    }));
    step.blank = Object.fromEntries(step.fields.map(({ name }) => [name, null]));
  }

  handleDataRow(message: { fields: readonly (string | null)[] }): void {
    const step = this.#current();
    if (!step) return;
    // A copy of one row has its shape at once; set up name by name, each row would find it anew.
    const row = { ...step.blank };
    let index = 0;
    for (const { name, parse } of step.fields) {
      const text = message.fields[index++];
      if (text !== null && text !== undefined) row[name] = parse(text);
    }
    step.rows.push(row);
  }

  handleCommandComplete(message: { text: string }): void {
    const step = this.#current();
    if (!step) return;
    if (step.how === 'prepare' && step.prepared) {
      step.prepared.state = 'ready';
      step.prepared.fields = step.fields;
      step.prepared.blank = step.blank;
    }
    const { command, rowCount } = readTag(message.text);
    this.#results.push({ command, rowCount, rows: step.rows });
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete({ text: '' });
  }

  handleReadyForQuery(connection: Connection): void {
    this.#answered();
    const status = this.#client.getTransactionStatus();
    if (this.#idleAfter && this.#line.givenUp) {
      this.#reject(new DatabaseUnavailableError('the connection was given up'));
    } else if (this.#idleAfter && status !== 'I') {
      this.#line.givenUp = true;
      connection.stream.destroy();
      this.#reject(new OpenTransactionError('a statement left a transaction open'));
    } else {
      this.#resolve(this.#results);
    }
  }

  handleError(error: Error & { code?: string }, connection: Connection): void {
    this.#answered();
    for (const { how, prepared } of this.#steps.slice(this.#results.length)) {
      if (how === 'prepare' && prepared) prepared.state = 'absent';
    }
    // An earlier batch's statement left a failed transaction open: nothing of this one has run.
    if (this.#idleAfter && error.code === '25P02') connection.stream.destroy();
    const foreign = this.#idleAfter && this.#line.givenUp;
    const reason = foreign ? new DatabaseUnavailableError('the connection was given up') : error;
    if (sqlState(error) === undefined) this.#reject(reason);
    else whenAnswered(connection, () => this.#reject(reason));
  }

  /** COPY FROM STDIN would swallow the batches behind it: the connection is given up at once. */
  handleCopyInResponse(connection: Connection): void {
    connection.stream.destroy();
  }

  handleCopyData(): void {}

  handlePortalSuspended(): void {}

  #answered(): void {
    this.callback?.();
    this.#line.patience?.answered();
  }

  #current(): Step | undefined {
    return this.#steps[this.#results.length];
  }
}

/**
 * A pipelining client refuses what is no `pg.Query`. A batch is one by its prototype only: nothing
 * of Query's behaviour is left, and its constructor takes as long as the rest of sending a batch.
 */
Object.setPrototypeOf(Batch.prototype, pg.Query.prototype);

/**
 * The server sends an error first and then, by itself, whether a transaction is open: who hears of
 * the error must be able to rely on that. A connection that ends answers no more.
 */
function whenAnswered(connection: Connection, settle: () => void): void {
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
function holdUntilNextTurn(line: Line, { stream }: Connection): void {
  if (!stream.cork || line.held) return;
  line.held = true;
  stream.cork();
  setImmediate(() => {
    line.held = false;
    stream.uncork?.();
  });
}

/** A command tag: a word or several, and behind most of them a count, such as `INSERT 0 1`. */
function readTag(text: string): { readonly command: string; readonly rowCount: number } {
  const end = text.indexOf(' ');
  if (end < 0) return { command: text, rowCount: 0 };
  return { command: text.slice(0, end), rowCount: Number(text.slice(text.lastIndexOf(' ') + 1)) };
}
