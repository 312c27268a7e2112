import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PYTHON = fileURLToPath(new URL('../../python', import.meta.url));
const REQUIREMENTS = join(PYTHON, 'requirements.txt');

/** Why nothing of Python can be run here, or false: such tests are then skipped. */
export const noPython: string | false =
  spawnSync('python3', ['-c', 'import ensurepip, sys, venv; from datetime import UTC']).status === 0
    ? false
    : 'Python 3.11 with venv and pip is missing (Debian: python3-venv)';

/**
 * The one environment that everything in Python is tested with, the examples too: with exactly
 * python/requirements.txt, made at the first use and kept. It gets its name only when it is
 * complete: another run may make one too.
 */
export function pythonEnvironment(): string {
  const key = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 16);
  const environment = join(PYTHON, '.venv', key);
  if (existsSync(join(environment, 'bin', 'python'))) return environment;
  const unfinished = `${environment}-${randomBytes(4).toString('hex')}`;
  runPython('python3', ['-m', 'venv', unfinished]);
  const options = ['--quiet', '--disable-pip-version-check', '--only-binary', ':all:'];
  const pip = ['-m', 'pip', 'install', ...options, '--requirement', REQUIREMENTS];
  runPython(join(unfinished, 'bin', 'python'), pip);
  try {
    renameSync(unfinished, environment);
  } catch (error) {
    rmSync(unfinished, { recursive: true });
    if (!existsSync(environment)) throw error;
  }
  return environment;
}

/** Runs it to its end. @returns what it printed. @throws where it fails, with all of that. */
export function runPython(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): string {
  const { error, status, stdout, stderr } = spawnSync(program, args, {
    ...options,
    encoding: 'utf8',
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

/** Starts the main.py of a folder and waits until it answers at the address that it prints. */
export async function startPythonApp(
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly origin: string; stop(): Promise<void> }> {
  const child = spawn(join(pythonEnvironment(), 'bin', 'python'), ['main.py'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const origin = await new Promise<string>((resolve, reject) => {
    void exited.then(() => reject(new Error(`${folder} exited with ${child.exitCode}`)));
    child.stdout.on('data', (chunk: Buffer) => {
      const printed = /http:\/\/127\.0\.0\.1:\d+/.exec(chunk.toString())?.[0];
      if (printed) resolve(printed);
    });
  });
  // The port listens before the application has its pool of connections.
  await (await fetch(`${origin}/openapi.json`)).text();
  return {
    origin,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
