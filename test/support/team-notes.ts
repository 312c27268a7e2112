import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createDatabase } from './databases.ts';

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

/** Why the applications cannot be started here, or false: their tests are then skipped. */
export const noPython: string | false =
  spawnSync('python3', ['-c', 'import ensurepip, sys, venv; from datetime import UTC']).status === 0
    ? false
    : 'Python 3.11 with venv and pip is missing (Debian: python3-venv)';

/** Starts it on a free port, with the accounts of seed.py in a database of its own. */
export async function startTeamNotes(twin: Twin): Promise<TeamNotes> {
  const folder = join(EXAMPLES, `fastapi-${twin}`);
  const python = installedPython(join(folder, 'requirements.txt'));
  const database = await createDatabase({ migrated: false });
  const environment = {
    PATH: process.env['PATH'],
    PYTHONDONTWRITEBYTECODE: '1',
    DATABASE_URL: database.url,
    SECRET_KEY: randomBytes(32).toString('hex'),
  };
  run(python, ['seed.py'], { cwd: folder, env: environment });
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

/**
 * The Python of a virtual environment with these requirements, made at the first use and kept
 * beside the examples. It gets its name only when it is complete: another run may make one too.
 */
function installedPython(requirements: string): string {
  const key = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 16);
  const environment = join(EXAMPLES, '.venv', key);
  const python = join(environment, 'bin', 'python');
  if (existsSync(python)) return python;
  const unfinished = `${environment}-${randomBytes(4).toString('hex')}`;
  run('python3', ['-m', 'venv', unfinished]);
  const options = ['--quiet', '--disable-pip-version-check', '--only-binary', ':all:'];
  const pip = ['-m', 'pip', 'install', ...options, '--requirement', requirements];
  run(join(unfinished, 'bin', 'python'), pip);
  try {
    renameSync(unfinished, environment);
  } catch (error) {
    rmSync(unfinished, { recursive: true });
    if (!existsSync(python)) throw error;
  }
  return python;
}

function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): void {
  const { error, status, stderr } = spawnSync(program, args, { ...options, encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
}
