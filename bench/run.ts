import { parseArgs } from 'node:util';
import { sessionBench } from './session.ts';
import { signInBench } from './sign-in.ts';

/** One figure, as a ratio to something measured in the same run: `1` is as fast, more is faster. */
export interface Figure {
  readonly bench: string;
  readonly against: string;
  readonly ratio: number;
  /** The first and the third quartile of the ratios that `ratio` is the median of. */
  readonly spread: readonly [number, number];
  /** Round trips to the database for one request, counted on the wire. */
  readonly roundTrips: number;
}

const BENCHES: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  session: sessionBench,
  'sign-in': signInBench,
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false } },
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
  for (const figure of await bench()) {
    process.stdout.write(values.json ? `${JSON.stringify(figure)}\n` : `${sentence(figure)}\n`);
  }
}

function sentence({ bench, against, ratio, spread, roundTrips }: Figure): string {
  const trips = roundTrips === 1 ? '1 round trip' : `${roundTrips} round trips`;
  return `${bench}: ${ratio} of ${against} (${spread[0]} to ${spread[1]}), ${trips}`;
}
