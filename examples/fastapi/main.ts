import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { startPostgres } from '../../test/support/postgres.ts';
import {
  noPython,
  pythonEnvironment,
  runPython,
  startPythonApp,
} from '../../test/support/python.ts';
import { auditNotes, sideBySide, withDocumentOf } from './reports.ts';
import { PASSWORD, startGuardedNotes } from './start.ts';

const INSECURE = fileURLToPath(new URL('../fastapi-insecure', import.meta.url));

if (noPython) throw new Error(noPython);
console.log('Starting PostgreSQL and the two applications ...');
const environment = pythonEnvironment();
const postgres = await startPostgres();
const databaseOf = async (name: string) => {
  const client = new pg.Client(postgres.url);
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  return postgres.url.replace(/postgres$/, name);
};
try {
  const env = {
    PATH: process.env['PATH'],
    PYTHONDONTWRITEBYTECODE: '1',
    DATABASE_URL: await databaseOf('insecure'),
    SECRET_KEY: randomBytes(32).toString('hex'),
  };
  runPython(join(environment, 'bin', 'python'), ['seed.py'], { cwd: INSECURE, env });
  const insecure = await startPythonApp(INSECURE, env);
  const key = randomBytes(32).toString('base64url');
  const guarded = await startGuardedNotes(await databaseOf('guarded'), key);
  console.log(`
  As in the tutorial:  ${insecure.origin}/docs
  Behind the gateway:  ${guarded.origin}/sallyport/sign-in, then /api/notes
  As either:           bob@acme.example, heidi@globex.example, with: ${PASSWORD}

Auditing both, which takes a minute or two ...
`);
  const before = await auditNotes(insecure.origin, null);
  const after = await withDocumentOf(guarded.origin, (file) => auditNotes(guarded.origin, file));
  console.log(sideBySide(['as in the tutorial', before], ['behind the gateway', after]));
  if (process.stdin.isTTY) {
    console.log('\nBoth still run. Ctrl+C ends them.');
    await new Promise((resolve) => process.once('SIGINT', resolve));
  }
  await guarded.stop();
  await insecure.stop();
} finally {
  await postgres.stop();
}
