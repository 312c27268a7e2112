import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, type Visitor } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { newcomer } from '../support/people.ts';
import { type ServerProcess, startServerProcess } from '../support/processes.ts';

const REQUESTS_PER_SECOND = 64;

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
    await sleep(1_000);
    expect((await browser.send('POST', '/api/sign-out')).status).toBe(204);
    await expectNoneLetThroughAfter(performance.now(), load);
  });

  test('a disabled identity, on two processes under load [CWE-613] [ASVS 7.4.2]', async () => {
    const { person, browser } = await newcomer(origin(0));
    const { person: other, browser: otherBrowser } = await newcomer(origin(0));
    const load = keepAsking(browser);
    await sleep(1_000);
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

/** Asks both processes in turn, with the cookies as they are now, until it is told to stop. */
function keepAsking(browser: Visitor): { stop(): Promise<readonly Asked[]> } {
  const headers = browser.cookieHeader();
  const asked: Promise<Asked>[] = [];
  let turn = 0;
  const timer = setInterval(() => {
    const process = turn++ % processes.length;
    const startedAt = performance.now();
    asked.push(
      ask(origin(process), '/api/session', { headers }).then(({ status }) => ({
        startedAt,
        process,
        status,
      })),
    );
  }, 1_000 / REQUESTS_PER_SECOND);
  return {
    async stop() {
      clearInterval(timer);
      return await Promise.all(asked);
    },
  };
}

async function expectNoneLetThroughAfter(
  committedAt: number,
  load: { stop(): Promise<readonly Asked[]> },
): Promise<void> {
  await sleep(1_000);
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
