// What a session's row keeps of the membership in its tenant, and until when the session is not
// idle (decisions/017): it is never believed where the rows that it comes from say otherwise.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keepActive, touchSession } from '../../src/db/session-activity.ts';
import { COPY_MEMBERSHIPS } from '../../src/db/session-tenant.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { insertPrincipal, insertSessionOf, sha256 } from './principals.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createDatabase();
});
afterAll(async () => {
  await t.drop();
});

interface Member {
  readonly tenantId: string;
  readonly identityId: string;
  readonly sessionId: string;
  readonly proof: string;
}

async function newTenant(): Promise<string> {
  const { rows } = await t.admin.query<{ id: string }>(
    `INSERT INTO sallyport.tenants (name) VALUES ('a tenant') RETURNING id`,
  );
  const id = rows[0]?.id ?? '';
  await t.admin.query(
    `INSERT INTO sallyport.roles VALUES ($1, 'viewer', '{notes:read}'), ($1, 'editor', '{notes:read,notes:write}')`,
    [id],
  );
  return id;
}

/** An editor, whose session has a copy of that. */
async function newMember(): Promise<Member> {
  const tenantId = await newTenant();
  const { identityId } = await insertPrincipal(t.admin, 'ada');
  await t.admin.query('INSERT INTO sallyport.memberships VALUES ($1, $2, $3)', [
    tenantId,
    identityId,
    'editor',
  ]);
  return { tenantId, identityId, ...(await insertSessionOf(t.admin, identityId, tenantId)) };
}

async function one(sql: string, ...values: readonly unknown[]): Promise<Record<string, unknown>> {
  const { rows } = await t.admin.query<Record<string, unknown>>(sql, [...values]);
  return rows[0] ?? {};
}

const copyOf = ({ sessionId }: Member) =>
  one(
    `SELECT tenant_id AS tenant, member_id AS id, member_role AS role, member_kept AS kept, member_policy AS policy
      FROM sallyport.sessions WHERE id = $1`,
    sessionId,
  );

/** All that the database's functions say of a proof, in one transaction. */
async function saidOf(proof: string, selection = ''): Promise<Record<string, unknown>> {
  await t.admin.query('BEGIN');
  try {
    await t.admin.query(
      `SELECT set_config('sallyport.proof', $1, true), set_config('sallyport.selection', $2, true)`,
      [proof, selection],
    );
    const said = await one(
      `SELECT sallyport.current_session() AS session, sallyport.current_identity() AS identity,
        sallyport.current_tenant() AS tenant, sallyport.has_permission('notes:read') AS "mayRead",
        sallyport.has_permission('notes:write') AS "mayWrite"`,
    );
    const decision = async (permission: string | null) => {
      await t.admin.query('SAVEPOINT decision');
      try {
        const { principal } = await one(
          'SELECT sallyport.require($1, $2, false) AS principal',
          proof,
          permission,
        );
        return String(principal).replace(/(?:true|false)\]$/, ']');
      } catch (error) {
        await t.admin.query('ROLLBACK TO SAVEPOINT decision');
        return (error as { code?: string }).code;
      }
    };
    return {
      ...said,
      signedIn: await decision(null),
      read: await decision('notes:read'),
      write: await decision('notes:write'),
    };
  } finally {
    await t.admin.query('ROLLBACK');
  }
}

describe('the copy', () => {
  const CHANGES: readonly {
    readonly name: string;
    readonly sql: string;
    readonly leaves: object;
  }[] = [
    {
      name: 'of a role that is changed is changed',
      sql: `UPDATE sallyport.memberships SET role = 'viewer' WHERE tenant_id = $1`,
      leaves: { role: 'viewer' },
    },
    {
      name: 'of a tenant that waits for its deletion says so',
      sql: 'UPDATE sallyport.tenants SET delete_after = now() WHERE id = $1',
      leaves: { kept: false },
    },
    {
      name: 'of a tenant that asks something of its members has that',
      sql: `UPDATE sallyport.tenants SET member_proof = 'passkey' WHERE id = $1`,
      leaves: { policy: 'passkey 60 720 ' },
    },
    {
      name: 'of a membership that is removed is gone, and the session in no tenant',
      sql: 'DELETE FROM sallyport.memberships WHERE tenant_id = $1',
      leaves: { tenant: null, id: null, role: null, kept: null, policy: null },
    },
  ];
  test.each(CHANGES)('$name, whoever changes it [CWE-613]', async ({ sql, leaves }) => {
    const ada = await newMember();
    const other = await newMember();
    const before = await copyOf(ada);
    expect(before).toEqual({
      tenant: ada.tenantId,
      id: ada.identityId,
      role: 'editor',
      kept: true,
      policy: '',
    });
    const othersBefore = await copyOf(other);
    await t.admin.query(sql, [ada.tenantId]);
    expect(await copyOf(ada)).toEqual({ ...before, ...leaves });
    expect(await copyOf(other)).toEqual(othersBefore);
  });

  test.each([
    ['another role', `member_role = 'viewer'`, 'sessions_membership'],
    ['another policy', `member_policy = 'x'`, 'sessions_membership'],
    ['that a tenant is kept', `member_kept = false`, 'sessions_membership'],
    ["another tenant's", 'tenant_id = gen_random_uuid()', 'sessions_membership'],
    ["somebody else's", 'member_id = gen_random_uuid()', 'sessions_member_is_theirs'],
    ['half a membership', 'member_id = NULL', 'sessions_member_is_theirs'],
    ['no policy', 'member_policy = NULL', 'sessions_member_is_theirs'],
  ])('cannot say %s: the database refuses it [CWE-639]', async (_, set, constraint) => {
    const ada = await newMember();
    const changed = t.admin.query(`UPDATE sallyport.sessions SET ${set} WHERE id = $1`, [
      ada.sessionId,
    ]);
    await expect(changed).rejects.toMatchObject({ constraint });
  });
});

describe('with the copy and without it the functions say the same [CWE-613]', () => {
  const STATES = {
    role: ['editor', 'viewer'],
    membership: ['there', 'removed'],
    tenant: ['kept', 'waits for deletion'],
    asks: ['nothing', 'more than was proved', 'what was proved'],
    identity: ['enabled', 'disabled'],
    session: ['live', 'expired', 'idle', 'seen half an hour ago'],
    selection: ['none', 'its own tenant', 'unproved', 'one with less', 'one of others'],
  } as const;
  type State = { readonly [K in keyof typeof STATES]: (typeof STATES)[K][number] };
  const OF_THE_TENANT: Readonly<Record<string, string>> = {
    viewer: `UPDATE sallyport.memberships SET role = 'viewer' WHERE tenant_id = $1`,
    removed: 'DELETE FROM sallyport.memberships WHERE tenant_id = $1',
    'waits for deletion': 'UPDATE sallyport.tenants SET delete_after = now() WHERE id = $1',
    'more than was proved': `UPDATE sallyport.tenants SET member_proof = 'second-factor' WHERE id = $1`,
    'what was proved': `UPDATE sallyport.tenants SET proof_minutes = 30 WHERE id = $1`,
  };
  const seenAgo = (minutes: number) => `WITH noted AS (
      UPDATE sallyport.sessions SET active_until = now() + INTERVAL '${60 - minutes} minutes' WHERE id = $1)
    UPDATE sallyport.session_activity SET last_seen_at = now() - INTERVAL '${minutes} minutes' WHERE session_id = $1`;
  const OF_THE_SESSION: Readonly<Record<string, string>> = {
    disabled: `UPDATE sallyport.identities SET disabled_at = now()
      WHERE id = (SELECT identity_id FROM sallyport.sessions WHERE id = $1)`,
    expired: 'UPDATE sallyport.sessions SET expires_at = now() WHERE id = $1',
    idle: seenAgo(61),
    'seen half an hour ago': seenAgo(31),
  };

  async function inState(state: State) {
    const ada = await newMember();
    const key = sha256(ada.proof);
    await t.admin.query('UPDATE sallyport.sessions SET selection_key = $1 WHERE id = $2', [
      key,
      ada.sessionId,
    ]);
    for (const each of Object.values(state)) {
      const ofTenant = OF_THE_TENANT[each];
      if (ofTenant) await t.admin.query(ofTenant, [ada.tenantId]);
      const ofSession = OF_THE_SESSION[each];
      if (ofSession) await t.admin.query(ofSession, [ada.sessionId]);
    }
    const slugOf = async (tenantId: string) =>
      String((await one('SELECT slug FROM sallyport.tenants WHERE id = $1', tenantId))['slug']);
    const proved = (slug: string) => `${slug}:${sha256(`${key}${slug}`)}`;
    const [own, less, foreign] = [
      await slugOf(ada.tenantId),
      await newTenant(),
      await newTenant(),
    ] as const;
    await t.admin.query('INSERT INTO sallyport.memberships VALUES ($1, $2, $3)', [
      less,
      ada.identityId,
      'viewer',
    ]);
    const selection = {
      none: '',
      'its own tenant': proved(own),
      unproved: `${own}:${'0'.repeat(64)}`,
      'one with less': proved(await slugOf(less)),
      'one of others': proved(await slugOf(foreign)),
    }[state.selection];
    return { ada, selection };
  }

  async function bothOf(state: State) {
    const { ada, selection } = await inState(state);
    const said = await saidOf(ada.proof, selection);
    await t.admin.query(
      `UPDATE sallyport.sessions SET active_until = now(), member_id = NULL, member_role = NULL,
        member_kept = NULL, member_policy = NULL WHERE id = $1`,
      [ada.sessionId],
    );
    return { said, without: await saidOf(ada.proof, selection) };
  }

  const USUAL: State = {
    role: 'editor',
    membership: 'there',
    tenant: 'kept',
    asks: 'nothing',
    identity: 'enabled',
    session: 'live',
    selection: 'none',
  };

  const NOTHING = {
    session: null,
    identity: null,
    tenant: null,
    mayRead: false,
    mayWrite: false,
    signedIn: 'SP401',
    read: 'SP401',
    write: 'SP401',
  };

  test('of somebody who may do everything', async () => {
    const { said, without } = await bothOf(USUAL);
    expect(said).toEqual(without);
    expect(said).toMatchObject({ mayRead: true, mayWrite: true, read: said['write'] });
    expect(said['tenant']).not.toBeNull();
  });

  const ONE_THING = Object.entries(STATES).flatMap(([key, values]) =>
    values.slice(1).map((value) => ({ key, value })),
  );
  test.each(ONE_THING)('where the $key is: $value', async ({ key, value }) => {
    const { said, without } = await bothOf({ ...USUAL, [key]: value });
    expect(said).toEqual(without);
  });

  test.each(['expired', 'idle'] as const)(
    'and of a session that is %s: nothing',
    async (session) => {
      const { said } = await bothOf({ ...USUAL, session });
      expect(said).toEqual(NOTHING);
    },
  );

  test('and of somebody who is disabled: nothing', async () => {
    const { said } = await bothOf({ ...USUAL, identity: 'disabled' });
    expect(said).toEqual(NOTHING);
  });

  test('and of another tenant what the person may do there [CWE-639]', async () => {
    const { said: less } = await bothOf({ ...USUAL, selection: 'one with less' });
    expect(less).toMatchObject({ mayRead: true, mayWrite: false, write: 'SP403' });
    const { said: foreign } = await bothOf({ ...USUAL, selection: 'one of others' });
    expect(foreign).toMatchObject({ tenant: null, mayRead: false, mayWrite: false, read: 'SP403' });
  });

  test('in whatever state', async () => {
    const anyOf = fc.record(
      Object.fromEntries(
        Object.entries(STATES).map(([key, values]) => [key, fc.constantFrom(...values)]),
      ),
    ) as unknown as fc.Arbitrary<State>;
    const theSame = fc.asyncProperty(anyOf, async (state) => {
      const { said, without } = await bothOf(state);
      expect(said).toEqual(without);
    });
    await fc.assert(theSame, { numRuns: 60 });
  });
});

describe('until when a session is not idle', () => {
  const activityOf = ({ sessionId }: Member) =>
    one(
      `SELECT s.active_until = a.last_seen_at + INTERVAL '1 hour' AS "asNoted", s.active_until > now() AS "ahead"
        FROM sallyport.sessions AS s JOIN sallyport.session_activity AS a ON a.session_id = s.id WHERE s.id = $1`,
      sessionId,
    );
  const run = async (...statements: readonly { sql: string; parameters: readonly unknown[] }[]) => {
    for (const { sql, parameters } of statements) await t.admin.query(sql, [...parameters]);
  };

  test('is an hour after it was noted as seen, and no later [ASVS 7.3.1]', async () => {
    const ada = await newMember();
    await t.admin.query(
      `UPDATE sallyport.session_activity SET last_seen_at = now() - INTERVAL '50 minutes' WHERE session_id = $1`,
      [ada.sessionId],
    );
    await t.admin.query('UPDATE sallyport.sessions SET active_until = now() WHERE id = $1', [
      ada.sessionId,
    ]);
    await run(keepActive(ada.sessionId));
    expect(await activityOf(ada)).toEqual({ asNoted: true, ahead: true });
    await run(touchSession(ada.sessionId), keepActive(ada.sessionId));
    expect(await activityOf(ada)).toEqual({ asNoted: true, ahead: true });
  });

  test('is written every half hour at the most', async () => {
    const ada = await newMember();
    const version = () =>
      one(
        'SELECT CAST(xmin AS TEXT) AS version FROM sallyport.sessions WHERE id = $1',
        ada.sessionId,
      );
    const before = await version();
    await run(touchSession(ada.sessionId), keepActive(ada.sessionId));
    expect(await version()).toEqual(before);
  });
});

test('sessions of before are given a copy where they are in a tenant of theirs', async () => {
  const ada = await newMember();
  const without = `UPDATE sallyport.sessions SET member_id = NULL, member_role = NULL,
    member_kept = NULL, member_policy = NULL WHERE id = $1`;
  const before = await copyOf(ada);
  await t.admin.query(without, [ada.sessionId]);
  await t.admin.query(COPY_MEMBERSHIPS);
  expect(await copyOf(ada)).toEqual(before);
});
