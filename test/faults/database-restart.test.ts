import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Visitor } from '../support/client.ts';
import { newcomer } from '../support/people.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';
import { type ServerProcess, startServerProcess } from '../support/processes.ts';

const PEOPLE = 8;

let postgres: Postgres;
let server: ServerProcess;
beforeAll(async () => {
  postgres = await startPostgres();
  server = await startServerProcess({ DATABASE_URL: postgres.url, SALLYPORT_LOG_LEVEL: 'silent' });
});
afterAll(async () => {
  await server.stop();
  await postgres.stop();
});

test(
  'the database is killed and comes back under load: no acknowledged change is lost, 503 meanwhile, recovery by itself [ASVS 16.5.2]',
  { timeout: 300_000 },
  async () => {
    // One after another: on a slow machine too many passwords at once would be turned away.
    const people: Awaited<ReturnType<typeof newcomer>>[] = [];
    while (people.length < PEOPLE) people.push(await newcomer(server.origin));
    const writers = people.map(({ person, browser }) => keepWriting(person.email, browser));

    await until(() => writers.every(({ acknowledged }) => acknowledged.length > 5));
    await postgres.crash();
    const counts = writers.map(({ acknowledged }) => acknowledged.length);
    await sleep(1_500);
    const unready = await people[0]?.browser.get('/ready');
    expect([unready?.status, unready?.json().code]).toEqual([503, 'database-unavailable']);
    const alive = await people[0]?.browser.get('/health');
    expect(alive?.status).toBe(200);
    await postgres.restart();
    await until(() =>
      writers.every(({ acknowledged }, index) => acknowledged.length > (counts[index] ?? 0) + 5),
    );
    for (const writer of writers) await writer.stop();

    const refused = writers.flatMap(({ statuses }) => statuses.filter((status) => status !== 200));
    expect(refused.length).toBeGreaterThan(0);
    expect(new Set(refused)).toEqual(new Set([503]));
    const client = new pg.Client(postgres.url);
    await client.connect();
    for (const { email, acknowledged } of writers) {
      const { rows } = await client.query<{ display_name: string }>(
        `SELECT display_name FROM sallyport.profiles JOIN sallyport.email_addresses
        USING (identity_id) WHERE folded = $1`,
        [email],
      );
      expect(Number(rows[0]?.display_name)).toBe(acknowledged.at(-1));
    }
    await client.end();
  },
);

interface Writer {
  readonly email: string;
  /** The numbers whose writing was answered with 200, in order. */
  readonly acknowledged: number[];
  readonly statuses: number[];
  stop(): Promise<void>;
}

/**
 * Writes a number into the person's profile, and with each acknowledgement the next one. A write
 * whose outcome is unknown is sent again, as a client would.
 */
function keepWriting(email: string, browser: Visitor): Writer {
  const acknowledged: number[] = [];
  const statuses: number[] = [];
  const running = new AbortController();
  const ended = (async () => {
    let number = 1;
    while (!running.signal.aborted) {
      const body = { displayName: String(number) };
      const { status } = await browser.send('PATCH', '/api/account/profile', body);
      statuses.push(status);
      if (status === 200) {
        acknowledged.push(number);
        number++;
      } else await sleep(20);
    }
  })();
  return {
    email,
    acknowledged,
    statuses,
    async stop() {
      running.abort();
      await ended;
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(20);
}
