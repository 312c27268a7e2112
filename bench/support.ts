import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { postmaster, startPostgres } from '../test/support/postgres.ts';
import { startWireProxy } from '../test/support/wire-proxy.ts';
import { familyOf } from './cost.ts';
import { leaveTheServersCore, type ServerProcess, startServerProcess } from './processes.ts';

export interface Person {
  readonly email: string;
  readonly password: string;
}

/** A PostgreSQL with rows in it, the product before it, and one person signed in. */
export interface Stage {
  readonly databaseUrl: string;
  /** With the encryption key of whatever else runs on the same database. */
  readonly dataFolder: string;
  readonly server: ServerProcess;
  readonly person: Person;
  /** Enough that 32 can sign in at once: ten guesses at one account may be under way. */
  readonly people: readonly Person[];
  readonly identityId: string;
  readonly cookie: string;
  /** Another process of the product, whose traffic with the database is counted. */
  countRoundTrips(request: (origin: string) => Promise<void>): Promise<number>;
  strike(): Promise<void>;
}

/** Enough that an index is needed, few enough to be made in seconds. */
const IDENTITIES = 20_000;
const PEOPLE = 16;

export async function setStage(): Promise<Stage> {
  const postgres = await startPostgres();
  // Before anybody connects: the process of a connection stays on the cores of the one it is of.
  leaveTheServersCore(...familyOf(await postmaster(postgres.url)));
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-bench-'));
  const environment = {
    DATABASE_URL: postgres.url,
    SALLYPORT_DATA: folder,
    SALLYPORT_PORT: '0',
    SALLYPORT_LOG_LEVEL: 'error',
  };
  const server = await startServerProcess(['dist/bin.js', 'serve'], environment);
  const database = new pg.Client(postgres.url);
  await database.connect();
  await fill(database);
  const person = await register(server.origin);
  const people = [person];
  while (people.length < PEOPLE) people.push(await register(server.origin));
  const signedIn = await signIn(server.origin, person);
  const headers = { cookie: signedIn.cookie };
  const session = await fetch(`${server.origin}/api/session`, { headers });
  const { identity } = (await session.json()) as { identity: { id: string } };
  return {
    databaseUrl: postgres.url,
    dataFolder: folder,
    server,
    person,
    people,
    identityId: identity.id,
    cookie: signedIn.cookie,
    async countRoundTrips(request) {
      const proxy = await startWireProxy(postgres.url);
      const counted = await startServerProcess(['dist/bin.js', 'serve'], {
        ...environment,
        DATABASE_URL: proxy.url,
      });
      await request(counted.origin);
      await request(counted.origin);
      const before = proxy.roundTrips;
      await request(counted.origin);
      const after = proxy.roundTrips;
      await counted.stop();
      await proxy.close();
      return after - before;
    },
    async strike() {
      await database.end();
      await server.stop();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function fill(database: pg.Client): Promise<void> {
  await database.query(
    `WITH made AS (
      INSERT INTO sallyport.identities SELECT FROM generate_series(1, $1::INT4) RETURNING id
    ), named AS (
      INSERT INTO sallyport.profiles (identity_id, display_name) SELECT id, 'Ada' FROM made
    ), addressed AS (
      INSERT INTO sallyport.email_addresses (folded, identity_id, address)
        SELECT id || '@example.com', id, id || '@example.com' FROM made
    ), sessions AS (
      INSERT INTO sallyport.sessions (proof_digest, synchronizer_digest, identity_id, expires_at, active_until)
        SELECT encode(sha256(id::TEXT::BYTEA), 'hex'), repeat('0', 64), id, now() + INTERVAL '11 hours', now() + INTERVAL '1 hour'
          FROM made RETURNING id
    )
    INSERT INTO sallyport.session_activity (session_id) SELECT id FROM sessions`,
    [IDENTITIES],
  );
  await database.query('VACUUM ANALYZE');
}

export async function register(origin: string): Promise<Person> {
  const tag = randomBytes(6).toString('hex');
  const person = { email: `ada.${tag}@example.com`, password: `violet kettle ${tag} orbit` };
  await post(origin, '/api/sign-up', { ...person, displayName: 'Ada' });
  const mails = await fetch(`${origin}/development/mailbox.json`);
  const [mail] = (await mails.json()) as { links: string[] }[];
  const token = new URL(mail?.links[0] ?? '').searchParams.get('token');
  await post(origin, '/api/email-confirmations', { token });
  return person;
}

export async function signIn(
  origin: string,
  person: Person,
): Promise<{ cookie: string; csrfToken: string }> {
  const answer = await post(origin, '/api/sign-in', person);
  const cookies = answer.headers.getSetCookie().map((line) => line.split(';')[0] ?? '');
  const { csrfToken } = (await answer.json()) as { csrfToken: string };
  return { cookie: cookies.filter((pair) => !pair.endsWith('=')).join('; '), csrfToken };
}

async function post(origin: string, path: string, body: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(origin + path, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return answer;
}
