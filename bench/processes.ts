import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface ServerProcess {
  readonly origin: string;
  stop(): Promise<void>;
}

/** The server under test has one core to itself; PostgreSQL and the load share the other. */
const CORE_OF_SERVER = '0';
const CORE_OF_THE_REST = '1';

const canPin = spawnSync('taskset', ['-c', '0,1', 'true']).status === 0;

/** Moves this process, and with it the load that it makes, away from the server's core. */
export function leaveTheServersCore(alsoPid?: number): void {
  if (!canPin) return;
  for (const pid of [process.pid, alsoPid]) {
    if (pid) spawnSync('taskset', ['-a', '-c', '-p', CORE_OF_THE_REST, String(pid)]);
  }
}

/** Starts a Node.js program of ours, and waits for the line of its output that names its origin. */
export function startServerProcess(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  const [command, ...before] = canPin
    ? ['taskset', '-c', CORE_OF_SERVER, process.execPath]
    : [process.execPath];
  const child = spawn(command ?? '', [...before, ...args], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGTERM');
    await exited;
  };
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${args.join(' ')} exited with ${code}`)));
    child.stdout.on('data', (chunk: Buffer) => {
      const origin = /http:\/\/localhost:\d+/.exec(chunk.toString())?.[0];
      if (origin) resolve({ origin, stop });
    });
  });
}
