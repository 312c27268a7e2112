import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTesting, type TestKit, type TestTenant } from 'sallyport/testing';
import { startMailServer } from '../../test/support/mail-servers.ts';
import { freePort } from '../../test/support/ports.ts';
import { PYTHON, startPythonApp } from '../../test/support/python.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const LOGIN = 'notes_upstream';

/** Everybody's password. */
export const PASSWORD = 'correct horse battery staple';

export interface GuardedNotes {
  /** The gateway's: what browsers see. */
  readonly origin: string;
  /** The application's own, past the gateway. */
  readonly upstream: string;
  readonly kit: TestKit;
  readonly tenants: { readonly acme: TestTenant; readonly globex: TestTenant };
  stop(): Promise<void>;
}

/**
 * The application behind its gateway, on a database that it makes the tables and the login in, with
 * two teams: ada, bob and carol at acme.example, grace and heidi at globex.example.
 */
export async function startGuardedNotes(
  databaseUrl: string,
  encryptionKey: string,
): Promise<GuardedNotes> {
  const undo: Array<() => Promise<void>> = [];
  const stop = async () => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const port = await freePort();
    const origin = `http://localhost:${port}`;
    const read = (name: string) => readFileSync(join(FOLDER, name), 'utf8');
    const kit = await startTesting({
      origin,
      server: { databaseUrl, encryptionKey },
      migrate: ['schema.sql', 'protect.sql'].map(read),
    });
    undo.push(() => kit.close());
    const app = await startPythonApp(FOLDER, {
      PATH: process.env['PATH'],
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONPATH: join(PYTHON, 'sallyport_fastapi', 'src'),
      GATEWAY_ORIGIN: origin,
      DATABASE_URL: await loginFor(kit, databaseUrl),
    });
    undo.push(() => app.stop());
    // As it is operated: where mail is sent, there is no mailbox of development.
    const mails = await startMailServer();
    undo.push(() => mails.stop());
    const gateway = await startGatewayProcess(app.origin, {
      PATH: process.env['PATH'],
      DATABASE_URL: databaseUrl,
      SALLYPORT_ENCRYPTION_KEY: encryptionKey,
      SALLYPORT_PORT: String(port),
      SALLYPORT_LOG_LEVEL: 'warn',
      SALLYPORT_SMTP_URL: mails.url,
      SALLYPORT_MAIL_FROM: 'accounts@notes.example',
    });
    undo.push(() => gateway.stop());
    const acme = await seed(kit, 'Acme', { ada: 'admin', bob: 'member', carol: 'member' });
    const globex = await seed(kit, 'Globex', { grace: 'admin', heidi: 'member' });
    return { origin, upstream: app.origin, kit, tenants: { acme, globex }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** `sallyport gateway --upstream URL`, as somebody would start it. */
async function startGatewayProcess(upstream: string, env: NodeJS.ProcessEnv) {
  const bin = fileURLToPath(new URL('../../dist/bin.js', import.meta.url));
  const config = join(FOLDER, 'sallyport-gateway.yaml');
  const child = spawn(
    process.execPath,
    [bin, 'gateway', '--upstream', upstream, '--config', config],
    { env, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    void exited.then(() => reject(new Error(`the gateway exited with ${child.exitCode}`)));
    child.stdout.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('is ready')) resolve();
    });
  });
  return {
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** The application's own login: a member of sallyport_app, and of nothing else. */
async function loginFor(kit: TestKit, databaseUrl: string): Promise<string> {
  const [known] = await kit.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [LOGIN]);
  const password = randomBytes(24).toString('hex');
  const change = known ? `ALTER ROLE ${LOGIN}` : `CREATE ROLE ${LOGIN} IN ROLE sallyport_app`;
  await kit.query(`${change} LOGIN PASSWORD '${password}'`);
  const url = new URL(databaseUrl);
  url.username = LOGIN;
  url.password = password;
  return url.href;
}

async function seed(
  kit: TestKit,
  name: string,
  people: Readonly<Record<string, 'admin' | 'member'>>,
): Promise<TestTenant> {
  const tenant = await kit.tenant(name);
  for (const [person, role] of Object.entries(people)) {
    const displayName = `${person[0]?.toUpperCase()}${person.slice(1)}`;
    const email = `${person}@${name.toLowerCase()}.example`;
    await kit.person({ tenant, role, displayName, email, password: PASSWORD });
  }
  const [project] = await kit.query(
    `INSERT INTO projects (tenant_id, name, description) VALUES ($1, $2, $3) RETURNING id`,
    [tenant.id, `${name} relaunch`, `What ${name} does next`],
  );
  await kit.query(
    'INSERT INTO notes (tenant_id, project_id, title, body) VALUES ($1, $2, $3, $4)',
    [tenant.id, project?.['id'], `${name} budget`, `Only for people at ${name}`],
  );
  return tenant;
}
