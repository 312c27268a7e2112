import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface ServerProcess {
  readonly origin: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** The server under test has one core to itself; PostgreSQL and the load share the other. */
const CORE_OF_SERVER = '0';
const CORE_OF_THE_REST = '1';

const canPin = spawnSync('taskset', ['-c', '0,1', 'true']).status === 0;

/** Moves this process, and with it the load that it makes, away from the server's core. */
export function leaveTheServersCore(...others: readonly number[]): void {
  if (!canPin) return;
  for (const pid of [process.pid, ...others]) {
    spawnSync('taskset', ['-a', '-c', '-p', CORE_OF_THE_REST, String(pid)]);
  }
}

/** Starts a program, Node.js unless said, and waits for the line of output with its origin. */
export function startServerProcess(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  program = process.execPath,
): Promise<ServerProcess> {
  const [command, ...before] = canPin ? ['taskset', '-c', CORE_OF_SERVER, program] : [program];
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
      // taskset becomes the program that it starts, so this is the program's own number.
      if (origin) resolve({ origin, pid: child.pid ?? 0, stop });
    });
  });
}
