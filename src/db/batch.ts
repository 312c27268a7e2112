import pg from 'pg';
import { DatabaseUnavailableError, OpenTransactionError, sqlState } from './errors.ts';
import {
  type Connection,
  holdUntilNextTurn,
  holdWhile,
  type ConnectionState,
  stateOf,
  whenAnswered,
} from './connection-state.ts';
import { planStep, type Step } from './prepared-statements.ts';
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
    const settle = ({ results, error }: Answered<StatementResult>) =>
      error ? reject(error) : resolve(results);
    client.query(new Batch(client, statements, options.idleAfter, settle));
  });
}

/** What was answered before the first statement that failed, and how that one did. */
interface Answered<T> {
  readonly results: T[];
  readonly error: Error | null;
}

/**
 * Sends several batches in one flush with one Sync: one transaction. Resolves with the results of
 * each that was answered whole, and never rejects for what the server or the connection says.
 */
export async function runTogether(
  client: pg.Client,
  batches: readonly (readonly Statement[])[],
): Promise<Answered<StatementResult[]>> {
  const { results, error } = await new Promise<Answered<StatementResult>>((resolve) => {
    const batch = new Batch(client, batches.flat(), true, resolve);
    holdWhile(client.connection as unknown as Connection, () => client.query(batch));
  });
  const answered: StatementResult[][] = [];
  let from = 0;
  for (const { length } of batches) {
    if (from + length > results.length) break;
    answered.push(results.slice(from, from + length));
    from += length;
  }
  return { results: answered, error };
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

/** A batch as pg's extension point, a `Submittable`. */
class Batch {
  readonly #client: pg.Client | pg.PoolClient;
  readonly #state: ConnectionState;
  readonly #statements: readonly Statement[];
  readonly #values: readonly (readonly WireValue[])[];
  readonly #idleAfter: boolean;
  readonly #settle: (answered: Answered<StatementResult>) => void;
  readonly #steps: Step[] = [];
  readonly #results: StatementResult[] = [];
  /** A `query_timeout` that a connection string sets hangs on this; calling it stops the clock. */
  callback?: () => void;

  constructor(
    client: pg.Client | pg.PoolClient,
    statements: readonly Statement[],
    idleAfter: boolean,
    settle: (answered: Answered<StatementResult>) => void,
  ) {
    this.#client = client;
    this.#state = stateOf(client.connection);
    this.#statements = statements;
    this.#values = statements.map((statement) => statement.parameters.map(toWireValue));
    this.#idleAfter = idleAfter;
    this.#settle = settle;
  }

  submit(to: unknown): null {
    const connection = to as Connection;
    this.#state.patience?.asked();
    holdUntilNextTurn(this.#state, connection);
    for (const [index, { sql }] of this.#statements.entries()) {
      const step = planStep(this.#state.prepared, sql);
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
    if (this.#idleAfter && this.#state.givenUp) {
      this.#fail(new DatabaseUnavailableError('the connection was given up'));
    } else if (this.#idleAfter && status !== 'I') {
      this.#state.givenUp = true;
      connection.stream.destroy();
      this.#fail(new OpenTransactionError('a statement left a transaction open'));
    } else {
      this.#settle({ results: this.#results, error: null });
    }
  }

  handleError(error: Error & { code?: string }, connection: Connection): void {
    this.#answered();
    for (const { how, prepared } of this.#steps.slice(this.#results.length)) {
      if (how === 'prepare' && prepared) prepared.state = 'absent';
    }
    // An earlier batch's statement left a failed transaction open: nothing of this one has run.
    if (this.#idleAfter && error.code === '25P02') connection.stream.destroy();
    const settle = () => {
      if (this.#idleAfter && this.#state.givenUp) {
        this.#fail(new DatabaseUnavailableError('the connection was given up'));
      } else {
        this.#settle({ results: this.#results, error });
      }
    };
    if (sqlState(error) === undefined) settle();
    else whenAnswered(connection, settle);
  }

  /** COPY FROM STDIN would swallow the batches behind it: the connection is given up at once. */
  handleCopyInResponse(connection: Connection): void {
    connection.stream.destroy();
  }

  handleCopyData(): void {}

  handlePortalSuspended(): void {}

  /** Nothing that was answered counts. */
  #fail(error: Error): void {
    this.#settle({ results: [], error });
  }

  #answered(): void {
    this.callback?.();
    this.#state.patience?.answered();
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

/** A command tag: a word or several, and behind most of them a count, such as `INSERT 0 1`. */
function readTag(text: string): { readonly command: string; readonly rowCount: number } {
  const end = text.indexOf(' ');
  if (end < 0) return { command: text, rowCount: 0 };
  return { command: text.slice(0, end), rowCount: Number(text.slice(text.lastIndexOf(' ') + 1)) };
}
