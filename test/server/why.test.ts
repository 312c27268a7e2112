// `sallyport why` as an operator runs it: a request of each kind is refused, and the command, a
// process of its own, says which check did it.
import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiKeyText } from '../../src/core/api-key.ts';
import { newSecret } from '../../src/core/secret.ts';
import type { Decision } from '../../src/db/refusals.ts';
import { type Answer, ask, type Visitor } from '../support/client.ts';
import { insertKey } from '../support/api-keys.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import {
  insertMember,
  type Member,
  optionsFor,
  type PluginApp,
  startPluginApp,
} from '../support/plugin-apps.ts';
import { TEST_KEY } from '../support/test-key.ts';

const IN_TEAM = { parameter: 'team', permission: 'invoices:write' } as const;

let database: TestDatabase;
let app: PluginApp;
let member: Member;
beforeAll(async () => {
  database = await createDatabase();
  const options = { ...optionsFor(database), sharedTables: [] };
  const origins = { tenantOrigins: 'http://*.localhost:0' };
  app = await startPluginApp({ ...options, ...origins }, (server) => {
    server.post(
      '/things/:id',
      { access: { permission: 'invoices:write' }, bodyType: 'json' },
      async () => ({ done: true }),
    );
    server.get('/teams/:team/things', { access: { team: IN_TEAM } }, async () => ({ done: true }));
    server.get('/safe', { access: { stepUp: { withinSeconds: 60, aal: 2 } } }, async () => ({}));
  });
  member = await insertMember(database.admin, app.origin, { permissions: ['invoices:read'] });
});
afterAll(async () => {
  await app.close();
  await database.drop();
});

async function why(id: string, ...flags: string[]) {
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(SALLYPORT_|DATABASE_URL$)/.test(name)),
  );
  const child = spawn(process.execPath, ['dist/bin.js', 'why', id, ...flags], {
    env: {
      ...environment,
      DATABASE_URL: database.url,
      SALLYPORT_ENCRYPTION_KEY: TEST_KEY.toString('base64url'),
    },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { exitCode, stdout, stderr };
}

/** The id in a refusal, once its decision has been written behind the answer. */
async function keptId(answer: Answer): Promise<string> {
  const { instance } = answer.json() as { readonly instance: string };
  const id = instance.replace('urn:uuid:', '');
  const sql = 'SELECT 1 FROM sallyport.refusals WHERE request_id = $1';
  await expect.poll(async () => (await database.admin.query(sql, [id])).rowCount).toBe(1);
  return instance;
}

const path = '/things/7';
const WRITE = 'invoices:write';
const POST = { method: 'POST', body: '{}' };
const JSON_TYPE = { 'content-type': 'application/json' };
/** In the form of one of ours. */
const KEY = `Bearer ${apiKeyText(newSecret())}`;
const send = (headers: Record<string, string>, browser: Visitor = member.browser) =>
  browser.send('POST', path, {}, headers);

const REFUSED: Readonly<
  Record<string, { code: string; check: string; why: RegExp; refuse: () => Promise<Answer> }>
> = {
  'a foreign host': {
    code: 'foreign-host',
    check: 'host',
    why: /foreign-host/,
    refuse: () => member.browser.get(path, { host: 'evil.example' }),
  },
  'a cookie twice': {
    code: 'duplicate-cookie',
    check: 'cookies',
    why: /__Host-session repeated/,
    refuse: () =>
      ask(app.origin, path, {
        method: 'POST',
        headers: {
          cookie: '__Host-session=a; __Host-session=b',
          'content-type': 'application/json',
          origin: app.origin,
        },
      }),
  },
  'another origin': {
    code: 'foreign-origin',
    check: 'origin',
    why: /cross-site/,
    refuse: () => send({ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }),
  },
  'another type': {
    code: 'unsupported-media-type',
    check: 'content type',
    why: /where json is taken/,
    refuse: () => send({ 'content-type': 'text/plain' }),
  },
  'no session': {
    code: 'not-signed-in',
    check: 'session',
    why: /session cookie absent/,
    refuse: () =>
      ask(app.origin, path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: app.origin },
        body: '{}',
      }),
  },
  'a session that there is not': {
    code: 'not-signed-in',
    check: 'session',
    why: /has ended, or there was none/,
    refuse: () => send({ cookie: `__Host-session=${'A'.repeat(43)}` }),
  },
  'no permission': {
    code: 'forbidden',
    check: 'permission',
    why: /needs invoices:write/,
    refuse: () => send({}),
  },
  'no token': {
    code: 'synchronizer-token-mismatch',
    check: 'synchronizer token',
    why: /none, or malformed/,
    refuse: () =>
      member.browser.send('POST', '/sallyport/api/sign-out', {}, { 'x-csrf-token': 'x' }),
  },
  'a proof too old': {
    code: 'step-up-required',
    check: 'step-up',
    why: /needs a proof of the last 300 seconds/,
    async refuse() {
      const other = await insertMember(database.admin, app.origin);
      await database.admin.query(
        `UPDATE sallyport.sessions SET authenticated_at = now() - INTERVAL '6 minutes' WHERE id = $1`,
        [other.sessionId],
      );
      return other.browser.send('DELETE', '/sallyport/api/sessions');
    },
  },
  'no bearer token': {
    code: 'malformed-authorization',
    check: 'bearer credential',
    why: /not one bearer token/,
    refuse: () =>
      ask(app.origin, path, { ...POST, headers: { ...JSON_TYPE, authorization: 'Bearer' } }),
  },
  'a bearer token where none is taken': {
    code: 'bearer-not-accepted',
    check: 'bearer credential',
    why: /takes a session alone/,
    refuse: () => ask(app.origin, '/sallyport/api/session', { headers: { authorization: KEY } }),
  },
  'a key that there is not': {
    code: 'not-signed-in',
    check: 'bearer credential',
    why: /unknown, revoked, past its time, or not verified/,
    refuse: () => ask(app.origin, path, { ...POST, headers: { ...JSON_TYPE, authorization: KEY } }),
  },
  'a session and the key of somebody else': {
    code: 'two-principals',
    check: 'one principal',
    why: /not the same person's/,
    async refuse() {
      const other = await insertMember(database.admin, app.origin, { permissions: [WRITE] });
      const { text } = await insertKey(database.admin, other, [WRITE]);
      return send({ authorization: `Bearer ${text}` });
    },
  },
  'no tenant of several': {
    code: 'tenant-not-selected',
    check: 'tenant',
    why: /in none of the tenants of its person/,
    async refuse() {
      const one = await insertMember(database.admin, app.origin, { permissions: [WRITE] });
      await database.admin.query('UPDATE sallyport.sessions SET tenant_id = NULL WHERE id = $1', [
        one.sessionId,
      ]);
      return send({}, one.browser);
    },
  },
  'a tenant that waits for its deletion': {
    code: 'tenant-deleted',
    check: 'tenant',
    why: /waits for its deletion/,
    async refuse() {
      const one = await insertMember(database.admin, app.origin, { permissions: [WRITE] });
      await database.admin.query(
        `UPDATE sallyport.tenants SET delete_after = now() + INTERVAL '1 day' WHERE id = $1`,
        [one.tenantId],
      );
      return send({}, one.browser);
    },
  },
  'a factor that the tenant asks for': {
    code: 'tenant-factor-missing',
    check: 'tenant policy',
    why: /asks for a factor that the account has not/,
    async refuse() {
      const one = await insertMember(database.admin, app.origin, { permissions: [WRITE] });
      await database.admin.query(
        `UPDATE sallyport.tenants SET member_proof = 'second-factor' WHERE id = $1`,
        [one.tenantId],
      );
      return send({}, one.browser);
    },
  },
  'the host of another tenant': {
    code: 'forbidden',
    check: 'permission',
    why: /needs invoices:write in the tenant that the host or a proxy has named: elsewhere/,
    async refuse() {
      const one = await insertMember(database.admin, app.origin, { permissions: [WRITE] });
      const origin = app.origin.replace('//', '//elsewhere.');
      return send({ host: new URL(origin).host, origin }, one.browser);
    },
  },
  'what is done at the main origin alone': {
    code: 'main-origin-only',
    check: 'main origin',
    why: /asked on a tenant's host/,
    refuse() {
      const origin = app.origin.replace('//', '//elsewhere.');
      const headers = { host: new URL(origin).host, origin };
      return member.browser.send('PUT', '/sallyport/api/session/tenant', {}, headers);
    },
  },
  'a team that there is not': {
    code: 'not-found',
    check: 'team',
    why: /needs invoices:write in a team that there is/,
    refuse: () => member.browser.get('/teams/nobody/things'),
  },
  'no second factor': {
    code: 'second-factor-missing',
    check: 'step-up',
    why: /has no second factor/,
    refuse: () => member.browser.get('/safe'),
  },
  'a key for requests that is none': {
    code: 'idempotency-key-malformed',
    check: 'idempotency key',
    why: /not 1 to 255 visible characters/,
    refuse: () => send({ 'idempotency-key': 'a b' }),
  },
  'too many guesses': {
    code: 'too-many-attempts',
    check: 'limits',
    why: /budget of guesses/,
    async refuse() {
      const guess = { email: 'guessed@example.com', password: 'violet kettle' };
      const asked = { ...POST, headers: JSON_TYPE, body: JSON.stringify(guess) };
      for (let tries = 0; ; tries++) {
        const answer = await ask(app.origin, '/sallyport/api/sign-in', asked);
        if (answer.status !== 401 || tries > 20) return answer;
      }
    },
  },
  'wrong credentials': {
    code: 'wrong-credentials',
    check: 'operation',
    why: /wrong-credentials/,
    refuse: () =>
      ask(app.origin, '/sallyport/api/sign-in', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email: 'nobody@example.com', password: 'violet kettle' }),
      }),
  },
  'a field that there is not': {
    code: 'invalid-fields',
    check: 'operation',
    why: /invalid-fields/,
    refuse: () =>
      ask(app.origin, '/sallyport/api/email-reversions', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"x":1}',
      }),
  },
};

describe('a refusal is explained by the id in its answer: one check refused, and none behind it was asked', () => {
  test.each(Object.entries(REFUSED))(
    '%s [ASVS 16.3.2]',
    async (_name, { code, check, why: reason, refuse }) => {
      const answer = await refuse();
      expect((answer.json() as { code: string }).code).toBe(code);
      const { rows } = await database.admin.query<{ code: string; decision: Decision }>(
        'SELECT code, decision FROM sallyport.refusals WHERE request_id = $1',
        [(await keptId(answer)).replace('urn:uuid:', '')],
      );
      expect(rows[0]?.code).toBe(code);
      const checks = rows[0]?.decision.checks ?? [];
      const failed = checks.findIndex(({ verdict }) => verdict === 'failed');
      expect(checks[failed]?.check).toBe(check);
      expect(checks[failed]?.reason).toMatch(reason);
      // Those of the head are asked to their end; behind one that refused nothing was reached.
      const behind = checks.slice(failed + 1).map(({ verdict }) => verdict);
      expect(behind).not.toContain('failed');
      expect(checks.at(-1)?.verdict).toBe(check === 'operation' ? 'failed' : 'not reached');
    },
  );

  test('as lines for a person', async () => {
    const answer = (await REFUSED['no permission']?.refuse()) as Answer;
    const said = await why(await keptId(answer));
    expect(said).toMatchObject({ exitCode: 0, stderr: '' });
    expect(said.stdout).toContain('was refused: forbidden');
    expect(said.stdout).toMatch(/^ {2}session +passed$/m);
    expect(said.stdout).toMatch(/^ {2}permission +FAILED +needs invoices:write$/m);
    expect(said.stdout).toMatch(/^ {2}operation +not reached$/m);
  });

  test('whose request it was, the database found by itself; as JSON too [ASVS 16.3.3]', async () => {
    const { code, refuse } = REFUSED['no permission'] ?? {};
    const said = await why(await keptId((await refuse?.()) as Answer), '--json');
    const { identityId, sessionId, tenantId } = member;
    expect(JSON.parse(said.stdout)).toMatchObject({
      refusal: { code, identityId, sessionId, tenantId },
      events: [{ kind: 'request-refused', outcome: 'failure', reason: code, identityId }],
    });
  });

  test('and whose key it came with, though no session was there', async () => {
    const { identityId, tenantId } = member;
    const key = await insertKey(database.admin, member, ['invoices:read']);
    const headers = { ...JSON_TYPE, authorization: `Bearer ${key.text}` };
    const said = await why(
      await keptId(await ask(app.origin, path, { ...POST, headers })),
      '--json',
    );
    expect(JSON.parse(said.stdout)).toMatchObject({
      refusal: { code: 'forbidden', identityId, sessionId: null, tenantId },
      events: [{ kind: 'request-refused', reason: 'forbidden', identityId }],
    });
  });

  test('the whole reason of what the client is not told: an address that nobody has [CWE-204]', async () => {
    const answer = await (
      REFUSED['wrong credentials'] as { refuse: () => Promise<Answer> }
    ).refuse();
    const said = await why(await keptId(answer));
    expect(said.stdout).toMatch(/sign-in-failed +failure +wrong-credentials +nobody known/);
  });
});

describe('what is kept of a head', () => {
  test('is no secret: cookies, tokens, credentials and queries are masked [CWE-532] [ASVS 16.2.5]', async () => {
    const browser = member.browser;
    const secret = browser.cookies.get('__Host-session') ?? '';
    const token = browser.csrfToken ?? '';
    expect([secret.length, token.length > 40]).toEqual([43, true]);
    const answer = await browser.send(
      'POST',
      `${path}?token=${secret}&code=violet`,
      { password: 'kettle-orbit' },
      {
        authorization: `Bearer ${token}`,
        'x-api-key': 'violet-key',
        referer: `${app.origin}/x?t=violet`,
      },
    );
    const said = await why(await keptId(answer));
    expect(said.stdout).toContain('cookie: __Host-session=[masked]');
    expect(said.stdout).toContain('authorization: Bearer [masked]');
    expect(said.stdout).toContain(`POST ${path}?token=[masked]&code=[masked]`);
    const { rows } = await database.admin.query('SELECT * FROM sallyport.refusals');
    const events = await database.admin.query('SELECT * FROM sallyport.security_events');
    const all = said.stdout + JSON.stringify([rows, events.rows]);
    for (const hidden of [secret, token, 'violet', 'kettle']) expect(all).not.toContain(hidden);
  });

  test('writes no lines and no commands of its own to the terminal [CWE-117] [CWE-150] [ASVS 16.4.1]', async () => {
    const answer = await member.browser.send(
      'POST',
      path,
      {},
      {
        'user-agent': 'x\u009b31m\u0085  host         passed',
        accept: '\u00a0\u00ad',
      },
    );
    const said = await why(await keptId(answer));
    expect(said.stdout).toMatch(/user-agent: x(?:\\u00c2)?\\u009b31m(?:\\u00c2)?\\u0085  host/);
    expect(said.stdout).toMatch(/^[\n -~]*$/);
  });
});

describe('without an explanation', () => {
  test.each([
    ['an id of which nothing is known', '3f1c7a52-0d3e-4b6b-9d4f-2f1f0a3c5e77', /Nothing is known/],
    ['no id', "x' OR true --", /no id of a request/],
  ])('%s', async (_name, id, line) => {
    const said = await why(id);
    expect(said).toMatchObject({ exitCode: 1, stdout: '' });
    expect(said.stderr).toMatch(line);
  });
});
