import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONNECTING_PAGE_HEADERS } from '../../src/http/security-headers.ts';
import { startServer } from '../../src/server/server.ts';
import { ask, Visitor } from '../support/client.ts';
import { mailsTo } from '../support/people.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

describe('GET /docs', () => {
  test('is a page with the headers of every page, whose script may also connect here [ASVS 3.4.3]', async () => {
    const answer = await ask(server.origin, '/docs');
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject(CONNECTING_PAGE_HEADERS);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
  });

  test('has every operation of /openapi.json, and no other', async () => {
    const { paths } = (await ask(server.origin, '/openapi.json')).json();
    const operations = Object.entries<object>(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const page = (await ask(server.origin, '/docs')).text;
    expect([...examplesOf(page).keys()].toSorted()).toEqual(operations.toSorted());
  });

  test('exists in development only', async () => {
    const origin = 'https://accounts.example.test';
    const { config } = server;
    const production = await startServer({ ...config, port: 0, origin: `${origin}:0` });
    const address = /:\d+$/.exec(production.origin)?.[0] ?? '';
    const headers = { host: `accounts.example.test${address}` };
    const statuses = await Promise.all(
      ['/docs', '/health', '/sign-in'].map(
        async (path) => (await ask(`http://127.0.0.1${address}`, path, { headers })).status,
      ),
    );
    await production.close();
    expect(statuses).toEqual([404, 200, 200]);
  });
});

const noCurl = existsSync('/usr/bin/curl') ? false : '/usr/bin/curl is not installed';

describe.skipIf(noCurl)(`the examples of the documentation ${noCurl || ''}`, () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-docs-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs it in a POSIX shell in which the cookie jar of the commands before is. */
  async function shell(script: string): Promise<string> {
    return (await promisify(execFile)('sh', ['-eu', '-c', script], { cwd: folder })).stdout;
  }

  test('each of them works as it stands, one after the other', { timeout: 300_000 }, async () => {
    const { origin } = server;
    const page = (await ask(origin, '/docs')).text;
    const journey = codeAfter(page, 'id="curl"');
    const answers = (await shell(journey)).trim().split('\n');
    expect(answers.map((answer) => JSON.parse(answer) as unknown)).toMatchObject([
      { status: 'check-mail' },
      { status: 'confirmed' },
      { session: {}, csrfToken: expect.any(String) },
      { displayName: 'Ada Lovelace' },
    ]);

    const examples = examplesOf(page);
    const called = new Set<string>();
    const [csrf = ''] = /^csrf\(\).*$/m.exec(journey) ?? [];
    const status = 'curl() { command curl -sS -o answer -w \'%{http_code}\' "$@"; }';
    const call = async (name: string, variables = '') => {
      called.add(name);
      const code = await shell([csrf, status, variables, examples.get(name)].join('\n'));
      return Number(code);
    };
    const token = async (to: string, path: string) => {
      const links = (await mailsTo(origin, to)).flatMap((mail) => mail.links);
      const link = links.find((each) => new URL(each).pathname === path) ?? origin;
      return `token=${new URL(link).searchParams.get('token')}`;
    };
    const otherSession = async () => {
      expect(await call('GET /api/sessions')).toBe(200);
      const sessions = JSON.parse(readFileSync(join(folder, 'answer'), 'utf8')) as {
        id: string;
        current: boolean;
      }[];
      return `id=${sessions.find(({ current }) => !current)?.id}`;
    };

    expect(await call('GET /health')).toBe(200);
    expect(await call('GET /ready')).toBe(200);
    expect(await call('GET /development/mailbox.json')).toBe(200);
    expect(await call('GET /api/session')).toBe(200);
    expect(await call('GET /api/account/profile')).toBe(200);
    expect(await call('PATCH /api/account/profile')).toBe(200);
    expect(await call('GET /api/account/export')).toBe(200);
    expect(await call('POST /api/sign-up')).toBe(202);
    expect(await call('POST /api/re-authentication')).toBe(200);

    // The session of the jar before goes on: it is the one to end.
    expect(await call('POST /api/sign-in')).toBe(200);
    expect(await call('DELETE /api/sessions/{id}', await otherSession())).toBe(204);
    expect(await call('DELETE /api/sessions')).toBe(204);

    expect(await call('POST /api/account/change-email')).toBe(202);
    const confirmation = await token('ada@example.org', '/confirm-email');
    expect(await call('POST /api/email-confirmations', confirmation)).toBe(200);
    const reversion = await token('ada@example.com', '/revert-email');
    expect(await call('POST /api/email-reversions', reversion)).toBe(200);

    expect(await call('POST /api/sign-in')).toBe(200);
    expect(await call('POST /api/account/delete')).toBe(202);
    expect(await call('POST /api/sign-in')).toBe(200);
    expect(await call('POST /api/account/keep')).toBe(204);
    expect(await call('POST /api/account/change-password')).toBe(204);
    expect(await call('POST /api/sign-out')).toBe(204);
    for (const name of called) expect(examples.has(name), name).toBe(true);
    // What takes more than a password to try is held to its form, and tried by its own tests.
    for (const [name, command] of [...examples].filter(([each]) => !called.has(each))) {
      const [method = '', path = ''] = name.split(' ');
      await promisify(execFile)('sh', ['-n', '-c', command]);
      expect(command.includes('-X'), name).toBe(!['GET', 'POST'].includes(method));
      expect(command, name).toContain(path.split('{')[0]);
    }

    const ada = new Visitor(origin);
    const password = 'a piano under the mango';
    const signedIn = await ada.send('POST', '/api/sign-in', { email: 'ada@example.com', password });
    expect(signedIn.status).toBe(200);
  });
});

/** The curl command of each operation, by its method and path. */
function examplesOf(page: string): Map<string, string> {
  const articles = page.split('<article ').slice(1);
  return new Map(
    articles.map((article) => {
      const [, heading = ''] = /<h3[^>]*>(.*?)<\/h3>/s.exec(article) ?? [];
      return [heading.replaceAll(/<[^>]*>/g, ''), codeAfter(article, 'With curl')];
    }),
  );
}

/** The text of the first block of code after a place in the page. */
function codeAfter(page: string, place: string): string {
  const [, code = ''] = /<pre><code>(.*?)<\/code>/s.exec(page.slice(page.indexOf(place))) ?? [];
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', amp: '&' };
  return code.replaceAll(/&(lt|gt|quot|amp);/g, (_, name: string) => entities[name] ?? '');
}
