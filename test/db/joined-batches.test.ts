// Reads of one moment in one transaction: whose answer each gets, and what none learns of another.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Requirement, runAuthorized } from '../../src/db/authorization.ts';
import type { Statement, StatementResult } from '../../src/db/batch.ts';
import { type Database, openServerDatabase } from '../../src/db/database.ts';
import { DatabaseUnavailableError, OpenTransactionError } from '../../src/db/errors.ts';
import { type Lanes, openLanes } from '../../src/db/lanes.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { startWireProxy, type WireProxy } from '../support/wire-proxy.ts';
import { insertPrincipal, insertSessionOf, loginsOf, type TestPrincipal } from './principals.ts';
import { CREATE_NOTES } from './notes-table.ts';

let proxy: WireProxy;

function statement(sql: string, ...parameters: readonly unknown[]): Statement {
  return { sql, parameters };
}

describe('batches of one turn of the event loop', () => {
  let created: TestDatabase;
  let lanes: Lanes;
  beforeAll(async () => {
    created = await createDatabase({ migrated: false });
    await created.admin.query('CREATE TABLE marks (n INT4)');
    await created.admin.query('INSERT INTO marks VALUES (1)');
  });
  afterAll(() => created.drop());
  beforeEach(async () => {
    proxy = await startWireProxy(created.url);
  });
  afterEach(async () => {
    await lanes.close();
    await proxy.close();
  });

  const open = (count: number) => openLanes({ connectionString: proxy.url }, count);
  const carry = (proof: string) => statement(`SELECT set_config('test.proof', $1, true)`, proof);
  const select = (tenant: string) =>
    statement(`SELECT set_config('test.tenant', $1, true)`, tenant);
  const carried = statement(`SELECT current_setting('test.proof', true) AS proof,
    current_setting('test.tenant', true) AS tenant, pg_backend_pid() AS backend`);
  const failing = statement('SELECT 1 / $1::INT4', 0);
  const join = (proof: string, ...behind: readonly Statement[]) =>
    lanes.join([carry(proof)], [carried, ...behind]);
  const proofOf = (answers: readonly StatementResult[]) => answers[1]?.rows[0]?.['proof'];
  const letters = (count: number) => Array.from({ length: count }, (_, n) => `proof-${n}`);

  test('leave as one transaction, eight in each, and every one gets its own answer', async () => {
    lanes = open(2);
    await join('warm');
    for (const [count, transactions] of [
      [1, 1],
      [8, 1],
      [9, 2],
      [20, 3],
    ] as const) {
      proxy.clear();
      const proofs = letters(count);
      const answers = await Promise.all(proofs.map((proof) => join(proof)));
      expect(answers.map(proofOf)).toEqual(proofs);
      expect(answers.map((each) => each.length)).toEqual(proofs.map(() => 2));
      expect([proxy.count('Sync'), proxy.count('Execute')]).toEqual([transactions, 2 * count]);
    }
  });

  test('do not wait for those of the next', async () => {
    lanes = open(1);
    await join('warm');
    proxy.clear();
    const first = join('first');
    await new Promise((resolve) => setImmediate(resolve));
    expect([await first, await join('second')].map(proofOf)).toEqual(['first', 'second']);
    expect(proxy.count('Sync')).toBe(2);
  });

  test('share nothing where they do not begin with the same statements', async () => {
    lanes = open(1);
    await join('warm');
    proxy.clear();
    const [selecting, ...others] = await Promise.all([
      lanes.join([select('ours'), carry('a')], [carried]),
      join('b'),
      join('c'),
    ]);
    expect(selecting?.[2]?.rows[0]).toMatchObject({ proof: 'a', tenant: 'ours' });
    for (const each of others) expect(each[1]?.rows[0]?.['tenant']).not.toBe('ours');
    expect(proxy.count('Sync')).toBe(2);
  });

  test('fail alone: those before are answered, those behind are sent again', async () => {
    lanes = open(1);
    await join('warm');
    proxy.clear();
    const [a, b, c, d] = await Promise.allSettled([
      join('a'),
      join('b', failing),
      join('c'),
      join('d'),
    ]);
    expect(b).toMatchObject({ status: 'rejected', reason: { code: '22012' } });
    const answered = [a, c, d].map((each) => each.status === 'fulfilled' && proofOf(each.value));
    expect(answered).toEqual(['a', 'c', 'd']);
    expect([proxy.count('Sync'), proxy.connections]).toEqual([3, 1]);
  });

  test('get their own answers however they fail and interleave', async () => {
    const plan = fc.record({
      kind: fc.constantFrom(
        'fine',
        'fails',
        'syntax',
        'no wire form',
        'selects',
        'alone',
        'begins',
      ),
      turn: fc.integer({ min: 0, max: 3 }),
    });
    const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
    lanes = open(2);
    await fc.assert(
      fc.asyncProperty(fc.array(plan, { minLength: 2, maxLength: 40 }), async (drawn) => {
        // A second transaction left open could take the second attempt of a read, too.
        const first = drawn.findIndex(({ kind }) => kind === 'begins');
        const plans = drawn.filter(({ kind }, n) => kind !== 'begins' || n === first);
        const outcomes = await Promise.allSettled(
          plans.map(async ({ kind, turn }, n) => {
            for (let waited = 0; waited < turn; waited++) await nextTurn();
            const proof = `${n}`;
            if (kind === 'fails') return await join(proof, failing);
            if (kind === 'syntax') return await join(proof, statement('SELEC 1'));
            if (kind === 'no wire form') return await join(proof, statement('SELECT $1', {}));
            if (kind === 'alone') return await lanes.run([], [carry(proof), carried]);
            if (kind === 'begins') return await lanes.run([], [carry(proof), statement('BEGIN')]);
            if (kind !== 'selects') return await join(proof);
            return (await lanes.join([select(proof), carry(proof)], [carried])).slice(1);
          }),
        );
        const seen = outcomes.map((each) => {
          if (each.status === 'rejected') return 'rejected';
          const { proof, tenant } = each.value[1]?.rows[0] ?? {};
          return [proof, tenant ?? ''];
        });
        const refused = ['fails', 'syntax', 'no wire form', 'begins'];
        expect(seen).toEqual(
          plans.map(({ kind }, n) =>
            refused.includes(kind) ? 'rejected' : [`${n}`, kind === 'selects' ? `${n}` : ''],
          ),
        );
      }),
      { numRuns: 60 },
    );
  });

  test('are sent again on another connection where theirs is lost, once', async () => {
    lanes = open(1);
    await join('warm');
    let cuts = 1;
    proxy.decide = ({ type }) => (type === 'Sync' && cuts-- > 0 ? 'cut-after' : 'forward');
    const answers = await Promise.all(['a', 'b', 'c'].map((proof) => join(proof)));
    expect(answers.map(proofOf)).toEqual(['a', 'b', 'c']);
    proxy.decide = ({ type }) => (type === 'Sync' ? 'cut-before' : 'forward');
    proxy.clear();
    for (const each of await Promise.allSettled([join('d'), join('e')])) {
      expect(each).toMatchObject({ reason: expect.any(DatabaseUnavailableError) as unknown });
    }
    proxy.decide = () => 'forward';
    expect(proofOf(await join('f'))).toBe('f');
  });

  test('are answered behind a change of a table that a prepared statement reads', async () => {
    lanes = open(1);
    const all = statement('SELECT * FROM marks');
    await join('warm', all);
    await join('warm', all);
    await created.admin.query('ALTER TABLE marks ADD COLUMN more INT4');
    const answers = await Promise.all(['a', 'b'].map((proof) => join(proof, all)));
    expect(answers.map(proofOf)).toEqual(['a', 'b']);
    expect(answers.map((each) => each[2]?.rows)).toEqual([
      [{ n: 1, more: null }],
      [{ n: 1, more: null }],
    ]);
  });

  test('are none of a transaction that another left open', async () => {
    lanes = open(1);
    await join('warm');
    const begin = lanes.run([], [carry('attacker'), select('attacker'), statement('BEGIN')]);
    const [begun, ...answers] = await Promise.all([
      begin.catch((error: unknown) => error),
      join('a'),
      join('b'),
    ]);
    expect(begun).toBeInstanceOf(OpenTransactionError);
    expect(answers.map(proofOf)).toEqual(['a', 'b']);
    for (const each of answers) expect(each[1]?.rows[0]?.['tenant']).not.toBe('attacker');
  });

  test('are sent by the time that the lanes close, and refused behind that', async () => {
    lanes = open(1);
    await join('warm');
    await new Promise((resolve) => setImmediate(resolve));
    const last = join('last');
    await lanes.close();
    expect(proofOf(await last)).toBe('last');
    await expect(join('late')).rejects.toThrow(DatabaseUnavailableError);
  });
});

describe('requests that share a transaction', () => {
  let t: TestDatabase;
  let database: Database;
  let tenants: readonly [string, string];
  beforeAll(async () => {
    t = await createDatabase();
    proxy = await startWireProxy(t.url);
    database = openServerDatabase(loginsOf(proxy.url));
    await t.admin.query(CREATE_NOTES);
    tenants = [await insertTenant('one'), await insertTenant('two')];
    await t.admin.query(`INSERT INTO notes VALUES ($1, 'one'), ($2, 'two')`, [...tenants]);
  });
  afterAll(async () => {
    await database.close();
    await proxy.close();
    await t.drop();
  });

  async function insertTenant(name: string): Promise<string> {
    const { rows } = await t.admin.query<{ id: string }>(
      'INSERT INTO sallyport.tenants (name) VALUES ($1) RETURNING id',
      [name],
    );
    const id = rows[0]?.id ?? '';
    await t.admin.query(`INSERT INTO sallyport.roles VALUES ($1, 'reader', '{notes:read}')`, [id]);
    return id;
  }

  async function insertMember(tenantId: string): Promise<TestPrincipal> {
    const principal = await insertPrincipal(t.admin, 'reader', tenantId);
    await t.admin.query(`INSERT INTO sallyport.memberships VALUES ($1, $2, 'reader')`, [
      tenantId,
      principal.identityId,
    ]);
    const session = await insertSessionOf(t.admin, principal.identityId, tenantId);
    return { ...principal, ...session };
  }

  const allNotes = {
    sql: 'select "text" from "notes"',
    parameters: [],
    callsNothing: true,
  } as const;

  async function read(
    proof: string,
    more: Partial<Requirement> = {},
    query: Statement = allNotes,
  ): Promise<unknown> {
    const role = 'sallyport_app';
    const requirement = { role, proof, permission: 'notes:read', ...more } as const;
    const answer = await runAuthorized(database, requirement, [query]);
    if ('refusal' in answer) return answer.refusal;
    return [
      answer.principal.identityId,
      ...(answer.results[0]?.rows ?? []).map(({ text }) => text),
    ];
  }

  test('each decides for itself and reads its own tenant alone, whoever is beside it [CWE-639] [CWE-863]', async () => {
    const members: { member: TestPrincipal; name: string }[] = [];
    for (let n = 0; n < 30; n++) {
      const member = await insertMember(tenants[n % 2 === 0 ? 0 : 1]);
      members.push({ member, name: n % 2 === 0 ? 'one' : 'two' });
    }
    const nobody = await insertMember(tenants[0]);
    await t.admin.query('DELETE FROM sallyport.sessions WHERE id = $1', [nobody.sessionId]);
    const outsider = await insertMember(tenants[1]);
    await t.admin.query('DELETE FROM sallyport.memberships WHERE identity_id = $1', [
      outsider.identityId,
    ]);
    await read(members[0]?.member.proof ?? '');
    const asked = fc.shuffledSubarray(
      [
        ...members.map(({ member, name }) => ({
          proof: member.proof,
          expected: [member.identityId, name] as unknown,
        })),
        { proof: nobody.proof, expected: 'not-signed-in' },
        { proof: 'f'.repeat(64), expected: 'not-signed-in' },
        { proof: '', expected: 'not-signed-in' },
        { proof: outsider.proof, expected: 'forbidden' },
      ],
      { minLength: 2 },
    );
    await fc.assert(
      fc.asyncProperty(asked, async (all) => {
        const answers = await Promise.all(all.map(async ({ proof }) => await read(proof)));
        expect(answers).toEqual(all.map(({ expected }) => expected));
      }),
      { numRuns: 60 },
    );
    // They did share: where nobody is refused, eight are in each transaction.
    proxy.clear();
    await Promise.all(members.map(async ({ member }) => await read(member.proof)));
    expect(proxy.count('Sync')).toBe(4);
  });

  test('what one selects is not selected for another [CWE-639]', async () => {
    const [one, two] = [await insertMember(tenants[0]), await insertMember(tenants[1])];
    await t.admin.query(`INSERT INTO sallyport.memberships VALUES ($1, $2, 'reader')`, [
      tenants[1],
      one.identityId,
    ]);
    const key = 'a'.repeat(64);
    await t.admin.query('UPDATE sallyport.sessions SET selection_key = $2 WHERE id = $1', [
      one.sessionId,
      key,
    ]);
    await t.admin.query(`UPDATE sallyport.tenants SET slug = 'second' WHERE id = $1`, [tenants[1]]);
    const digest = createHash('sha256').update(`${key}second`).digest('hex');
    const answers = await Promise.all([
      read(one.proof),
      read(one.proof, { selection: `second:${digest}` }),
      read(one.proof),
      read(two.proof, { selection: `second:${digest}` }),
      read(two.proof),
    ]);
    expect(answers).toEqual([
      [one.identityId, 'one'],
      [one.identityId, 'two'],
      [one.identityId, 'one'],
      'forbidden',
      [two.identityId, 'two'],
    ]);
  });

  test('a query whose text may call something shares with nobody [R-98] [CWE-89]', async () => {
    const [one, two] = [await insertMember(tenants[0]), await insertMember(tenants[1])];
    const injected = `select "text" from "notes" where
      set_config('sallyport.proof', '${two.proof}', true) is not null
      and set_config('sallyport.tenant', '${tenants[1]}', true) is not null
      and set_config('search_path', 'pg_temp', true) is not null`;
    await read(one.proof);
    proxy.clear();
    const answers = await Promise.all([
      read(one.proof),
      read(two.proof, {}, { sql: injected, parameters: [] }),
      read(one.proof),
      read(one.proof),
    ]);
    expect(answers[0]).toEqual([one.identityId, 'one']);
    expect(answers.slice(2)).toEqual([
      [one.identityId, 'one'],
      [one.identityId, 'one'],
    ]);
    expect(proxy.count('Sync')).toBe(2);
  });
});
