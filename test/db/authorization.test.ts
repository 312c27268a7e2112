import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Refusal, runAuthorized } from '../../src/db/authorization.ts';
import type { Statement } from '../../src/db/batch.ts';
import { type Database, openServerDatabase } from '../../src/db/database.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { insertPrincipal, insertSessionOf, loginsOf, type TestPrincipal } from './principals.ts';
import { CREATE_NOTES } from './notes-table.ts';

let t: TestDatabase;
let database: Database;
let tenants: readonly [string, string];
/** An editor of the first tenant, a viewer of it, and an editor of the second. */
let editor: TestPrincipal;
let viewer: TestPrincipal;
let foreigner: TestPrincipal;

beforeAll(async () => {
  t = await createDatabase();
  database = openServerDatabase(loginsOf(t.url));
  await t.admin.query(CREATE_NOTES);
});
afterAll(async () => {
  await database.close();
  await t.drop();
});
beforeEach(async () => {
  await t.admin.query('DELETE FROM notes');
  tenants = [await insertTenant('one'), await insertTenant('two')];
  editor = await member(tenants[0], 'editor');
  viewer = await member(tenants[0], 'viewer');
  foreigner = await member(tenants[1], 'editor');
  await t.admin.query(`INSERT INTO notes VALUES ($1, 'ours'), ($2, 'theirs')`, [...tenants]);
});

async function insertTenant(name: string): Promise<string> {
  const { rows } = await t.admin.query(
    'INSERT INTO sallyport.tenants (name) VALUES ($1) RETURNING id',
    [name],
  );
  await t.admin.query(
    `INSERT INTO sallyport.roles VALUES
      ($1, 'viewer', '{notes:read}'), ($1, 'editor', '{notes:read,notes:write}')`,
    [rows[0].id],
  );
  return rows[0].id;
}

async function member(tenantId: string, role: string): Promise<TestPrincipal> {
  const principal = await insertPrincipal(t.admin, role, tenantId);
  await t.admin.query('INSERT INTO sallyport.memberships VALUES ($1, $2, $3)', [
    tenantId,
    principal.identityId,
    role,
  ]);
  return principal;
}

function statement(sql: string, ...parameters: readonly unknown[]): Statement {
  return { sql: `${sql} /* attack */`, parameters };
}

const allNotes = statement('SELECT text FROM notes ORDER BY text');
const insertNote = (tenantId: string, text: string) =>
  statement('INSERT INTO notes VALUES ($1, $2)', tenantId, text);

type Outcome = Refusal | readonly unknown[];

async function read(
  { proof }: Pick<TestPrincipal, 'proof'>,
  permission: string | null = null,
): Promise<Outcome> {
  const requirement = { role: 'sallyport_app', proof, permission } as const;
  const answer = await runAuthorized(database, requirement, [allNotes]);
  if ('refusal' in answer) return answer.refusal;
  return answer.results[0]?.rows.map(({ text }) => text) ?? [];
}

async function write(
  { proof, synchronizerDigest }: { proof: string; synchronizerDigest: string | null },
  statements: readonly Statement[],
  permission: string | null = null,
): Promise<Refusal | 'written'> {
  const requirement = { role: 'sallyport_app', proof, permission, synchronizerDigest } as const;
  const answer = await runAuthorized(database, requirement, statements);
  return 'refusal' in answer ? answer.refusal : 'written';
}

async function notes(): Promise<string[]> {
  const { rows } = await t.admin.query<{ text: string }>('SELECT text FROM notes ORDER BY text');
  return rows.map(({ text }) => text);
}

/** What ends an authority, on either side of a request. */
const REVOCATIONS: readonly {
  readonly name: string;
  readonly sql: string;
  readonly refusal: Refusal;
}[] = [
  {
    name: 'an ended session',
    sql: 'DELETE FROM sallyport.sessions WHERE id = $1 OR identity_id = $2',
    refusal: 'not-signed-in',
  },
  {
    name: 'an expired session',
    sql: `UPDATE sallyport.sessions SET expires_at = now() WHERE id = $1 OR identity_id = $2`,
    refusal: 'not-signed-in',
  },
  {
    name: 'a disabled identity',
    sql: `UPDATE sallyport.identities SET disabled_at = now() WHERE id <> $1 AND id = $2`,
    refusal: 'not-signed-in',
  },
  {
    name: 'a removed membership',
    sql: 'DELETE FROM sallyport.memberships WHERE tenant_id <> $1 AND identity_id = $2',
    refusal: 'forbidden',
  },
  {
    name: 'a lesser role',
    sql: `UPDATE sallyport.memberships SET role = 'viewer' WHERE tenant_id <> $1 AND identity_id = $2`,
    refusal: 'forbidden',
  },
];

const revoke = (sql: string, { sessionId, identityId }: TestPrincipal) =>
  t.admin.query(sql, [sessionId, identityId]);

describe('a decision of the database', () => {
  test('is the principal: identity, tenant, address, session', async () => {
    const requirement = {
      role: 'sallyport_app',
      withAccount: true,
      proof: editor.proof,
      permission: null,
    } as const;
    expect(await runAuthorized(database, requirement, [])).toMatchObject({
      principal: {
        identityId: editor.identityId,
        sessionId: editor.sessionId,
        tenantId: tenants[0],
        email: editor.email,
        synchronizerGeneration: 1,
        seenLongAgo: false,
      },
      results: [],
    });
  });

  test('is the principal of somebody in no tenant and without an address', async () => {
    const loner = await insertPrincipal(t.admin, 'loner');
    await t.admin.query('DELETE FROM sallyport.email_addresses WHERE identity_id = $1', [
      loner.identityId,
    ]);
    const requirement = { role: 'sallyport_app', proof: loner.proof, permission: null } as const;
    const without = await runAuthorized(database, requirement, [allNotes]);
    expect(without).toMatchObject({
      principal: { identityId: loner.identityId, tenantId: null, permissions: null },
      results: [{ rows: [] }],
    });
    const asked = await runAuthorized(database, { ...requirement, withAccount: true }, []);
    expect(asked).toMatchObject({ principal: { email: null, displayName: loner.displayName } });
  });

  test('carries permissions, address and name whatever is in them', async () => {
    const [tenant] = tenants;
    const odd = ['a"b', 'c\\d', 'e,f', '{g}', 'null', ' h ', 'ï'];
    await t.admin.query(`INSERT INTO sallyport.roles VALUES ($1, 'odd', $2)`, [tenant, odd]);
    const principal = await member(tenant, 'odd');
    const displayName = '"],\\ null ï';
    await t.admin.query('UPDATE sallyport.profiles SET display_name = $1 WHERE identity_id = $2', [
      displayName,
      principal.identityId,
    ]);
    const requirement = { role: 'sallyport_app', proof: principal.proof } as const;
    for (const permission of odd) {
      const decided = await runAuthorized(
        database,
        { ...requirement, permission, withAccount: true },
        [],
      );
      expect(decided).toMatchObject({
        principal: { tenantId: tenant, permissions: odd, displayName },
      });
    }
    const absent = { ...requirement, permission: 'g' };
    expect(await runAuthorized(database, absent, [])).toEqual({ refusal: 'forbidden' });
  });

  test('leaves its proof, identity and tenant to the statements behind it, and to nobody else [R-98]', async () => {
    const names = ['proof', 'identity', 'tenant'];
    const left = statement(
      `SELECT ${names.map((name) => `COALESCE(current_setting('sallyport.${name}', true), '') AS ${name}`).join(', ')}`,
    );
    const loner = await insertPrincipal(t.admin, 'loner');
    const asked = { role: 'sallyport_app', permission: null } as const;
    for (const [{ proof, identityId, synchronizerDigest }, tenant] of [
      [editor, tenants[0]],
      [loner, ''],
    ] as const) {
      for (const requirement of [
        { ...asked, proof },
        { ...asked, proof, synchronizerDigest },
      ]) {
        const answer = await runAuthorized(database, requirement, [left]);
        expect(answer).toMatchObject({
          results: [{ rows: [{ proof, identity: identityId, tenant }] }],
        });
        for (let connection = 0; connection < 8; connection++) {
          const [after] = await database.batch({ role: 'sallyport_app', access: 'read' }, [left]);
          expect(after?.rows).toEqual([{ proof: '', identity: '', tenant: '' }]);
        }
      }
    }
  });

  test.each(['', '0'.repeat(64), 'x', `' OR true --`])(
    'for the proof "%s" is: not signed in (SP401)',
    async (proof) => {
      expect(await read({ proof })).toBe('not-signed-in');
      const synchronizerDigest = editor.synchronizerDigest;
      const attempt = write({ proof, synchronizerDigest }, [insertNote(tenants[0], 'x')]);
      expect(await attempt).toBe('not-signed-in');
      expect(await notes()).toEqual(['ours', 'theirs']);
    },
  );

  test('for the digest of a proof is: not signed in; what is stored signs nobody in [ASVS 7.2.2]', async () => {
    const { rows } = await t.admin.query('SELECT proof_digest FROM sallyport.sessions');
    for (const { proof_digest: proof } of rows) expect(await read({ proof })).toBe('not-signed-in');
    expect(await read(editor)).toEqual(['ours']);
  });

  test('on a permission is the role of the membership (SP403) [CWE-862]', async () => {
    expect(await read(viewer, 'notes:read')).toEqual(['ours']);
    expect(await read(viewer, 'notes:write')).toBe('forbidden');
    expect(await read(viewer, 'notes:%')).toBe('forbidden');
    expect(await write(viewer, [insertNote(tenants[0], 'x')], 'notes:write')).toBe('forbidden');
    expect(await notes()).toEqual(['ours', 'theirs']);
    expect(await write(editor, [insertNote(tenants[0], 'x')], 'notes:write')).toBe('written');
    expect(await notes()).toEqual(['ours', 'theirs', 'x']);
  });

  test('on a permission for somebody without a tenant is: forbidden', async () => {
    const nobodys = await insertPrincipal(t.admin, 'loner');
    expect(await read(nobodys)).toEqual([]);
    expect(await read(nobodys, 'notes:read')).toBe('forbidden');
  });

  test('on a write without the synchronizer token of its own session is a refusal (SP419) [CWE-352]', async () => {
    const other = await insertSessionOf(t.admin, editor.identityId, tenants[0]);
    for (const synchronizerDigest of [
      null,
      '',
      viewer.synchronizerDigest,
      other.synchronizerDigest,
    ]) {
      const attempt = write({ proof: editor.proof, synchronizerDigest }, [
        insertNote(tenants[0], 'x'),
      ]);
      expect(await attempt).toBe('synchronizer-token-mismatch');
    }
    expect(await notes()).toEqual(['ours', 'theirs']);
    expect(await write(editor, [insertNote(tenants[0], 'x')])).toBe('written');
  });
});

describe('a table of tenants', () => {
  test('shows each principal the rows of its own tenant [CWE-639]', async () => {
    expect([await read(editor), await read(viewer), await read(foreigner)]).toEqual([
      ['ours'],
      ['ours'],
      ['theirs'],
    ]);
  });

  test('takes no row for another tenant, and gives none away [CWE-639]', async () => {
    const [, other] = tenants;
    const refused = { code: '42501' };
    await expect(write(editor, [insertNote(other, 'planted')])).rejects.toMatchObject(refused);
    const move = statement('UPDATE notes SET tenant_id = $1', other);
    await expect(write(editor, [move])).rejects.toMatchObject(refused);
    expect(await write(editor, [statement(`UPDATE notes SET text = text || '!'`)])).toBe('written');
    expect(await notes()).toEqual(['ours!', 'theirs']);
    expect(await write(editor, [statement('DELETE FROM notes')])).toBe('written');
    expect(await notes()).toEqual(['theirs']);
  });

  test('a statement that fails takes the whole write back', async () => {
    const twice = [insertNote(tenants[0], 'x'), insertNote(tenants[0], 'ours')];
    await expect(write(editor, twice)).rejects.toMatchObject({ code: '23505' });
    expect(await notes()).toEqual(['ours', 'theirs']);
  });

  test('a session in a tenant that it has no membership of sees nothing', async () => {
    const { proof } = await insertSessionOf(t.admin, foreigner.identityId, tenants[0]);
    expect(await read({ proof })).toEqual([]);
    expect(await read({ proof }, 'notes:read')).toBe('tenant-not-selected');
  });
});

describe.each(REVOCATIONS)('$name', ({ sql, refusal }) => {
  test('is in force for the next request, read or write [CWE-613] [ASVS 7.4.1]', async () => {
    const attempt = () => write(editor, [insertNote(tenants[0], 'late')], 'notes:write');
    expect(await read(editor, 'notes:write')).toEqual(['ours']);
    await revoke(sql, editor);
    expect(await read(editor, 'notes:write')).toBe(refusal);
    expect(await attempt()).toBe(refusal);
    expect(await notes()).toEqual(['ours', 'theirs']);
    expect(await read(foreigner, 'notes:write')).toEqual(['theirs']);
  });

  test('in a race with a write: none is committed after the revocation was [CWE-367]', async () => {
    const outcomes = new Set<string>();
    for (let round = 0; round < 50 || (round < 500 && outcomes.size < 2); round++) {
      const principal = await member(tenants[0], 'editor');
      const slow = statement('SELECT pg_sleep($1::FLOAT8)', 0.01);
      // Now the revocation is a little ahead, now the write.
      const ahead = round % 3 === 0 ? revoke(sql, principal) : null;
      if (ahead) await sleep(round % 2);
      const statements = [slow, insertNote(tenants[0], `round ${round}`), slow];
      const written = write(principal, statements, 'notes:write');
      if (!ahead) await sleep(round % 25);
      await (ahead ?? revoke(sql, principal));
      const atRevocation = await notes();
      outcomes.add(await written);
      expect(await notes()).toEqual(atRevocation);
      expect(await write(principal, [insertNote(tenants[0], 'after')], 'notes:write')).toBe(
        refusal,
      );
    }
    // The race was one: both ends happened.
    expect(outcomes).toEqual(new Set(['written', refusal]));
  });
});

test('a permission taken from a role is refused at the next request, read or write [R-34] [CWE-613] [ASVS 8.3.2]', async () => {
  const [tenant] = tenants;
  const attempt = () => write(editor, [insertNote(tenant, 'late')], 'notes:write');
  expect(await read(editor, 'notes:write')).toEqual(['ours']);
  await t.admin.query(
    `UPDATE sallyport.roles SET permissions = '{notes:read}' WHERE tenant_id = $1 AND name = 'editor'`,
    [tenant],
  );
  expect([await read(editor, 'notes:write'), await attempt()]).toEqual(['forbidden', 'forbidden']);
  expect(await notes()).toEqual(['ours', 'theirs']);
  // The control: what the role still has, and the same role of another tenant.
  expect(await read(editor, 'notes:read')).toEqual(['ours']);
  expect(await read(foreigner, 'notes:write')).toEqual(['theirs']);
});

test('a permission taken from a role: no write is committed after that was [CWE-367]', async () => {
  const setPermissions = (permissions: readonly string[]) =>
    t.admin.query(
      `INSERT INTO sallyport.roles (tenant_id, name, permissions) VALUES ($1, 'guest', $2)
        ON CONFLICT (tenant_id, name) DO UPDATE SET permissions = excluded.permissions`,
      [tenants[0], permissions],
    );
  const both = ['notes:read', 'notes:write'];
  await setPermissions(both);
  const guest = await member(tenants[0], 'guest');
  const outcomes = new Set<string>();
  for (let round = 0; round < 50 || (round < 500 && outcomes.size < 2); round++) {
    await setPermissions(both);
    const slow = statement('SELECT pg_sleep($1::FLOAT8)', 0.01);
    const ahead = round % 3 === 0 ? setPermissions(['notes:read']) : null;
    if (ahead) await sleep(round % 2);
    const statements = [slow, insertNote(tenants[0], `guest ${round}`), slow];
    const written = write(guest, statements, 'notes:write');
    if (!ahead) await sleep(round % 25);
    await (ahead ?? setPermissions(['notes:read']));
    const atRevocation = await notes();
    outcomes.add(await written);
    expect(await notes()).toEqual(atRevocation);
  }
  expect(outcomes).toEqual(new Set(['written', 'forbidden']));
});
