import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Core } from '../../src/core/core.ts';
import { confirmEmail } from '../../src/core/email-confirmation.ts';
import { createPasswordHasher, HashingBusyError } from '../../src/core/password-hashing.ts';
import {
  digestOf,
  newSecret,
  proofOf,
  type Secret,
  synchronizerTokenOf,
} from '../../src/core/secret.ts';
import { signIn as signInWith } from '../../src/core/sign-in.ts';
import { signUp } from '../../src/core/sign-up.ts';
import { caller } from '../support/callers.ts';
import { openTestCore, queuedToken, type TestCore } from '../support/cores.ts';
import { newPerson, type Person } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';

let t: TestCore;
beforeAll(async () => {
  t = await openTestCore();
});
afterAll(() => t.close());

const signIn = (core: Core, input: Person, previous: Secret | null) =>
  signInWith(core, input, previous, caller);

async function registered(person: Person = newPerson()): Promise<Person> {
  await signUp(t.core, person, 'en', caller);
  await confirmEmail(t.core, await queuedToken(t, person.email), caller);
  return person;
}

async function accepted(person: Person, previous: Secret | null = null) {
  const outcome = await signIn(t.core, person, previous);
  if (outcome === 'wrong-credentials' || 'flow' in outcome) throw new Error('these are right');
  return outcome;
}

const disable = (email: string) =>
  t.admin.query(
    `UPDATE sallyport.identities SET disabled_at = now()
      WHERE id = (SELECT identity_id FROM sallyport.email_addresses WHERE folded = $1)`,
    [email],
  );

async function newestEvent() {
  const { rows } = await t.admin.query<Record<string, unknown>>(
    'SELECT kind, reason, identity_id FROM sallyport.security_events ORDER BY at DESC LIMIT 1',
  );
  return rows[0];
}

describe('the right password', () => {
  test('starts a session in the tenant that the person is a member of, if that is only one', async () => {
    const person = await registered();
    const tenantOf = async () => {
      const { session } = await accepted(person);
      const sql = 'SELECT tenant_id FROM sallyport.sessions WHERE id = $1';
      return (await t.admin.query<{ tenant_id: string | null }>(sql, [session.id])).rows[0];
    };
    const join = async () => {
      const { rows } = await t.admin.query<{ id: string }>(
        `INSERT INTO sallyport.tenants (name) VALUES ('Acme') RETURNING id`,
      );
      const id = rows[0]?.id;
      await t.admin.query(`INSERT INTO sallyport.roles VALUES ($1, 'viewer', '{}')`, [id]);
      await t.admin.query(
        `INSERT INTO sallyport.memberships (tenant_id, identity_id, role)
          SELECT $1, identity_id, 'viewer' FROM sallyport.email_addresses WHERE folded = $2`,
        [id, person.email],
      );
      return id;
    };
    expect(await tenantOf()).toEqual({ tenant_id: null });
    const tenant_id = await join();
    expect(await tenantOf()).toEqual({ tenant_id });
    await join();
    expect(await tenantOf()).toEqual({ tenant_id: null });
  });

  test('starts a session of which the database has only digests [ASVS 7.2.2]', async () => {
    const person = await registered();
    const changed = await changedBy(t.admin, async () => {
      const { secret, session, identity, synchronizerGeneration } = await accepted(person);
      expect(identity).toMatchObject({ email: person.email, displayName: person.displayName });
      const { rows } = await t.admin.query<Record<string, unknown>>(
        'SELECT * FROM sallyport.sessions WHERE id = $1',
        [session.id],
      );
      expect(rows).toMatchObject([
        {
          identity_id: identity.id,
          proof_digest: digestOf(proofOf(secret)),
          synchronizer_digest: digestOf(synchronizerTokenOf(secret, synchronizerGeneration)),
          synchronizer_generation: synchronizerGeneration,
        },
      ]);
      expect(session.expiresAt.getTime() - session.createdAt.getTime()).toBe(12 * 3_600_000);
      expect(await newestEvent()).toMatchObject({ kind: 'signed-in', identity_id: identity.id });
    });
    expect(changed).toEqual(['devices', 'security_events', 'session_activity', 'sessions']);
  });

  test.each([
    ['the address in another case', (person: Person) => ({ email: person.email.toUpperCase() })],
    ['blanks around the address', (person: Person) => ({ email: ` ${person.email} ` })],
    ['a decomposed password', (person: Person) => ({ password: person.password.normalize('NFD') })],
  ])('is right also with %s', async (_what, typed) => {
    const person = { ...newPerson(), password: 'caf\u00e9 kettle orbit violet' };
    await registered(person);
    expect(await signIn(t.core, { ...person, ...typed(person) }, null)).not.toBe(
      'wrong-credentials',
    );
  });

  test('ends the session that the browser had, and no other [R-20] [R-21] [CWE-384]', async () => {
    const person = await registered();
    const kept = await accepted(person);
    const had = await accepted(person);
    const { session } = await accepted(person, had.secret);
    const { rows } = await t.admin.query<{ id: string }>('SELECT id FROM sallyport.sessions');
    const ids = rows.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining([kept.session.id, session.id]));
    expect(ids).not.toContain(had.session.id);
  });

  test('does not mind a cookie that is nobody\u2019s', async () => {
    const person = await registered();
    const changed = await changedBy(t.admin, () => accepted(person, newSecret()));
    expect(changed).toEqual(['devices', 'security_events', 'session_activity', 'sessions']);
  });
});

describe('one answer, one hash and one event, and nothing else, for', () => {
  const cases: readonly (readonly [string, () => Promise<Partial<Person>>, string])[] = [
    ['a wrong password', async () => ({ password: 'eleven otters juggle' }), 'wrong-credentials'],
    ['no password', async () => ({ password: '' }), 'wrong-credentials'],
    ['another case', async () => ({ password: 'VIOLET' }), 'wrong-credentials'],
    ['an unknown address', async () => ({ email: newPerson().email }), 'wrong-credentials'],
    ['a malformed address', async () => ({ email: 'ada\0@' }), 'wrong-credentials'],
    ['no address', async () => ({ email: '' }), 'wrong-credentials'],
    [
      'an address not yet proved',
      async () => {
        const person = newPerson();
        await signUp(t.core, person, 'en', caller);
        return person;
      },
      'wrong-credentials',
    ],
    [
      'a disabled identity',
      async () => {
        const person = await registered();
        await disable(person.email);
        return person;
      },
      'identity-disabled',
    ],
  ];

  test.each(cases)('%s [R-48] [CWE-204]', async (_what, make, reason) => {
    const input = { ...(await registered()), ...(await make()) };
    let hashes = 0;
    const real = createPasswordHasher();
    const core = {
      ...t.core,
      passwords: {
        ...real,
        verify: (...given: Parameters<typeof real.verify>) => {
          hashes++;
          return real.verify(...given);
        },
      },
    };
    const changed = await changedBy(t.admin, async () => {
      expect(await signIn(core, input, null)).toBe('wrong-credentials');
    });
    expect(changed).toEqual(['security_events']);
    expect(hashes).toBe(1);
    expect(await newestEvent()).toMatchObject({ kind: 'sign-in-failed', reason });
  });

  test('a wrong password leaves the session that the browser had', async () => {
    const person = await registered();
    const had = await accepted(person);
    const wrong = { ...person, password: 'eleven otters juggle' };
    expect(await signIn(t.core, wrong, had.secret)).toBe('wrong-credentials');
    const { rowCount } = await t.admin.query('SELECT 1 FROM sallyport.sessions WHERE id = $1', [
      had.session.id,
    ]);
    expect(rowCount).toBe(1);
  });
});

describe('what changes while the password is being hashed [CWE-367]', () => {
  /** A hasher that lets something happen between the comparison and what follows it. */
  function meanwhile(happens: () => Promise<unknown>) {
    const real = createPasswordHasher();
    return {
      ...t.core,
      passwords: {
        ...real,
        verify: async (...given: Parameters<typeof real.verify>) => {
          const matches = await real.verify(...given);
          expect(matches).toBe(true);
          await happens();
          return matches;
        },
      },
    };
  }

  test('is in force: an identity disabled meanwhile gets no session', async () => {
    const person = await registered();
    const core = meanwhile(() => disable(person.email));
    expect(await signIn(core, person, null)).toBe('wrong-credentials');
    expect(await newestEvent()).toMatchObject({ reason: 'identity-disabled' });
  });

  test('is in force: so does not the old password of one that was changed meanwhile', async () => {
    const person = await registered();
    const changed = await t.core.passwords.hash('eleven otters juggle');
    const core = meanwhile(() =>
      t.admin.query(
        `UPDATE sallyport.passwords SET hash = $1
          WHERE identity_id = (SELECT identity_id FROM sallyport.email_addresses WHERE folded = $2)`,
        [changed, person.email],
      ),
    );
    expect(await signIn(core, person, null)).toBe('wrong-credentials');
    const now = { ...person, password: 'eleven otters juggle' };
    expect(await signIn(t.core, now, null)).not.toBe('wrong-credentials');
  });
});

test('too many at once: those turned away learn nothing and leave no row', async () => {
  const person = await registered();
  const core = { ...t.core, passwords: createPasswordHasher({ queue: 1, waitMilliseconds: 1 }) };
  const inputs = Array.from({ length: 30 }, (_, index) =>
    index % 4 === 0 ? person : { ...person, email: newPerson().email },
  );
  const attempts = `SELECT 1 FROM sallyport.security_events WHERE kind IN ('signed-in', 'sign-in-failed')`;
  const before = await t.admin.query(attempts);
  const outcomes = await Promise.allSettled(inputs.map((input) => signIn(core, input, null)));
  const refused = outcomes.filter(({ status }) => status === 'rejected');
  expect(refused.length).toBeGreaterThan(0);
  for (const { reason } of refused as PromiseRejectedResult[]) {
    expect(reason).toBeInstanceOf(HashingBusyError);
  }
  const after = await t.admin.query(attempts);
  expect((after.rowCount ?? 0) - (before.rowCount ?? 0)).toBe(30 - refused.length);
});
