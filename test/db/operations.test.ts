import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { confirmEmail } from '../../src/core/email-confirmation.ts';
import { createPasswordHasher } from '../../src/core/password-hashing.ts';
import { secretText } from '../../src/core/secret.ts';
import { signIn } from '../../src/core/sign-in.ts';
import { signUp } from '../../src/core/sign-up.ts';
import { openServerDatabase } from '../../src/db/database.ts';
import { UnknownOutcomeError } from '../../src/db/errors.ts';
import { caller } from '../support/callers.ts';
import { queuedToken, type TestCore } from '../support/cores.ts';
import { createDatabase } from '../support/databases.ts';
import { newPerson, type Person } from '../support/people.ts';
import { TEST_KEY } from '../support/test-key.ts';
import { startWireProxy, type WireMessage, type WireProxy } from '../support/wire-proxy.ts';
import { loginsOf } from './principals.ts';

// The operations of the product, with 40001 at each of their statements in turn: whatever is run
// again, the outcome is the same, and it happened once.

let proxy: WireProxy;
let t: TestCore;
beforeAll(async () => {
  const created = await createDatabase();
  proxy = await startWireProxy(inject('adminUrl'));
  const url = new URL(created.url);
  url.host = new URL(proxy.url).host;
  const database = openServerDatabase(loginsOf(url.href));
  t = {
    ...created,
    core: { database, passwords: createPasswordHasher(), encryptionKey: TEST_KEY },
    async close() {
      await database.close();
      await proxy.close();
      await created.drop();
    },
  };
});
afterAll(() => t.close());
beforeEach(() => {
  proxy.fail = () => null;
  proxy.decide = () => 'forward';
});

/** A browser that says nothing of itself. */

interface Operation {
  readonly name: string;
  readonly prepare: (person: Person) => Promise<string>;
  /** What it answers, without what is random. */
  readonly run: (person: Person, prepared: string) => Promise<unknown>;
  /** How many rows it adds, table by table. */
  readonly adds: Readonly<Record<string, number>>;
}

const OPERATIONS: readonly Operation[] = [
  {
    name: 'sign-up',
    prepare: async () => '',
    run: (person) => signUp(t.core, person, 'en', caller),
    adds: { sign_ups: 1, one_time_tokens: 1, outbox: 1, security_events: 1 },
  },
  {
    name: 'sign-up with an address that is proved',
    prepare: registered,
    run: (person) => signUp(t.core, person, 'en', caller),
    // Rows that expire as they are made: the same work as for an address that nobody has.
    adds: { sign_ups: 1, one_time_tokens: 1, outbox: 1, security_events: 1 },
  },
  {
    name: 'proving the address',
    async prepare(person) {
      await signUp(t.core, person, 'en', caller);
      return await queuedToken(t, person.email);
    },
    run: (_, token) => confirmEmail(t.core, token, caller),
    adds: {
      sign_ups: -1,
      identities: 1,
      email_addresses: 1,
      passwords: 1,
      profiles: 1,
      security_events: 1,
    },
  },
  {
    name: 'sign-in',
    prepare: registered,
    async run({ email, password }) {
      const result = await signIn(t.core, { email, password }, null, caller);
      if (result === 'wrong-credentials' || 'flow' in result) return result;
      return [
        result.identity.email,
        result.synchronizerGeneration,
        secretText(result.secret).length,
      ];
    },
    adds: { sessions: 1, session_activity: 1, security_events: 1 },
  },
  {
    name: 'sign-in with the wrong password',
    prepare: registered,
    run: ({ email }) => signIn(t.core, { email, password: 'not the right password' }, null, caller),
    adds: { security_events: 1 },
  },
  {
    name: 'sign-in over an earlier session',
    prepare: registered,
    async run({ email, password }) {
      const first = await signIn(t.core, { email, password }, null, caller);
      if (first === 'wrong-credentials' || 'flow' in first) return first;
      const second = await signIn(t.core, { email, password }, first.secret, caller);
      if (second === 'wrong-credentials' || 'flow' in second) return second;
      return second.identity.email;
    },
    // The second comes without what the browser is known by: to its owner it is a new one.
    adds: { sessions: 1, session_activity: 1, security_events: 3, outbox: 1 },
  },
];

async function registered(person: Person): Promise<string> {
  await signUp(t.core, person, 'en', caller);
  expect(await confirmEmail(t.core, await queuedToken(t, person.email), caller)).toBe('signed-up');
  return '';
}

const TABLES = [
  'identities',
  'email_addresses',
  'passwords',
  'profiles',
  'sign_ups',
  'one_time_tokens',
  'sessions',
  'session_activity',
  'outbox',
  'security_events',
];

async function countRows(): Promise<Record<string, number>> {
  const counts = TABLES.map(
    (table) => `(SELECT count(*) FROM sallyport.${table})::INT4 AS ${table}`,
  );
  return (await t.admin.query(`SELECT ${counts.join(', ')}`)).rows[0];
}

function added(before: Record<string, number>, after: Record<string, number>) {
  const difference = Object.keys(after).map((table) => [
    table,
    (after[table] ?? 0) - (before[table] ?? 0),
  ]);
  return Object.fromEntries(difference.filter(([, count]) => count !== 0));
}

/** Counts what is executed, and has the n-th of it answered with an error, once. */
function failAt(nth: number, state: string): { executed: string[] } {
  const executed: string[] = [];
  proxy.fail = ({ type, sql }: WireMessage) => {
    if (type !== 'Execute') return null;
    executed.push(sql);
    return executed.length === nth ? state : null;
  };
  return { executed };
}

/** What an answer is made of that a fresh person changes. */
function comparable(answer: unknown, { email }: Person): string {
  return JSON.stringify(answer).replaceAll(email, 'EMAIL');
}

describe.each(OPERATIONS)('$name', ({ prepare, run, adds }) => {
  test('with 40001 at each statement in turn, COMMIT too: the same outcome, once', async () => {
    const undisturbed = newPerson();
    const prepared = await prepare(undisturbed);
    const { executed } = failAt(0, '40001');
    const expected = comparable(await run(undisturbed, prepared), undisturbed);
    const statements = executed.length;
    expect(executed).toContain('COMMIT');
    for (let nth = 1; nth <= statements; nth++) {
      proxy.fail = () => null;
      const person = newPerson();
      const own = await prepare(person);
      const before = await countRows();
      const again = failAt(nth, '40001');
      const answer = await run(person, own);
      const where = `statement ${nth}, ${again.executed[nth - 1]}`;
      expect(comparable(answer, person), where).toBe(expected);
      expect(added(before, await countRows()), where).toEqual(adds);
      expect(again.executed.length, where).toBeGreaterThan(statements);
    }
  });

  test('with the connection lost at COMMIT: it says that nobody knows', async () => {
    const person = newPerson();
    const prepared = await prepare(person);
    const before = await countRows();
    let commits = 0;
    proxy.decide = ({ type, sql }) => {
      if (type !== 'Execute' || sql !== 'COMMIT') return 'forward';
      commits++;
      return 'cut-before';
    };
    await expect(run(person, prepared)).rejects.toThrow(UnknownOutcomeError);
    expect(commits).toBe(1);
    expect(added(before, await countRows())).toEqual({});
  });
});
