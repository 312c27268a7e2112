import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { runAuthorized } from '../../src/db/authorization.ts';
import type { Statement } from '../../src/db/batch.ts';
import { updateOwnProfile } from '../../src/db/profiles.ts';
import { carrying, insertSessionOf } from '../db/principals.ts';
import { EXPRESSIONS } from './injected-expressions.ts';
import { QUERIES } from './injected-queries.ts';
import { STATEMENTS } from './injected-statements.ts';
import {
  type Access,
  type InjectionTarget,
  type Loot,
  openInjectionTarget,
} from './injection-target.ts';

// Injected SQL runs as sallyport_app, behind the attacker's own proof, on the connections that the
// product keeps. Whatever it is: no row of another identity, no credential; and the request of the
// next principal on the same connection is exactly what it would have been.

let target: InjectionTarget;
let before: string;
beforeAll(async () => {
  target = await openInjectionTarget();
});
afterAll(() => target.close());
beforeEach(async ({ skip }) => {
  skip(inject('engine') === 'cockroachdb', 'the commands and their errors are those of PostgreSQL');
  before = await target.snapshot();
});

const ACCESS: readonly Access[] = ['read', 'write'];

const ISOLATION = { read: 'repeatable read', write: 'serializable' } as const;

/** The next principal on the connection gets its own row, and nobody gets none. */
async function expectUntouched(loot: Loot, access: Access): Promise<void> {
  for (const canary of target.canaries) expect(loot.text).not.toContain(canary);
  expect(await target.snapshot()).toBe(before);
  const { bystander } = target;
  const seen = await target.request(bystander, access);
  const { identityId: identity_id, displayName: display_name } = bystander;
  expect(seen.rows).toEqual([expect.objectContaining({ identity_id, display_name })]);
  expect(seen.settings).toEqual({
    currentUser: 'sallyport_app',
    sessionUser: 'sallyport_app',
    identity: identity_id,
    searchPath: 'public, pg_temp',
    rowSecurity: 'on',
    role: 'none',
    statementTimeout: '15s',
    isolation: ISOLATION[access],
    readOnly: access === 'read' ? 'on' : 'off',
    messages: 'notice',
  });
  const nobody = await target.request(null, access);
  expect([nobody.rows, nobody.settings['identity']]).toEqual([[], null]);
}

test('[R-98] [CWE-352] a write injected into a read is refused, also after an attempt to allow it', async () => {
  const write = `UPDATE sallyport.profiles SET updated_at = updated_at
    WHERE identity_id = sallyport.current_identity()`;
  const allow = `SELECT set_config('transaction_read_only', 'off', true)`;
  expect((await target.inject(write, 'read')).state).toBe('25006');
  expect((await target.inject(allow, 'read')).state).toBe('25001');
  expect((await target.inject(write, 'write')).state).toBe('ran');
});

/** What would write ends in a read with 25006, whatever it would end with in a write. */
function endsOf(ends: string, access: Access): readonly string[] {
  return access === 'read' ? [ends, '25006'] : [ends];
}

describe.each(ACCESS)('SQL injected into a request to %s', (access) => {
  test.each([...EXPRESSIONS, ...QUERIES])(
    '[R-98] [CWE-89] gets nothing: $name',
    async ({ sql, ends }) => {
      const { backend } = await target.request(target.bystander, access);
      const loot = await target.inject(sql(target), access);
      await expectUntouched(loot, access);
      expect((await target.request(target.bystander, access)).backend).toBe(backend);
      expect(endsOf(ends, access)).toContain(loot.state);
    },
  );

  test.each(STATEMENTS)(
    '[R-98] [CWE-89] as a whole command the process does not even send it: $name',
    async ({ sql }) => {
      target.proxy.clear();
      const loot = await target.inject(sql(target), access);
      expect(loot.state).toBe('TypeError');
      expect(target.proxy.messages).toEqual([]);
      await expectUntouched(loot, access);
    },
  );

  test.each(STATEMENTS)(
    '[R-98] [CWE-89] as a whole command past that check it gets nothing: $name',
    async ({ sql, ends }) => {
      const loot = await target.injectPastTheProcess(sql(target), access);
      await expectUntouched(loot, access);
      expect(endsOf(ends, access)).toContain(loot.state);
    },
  );

  test('[R-98] the control: with the proof of another, the same request shows its row', async () => {
    const { victim } = target;
    const sql = `SELECT p.* FROM set_config('sallyport.proof', '${victim.proof}', true),
      LATERAL (SELECT * FROM sallyport.profiles) AS p`;
    const seen = await target.request(victim, access);
    expect(seen.rows).toEqual([expect.objectContaining({ display_name: victim.displayName })]);
    const foreign = await target.inject(sql, access);
    expect(foreign.text).toContain(victim.displayName);
    const own = await target.inject('SELECT * FROM sallyport.profiles', access);
    expect(own.text).toContain(target.attacker.identityId);
  });

  test('[R-98] no value of another request shows in pg_stat_activity while it runs', async () => {
    const { victim, attacker, database } = target;
    const slow = 'SELECT pg_sleep(3), $1::TEXT AS secret /* attack */';
    const opening = carrying(victim.proof);
    const busy = database.batch({ role: 'sallyport_app', access, opening }, [
      { sql: slow, parameters: [victim.email] },
    ]);
    await expect
      .poll(async () => {
        const active = `SELECT count(*)::INT4 AS n FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(3)%'`;
        return (await target.admin.query(active)).rows[0]?.n;
      })
      .toBe(1);
    const loot = await target.inject(`SELECT a::TEXT FROM pg_stat_activity AS a`, access);
    expect(loot.text).toContain('pg_sleep(3), $1');
    await expectUntouched(loot, access);
    expect((await busy)[1]?.rows[0]).toMatchObject({ secret: victim.email });
    expect(attacker.proof).not.toBe(victim.proof);
  });
});

test('[R-98] [CWE-400] a statement that burns time is ended by the server, in a read as in a write', async () => {
  const started = performance.now();
  const burning = 'SELECT pg_sleep(1000000)';
  const loots = await Promise.all(ACCESS.map((access) => target.inject(burning, access)));
  expect(loots.map(({ state }) => state)).toEqual(['57014', '57014']);
  expect(performance.now() - started).toBeLessThan(60_000);
  for (const [index, access] of ACCESS.entries()) {
    await expectUntouched(loots[index] as Loot, access);
  }
});

describe('SQL injected into a write', () => {
  test('[R-98] the control: the own profile changes, and only that', async () => {
    const { attacker, database } = target;
    const change = async (statement: Statement) => {
      const { proof, synchronizerDigest } = attacker;
      const role = 'sallyport_app';
      const requirement = { role, proof, permission: null, synchronizerDigest } as const;
      const answer = await runAuthorized(database, requirement, [statement]);
      return 'results' in answer ? answer.results[0] : undefined;
    };
    expect((await change(updateOwnProfile('Mallory')))?.rows).toEqual([{ displayName: 'Mallory' }]);
    expect(await target.snapshot()).toBe(before);
    const sql = `UPDATE sallyport.profiles SET display_name = 'all' /* attack */`;
    const all = await change({ sql, parameters: [] });
    expect(all?.rowCount).toBe(1);
    expect(await target.snapshot()).toBe(before);
  });

  test('[R-98] the same refusal for an id that exists and one that does not', async () => {
    const takeOver = (id: string) =>
      target.inject(`UPDATE sallyport.profiles SET identity_id = '${id}'`, 'write');
    const existing = await takeOver(target.victim.identityId);
    const unknown = await takeOver('00000000-0000-4000-8000-000000000000');
    expect(existing).toEqual(unknown);
  });

  test('[R-98] the snapshot sees a row that changes', async () => {
    await target.admin.query(
      `UPDATE sallyport.profiles SET updated_at = now() WHERE identity_id = $1`,
      [target.victim.identityId],
    );
    expect(await target.snapshot()).not.toBe(before);
  });

  test('[R-98] [CWE-427] no object of the caller stands in for one that our functions call', async () => {
    // The wall before this one, that nobody may create anything, is taken down first.
    const { admin, attacker } = target;
    const { proof, sessionId } = await insertSessionOf(admin, attacker.identityId);
    await admin.query('CREATE SCHEMA evil AUTHORIZATION sallyport_app');
    await admin.query(
      `CREATE FUNCTION evil.now() RETURNS TIMESTAMPTZ LANGUAGE sql AS $$ SELECT '-infinity'::TIMESTAMPTZ $$`,
    );
    await admin.query(
      'GRANT EXECUTE ON FUNCTION evil.now() TO PUBLIC; GRANT USAGE ON SCHEMA evil TO sallyport_owner',
    );
    const ask = async () => {
      const path = `SELECT set_config('search_path', 'evil, pg_catalog', true) /* attack */`;
      const who = `SELECT sallyport.current_identity() AS identity, now() AS now /* attack */`;
      const statements = [path, who].map((sql) => ({ sql, parameters: [] }));
      const opening = carrying(proof);
      const options = { role: 'sallyport_app', access: 'write', opening } as const;
      return (await target.database.batch(options, statements))[2]?.rows[0];
    };
    expect(await ask()).toEqual({ identity: attacker.identityId, now: -Infinity });
    await admin.query(
      `UPDATE sallyport.sessions SET expires_at = now() - INTERVAL '1 second' WHERE id = $1`,
      [sessionId],
    );
    expect(await ask()).toEqual({ identity: null, now: -Infinity });
    await admin.query('DROP SCHEMA evil CASCADE');
  });
});
