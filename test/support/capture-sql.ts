import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { migrationStatements } from '../../src/db/migrations.ts';
import { databaseStatements, roleStatements } from '../../src/db/roles.ts';

// Writes down every statement that the product sends in this worker, for the CockroachDB grammar
// check of .ci/run. What a test sends by itself is not the product's; an attack that a test sends
// through the product's own connections says so in a comment.

/** What the product does not send to CockroachDB. Nothing else is left out. */
const ONLY_POSTGRESQL: readonly {
  readonly why: string;
  readonly matches: (sql: string) => boolean;
}[] = [
  {
    why: 'ends a batch on PostgreSQL; on CockroachDB, BEGIN and COMMIT enclose it instead',
    matches: (sql) => sql === 'RESET ALL',
  },
  {
    why: 'a migration as rendered for PostgreSQL; test/db/cockroach-sql.test.ts has the other form',
    matches: among(() => migrationStatements('postgresql').map(({ sql }) => sql)),
  },
  {
    why: 'CREATE ROLE without IF NOT EXISTS, which PostgreSQL does not have',
    matches: among(() => roleStatements('postgresql').map(({ sql }) => sql)),
  },
  {
    why: 'TEMPORARY is no privilege of CockroachDB',
    matches: (sql) => databaseStatements('postgresql', databaseOf(sql)).indexOf(sql) === 0,
  },
];

function among(statements: () => readonly string[]): (sql: string) => boolean {
  const known = new Set(statements());
  return (sql) => known.has(sql);
}

function databaseOf(sql: string): string {
  return /ON DATABASE "(.*)" FROM PUBLIC$/.exec(sql)?.[1] ?? '';
}

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

const parse: (message: Prepared) => void = Reflect.get(connection, 'parse');
Reflect.set(connection, 'parse', function (this: object, message: Prepared) {
  if (product.has(this) && !message.text.includes('/* attack */')) record(message.text);
  return parse.call(this, message);
});

function record(sql: string): void {
  if (seen.has(sql)) return;
  seen.add(sql);
  if (ONLY_POSTGRESQL.some(({ matches }) => matches(sql))) return;
  appendFileSync(file, `${JSON.stringify(sql)}\n`);
}
