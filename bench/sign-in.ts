import { setTimeout as sleep } from 'node:timers/promises';
import { compareRates, load, quantile, requestsPerSecond, type Target } from './load.ts';
import { startServerProcess } from './processes.ts';
import type { Figure } from './run.ts';
import { type Person, setStage } from './support.ts';

/**
 * Sign-ins a second against verifications of one password alone, on the same core; and how much
 * longer another person's request takes, at the median and at the worst of a hundred, while
 * sign-ins fill the queue.
 */
export async function signInBench(): Promise<readonly Figure[]> {
  const stage = await setStage();
  const reference = await startServerProcess(['bench/reference-hashing.ts'], {});
  const signIns = await Promise.all(
    stage.people.map((person) => fromKnownBrowser(stage.server.origin, person)),
  );
  const signInsPerSecond = async (seconds: number) => (await load(signIns, seconds)).perSecond;
  const speed = await compareRates(
    () => signInsPerSecond(3),
    () => requestsPerSecond({ url: `${reference.origin}/` }, 4),
    5,
  );
  const session = async (origin: string) => {
    const started = performance.now();
    const answer = await fetch(`${origin}/api/session`, { headers: { cookie: stage.cookie } });
    await answer.arrayBuffer();
    return performance.now() - started;
  };
  const idle: number[][] = [];
  const burst: number[][] = [];
  for (let window = 0; window < WINDOWS; window++) {
    idle.push(await sample(() => session(stage.server.origin), 2_500));
    const pressing = signInsPerSecond(3);
    burst.push(await sample(() => session(stage.server.origin), 2_500));
    await pressing;
  }
  const roundTrips = await stage.countRoundTrips(async (origin) => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify(stage.person);
    const answer = await fetch(`${origin}/api/sign-in`, { method: 'POST', headers, body });
    if (answer.status !== 200) throw new Error(`/api/sign-in answered ${answer.status}`);
    await answer.arrayBuffer();
  });
  await reference.stop();
  await stage.strike();
  return [
    { bench: 'sign-in', against: 'one argon2id verification', ...speed, roundTrips },
    { bench: 'sign-in-burst', ...patience(idle, burst, 0.5), roundTrips: 1 },
    { bench: 'sign-in-burst-p99', ...patience(idle, burst, 0.99), roundTrips: 1 },
  ];
}

/** The sign-in of somebody in a browser where they have signed in before, as nearly all are. */
async function fromKnownBrowser(origin: string, person: Person): Promise<Target> {
  const url = `${origin}/api/sign-in`;
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify(person);
  const answer = await fetch(url, { method: 'POST', headers, body });
  const device = answer.headers.getSetCookie().find((line) => line.includes('-device='));
  const cookie = device?.split(';')[0] ?? '';
  return { url, method: 'POST', headers: { ...headers, cookie }, body };
}

const WINDOWS = 5;

/** How much of its idle speed a request keeps, at this share of all samples. */
function patience(idle: number[][], burst: number[][], share: number) {
  const ratios = idle.map(
    (window, index) => quantile(window, share) / quantile(burst[index] ?? [], share),
  );
  const milliseconds = [quantile(burst.flat(), share), quantile(idle.flat(), share)] as const;
  return {
    against: 'GET /api/session when idle',
    ratio: Math.round((milliseconds[1] / milliseconds[0]) * 100) / 100,
    spread: [quantile(ratios, 0.25), quantile(ratios, 0.75)] as const,
    milliseconds,
  };
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
