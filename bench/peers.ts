import { spawnSync } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installWhenStale } from '../scripts/install.mjs';
import { proofOf, secretText } from '../src/core/secret.ts';
import type { Person } from './invoices.ts';
import { type Candidate, type InvoicesDatabase, onDatabase } from './load-route-stage.ts';
import { startServerProcess } from './processes.ts';

// What other people's libraries make of the same work. They are installed at their first use, in a
// folder of their own, with the versions that its lock files name.

const FOLDER = fileURLToPath(new URL('peers', import.meta.url));
const SECRET = 'signs the cookies of the peers, which never leave this machine';

/** The programs that run on Node.js. */
export function installNodePeers(): void {
  installWhenStale(FOLDER);
}

/** A virtual environment; pip does nothing where it has all of the versions already. */
export function installFastApi(): void {
  run('python3', ['-m', 'venv', '.venv']);
  const options = ['--quiet', '--disable-pip-version-check', '--only-binary', ':all:'];
  run(PYTHON, ['-m', 'pip', 'install', ...options, '--requirement', 'requirements.txt']);
}

const PYTHON = `${FOLDER}/.venv/bin/python`;

function run(program: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): void {
  const { error, status, stderr } = spawnSync(program, args, {
    cwd: FOLDER,
    env: { ...process.env, ...environment },
    encoding: 'utf8',
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
}

export const FASTAPI: Candidate = {
  name: 'FastAPI and asyncpg with one fused statement',
  start: (url) =>
    startServerProcess(['bench/peers/fastapi-server.py'], { DATABASE_URL: url }, PYTHON),
  target: (origin, person, invoiceId) => ({
    url: `${origin}/invoices/${invoiceId}`,
    headers: { cookie: `session=${proofOf(person.secret)}` },
  }),
};

export function betterAuth(name: string, mode: 'session' | 'organization'): Candidate {
  return {
    name,
    start: (url) =>
      startServerProcess(['bench/peers/better-auth.mjs', mode], {
        DATABASE_URL: url,
        NODE_ENV: 'production',
        SECRET,
      }),
    target: (origin, person, invoiceId) => ({
      url: `${origin}/invoices/${invoiceId}`,
      headers: { cookie: `__Secure-better-auth.session_token=${signedForBetterAuth(person)}` },
    }),
  };
}

export function fastifySession(
  name: string,
  mode: 'tuned' | 'as-it-comes',
  method: 'GET' | 'POST' = 'GET',
): Candidate {
  return {
    name,
    start: (url) =>
      startServerProcess(['bench/peers/fastify-session.mjs', mode], {
        DATABASE_URL: url,
        NODE_ENV: 'production',
        SECRET,
      }),
    target: (origin, person, invoiceId) => {
      const headers = {
        cookie: `sessionId=${signedForFastify(person)}`,
        'x-forwarded-proto': 'https',
      };
      const url = `${origin}/invoices/${invoiceId}`;
      if (method === 'GET') return { url, headers };
      const written = { 'content-type': 'application/json', 'x-csrf-token': csrfToken(person) };
      return { url, method, headers: { ...headers, ...written }, body: '{}' };
    },
  };
}

/** Everybody is a user with a session, and a member of an organization. */
export async function fillBetterAuth({ url, people }: InvoicesDatabase): Promise<void> {
  await onDatabase(url, async (client) => {
    await client.query('CREATE SCHEMA better_auth');
    run(process.execPath, ['better-auth.mjs', 'migrate'], { DATABASE_URL: url, SECRET });
    await client.query('SET search_path = better_auth, public');
    const columns = `"createdAt", "updatedAt"`;
    await client.query(
      `INSERT INTO "user" (id, name, email, "emailVerified", ${columns})
        SELECT id::TEXT, 'Ada', id || '@example.com', true, now(), now() FROM sallyport.identities`,
    );
    await client.query(
      `INSERT INTO organization (id, name, slug, "createdAt")
        SELECT id::TEXT, name, id::TEXT, now() FROM sallyport.tenants`,
    );
    await client.query(
      `INSERT INTO member (id, "organizationId", "userId", role, "createdAt")
        SELECT gen_random_uuid()::TEXT, tenant_id::TEXT, identity_id::TEXT, role, now()
          FROM sallyport.memberships`,
    );
    // A new session lives for a week, and one younger than a day is not written by a request.
    await client.query(
      `INSERT INTO session (id, token, "userId", "activeOrganizationId", "expiresAt", ${columns})
        SELECT s.id::TEXT, COALESCE(p.token, s.proof_digest), s.identity_id::TEXT,
            s.tenant_id::TEXT, now() + INTERVAL '7 days', now(), now()
          FROM sallyport.sessions AS s
          LEFT JOIN unnest($1::UUID[], $2::TEXT[]) AS p (identity_id, token) USING (identity_id)`,
      [people.map(({ identityId }) => identityId), people.map(({ secret }) => secretText(secret))],
    );
    await client.query('VACUUM ANALYZE');
  });
}

/** The store's own table, with a session of everybody. */
export async function fillFastifySession({ url, people }: InvoicesDatabase): Promise<void> {
  const table = join(FOLDER, 'node_modules', 'connect-pg-simple', 'table.sql');
  await onDatabase(url, async (client) => {
    await client.query('CREATE SCHEMA fastify_session');
    await client.query('SET search_path = fastify_session, public');
    await client.query(await readFile(table, 'utf8'));
    await client.query(
      `INSERT INTO session (sid, sess, expire)
        SELECT COALESCE(p.sid, s.proof_digest),
            json_build_object('identityId', s.identity_id, 'tenantId', s.tenant_id,
              '_csrf', COALESCE(p.csrf_secret, 'none'),
              'cookie', json_build_object('path', '/', 'httpOnly', true, 'secure', true)),
            now() + INTERVAL '11 hours'
          FROM sallyport.sessions AS s
          LEFT JOIN unnest($1::UUID[], $2::TEXT[], $3::TEXT[])
            AS p (identity_id, sid, csrf_secret) USING (identity_id)`,
      [
        people.map(({ identityId }) => identityId),
        people.map(({ secret }) => secretText(secret)),
        people.map(csrfSecret),
      ],
    );
    await client.query('VACUUM ANALYZE');
  });
}

/** As @fastify/cookie signs: without the padding, which cookies give a meaning of its own. */
function signedForFastify({ secret }: Person): string {
  const signature = createHmac('sha256', SECRET).update(secretText(secret)).digest('base64');
  return encodeURIComponent(`${secretText(secret)}.${signature.replaceAll('=', '')}`);
}

function signedForBetterAuth({ secret }: Person): string {
  const signature = createHmac('sha256', SECRET).update(secretText(secret)).digest('base64');
  return encodeURIComponent(`${secretText(secret)}.${signature}`);
}

function csrfSecret({ secret }: Person): string {
  return proofOf(secret).slice(0, 24);
}

/** As @fastify/csrf makes it. */
function csrfToken(person: Person): string {
  const salt = 'saltsalt';
  const digest = createHash('sha256')
    .update(`${salt}-${csrfSecret(person)}`)
    .digest('base64url');
  return `${salt}-${digest}`;
}
