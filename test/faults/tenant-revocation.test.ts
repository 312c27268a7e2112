import pg from 'pg';
import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  inject,
  onTestFinished,
  test,
} from 'vitest';
import { ask } from '../support/client.ts';
import type { TestDatabase } from '../support/databases.ts';
import {
  createInvoices,
  insertMember,
  type Member,
  optionsFor,
  type PluginApp,
  startPluginApp,
} from '../support/plugin-apps.ts';
import { type AppProcess, startAppProcess } from './app-processes.ts';

const REQUESTS_PER_SECOND = 64;
/** A machine that answers no 64 a second is asked no more than it answers. */
const UNDER_WAY_MAX = 32;
const PERMISSIONS = ['invoices:write'];

let database: TestDatabase;
let processes: readonly AppProcess[];
let held: PluginApp;
/** What a held write waits for between its two statements. */
let gate: Promise<unknown> = Promise.resolve();
let entered: () => void = () => {};

beforeAll(async () => {
  database = await createInvoices();
  processes = [await startAppProcess(database.url), await startAppProcess(database.url)];
  held = await startPluginApp(optionsFor(database), (own) => {
    const access = { permission: 'invoices:write' } as const;
    own.post('/held', { access, bodyType: 'json' }, async (request) => {
      await request.transaction(async (db) => {
        await db.insertInto('invoices').values({ number: 1 }).execute();
        entered();
        await gate;
        await db.insertInto('invoices').values({ number: 2 }).execute();
      });
      return {};
    });
  });
});
afterAll(async () => {
  await held.close();
  for (const each of processes) await each.stop();
  await database.drop();
});

interface Revocation {
  readonly name: string;
  /** One statement, so its answer is that of its COMMIT. */
  readonly sql: string;
  readonly of: (member: Member) => string;
  readonly refused: number;
  /** What a write in flight holds against it. */
  readonly holds: readonly string[];
}

const ofIdentity = ({ identityId }: Member): string => identityId;

const REVOCATIONS: readonly Revocation[] = [
  {
    name: 'the permission is taken from the role [ASVS 8.3.2]',
    sql: `UPDATE sallyport.roles SET permissions = '{}' WHERE (tenant_id, name) =
      (SELECT tenant_id, role FROM sallyport.memberships WHERE identity_id = $1)`,
    of: ofIdentity,
    refused: 403,
    holds: [' FOR SHARE;'],
  },
  {
    name: 'the member is given another role [ASVS 8.3.2]',
    sql: `UPDATE sallyport.memberships SET role = 'reader' WHERE identity_id = $1`,
    of: ofIdentity,
    refused: 403,
    // Its change reaches the session in whose tenant it is, through the session's foreign key.
    holds: [' FOR UPDATE OF s'],
  },
  {
    name: 'the membership is removed [ASVS 8.3.2]',
    sql: 'DELETE FROM sallyport.memberships WHERE identity_id = $1',
    of: ofIdentity,
    refused: 403,
    // Its change reaches the session in whose tenant it is, through the session's foreign key.
    holds: [' FOR UPDATE OF s'],
  },
  {
    name: 'the session is ended [R-27] [CWE-613] [ASVS 7.4.1]',
    sql: 'DELETE FROM sallyport.sessions WHERE id = $1',
    of: ({ sessionId }) => sessionId,
    refused: 401,
    holds: [' FOR UPDATE OF s'],
  },
  {
    name: 'the identity is disabled [CWE-613] [ASVS 7.4.2]',
    sql: 'UPDATE sallyport.identities SET disabled_at = now() WHERE id = $1',
    of: ofIdentity,
    refused: 401,
    // Its change reaches the session too, through the session's foreign key.
    holds: [' FOR SHARE OF i', ' FOR UPDATE OF s'],
  },
];

/** Somebody who may write, and a colleague who still may when they no longer may. */
async function insertTwo(origin: string): Promise<readonly [Member, Member]> {
  const member = await insertMember(database.admin, origin, { permissions: PERMISSIONS });
  const { tenantId } = member;
  await database.admin.query(
    `INSERT INTO sallyport.roles (tenant_id, name, permissions) VALUES ($1, 'reader', '{}')`,
    [tenantId],
  );
  const options = { permissions: PERMISSIONS, tenantId };
  return [member, await insertMember(database.admin, origin, options)];
}

async function invoicesIn({ tenantId }: Member): Promise<number> {
  const { rows } = await database.admin.query<{ n: number }>(
    'SELECT count(*)::INT4 AS n FROM invoices WHERE tenant_id = $1',
    [tenantId],
  );
  return rows[0]?.n ?? 0;
}

describe('a revocation is in force for every request to an app that begins after its COMMIT', () => {
  test.each(REVOCATIONS)(
    'on two processes under load, as $name',
    async ({ name, sql, of, refused }) => {
      const [member, colleague] = await insertTwo('http://localhost:0');
      const load = keepAsking(member);
      await untilEachAnswered(load, ({ status }) => status === 200);

      await database.admin.query(sql, [of(member)]);
      const committedAt = performance.now();
      const written = await invoicesIn(member);

      await untilEachAnswered(load, ({ startedAt }) => startedAt >= committedAt);
      const asked = await load.stop();
      const after = asked.filter(({ startedAt }) => startedAt >= committedAt);
      expect(after.filter(({ status }) => status !== refused)).toEqual([]);
      // Nor did a write that had begun before commit behind it.
      expect(await invoicesIn(member)).toBe(written);
      expect(written).toBe(
        asked.filter(({ kind, status }) => kind % 4 > 1 && status === 200).length,
      );
      for (const { origin } of processes) {
        const headers = colleague.browser.cookieHeader();
        expect((await ask(origin, '/invoices', { headers })).status).toBe(200);
      }
      print(name, committedAt, asked, refused);
    },
  );
});

describe('a write in flight makes the revocation of its permission wait', () => {
  beforeEach(({ skip }) => {
    skip(inject('engine') === 'cockroachdb', 'what a held lock means there has not been run');
  });

  test.each(REVOCATIONS)(
    'and nothing of it commits behind that, as $name',
    async ({ sql, of, refused }) => {
      const [member, colleague] = await insertTwo(held.origin);
      const { writing, open, revoking, returned } = await revokeDuringWrite(member, sql, of);
      await expect.poll(() => waitsForLock(sql)).toBe(true);
      expect(returned()).toBe(false);
      open();
      expect((await writing).status).toBe(200);
      // All of it had been committed when the revocation returned.
      expect(await revoking).toBe(2);
      expect((await member.browser.send('POST', '/held', {})).status).toBe(refused);
      expect(await invoicesIn(member)).toBe(2);
      await database.admin.query('DELETE FROM invoices WHERE tenant_id = $1', [member.tenantId]);
      expect((await colleague.browser.send('POST', '/held', {})).status).toBe(200);
    },
  );

  test.each(REVOCATIONS)(
    'the control: without its locks the write commits behind it, as $name',
    async ({ sql, of, holds }) => {
      await withoutLocks(holds);
      const [member] = await insertTwo(held.origin);
      const { writing, open, revoking } = await revokeDuringWrite(member, sql, of);
      expect(await revoking).toBe(0);
      open();
      expect((await writing).status).toBe(200);
      expect(await invoicesIn(member)).toBe(2);
    },
  );
});

/** Begins a write, and when it has been decided on and has written, begins the revocation. */
async function revokeDuringWrite(member: Member, sql: string, of: Revocation['of']) {
  let open: () => void = () => {};
  gate = new Promise<void>((resolve) => (open = resolve));
  const decided = new Promise<void>((resolve) => (entered = resolve));
  const writing = member.browser.send('POST', '/held', {});
  await Promise.race([decided, writing]);
  const connection = new pg.Client(database.url);
  await connection.connect();
  let returned = false;
  const revoke = async (): Promise<number> => {
    await connection.query(sql, [of(member)]);
    returned = true;
    const written = await invoicesIn(member);
    await connection.end();
    return written;
  };
  return { writing, open, revoking: revoke(), returned: () => returned };
}

async function waitsForLock(sql: string): Promise<boolean> {
  const { rows } = await database.admin.query(
    `SELECT 1 FROM pg_stat_activity WHERE query = $1 AND wait_event_type = 'Lock'
      AND datname = current_database()`,
    [sql],
  );
  return rows.length === 1;
}

/** Takes these locks out of the decision until the test has finished. */
async function withoutLocks(locks: readonly string[]): Promise<void> {
  const { rows } = await database.admin.query<{ definition: string }>(
    `SELECT pg_get_functiondef(oid) AS definition FROM pg_proc WHERE proname = 'require_for_write'`,
  );
  const definition = rows[0]?.definition ?? '';
  const without = locks.reduce(
    (text, lock) => text.replaceAll(lock, lock.endsWith(';') ? ';' : ''),
    definition,
  );
  expect(without).not.toBe(definition);
  await database.admin.query(without);
  onTestFinished(async () => void (await database.admin.query(definition)));
}

interface Asked {
  readonly startedAt: number;
  /** Which process, and whether it reads or writes. */
  readonly kind: number;
  readonly status: number;
}

interface Load {
  readonly answered: readonly Asked[];
  stop(): Promise<readonly Asked[]>;
}

/** Reads from both processes in turn and writes to both, until it is told to stop. */
function keepAsking({ browser }: Member): Load {
  const asked: Promise<void>[] = [];
  const answered: Asked[] = [];
  let turn = 0;
  const timer = setInterval(() => {
    if (asked.length - answered.length >= UNDER_WAY_MAX) return;
    const number = turn++;
    const kind = number % 4;
    const origin = processes[kind % processes.length]?.origin ?? '';
    const write = {
      method: 'POST',
      headers: { ...browser.ownHeaders(), origin, 'content-type': 'application/json' },
      body: JSON.stringify({ number }),
    };
    const read = { headers: browser.cookieHeader() };
    const startedAt = performance.now();
    const answer = ask(origin, '/invoices', kind > 1 ? write : read);
    asked.push(
      answer.then(({ status }) => {
        answered.push({ startedAt, kind, status });
      }),
    );
  }, 1_000 / REQUESTS_PER_SECOND);
  return {
    answered,
    async stop() {
      clearInterval(timer);
      await Promise.all(asked);
      return answered;
    },
  };
}

/** Until each process has answered a good many reads and writes that are meant. */
async function untilEachAnswered(load: Load, meant: (asked: Asked) => boolean): Promise<void> {
  const counts = () =>
    [0, 1, 2, 3].map((kind) =>
      Math.min(15, load.answered.filter((each) => each.kind === kind && meant(each)).length),
    );
  await expect.poll(counts, { timeout: 60_000 }).toEqual([15, 15, 15, 15]);
}

function print(name: string, committedAt: number, asked: readonly Asked[], refused: number): void {
  const allowed = asked.filter(({ status }) => status === 200).map((each) => each.startedAt);
  const denied = asked.filter(({ status }) => status === refused).map((each) => each.startedAt);
  const since = (at: number) => `${(at - committedAt).toFixed(1)} ms`;
  process.stdout.write(
    `Of ${asked.length} requests, as ${name}: the last that was let through began at ${since(Math.max(...allowed))}, the first that was refused at ${since(Math.min(...denied))}, measured from the answer to the COMMIT.\n`,
  );
}
