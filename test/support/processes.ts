import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TEST_KEY } from './test-key.ts';

export interface ServerProcess {
  readonly origin: string;
  readonly child: ChildProcess;
  /** Sends SIGTERM and waits; the exit code. */
  stop(): Promise<number | null>;
}

/** The built product as a process of its own: `sallyport serve` with these settings. */
export async function startServerProcess(
  settings: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-data-'));
  const bin = fileURLToPath(new URL('../../dist/bin.js', import.meta.url));
  const child = spawn(process.execPath, [bin, 'serve'], {
    env: {
      PATH: process.env['PATH'],
      SALLYPORT_PORT: '0',
      SALLYPORT_DATA: folder,
      SALLYPORT_ENCRYPTION_KEY: TEST_KEY.toString('base64url'),
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.kill('SIGTERM');
    const code = await exited;
    await rm(folder, { recursive: true, force: true });
    return code;
  };
  return await new Promise((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const origin = /ready at (http:\/\/localhost:\d+)/.exec(output)?.[1];
      if (origin) resolve({ origin, child, stop });
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    void exited.then((code) => reject(new Error(`exited with ${code}: ${output}`)));
  });
}
