import { cpuTimesOf, cpuUsedBetween, familyOf, memoryMegabytes } from './cost.ts';
import { load, quantile, type Target } from './load.ts';
import type { ServerProcess } from './processes.ts';
import type { Figure } from './run.ts';

/** A server under load, and what it is asked for in turn. */
export interface Contender {
  readonly name: string;
  readonly server: ServerProcess;
  readonly targets: readonly Target[];
  readonly roundTrips: number;
}

interface Used {
  answers: number;
  server: number;
  database: number;
}

/**
 * One figure for each of the others: how much faster ours is. In every round each of them has a
 * short window between two of ours and is compared with those, so that a slower minute of the
 * machine is slow for both.
 */
export async function compareInRounds(
  bench: string,
  ours: Contender,
  others: readonly Contender[],
  how: { readonly rounds: number; readonly seconds: number; readonly postmaster: number },
): Promise<readonly Figure[]> {
  const used = new Map<Contender, Used>();
  const ratios = new Map<Contender, number[]>(others.map((other) => [other, []]));

  async function rateOf(contender: Contender): Promise<number> {
    const server = () => cpuTimesOf([contender.server.pid]);
    const database = () => cpuTimesOf(familyOf(how.postmaster));
    const before = { server: server(), database: database() };
    const { answers, perSecond } = await load(contender.targets, how.seconds);
    const sum = used.get(contender) ?? { answers: 0, server: 0, database: 0 };
    sum.answers += answers;
    sum.server += cpuUsedBetween(before.server, server());
    sum.database += cpuUsedBetween(before.database, database());
    used.set(contender, sum);
    return perSecond;
  }

  let before = await rateOf(ours);
  for (let round = 0; round < how.rounds; round++) {
    for (const [other, measured] of ratios) {
      const rate = await rateOf(other);
      const after = await rateOf(ours);
      measured.push((before + after) / 2 / rate);
      before = after;
    }
  }
  return [...ratios].map(([other, measured]) => ({
    bench,
    against: other.name,
    ratio: quantile(measured, 0.5),
    spread: [quantile(measured, 0.25), quantile(measured, 0.75)],
    ...costOf(ours, used.get(ours)),
    peer: costOf(other, used.get(other)),
  }));
}

/** Does the work, or tells why what it is about has no figure. */
export async function leaveOut(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    process.stderr.write(
      `${name} is left out: ${error instanceof Error ? error.message : String(error)}\n`,
    );
  }
}

function costOf(contender: Contender, used: Used | undefined): NonNullable<Figure['peer']> {
  const { roundTrips, server } = contender;
  const memory = memoryMegabytes(server.pid);
  if (!used || memory === null) return { roundTrips };
  const each = (sum: number) => Math.round(sum / used.answers);
  return {
    roundTrips,
    cpuMicroseconds: { server: each(used.server), database: each(used.database) },
    memoryMegabytes: memory,
  };
}
