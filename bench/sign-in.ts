import { setTimeout as sleep } from 'node:timers/promises';
import { compareRates, median, requestsPerSecond } from './load.ts';
import { startServerProcess } from './processes.ts';
import type { Figure } from './run.ts';
import { setStage } from './support.ts';

/**
 * Sign-ins a second against verifications of one password alone, on the same core; and how much
 * longer another person's request takes, at the median, while sign-ins fill the queue.
 */
export async function signInBench(): Promise<readonly Figure[]> {
  const stage = await setStage();
  const reference = await startServerProcess(['bench/reference-hashing.ts'], {});
  const signIn = {
    url: `${stage.server.origin}/api/sign-in`,
    method: 'POST' as const,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(stage.person),
  };
  const speed = await compareRates(
    () => requestsPerSecond(signIn, 2),
    () => requestsPerSecond({ url: `${reference.origin}/` }, 2),
    5,
  );
  const session = async (origin: string) => {
    const started = performance.now();
    const answer = await fetch(`${origin}/api/session`, { headers: { cookie: stage.cookie } });
    await answer.arrayBuffer();
    return performance.now() - started;
  };
  const patience = await compareRates(
    async () => {
      const load = requestsPerSecond(signIn, 3);
      const waited = await sample(() => session(stage.server.origin), 2_500);
      await load;
      return 1 / median(waited);
    },
    async () => 1 / median(await sample(() => session(stage.server.origin), 1_000)),
    5,
  );
  const roundTrips = await stage.countRoundTrips(async (origin) => {
    const { method, headers, body } = signIn;
    const answer = await fetch(`${origin}/api/sign-in`, { method, headers, body });
    if (answer.status !== 200) throw new Error(`/api/sign-in answered ${answer.status}`);
    await answer.arrayBuffer();
  });
  await reference.stop();
  await stage.strike();
  return [
    { bench: 'sign-in', against: 'one argon2id verification', ...speed, roundTrips },
    { bench: 'sign-in-burst', against: 'GET /api/session when idle', ...patience, roundTrips: 1 },
  ];
}

/**
 * Does the work again and again, a hundred times a second at the most, and says how long each took.
 */
async function sample(work: () => Promise<number>, milliseconds: number): Promise<number[]> {
  const taken: number[] = [];
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    taken.push(await work());
    await sleep(10);
  }
  return taken;
}
