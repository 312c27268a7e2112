import { parseArgs } from 'node:util';
import { bearerBench } from './bearer.ts';
import { gatewayBench } from './gateway.ts';
import { largestTenantBench } from './largest-tenant.ts';
import { loadRouteBench } from './load-route.ts';
import { sessionBench } from './session.ts';
import { signInBench } from './sign-in.ts';
import { timingBench } from './timing.ts';

/** One figure, as a ratio to something measured in the same run: `1` is as fast, more is faster. */
export interface Figure {
  readonly bench: string;
  readonly against: string;
  readonly ratio: number;
  /**
   * The first and the third quartile of the ratios that `ratio` is the median of; of timing, its
   * 95 % interval.
   */
  readonly spread: readonly [number, number];
  /** Round trips to the database for one request, counted on the wire, where they are. */
  readonly roundTrips?: number;
  /** CPU time of one request, and what the server's process holds; where it can be measured. */
  readonly cpuMicroseconds?: { readonly server: number; readonly database: number };
  readonly memoryMegabytes?: number;
  /** The same of what it was measured against. */
  readonly peer?: Pick<Figure, 'roundTrips' | 'cpuMicroseconds' | 'memoryMegabytes'>;
  /** Milliseconds of ours and of what it was measured against. */
  readonly milliseconds?: readonly [number, number];
}

type Bench = (seconds: number, scale: number) => Promise<readonly Figure[]>;

const BENCHES: Readonly<Record<string, Bench>> = {
  session: sessionBench,
  'sign-in': signInBench,
  timing: timingBench,
  'load-route': loadRouteBench,
  bearer: bearerBench,
  'largest-tenant': largestTenantBench,
  gateway: gatewayBench,
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    /** How long each window of load-route and bearer is. */
    seconds: { type: 'string', default: '1' },
    /** Of largest-tenant: which share of its rows there are, to see whether it runs. */
    scale: { type: 'string', default: '1' },
  },
});
const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
for (const name of names) {
  const bench = BENCHES[name];
  if (!bench) {
    process.stderr.write(
      `No bench is called ${name}; there are ${Object.keys(BENCHES).join(', ')}.\n`,
    );
    process.exit(1);
  }
  for (const figure of await bench(Number(values.seconds), Number(values.scale))) {
    process.stdout.write(values.json ? `${JSON.stringify(figure)}\n` : `${sentence(figure)}\n`);
  }
}

function sentence(figure: Figure): string {
  const { bench, against, ratio, spread, roundTrips, milliseconds, memoryMegabytes } = figure;
  const trips = roundTrips === 1 ? ', 1 round trip' : `, ${roundTrips} round trips`;
  const behind = roundTrips === undefined ? '' : trips;
  const times = milliseconds ? `, p99 ${milliseconds[0]} ms beside ${milliseconds[1]} ms` : '';
  const memory = memoryMegabytes === undefined ? '' : `, ${memoryMegabytes} MB`;
  return `${bench}: ${ratio} of ${against} (${spread[0]} to ${spread[1]})${behind}${times}${memory}`;
}
