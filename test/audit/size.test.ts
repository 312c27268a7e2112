// A target of 130 operations, audited by the command as it is shipped and at its default settings:
// within three minutes and 240 MB.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startTwin, type TwinRequest, type TwinRoute, type TwinRoutes } from '../support/twin.ts';

const KINDS = (
  'article asset batch board budget carrier claim contract device event folder journal lesson ' +
  'order parcel permit project quote recipe report route sample shipment task ticket'
).split(' ');

const OPERATIONS = 130;

interface Row {
  readonly id: number;
  readonly owner: string;
  title: string;
}

function target(): TwinRoutes {
  const sessions = new Map<string, string>();
  let next = 1_000;
  const guarded =
    (route: (request: TwinRequest, me: string) => ReturnType<TwinRoute>): TwinRoute =>
    (request) => {
      const me = sessions.get(request.bearer);
      return me === undefined ? { status: 401, body: { detail: 'Sign in' } } : route(request, me);
    };
  const failures = new Map<string, number>();
  const routes: Record<string, TwinRoute> = {
    'POST /sign-in': ({ body: { username, password } }) => {
      const failed = failures.get(username) ?? 0;
      if (failed >= 5) return { status: 429, body: {}, headers: { 'retry-after': '900' } };
      if (password !== `a piano of ${username}`) {
        failures.set(username, failed + 1);
        return { status: 401, body: { detail: 'Wrong' } };
      }
      failures.set(username, 0);
      const token = randomBytes(16).toString('hex');
      sessions.set(token, username);
      return { status: 200, body: { access_token: token } };
    },
    'POST /sign-out': guarded(({ bearer }) => {
      sessions.delete(bearer);
      return { status: 204 };
    }),
    'GET /me': guarded((_, me) => ({ status: 200, body: { username: me } })),
    'GET /status': () => ({ status: 200, body: { status: 'ok' } }),
    'GET /version': () => ({ status: 200, body: { version: '1.0.0' } }),
  };
  for (const kind of KINDS) {
    const rows: Row[] = ['ada', 'bob', 'grace'].map((owner) => {
      next += 1;
      return { id: next, owner, title: `${kind} of ${owner}` };
    });
    const find = ({ params }: TwinRequest, me: string) =>
      rows.find(({ id, owner }) => String(id) === params[`${kind}_id`] && owner === me);
    const one = `/${kind}s/{${kind}_id}`;
    const ofOne = (act: (row: Row, request: TwinRequest) => ReturnType<TwinRoute>): TwinRoute =>
      guarded((request, me) => {
        const row = find(request, me);
        return row === undefined ? { status: 404, body: {} } : act(row, request);
      });
    routes[`GET /${kind}s`] = guarded((_, me) => ({
      status: 200,
      body: rows.filter(({ owner }) => owner === me),
    }));
    routes[`POST /${kind}s`] = guarded(({ body }, me) => {
      next += 1;
      const row = { id: next, owner: me, title: String(body.title) };
      rows.push(row);
      return { status: 201, body: row };
    });
    routes[`GET ${one}`] = ofOne((row) => ({ status: 200, body: row }));
    routes[`PATCH ${one}`] = ofOne((row, { body }) => {
      row.title = String(body.title);
      return { status: 200, body: row };
    });
    routes[`DELETE ${one}`] = ofOne((row) => {
      rows.splice(rows.indexOf(row), 1);
      return { status: 204 };
    });
  }
  return routes;
}

function documentOf(routes: TwinRoutes): object {
  const paths: Record<string, Record<string, object>> = {};
  const text = { type: 'string' };
  for (const key of Object.keys(routes)) {
    const [method = '', path = ''] = key.split(' ');
    const properties = path === '/sign-in' ? { username: text, password: text } : { title: text };
    const schema = { type: 'object', properties, required: Object.keys(properties) };
    const hasBody = path === '/sign-in' || method === 'PATCH' || /^\/\w+s$/.test(path);
    paths[path] = {
      ...paths[path],
      [method.toLowerCase()]: {
        responses: { 200: { description: 'OK' } },
        ...(['/sign-in', '/status', '/version'].includes(path) ? { security: [] } : {}),
        ...(hasBody && method !== 'GET'
          ? { requestBody: { content: { 'application/json': { schema } } } }
          : {}),
      },
    };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Many', version: '1' },
    security: [{ account: [] }],
    components: { securitySchemes: { account: { type: 'http', scheme: 'bearer' } } },
    paths,
  };
}

test('130 operations take less than three minutes and 240 MB', async () => {
  const routes = target();
  expect(Object.keys(routes).length).toBe(OPERATIONS);
  const twin = await startTwin(routes, documentOf(routes));
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-size-'));
  onTestFinished(async () => {
    await twin.close();
    rmSync(folder, { recursive: true });
  });
  const accounts = ['a', 'b', 'stranger'].flatMap((role, index) => [
    `--${role}`,
    `env:${['ADA', 'BOB', 'GRACE'][index]}`,
  ]);
  const account = (name: string) => `${name}:a piano of ${name}`;
  const started = performance.now();
  const ran = await run(['audit', twin.origin, ...accounts, '--allow-writes'], folder, {
    ADA: account('ada'),
    BOB: account('bob'),
    GRACE: account('grace'),
  });
  const seconds = (performance.now() - started) / 1_000;
  expect(ran.code, ran.output).toBe(0);
  expect(ran.output).toMatch(
    /0 findings; 1[23]\d of 130 operations reached, \d+ requests, \d+\.\d s/,
  );
  expect(seconds).toBeLessThan(180);
  expect(ran.peakMegabytes).toBeLessThan(240);
});

/** The command as a process, with the most memory that it ever had, as Linux counts it. */
async function run(
  words: readonly string[],
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<{ code: number | null; output: string; peakMegabytes: number }> {
  const child = spawn(process.execPath, [join(process.cwd(), 'dist/bin.js'), ...words], {
    cwd: folder,
    env: { ...process.env, ...environment },
  });
  let output = '';
  let peakMegabytes = 0;
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.resume();
  const watch = setInterval(() => {
    peakMegabytes = Math.max(peakMegabytes, peakOf(child.pid ?? 0));
  }, 100);
  const code = await new Promise<number | null>((resolve) => {
    child.on('exit', resolve);
  });
  clearInterval(watch);
  return { code, output, peakMegabytes };
}

function peakOf(pid: number): number {
  try {
    const [, kilobytes] =
      /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes ?? 0) / 1_024;
  } catch {
    return 0;
  }
}
