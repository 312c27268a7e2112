// A key and a token of another issuer, at two processes that know nothing of each other: what was
// taken from either is gone for every request that begins afterwards, whatever the issuer says.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertKey } from '../support/api-keys.ts';
import { ask } from '../support/client.ts';
import type { TestDatabase } from '../support/databases.ts';
import { AUDIENCE, startIssuer, type TestIssuer } from '../support/issuers.ts';
import { createInvoices, insertMember, type Member } from '../support/plugin-apps.ts';
import { type AppProcess, startAppProcess } from './app-processes.ts';

const PERMISSIONS = ['invoices:write'];
const folder = mkdtempSync(join(tmpdir(), 'sallyport-issuers-'));

let database: TestDatabase;
let issuer: TestIssuer;
let processes: readonly AppProcess[];

beforeAll(async () => {
  database = await createInvoices();
  issuer = await startIssuer();
  const path = join(folder, 'issuers.json');
  const trusted = {
    issuer: issuer.issuer,
    audience: AUDIENCE,
    algorithms: ['EdDSA'],
    identity: { claim: 'sub', by: 'id' },
    tenant: { claim: 'tenant' },
  };
  const content = { issuers: [trusted], insecureLoopbackHosts: [issuer.host] };
  writeFileSync(path, JSON.stringify(content));
  const settings = { SALLYPORT_ISSUERS_FILE: path };
  processes = await Promise.all(
    [0, 1].map(async () => await startAppProcess(database.url, settings)),
  );
});
afterAll(async () => {
  await Promise.all(processes.map(async (each) => await each.stop()));
  issuer.close();
  await database.drop();
  rmSync(folder, { recursive: true });
});

interface Credential {
  readonly text: string;
  readonly id: string;
}

const key = async (member: Member): Promise<Credential> =>
  await insertKey(database.admin, member, PERMISSIONS);

const token = async ({ identityId, tenantId }: Member): Promise<Credential> => ({
  text: await issuer.sign({ sub: identityId, tenant: tenantId }),
  id: '',
});

const run = async (sql: string, value: string) => void (await database.admin.query(sql, [value]));

const roleOf = `UPDATE sallyport.roles SET permissions = '{}' WHERE (tenant_id, name) =
  (SELECT tenant_id, role FROM sallyport.memberships WHERE identity_id = $1)`;

interface Case {
  readonly make: (member: Member) => Promise<Credential>;
  /** Its answer is that of its COMMIT. */
  readonly revoke: (member: Member, credential: Credential) => Promise<unknown>;
  readonly refused: number;
}

const CASES: Readonly<Record<string, Case>> = {
  'a key whose maker’s role loses what it names [ASVS 8.3.2] [ASVS 10.3.2]': {
    make: key,
    revoke: async ({ identityId }) => await run(roleOf, identityId),
    refused: 403,
  },
  'a key whose maker leaves the tenant [ASVS 8.3.2]': {
    make: key,
    revoke: async ({ identityId }) =>
      await run('DELETE FROM sallyport.memberships WHERE identity_id = $1', identityId),
    refused: 401,
  },
  'a key that is revoked [R-27] [CWE-613]': {
    make: key,
    revoke: async (_member, { id }) =>
      await run('DELETE FROM sallyport.bearer_credentials WHERE id = $1', id),
    refused: 401,
  },
  'a token whose person’s role loses what it is for [ASVS 8.3.2] [ASVS 10.3.2]': {
    make: token,
    revoke: async ({ identityId }) => await run(roleOf, identityId),
    refused: 403,
  },
  'a token that is revoked here, while its issuer still calls it valid [R-62] [CWE-613]': {
    make: token,
    revoke: async ({ browser }) => {
      const { origin = '' } = processes[0] ?? {};
      const answer = await ask(origin, '/sallyport/api/external-tokens', {
        method: 'DELETE',
        headers: { ...browser.ownHeaders(), origin, 'content-type': 'application/json' },
      });
      expect(answer.status, answer.text).toBe(204);
    },
    refused: 401,
  },
};

test.each(Object.entries(CASES))(
  '%s is refused at the next request, on two processes under load',
  async (_name, { make, revoke, refused }) => {
    const member = await insertMember(database.admin, 'http://localhost:0', {
      permissions: PERMISSIONS,
    });
    const colleague = await insertMember(database.admin, 'http://localhost:0', {
      permissions: PERMISSIONS,
    });
    const credential = await make(member);
    const other = await make(colleague);
    const load = keepAsking(credential.text);
    await load.untilEach(({ status }) => status === 200);

    await revoke(member, credential);
    const committedAt = performance.now();

    await load.untilEach(({ startedAt }) => startedAt >= committedAt);
    const asked = await load.stop();
    const after = asked.filter(({ startedAt }) => startedAt >= committedAt);
    expect(after.filter(({ status }) => status !== refused)).toEqual([]);
    // The control: what nobody has taken goes on working, on both.
    for (const { origin } of processes) {
      const headers = { authorization: `Bearer ${other.text}` };
      expect((await ask(origin, '/invoices', { headers })).status).toBe(200);
    }
  },
);

interface Asked {
  readonly startedAt: number;
  readonly process: number;
  readonly status: number;
}

/** A machine that answers no 64 a second is asked no more than it answers. */
const UNDER_WAY_MAX = 32;

/** Asks both processes in turn, 64 times a second, until it is told to stop. */
function keepAsking(credential: string) {
  const headers = { authorization: `Bearer ${credential}` };
  const pending: Promise<unknown>[] = [];
  const answered: Asked[] = [];
  let turn = 0;
  const timer = setInterval(() => {
    if (pending.length - answered.length >= UNDER_WAY_MAX) return;
    const number = turn++ % processes.length;
    const startedAt = performance.now();
    const answer = ask(processes[number]?.origin ?? '', '/invoices', { headers });
    const noted = answer.then(({ status }) =>
      answered.push({ startedAt, process: number, status }),
    );
    pending.push(noted);
  }, 1_000 / 64);
  return {
    /** Until each process has answered a good many that are meant. */
    async untilEach(meant: (asked: Asked) => boolean): Promise<void> {
      const counts = () =>
        [0, 1].map((number) =>
          Math.min(15, answered.filter((each) => each.process === number && meant(each)).length),
        );
      await expect.poll(counts, { timeout: 60_000 }).toEqual([15, 15]);
    },
    async stop(): Promise<readonly Asked[]> {
      clearInterval(timer);
      await Promise.all(pending);
      return answered;
    },
  };
}
