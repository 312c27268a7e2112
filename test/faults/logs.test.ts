// What a running process writes and where, and that it can be taken to another system:
// docs/logging.md.
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { Visitor } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { newcomer, newPerson, signedIn } from '../support/people.ts';
import { type ServerProcess, startServerProcess } from '../support/processes.ts';

const READER = `event_reader_${process.pid}`;

let database: TestDatabase;
let server: ServerProcess;
/** The only folder that the process could take for its own. */
const folder = mkdtempSync(join(tmpdir(), 'sallyport-logs-'));
const written = { stdout: '', stderr: '' };

beforeAll(async () => {
  database = await createDatabase();
  // As docs/logging.md says it, before the start: what the process checks then lets it be.
  await database.admin.query(`CREATE ROLE ${READER} LOGIN PASSWORD 'reader'`);
  await database.admin.query(`GRANT USAGE ON SCHEMA sallyport TO ${READER}`);
  await database.admin.query(`GRANT SELECT ON sallyport.security_events TO ${READER}`);
  server = await startServerProcess({
    DATABASE_URL: database.url,
    SALLYPORT_DATA: join(folder, 'data'),
    HOME: folder,
    TMPDIR: folder,
    // The runtime itself keeps the process from opening any file for writing, and from other
    // programs, which could.
    NODE_OPTIONS: '--permission --allow-fs-read=* --allow-addons --allow-worker',
  });
  server.child.stdout?.on('data', (chunk: Buffer) => (written.stdout += chunk.toString()));
  server.child.stderr?.on('data', (chunk: Buffer) => (written.stderr += chunk.toString()));
});
afterAll(async () => {
  await server?.stop();
  await database.admin.query(`DROP OWNED BY ${READER}`);
  await database.admin.query(`DROP ROLE ${READER}`);
  await database.drop();
  rmSync(folder, { recursive: true });
});

/** Makes a request fail that the process has to log; the id that its answer carries. */
async function failingRequest(): Promise<string> {
  await database.admin.query(
    `ALTER TABLE sallyport.sign_ups ADD CONSTRAINT broken CHECK (display_name <> 'broken')`,
  );
  const person = { ...newPerson(), displayName: 'broken' };
  const answer = await new Visitor(server.origin).send('POST', '/api/sign-up', person);
  await database.admin.query('ALTER TABLE sallyport.sign_ups DROP CONSTRAINT broken');
  expect([answer.status, answer.json()]).toMatchObject([500, { code: 'internal' }]);
  return String(answer.json().instance).replace('urn:uuid:', '');
}

async function eventsOf(email: string): Promise<readonly string[]> {
  const { rows } = await database.admin.query<{ kind: string }>(
    `SELECT e.kind FROM sallyport.security_events AS e JOIN sallyport.email_addresses AS a
    USING (identity_id) WHERE a.folded = $1`,
    [email],
  );
  return rows.map(({ kind }) => kind);
}

test('a process that may write no file does all of its work: logs go to standard out, events and refusals to the database [ASVS 16.2.3]', async () => {
  const { person, browser } = await newcomer(server.origin);
  const change = { displayName: 'Ada' };
  const forged = { 'x-csrf-token': 'no' };
  const refused = await browser.send('PATCH', '/api/account/profile', change, forged);
  expect(refused.status).toBe(403);
  const before = Date.now();
  const id = await failingRequest();
  await expect.poll(() => written.stdout).toContain(id);

  const lines = written.stdout.trimEnd().split('\n');
  const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const record = records.find(({ reqId }) => reqId === id);
  expect(record).toEqual({
    level: 50,
    time: expect.any(Number),
    pid: server.child.pid,
    hostname: expect.any(String),
    reqId: id,
    err: expect.objectContaining({ code: '23514' }),
    code: 'internal',
    msg: 'request failed',
  });
  expect(Number(record?.['time'])).toBeGreaterThanOrEqual(before);
  expect(Number(record?.['time'])).toBeLessThanOrEqual(Date.now());
  for (const each of records) {
    expect(each).toMatchObject({ level: expect.any(Number), msg: expect.any(String) });
  }
  expect(written.stderr).toBe('');
  expect(readdirSync(folder)).toEqual([]);

  expect(await eventsOf(person.email)).toContain('signed-in');
  const kept = () =>
    database.admin.query('SELECT 1 FROM sallyport.refusals WHERE code = $1', [
      'synchronizer-token-mismatch',
    ]);
  await expect.poll(async () => (await kept()).rowCount).toBe(1);
});

test.skipIf(process.platform !== 'linux')(
  'it has nothing open but its pipes and its sockets, and is connected with nobody but its database [ASVS 16.2.3]',
  async () => {
    await newcomer(server.origin);
    const open = openFilesOf(server.child.pid ?? 0);
    const isExpected = /^(?:\/dev\/null|(?:pipe|socket|anon_inode):.*)$/;
    expect(open.filter((name) => !isExpected.test(name))).toEqual([]);
    const inodes = open.map((name) => /^socket:\[(\d+)\]$/.exec(name)?.[1]);
    const connected = ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((protocol) =>
      socketsOf(protocol).filter(({ inode }) => inodes.includes(inode)),
    );
    const own = Number(new URL(server.origin).port);
    const elsewhere = connected.filter(({ local }) => local !== own);
    expect(elsewhere.length).toBeGreaterThan(0);
    const port = Number(new URL(inject('adminUrl')).port);
    expect(elsewhere.filter(({ remote }) => remote !== port)).toEqual([]);
  },
);

/** What the process has open; of what it closes meanwhile nothing is left to be read. */
function openFilesOf(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  });
}

/** The sockets of this machine, by the ports on both ends. */
function socketsOf(protocol: string) {
  const [, ...lines] = readFileSync(`/proc/self/net/${protocol}`, 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const [, local = '', remote = '', , , , , , , inode] = line.trim().split(/\s+/);
    const portOf = (end: string) => Number.parseInt(end.split(':')[1] ?? '', 16);
    return { local: portOf(local), remote: portOf(remote), inode };
  });
}

describe('another system takes the events along', () => {
  const connect = async () => {
    const url = new URL(database.url);
    Object.assign(url, { username: READER, password: 'reader' });
    const client = new pg.Client(url.href);
    await client.connect();
    onTestFinished(() => client.end());
    return client;
  };
  /** What docs/logging.md asks for, from the last moment that was read. */
  const since = (client: pg.Client, at: Date) =>
    client.query<{ id: string; at: Date; kind: string }>(
      `SELECT * FROM sallyport.security_events
      WHERE at >= $1::TIMESTAMPTZ - INTERVAL '10 minutes' ORDER BY at, id`,
      [at],
    );

  test('none is missed, though nobody reads the log or the events for a while, and serving goes on [ASVS 16.4.3] [CWE-778]', async () => {
    const { person } = await newcomer(server.origin);
    const reader = await connect();
    const { rows: first } = await since(reader, new Date());
    server.child.stdout?.destroy();
    for (const _ of [1, 2]) await failingRequest();
    await signedIn(server.origin, person);
    await sleep(100);
    expect((await new Visitor(server.origin).get('/ready')).status).toBe(200);

    const back = await connect();
    const known = new Set(first.map(({ id }) => id));
    const { rows } = await since(back, first.at(-1)?.at ?? new Date());
    const fresh = rows.filter(({ id }) => !known.has(id));
    expect(fresh.map(({ kind }) => kind)).toContain('signed-in');
    const { rows: all } = await database.admin.query<{ id: string }>(
      'SELECT id FROM sallyport.security_events ORDER BY at, id',
    );
    expect([...first, ...fresh].map(({ id }) => id)).toEqual(all.map(({ id }) => id));
  });

  test.each([
    ['an identity', 'SELECT 1 FROM sallyport.identities'],
    ['a session', 'SELECT 1 FROM sallyport.sessions'],
    ['a refusal', 'SELECT 1 FROM sallyport.refusals'],
    ['who is asking', `SELECT * FROM sallyport.require('', '')`],
    ['an event that it makes up', `INSERT INTO sallyport.security_events (kind) VALUES ('x')`],
    ['an event that it changes', `UPDATE sallyport.security_events SET kind = 'x'`],
    ['an event that it deletes', 'DELETE FROM sallyport.security_events'],
  ])(
    'and its login gets at nothing else: %s [ASVS 16.4.2] [ASVS 16.4.3] [CWE-250]',
    async (_what, statement) => {
      const reader = await connect();
      await expect(reader.query(statement)).rejects.toThrow(/permission denied|does not exist/);
    },
  );
});
