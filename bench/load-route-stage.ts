import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { postmaster, startPostgres } from '../test/support/postgres.ts';
import { startWireProxy } from '../test/support/wire-proxy.ts';
import { familyOf } from './cost.ts';
import { startDelay } from './delay.ts';
import { CREATE_INVOICES, fillInvoices, type Person, type Size } from './invoices.ts';
import { type Target, warmUp } from './load.ts';
import { leaveTheServersCore, type ServerProcess } from './processes.ts';
import type { Contender } from './rounds.ts';

/** A database of the application, with people signed in to its tenants. */
export interface InvoicesDatabase {
  readonly url: string;
  readonly people: readonly Person[];
}

/** A program that answers with invoices, and how it is asked for one by a person. */
export interface Candidate {
  readonly name: string;
  start(databaseUrl: string): Promise<ServerProcess>;
  target(origin: string, person: Person, invoiceId: string): Target;
  /** Answers anybody, by design. */
  readonly open?: true;
}

export interface Stage {
  readonly postmaster: number;
  addDatabase(name: string, size: Size): Promise<InvoicesDatabase>;
  /** The database's URL through a network on which a round trip takes so much longer. */
  delay(databaseUrl: string, milliseconds: number): Promise<string>;
  /** Starts it, counts its round trips, and makes sure that it does what is to be measured. */
  enter(candidate: Candidate, database: InvoicesDatabase, url?: string): Promise<Contender>;
  strike(): Promise<void>;
}

/** A PostgreSQL of its own, and the servers that are started before it. */
export async function setInvoicesStage(): Promise<Stage> {
  const postgres = await startPostgres();
  const pid = await postmaster(postgres.url);
  const servers: ServerProcess[] = [];
  const delays: Awaited<ReturnType<typeof startDelay>>[] = [];
  leaveTheServersCore(...familyOf(pid));
  return {
    postmaster: pid,
    async addDatabase(name, size) {
      await onDatabase(postgres.url, (client) => client.query(`CREATE DATABASE ${name}`));
      const url = new URL(postgres.url);
      url.pathname = name;
      return { url: url.href, people: await makeInvoices(url.href, size) };
    },
    async delay(databaseUrl, milliseconds) {
      const delay = await startDelay(databaseUrl, milliseconds);
      delays.push(delay);
      return delay.url;
    },
    async enter(candidate, database, url = database.url) {
      const roundTrips = await countRoundTrips(candidate, database);
      const server = await candidate.start(url);
      servers.push(server);
      await holdToItsWork(candidate, server.origin, database.people);
      const targets = database.people.map((person) =>
        candidate.target(server.origin, person, person.invoiceId),
      );
      await warmUp(targets);
      return { name: candidate.name, server, targets, roundTrips };
    },
    async strike() {
      await Promise.all(servers.map((server) => server.stop()));
      await Promise.all(delays.map((delay) => delay.close()));
      await postgres.stop();
    },
  };
}

export async function onDatabase<T>(
  url: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** As a team would: our schema, its own table, and the migration that protects it. */
async function makeInvoices(url: string, size: Size): Promise<readonly Person[]> {
  command(url, 'migrate');
  return await onDatabase(url, async (client) => {
    await client.query(CREATE_INVOICES);
    await client.query(command(url, 'protect', 'invoices'));
    return await fillInvoices(client, size);
  });
}

function command(databaseUrl: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/bin.js', ...args], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, DATABASE_URL: databaseUrl },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`sallyport ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** The third request: by then connections are open and statements are prepared. */
async function countRoundTrips(
  candidate: Candidate,
  { url, people }: InvoicesDatabase,
): Promise<number> {
  const proxy = await startWireProxy(url);
  const server = await candidate.start(proxy.url);
  const [person] = people;
  if (!person) throw new Error('there is nobody to ask');
  const target = candidate.target(server.origin, person, person.invoiceId);
  await statusOf(target);
  await statusOf(target);
  const before = proxy.roundTrips;
  await statusOf(target);
  const after = proxy.roundTrips;
  await server.stop();
  await proxy.close();
  return after - before;
}

/** Who is fast because it does not ask who asks, or whose row it is, is not compared. */
async function holdToItsWork(
  candidate: Candidate,
  origin: string,
  people: readonly Person[],
): Promise<void> {
  const [one, other] = people;
  if (!one || !other) throw new Error('there are too few people');
  for (const person of [one, other]) {
    const target = candidate.target(origin, person, person.invoiceId);
    const { status, text } = await statusOf(target);
    const keys = status === 200 ? Object.keys(JSON.parse(text) as object) : [];
    if (!text.includes(person.invoiceId) || keys.join() !== 'id,customer,number,total') {
      throw new Error(`${candidate.name} answered ${status}: ${text}`);
    }
  }
  if (candidate.open) return;
  const own = candidate.target(origin, one, one.invoiceId);
  const { cookie: _, authorization: __, ...withoutCredential } = own.headers ?? {};
  const { 'x-csrf-token': token, ...withoutToken } = own.headers ?? {};
  const refused = [
    candidate.target(origin, one, other.invoiceId),
    { ...own, headers: withoutCredential },
    ...(token === undefined ? [] : [{ ...own, headers: withoutToken }]),
  ];
  for (const target of refused) {
    const { status } = await statusOf(target);
    if (status < 400 || status > 499) {
      throw new Error(`${candidate.name} answered ${status} where it should refuse`);
    }
  }
}

async function statusOf({ url, headers = {}, method = 'GET', body }: Target) {
  const sent = body === undefined ? {} : { body };
  const answer = await fetch(url, { method, headers, ...sent });
  return { status: answer.status, text: await answer.text() };
}
