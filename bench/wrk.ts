import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether there is wrk, a generator written in C that does little beside sending. */
export const hasWrk = spawnSync('wrk', ['-v']).error === undefined;

export interface Load {
  readonly answers: number;
  readonly perSecond: number;
  /** Ninety-nine of a hundred answers were there in this time; null where that was not measured. */
  readonly p99Milliseconds: number | null;
}

/** Sends the requests in turn, ready as bytes, each connection the next when it was answered. */
export async function loadWithWrk(
  origin: string,
  requests: readonly Buffer[],
  seconds: number,
  connections: number,
): Promise<Load> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-wrk-'));
  try {
    const script = join(folder, 'requests.lua');
    await writeFile(script, scriptOf(requests));
    // Whole seconds are all that it takes.
    const duration = `${Math.max(1, Math.round(seconds))}s`;
    const options = `-t 1 -c ${connections} -d ${duration} --timeout 30s`.split(' ');
    const printed = await outputOf([...options, '-s', script, origin]);
    const [answers = 0, microseconds = 0, failures = 0, p99 = 0] = (
      /^measured (\d+) (\d+) (\d+) (\d+)$/m.exec(printed)?.slice(1) ?? []
    ).map(Number);
    if (answers === 0 || failures > 0) throw new Error(`${origin} failed under load:\n${printed}`);
    const perSecond = (answers * 1_000_000) / microseconds;
    return { answers, perSecond, p99Milliseconds: p99 / 1_000 };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function scriptOf(requests: readonly Buffer[]): string {
  const texts = requests.map((request) => JSON.stringify(request.toString('latin1')));
  return `local requests = {\n${texts.join(',\n')}\n}
local index = 0
request = function()
  index = index % #requests + 1
  return requests[index]
end
done = function(summary, latency)
  local e = summary.errors
  local failures = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format("measured %d %d %d %d\\n",
    summary.requests, summary.duration, failures, latency:percentile(99)))
end
`;
}

function outputOf(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(printed) : reject(new Error(`wrk exited with ${code}: ${printed}`)),
    );
  });
}
