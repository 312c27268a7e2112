import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createDatabase } from './databases.ts';
import { pythonEnvironment, runPython, startPythonApp } from './python.ts';

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
  const app = await startPythonApp(folder, environment);
  return {
    origin: app.origin,
    async stop() {
      await app.stop();
      await database.drop();
    },
  };
}
