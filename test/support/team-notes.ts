import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createDatabase } from './databases.ts';
import { pythonEnvironment, runPython } from './python.ts';

// examples/fastapi-insecure and its repaired twin as processes of their own, with a database each.

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));

export type Twin = 'insecure' | 'repaired';

export interface TeamNotes {
  readonly origin: string;
  stop(): Promise<void>;
}

/** Everybody's password in seed.py. */
export const PASSWORD = 'correct horse battery staple';

export const ACCOUNTS = {
  ada: 'ada@acme.example',
  bob: 'bob@acme.example',
  carol: 'carol@acme.example',
  grace: 'grace@globex.example',
  heidi: 'heidi@globex.example',
} as const;

/** Starts it on a free port, with the accounts of seed.py in a database of its own. */
export async function startTeamNotes(twin: Twin): Promise<TeamNotes> {
  const folder = join(EXAMPLES, `fastapi-${twin}`);
  const python = join(pythonEnvironment(), 'bin', 'python');
  const database = await createDatabase({ migrated: false });
  const environment = {
    PATH: process.env['PATH'],
    PYTHONDONTWRITEBYTECODE: '1',
    DATABASE_URL: database.url,
    SECRET_KEY: randomBytes(32).toString('hex'),
  };
  runPython(python, ['seed.py'], { cwd: folder, env: environment });
  const child = spawn(python, ['main.py'], {
    cwd: folder,
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGTERM');
    await exited;
    await database.drop();
  };
  const origin = await new Promise<string>((resolve, reject) => {
    void exited.then(() => reject(new Error(`fastapi-${twin} exited with ${child.exitCode}`)));
    child.stdout.on('data', (chunk: Buffer) => {
      const printed = /http:\/\/127\.0\.0\.1:\d+/.exec(chunk.toString())?.[0];
      if (printed) resolve(printed);
    });
  });
  await untilItAnswers(origin);
  return { origin, stop };
}

/** The port listens before the application has its pool of connections. */
async function untilItAnswers(origin: string): Promise<void> {
  const answer = await fetch(`${origin}/openapi.json`);
  await answer.text();
}
