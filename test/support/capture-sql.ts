import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';

// Writes down every statement that the product sends in this worker, for the CockroachDB grammar
// check of .ci/run. What a test sends by itself is not the product's; an attack that a test sends
// through the product's own connections says so in a comment.

const folder = 'test-results/sql';
mkdirSync(folder, { recursive: true });
const file = join(folder, `${process.pid}.jsonl`);
const seen = new Set<string>();

interface Prepared {
  readonly text: string;
}
const connection = pg.Connection.prototype as unknown as {
  parse(message: Prepared): void;
  stream: unknown;
};
const product = new WeakSet<object>();

const connect = Reflect.get(pg.Client.prototype, 'connect') as (...args: unknown[]) => unknown;
Reflect.set(pg.Client.prototype, 'connect', function (this: pg.Client, ...args: unknown[]) {
  const { application_name: name } = Reflect.get(this, 'connectionParameters') as {
    application_name?: string;
  };
  if (name === 'sallyport') product.add(this.connection);
  return connect.apply(this, args);
});

const parse = Reflect.get(connection, 'parse') as (message: Prepared) => void;
Reflect.set(connection, 'parse', function (this: object, message: Prepared) {
  if (product.has(this) && !message.text.includes('/* attack */')) record(message.text);
  return parse.call(this, message);
});

function record(sql: string): void {
  if (seen.has(sql)) return;
  seen.add(sql);
  appendFileSync(file, `${JSON.stringify(sql)}\n`);
}
