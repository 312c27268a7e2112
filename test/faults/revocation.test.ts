import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, type Visitor } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { newcomer } from '../support/people.ts';
import { type ServerProcess, startServerProcess } from '../support/processes.ts';

const REQUESTS_PER_SECOND = 64;
/** A machine that answers no 64 a second is asked no more than it answers. */
const UNDER_WAY_MAX = 32;

let database: TestDatabase;
let processes: readonly ServerProcess[];
beforeAll(async () => {
  database = await createDatabase();
  processes = await Promise.all([
    startServerProcess({ DATABASE_URL: database.url }),
    startServerProcess({ DATABASE_URL: database.url }),
  ]);
});
afterAll(async () => {
  for (const each of processes) await each.stop();
  await database.drop();
});

describe('a revocation is in force for every request that begins after its commit', () => {
  test('sign-out, on two processes under load [R-27] [CWE-613] [ASVS 7.4.1]', async () => {
    const { browser } = await newcomer(origin(0));
    const load = keepAsking(browser);
    await untilEachAnswered(load, () => true);
    expect((await browser.send('POST', '/api/sign-out')).status).toBe(204);
    await expectNoneLetThroughAfter(performance.now(), load);
  });

  test('a disabled identity, on two processes under load [CWE-613] [ASVS 7.4.2]', async () => {
    const { person, browser } = await newcomer(origin(0));
    const { person: other, browser: otherBrowser } = await newcomer(origin(0));
    const load = keepAsking(browser);
    await untilEachAnswered(load, () => true);
    await database.admin.query(
      `UPDATE sallyport.identities SET disabled_at = now() WHERE id =
        (SELECT identity_id FROM sallyport.email_addresses WHERE folded = $1)`,
      [person.email],
    );
    await expectNoneLetThroughAfter(performance.now(), load);
    const control = await otherBrowser.get('/api/session');
    expect(control.json()).toMatchObject({ identity: { email: other.email } });
  });
});

interface Asked {
  readonly startedAt: number;
  readonly process: number;
  readonly status: number;
}

interface Load {
  readonly answered: readonly Asked[];
  stop(): Promise<readonly Asked[]>;
}

/** Asks both processes in turn, with the cookies as they are now, until it is told to stop. */
function keepAsking(browser: Visitor): Load {
  const headers = browser.cookieHeader();
  const asked: Promise<void>[] = [];
  const answered: Asked[] = [];
  let turn = 0;
  const timer = setInterval(() => {
    if (asked.length - answered.length >= UNDER_WAY_MAX) return;
    const process = turn++ % processes.length;
    const startedAt = performance.now();
    asked.push(
      ask(origin(process), '/api/session', { headers }).then(({ status }) => {
        answered.push({ startedAt, process, status });
      }),
    );
  }, 1_000 / REQUESTS_PER_SECOND);
  return {
    answered,
    async stop() {
      clearInterval(timer);
      await Promise.all(asked);
      return answered;
    },
  };
}

/** Until each process has answered a good many of the requests that are meant. */
async function untilEachAnswered(load: Load, meant: (asked: Asked) => boolean): Promise<void> {
  const counts = () =>
    processes.map((_, process) =>
      Math.min(30, load.answered.filter((each) => each.process === process && meant(each)).length),
    );
  await expect.poll(counts, { timeout: 60_000 }).toEqual(processes.map(() => 30));
}

async function expectNoneLetThroughAfter(committedAt: number, load: Load): Promise<void> {
  await untilEachAnswered(load, ({ startedAt }) => startedAt >= committedAt);
  const asked = await load.stop();
  for (const [process] of processes.entries()) {
    const here = asked.filter((each) => each.process === process);
    const before = here.filter(({ startedAt }) => startedAt < committedAt);
    const after = here.filter(({ startedAt }) => startedAt >= committedAt);
    expect(before.filter(({ status }) => status === 200).length).toBeGreaterThan(10);
    expect(after.length).toBeGreaterThan(10);
    expect(after.filter(({ status }) => status !== 401)).toEqual([]);
  }
}

function origin(process: number): string {
  return processes[process]?.origin ?? '';
}
