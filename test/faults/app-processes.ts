import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { TEST_KEY } from '../support/test-key.ts';

export interface AppProcess {
  readonly origin: string;
  stop(): Promise<unknown>;
}

/** tenant-app.ts, with connections of its own to this database. */
export async function startAppProcess(
  url: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<AppProcess> {
  const program = fileURLToPath(new URL('tenant-app.ts', import.meta.url));
  const child = spawn(process.execPath, [program], {
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: url,
      SALLYPORT_ENCRYPTION_KEY: TEST_KEY.toString('base64url'),
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.kill('SIGTERM');
    await exited;
  };
  return await new Promise((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const origin = /ready at (http:\S+)\n/.exec(output)?.[1];
      if (origin) resolve({ origin, stop });
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    void exited.then(() => reject(new Error(`the app is gone: ${output}`)));
  });
}
