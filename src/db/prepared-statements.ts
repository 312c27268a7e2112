import { randomBytes } from 'node:crypto';
import type { Row } from './batch.ts';

export interface Field {
  readonly name: string;
  readonly parse: (text: string) => unknown;
}

/**
 * A statement's life on one connection. It may be used by name only once a whole execution has come
 * back: before that, a batch that is already in flight could still fail to prepare it.
 */
export interface Prepared {
  readonly name: string;
  state: 'absent' | 'sent' | 'ready';
  fields: readonly Field[];
  blank: Row;
}

/**
 * More distinct texts than this on one connection go unnamed, so that the server's memory is
 * bounded.
 */
const PREPARED_MAX = 256;

/** The statements of a connection by their texts. */
export class PreparedStatements {
  // Unguessable, so that injected SQL cannot PREPARE something else under a name of ours.
  readonly #prefix = randomBytes(8).toString('hex');
  readonly #statements = new Map<string, Prepared>();

  /** None where there are too many already. */
  of(sql: string): Prepared | undefined {
    let prepared = this.#statements.get(sql);
    if (!prepared && this.#statements.size < PREPARED_MAX) {
      const name = `s${this.#prefix}${this.#statements.size}`;
      prepared = { name, state: 'absent', fields: [], blank: {} };
      this.#statements.set(sql, prepared);
    }
    return prepared;
  }
}

/** How a statement of a batch is sent, and what was answered of it so far. */
export interface Step {
  readonly prepared: Prepared | undefined;
  /** `reuse`: by name. `prepare`: under its name, for those who come after. `once`: unnamed. */
  readonly how: 'reuse' | 'prepare' | 'once';
  fields: readonly Field[];
  blank: Row;
  readonly rows: Row[];
}

export function planStep(statements: PreparedStatements, sql: string): Step {
  const prepared = statements.of(sql);
  if (prepared?.state === 'ready') {
    const { fields, blank } = prepared;
    return { prepared, how: 'reuse', fields, blank, rows: [] };
  }
  const how = prepared?.state === 'absent' ? 'prepare' : 'once';
  if (prepared && how === 'prepare') prepared.state = 'sent';
  return { prepared, how, fields: [], blank: {}, rows: [] };
}
