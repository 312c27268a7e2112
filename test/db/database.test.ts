import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runAuthorized } from '../../src/db/authorization.ts';
import type { Statement } from '../../src/db/batch.ts';
import { type Database, openServerDatabase } from '../../src/db/database.ts';
import { DatabaseUnavailableError, UnknownOutcomeError } from '../../src/db/errors.ts';
import { ownProfile, updateOwnProfile } from '../../src/db/profiles.ts';
import { startServer } from '../../src/server/server.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { testConfig } from '../support/servers.ts';
import { startWireProxy, type WireProxy } from '../support/wire-proxy.ts';
import { insertPrincipal, loginsOf, type TestPrincipal } from './principals.ts';

let t: TestDatabase;
let proxy: WireProxy;
let database: Database;
let ada: TestPrincipal;
beforeEach(async () => {
  t = await createDatabase();
  proxy = await startWireProxy(t.url);
  database = openServerDatabase(loginsOf(proxy.url));
  ada = await insertPrincipal(t.admin, 'ada');
});
afterEach(async () => {
  await database.close();
  await proxy.close();
  await t.drop();
});

const backend: Statement = { sql: 'SELECT pg_backend_pid() AS pid /* attack */', parameters: [] };

const read = () =>
  runAuthorized(database, { role: 'sallyport_app', proof: ada.proof, permission: null }, [
    ownProfile,
  ]);

async function rename(name: string): Promise<unknown> {
  const { proof, synchronizerDigest } = ada;
  const requirement = {
    role: 'sallyport_app',
    proof,
    permission: null,
    synchronizerDigest,
  } as const;
  const answer = await runAuthorized(database, requirement, [updateOwnProfile(name)]);
  return 'results' in answer ? answer.results[0]?.rows[0]?.['displayName'] : answer.refusal;
}

async function storedName(): Promise<string> {
  const { rows } = await t.admin.query('SELECT display_name FROM sallyport.profiles');
  return rows[0].display_name;
}

test('the process signs in as its two roles, whoever the parameters of the URL name [R-98] [CWE-250]', async () => {
  const url = new URL(t.url);
  url.searchParams.set('user', url.username);
  url.searchParams.set('password', url.password);
  url.username = '';
  url.password = '';
  const server = await startServer(testConfig({ DATABASE_URL: url.href }));
  const { rows } = await t.admin.query<{ usename: string }>(
    `SELECT DISTINCT usename FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'sallyport' ORDER BY usename`,
  );
  expect(rows.map(({ usename }) => usename)).toEqual(['sallyport_app', 'sallyport_identity']);
  await server.close();
});

describe('a request to the database', () => {
  test('is one round trip with one Sync: proof, decision, query, and what cleans up', async () => {
    await read();
    await rename('warm');
    proxy.clear();
    expect(await read()).toMatchObject({ results: [{ rows: [{ displayName: 'warm' }] }] });
    expect([proxy.roundTrips, proxy.count('Sync'), proxy.count('Execute')]).toEqual([1, 1, 3]);
    expect([proxy.count('Parse'), proxy.count('Query')]).toEqual([0, 0]);
    proxy.clear();
    expect(await rename('again')).toBe('again');
    expect([proxy.roundTrips, proxy.count('Sync'), proxy.count('Execute')]).toEqual([1, 1, 3]);
  });

  test('holds no secret in the text of a statement [ASVS 14.2.1]', async () => {
    await read();
    await rename('a name that nobody may log');
    const texts = proxy.messages.map(({ sql }) => sql).join('\n');
    for (const secret of [ada.proof, ada.synchronizerDigest, 'nobody may log']) {
      expect(texts).not.toContain(secret);
    }
    expect(texts).toContain('sallyport.require_for_write($1::TEXT, $2::TEXT, $3::TEXT, $4::BOOL)');
  });

  test('that meets a serialization failure is sent again, and done once', async () => {
    let failures = 0;
    proxy.fail = ({ type, sql }) =>
      type === 'Execute' && sql.startsWith('update') && failures++ < 2 ? '40001' : null;
    expect(await rename('retried')).toBe('retried');
    expect([failures, await storedName()]).toEqual([3, 'retried']);
  });

  test('to read is sent again when its connection is lost, twice at the most', async () => {
    await read();
    let cuts = 0;
    proxy.decide = ({ type }) => (type === 'Sync' && cuts++ === 0 ? 'cut-before' : 'forward');
    expect(await read()).toHaveProperty('principal');
    proxy.decide = ({ type }) => (type === 'Sync' ? 'cut-before' : 'forward');
    await expect(read()).rejects.toThrow(DatabaseUnavailableError);
    proxy.decide = () => 'forward';
    expect(await read()).toHaveProperty('principal');
  });

  test.each([
    ['before it arrived', 'cut-before', 'ada'],
    ['after it was done', 'cut-after', 'Ada'],
  ] as const)(
    'to write whose connection is lost %s has an unknown outcome',
    async (_, verdict, kept) => {
      await rename('ada');
      proxy.decide = ({ type }) => (type === 'Sync' ? verdict : 'forward');
      await expect(rename('Ada')).rejects.toThrow(UnknownOutcomeError);
      proxy.decide = () => 'forward';
      await expect.poll(storedName).toBe(kept);
      expect(await rename('afterwards')).toBe('afterwards');
    },
  );

  test('as the other role goes on the other login, and never changes role', async () => {
    const whoAmI = {
      sql: 'SELECT session_user::TEXT AS login, current_user::TEXT AS role /* attack */',
      parameters: [],
    };
    for (const role of ['sallyport_app', 'sallyport_identity'] as const) {
      for (const access of ['read', 'write'] as const) {
        const [answer] = await database.batch({ role, access }, [whoAmI]);
        expect(answer?.rows).toEqual([{ login: role, role }]);
      }
    }
    expect(proxy.messages.filter(({ sql }) => /\brole\b.*=|SET ROLE/i.test(sql))).toEqual([]);
  });

  test('to a server that is not there says so, and asks again later', async () => {
    await proxy.close();
    await expect(read()).rejects.toThrow(DatabaseUnavailableError);
    await expect(rename('x')).rejects.toThrow(DatabaseUnavailableError);
    await expect(database.transaction(async () => 1)).rejects.toThrow(DatabaseUnavailableError);
  });

  test('after the server has ended every connection is answered on new ones', async () => {
    await Promise.all([read(), rename('before'), database.transaction(async () => 1)]);
    await t.admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()`);
    // Whoever asks before the end of a connection is known there hears that it was lost.
    const answered = async (act: () => Promise<unknown>) => {
      await expect.poll(() => act().then(() => true, String), { interval: 50 }).toBe(true);
    };
    await answered(read);
    await answered(() => rename('after'));
    await answered(() => database.transaction(async () => 2));
    expect(await storedName()).toBe('after');
  });

  test('to write that waits for a row does not keep others from writing [CWE-400]', async () => {
    const grace = await insertPrincipal(t.admin, 'grace');
    const renameAs = (who: TestPrincipal) =>
      runAuthorized(
        database,
        {
          role: 'sallyport_app',
          proof: who.proof,
          permission: null,
          synchronizerDigest: who.synchronizerDigest,
        },
        [updateOwnProfile('renamed')],
      );
    await renameAs(grace);
    await t.admin.query('BEGIN');
    await t.admin.query('SELECT 1 FROM sallyport.sessions WHERE identity_id = $1 FOR UPDATE', [
      ada.identityId,
    ]);
    const waiting = Promise.all(Array.from({ length: 6 }, () => renameAs(ada)));
    await sleep(400);
    expect(await renameAs(grace)).toHaveProperty('principal');
    await t.admin.query('COMMIT');
    expect(await waiting).toHaveLength(6);
  });

  test('shares few connections with all others that read', async () => {
    const pids = async () => {
      const options = { role: 'sallyport_app', access: 'read' } as const;
      const [answer] = await database.batch(options, [backend]);
      return answer?.rows[0]?.['pid'];
    };
    const all = await Promise.all(Array.from({ length: 60 }, pids));
    expect(new Set(all).size).toBeLessThanOrEqual(3);
  });
});
