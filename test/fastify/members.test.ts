// Members and roles of a tenant, over HTTP: what each role may do, and what nobody may.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ageProof } from '../support/accounts.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';
import { insertTestMember, insertTestTenant, type TestTenant } from '../support/tenants.ts';

let t: TestServer;
let acme: TestTenant;

beforeAll(async () => {
  t = await startTestServer();
  acme = await insertTestTenant(t.admin);
});

afterAll(async () => {
  await t.close();
});

const join = (role: string | readonly string[], name?: string) =>
  insertTestMember(t.admin, t.origin, acme, role, name ? { displayName: name } : {});

/** Sends it and tells what it was answered with, and in which tables a row has changed. */
async function tried(
  { browser }: Awaited<ReturnType<typeof join>>,
  method: string,
  path: string,
  body?: object,
) {
  let code: unknown;
  const changed = await changedBy(t.admin, async () => {
    const answer = await browser.send(method, path, body);
    code = answer.status < 300 ? answer.status : (answer.json().code as unknown);
  });
  return { code, changed };
}

const NOTHING: readonly string[] = [];
/** The sessions of the member in the tenant have a copy (decisions/017). */
const CHANGED = ['memberships', 'security_events', 'sessions'];

describe('a member is given another role', () => {
  test('by an admin, and the decision of the next request knows it [ASVS 8.3.2]', async () => {
    const boss = await join('admin');
    const bob = await join('viewer');
    const role = { name: 'scribe', level: 10, permissions: [] };
    expect((await bob.browser.send('POST', '/api/roles', role)).json().code).toBe('forbidden');
    expect(await tried(boss, 'PATCH', `/api/members/${bob.identityId}`, { role: 'admin' })).toEqual(
      {
        code: 200,
        changed: CHANGED,
      },
    );
    expect((await bob.browser.send('POST', '/api/roles', role)).status).toBe(201);
  });

  test('nobody gives a role above their own [CWE-269] [ASVS 8.2.1] [trap 77]', async () => {
    const boss = await join('admin');
    const bob = await join('viewer');
    for (const [id, role] of [
      [bob.identityId, 'owner'],
      [boss.identityId, 'owner'],
    ]) {
      expect(await tried(boss, 'PATCH', `/api/members/${id}`, { role })).toEqual({
        code: 'above-own-level',
        changed: NOTHING,
      });
    }
  });

  test('nor a role with a permission that they do not have, whatever its level [CWE-269]', async () => {
    const clerk = await join(['members:read', 'members:write']);
    const bob = await join('viewer');
    await t.admin.query(
      `INSERT INTO sallyport.roles (tenant_id, name, level, permissions)
        VALUES ($1, 'ledger', 10, '{members:read,keys:write}')`,
      [acme.id],
    );
    expect(
      await tried(clerk, 'PATCH', `/api/members/${bob.identityId}`, { role: 'ledger' }),
    ).toEqual({ code: 'above-own-level', changed: NOTHING });
    const boss = await join('admin');
    expect(
      await tried(boss, 'PATCH', `/api/members/${bob.identityId}`, { role: 'ledger' }),
    ).toEqual({
      code: 200,
      changed: CHANGED,
    });
  });

  test('nobody touches a member above them: not to demote, not to remove [CWE-269]', async () => {
    const boss = await join('admin');
    const owner = await join('owner');
    const path = `/api/members/${owner.identityId}`;
    const refused = { code: 'above-own-level', changed: NOTHING };
    expect(await tried(boss, 'PATCH', path, { role: 'viewer' })).toEqual(refused);
    expect(await tried(boss, 'DELETE', path)).toEqual(refused);
    const other = await join('owner');
    expect(await tried(other, 'PATCH', path, { role: 'viewer' })).toEqual({
      code: 200,
      changed: CHANGED,
    });
  });

  test('an owner is made and unmade with a fresh proof only [ASVS 7.5.3] [CWE-306]', async () => {
    const owner = await join('owner');
    const bob = await join('member');
    const path = `/api/members/${bob.identityId}`;
    await ageProof(t.admin, owner.browser);
    const stale = { code: 'step-up-required', changed: NOTHING };
    expect(await tried(owner, 'PATCH', path, { role: 'owner' })).toEqual(stale);
    // Anything less is no matter for a password.
    expect((await tried(owner, 'PATCH', path, { role: 'admin' })).code).toBe(200);
    await t.admin.query('UPDATE sallyport.sessions SET authenticated_at = now()');
    expect((await tried(owner, 'PATCH', path, { role: 'owner' })).code).toBe(200);
    await ageProof(t.admin, owner.browser);
    expect(await tried(owner, 'DELETE', path)).toEqual(stale);
    await t.admin.query('UPDATE sallyport.sessions SET authenticated_at = now()');
    expect((await tried(owner, 'DELETE', path)).code).toBe(200);
  });

  test('a member of another tenant is nobody, as an id that is none [R-88] [ASVS 8.4.1]', async () => {
    const boss = await join('admin');
    const globex = await insertTestTenant(t.admin);
    const foreign = await insertTestMember(t.admin, t.origin, globex, 'viewer');
    const answers = [];
    for (const id of [foreign.identityId, '00000000-0000-4000-8000-000000000000']) {
      for (const [method, body] of [
        ['GET', undefined],
        ['PATCH', { role: 'viewer' }],
        ['DELETE', undefined],
      ] as const) {
        answers.push(await tried(boss, method, `/api/members/${id}`, body));
      }
    }
    expect(answers).toHaveLength(6);
    for (const answer of answers) expect(answer).toEqual({ code: 'not-found', changed: NOTHING });
  });
});

describe('several changes at once', () => {
  test('happen together', async () => {
    const boss = await join('admin');
    const [one, two] = [await join('viewer'), await join('member')];
    const changes = [
      { id: one.identityId, role: 'member' },
      { id: two.identityId, role: null },
    ];
    const answer = await boss.browser.send('PATCH', '/api/members', { changes });
    expect(answer.json()).toEqual({ changed: 2 });
    const { rows } = await t.admin.query(
      'SELECT role FROM sallyport.memberships WHERE identity_id = ANY ($1)',
      [[one.identityId, two.identityId]],
    );
    expect(rows).toEqual([{ role: 'member' }]);
  });

  test('or not at all: one foreign, forbidden or repeated one among them, and nothing is written [R-90] [CWE-639] [trap 76]', async () => {
    const boss = await join('admin');
    const bob = await join('viewer');
    const good = { id: bob.identityId, role: 'member' };
    const globex = await insertTestTenant(t.admin);
    const foreign = await insertTestMember(t.admin, t.origin, globex, 'viewer');
    const owner = await join('owner');
    const batches: readonly (readonly [object, string])[] = [
      [{ id: foreign.identityId, role: 'viewer' }, 'not-found'],
      [{ id: foreign.identityId, role: null }, 'not-found'],
      [{ id: owner.identityId, role: null }, 'above-own-level'],
      [{ id: boss.identityId, role: 'owner' }, 'above-own-level'],
      [{ id: bob.identityId, role: 'viewer' }, 'not-found'],
      [{ id: boss.identityId, role: 'nobody' }, 'invalid-fields'],
      [{ id: boss.identityId, role: 'viewer', tenant_id: globex.id }, 'invalid-fields'],
    ];
    for (const [bad, code] of batches) {
      for (const changes of [
        [good, bad],
        [bad, good],
      ]) {
        const body = { changes };
        expect(await tried(boss, 'PATCH', '/api/members', body)).toEqual({
          code,
          changed: NOTHING,
        });
      }
    }
    expect((await tried(boss, 'PATCH', '/api/members', { changes: [good] })).code).toBe(200);
  });
});

describe('a tenant keeps an owner', () => {
  test('the last one cannot leave, be demoted or be removed, nor be deleted as a person', async () => {
    const solo = await insertTestTenant(t.admin);
    const owner = await insertTestMember(t.admin, t.origin, solo, 'owner');
    const path = `/api/members/${owner.identityId}`;
    const refused = { code: 'last-owner', changed: NOTHING };
    expect(await tried(owner, 'POST', '/api/tenant/leave')).toEqual(refused);
    expect(await tried(owner, 'DELETE', path)).toEqual(refused);
    expect(await tried(owner, 'PATCH', path, { role: 'admin' })).toEqual(refused);
    expect(await tried(owner, 'POST', '/api/account/delete')).toEqual(refused);
    // One who is about to be deleted, or may not sign in, keeps nothing.
    const other = await insertTestMember(t.admin, t.origin, solo, 'owner');
    expect((await tried(other, 'POST', '/api/account/delete')).code).toBe(202);
    expect(await tried(owner, 'POST', '/api/tenant/leave')).toEqual(refused);
    const third = await insertTestMember(t.admin, t.origin, solo, 'owner');
    await t.admin.query('UPDATE sallyport.identities SET disabled_at = now() WHERE id = $1', [
      third.identityId,
    ]);
    expect(await tried(owner, 'POST', '/api/tenant/leave')).toEqual(refused);
    await insertTestMember(t.admin, t.origin, solo, 'owner');
    expect((await tried(owner, 'POST', '/api/tenant/leave')).code).toBe(204);
    expect((await owner.browser.get('/api/members')).json().code).toBe('forbidden');
  });

  test('it is handed on in one step', async () => {
    const solo = await insertTestTenant(t.admin);
    const owner = await insertTestMember(t.admin, t.origin, solo, 'owner');
    const heir = await insertTestMember(t.admin, t.origin, solo, 'viewer');
    const changes = [
      { id: heir.identityId, role: 'owner' },
      { id: owner.identityId, role: 'member' },
    ];
    expect((await tried(owner, 'PATCH', '/api/members', { changes })).code).toBe(200);
  });

  test('whoever owns a tenant that waits for its deletion may go', async () => {
    const solo = await insertTestTenant(t.admin);
    const owner = await insertTestMember(t.admin, t.origin, solo, 'owner');
    expect((await owner.browser.send('POST', '/api/tenant/delete')).status).toBe(202);
    expect((await owner.browser.send('POST', '/api/account/delete')).status).toBe(202);
  });
});

describe('roles of the tenant', () => {
  const role = { name: 'clerk', level: 20, permissions: ['members:read'] };

  test('are made, changed, given, and deleted once nobody has them', async () => {
    const boss = await join('admin');
    const { browser } = boss;
    const made = await browser.send('POST', '/api/roles', { ...role, title: ' Clerk ' });
    expect(made.json()).toEqual({ ...role, title: 'Clerk', builtIn: false });
    const change = { permissions: ['roles:read', 'members:read', 'roles:read'] };
    expect((await browser.send('PATCH', '/api/roles/clerk', change)).json()).toMatchObject({
      title: 'Clerk',
      permissions: ['members:read', 'roles:read'],
    });
    const bob = await join('clerk');
    expect((await bob.browser.get('/api/roles')).status).toBe(200);
    expect(await tried(boss, 'DELETE', '/api/roles/clerk')).toEqual({
      code: 'role-in-use',
      changed: NOTHING,
    });
    await browser.send('DELETE', `/api/members/${bob.identityId}`);
    expect(await tried(boss, 'DELETE', '/api/roles/clerk')).toEqual({
      code: 204,
      changed: ['roles', 'security_events'],
    });
    expect((await tried(boss, 'DELETE', '/api/roles/clerk')).code).toBe('not-found');
  });

  test('nobody makes or raises one above themselves, not even their own [CWE-269] [R-89]', async () => {
    const boss = await join('admin');
    const bob = await join(['roles:read', 'roles:write', 'members:read']);
    const bobs = (await bob.browser.get(`/api/members/${bob.identityId}`)).json().role as string;
    const own = `/api/roles/${encodeURIComponent(bobs)}`;
    await boss.browser.send('POST', '/api/roles', { ...role, name: 'lofty', level: 30 });
    const cases: readonly (readonly [typeof bob, string, string, object | undefined, string])[] = [
      [boss, 'POST', '/api/roles', { ...role, name: 'x', level: 40 }, 'invalid-fields'],
      [boss, 'POST', '/api/roles', { ...role, permissions: ['tenant:delete'] }, 'above-own-level'],
      [bob, 'POST', '/api/roles', { ...role, level: 20 }, 'above-own-level'],
      [bob, 'PATCH', own, { permissions: ['keys:write'] }, 'above-own-level'],
      [bob, 'PATCH', own, { level: 20 }, 'above-own-level'],
      [bob, 'PATCH', '/api/roles/lofty', { title: 'Mine' }, 'above-own-level'],
      [bob, 'PATCH', '/api/roles/lofty', { level: 10 }, 'above-own-level'],
      [bob, 'DELETE', '/api/roles/lofty', undefined, 'above-own-level'],
      [boss, 'PATCH', '/api/roles/owner', { permissions: [] }, 'built-in-role'],
      [boss, 'PATCH', '/api/roles/viewer', { permissions: ['keys:write'] }, 'built-in-role'],
      [boss, 'DELETE', '/api/roles/viewer', undefined, 'built-in-role'],
    ];
    for (const [who, method, path, body, code] of cases) {
      expect(await tried(who, method, path, body), `${method} ${path}`).toEqual({
        code,
        changed: NOTHING,
      });
    }
    expect((await tried(bob, 'PATCH', own, { title: 'Mine' })).code).toBe(200);
    expect((await tried(boss, 'PATCH', '/api/roles/lofty', { title: 'Ours' })).code).toBe(200);
  });

  test('several change together or not at all [R-90]', async () => {
    const boss = await join('admin');
    await boss.browser.send('POST', '/api/roles', { ...role, name: 'one' });
    const good = { name: 'one', permissions: ['roles:read'] };
    for (const bad of [
      { name: 'none', permissions: [] },
      { name: 'viewer', permissions: [] },
      { name: 'one', permissions: ['tenant:delete'] },
    ]) {
      const outcome = await tried(boss, 'PATCH', '/api/roles', { roles: [good, bad] });
      expect(outcome.changed).toEqual(NOTHING);
      expect(outcome.code).not.toBe(200);
    }
    expect((await tried(boss, 'PATCH', '/api/roles', { roles: [good] })).code).toBe(200);
  });

  test.each([
    [{ name: 'A b' }, { field: 'name', reason: 'malformed-role-name' }],
    [{ name: 'viewer' }, { field: 'name', reason: 'role-name-taken' }],
    [{ level: 15 }, { field: 'level', reason: 'unknown-level' }],
    [{ permissions: ['invoices:raed'] }, { field: 'permissions', reason: 'unknown-permission' }],
    [{ title: 'a\u200bb' }, { field: 'title', reason: 'invisible-characters' }],
    [{ builtIn: true }, { field: 'builtIn', reason: 'unknown-field' }],
  ])('%j is refused', async (change, error) => {
    const boss = await join('admin');
    const answer = await boss.browser.send('POST', '/api/roles', { ...role, ...change });
    expect(answer.json()).toMatchObject({ code: 'invalid-fields', errors: [error] });
  });
});

describe('the list', () => {
  test('is in order of names, page by page, and everybody stands in it once', async () => {
    const many = await insertTestTenant(t.admin);
    const reader = await insertTestMember(t.admin, t.origin, many, 'viewer', {
      displayName: 'Zoe',
    });
    const names = ['ada', 'Ada', 'Ábel', 'Bob', 'bob', 'Bob', 'Eve', 'Mallory', 'Trent'];
    for (const displayName of names) {
      await insertTestMember(t.admin, t.origin, many, 'member', { displayName });
    }
    const seen: { id: string; displayName: string }[] = [];
    let next: string | null = '';
    while (next !== null) {
      const cursor: string = next === '' ? '' : `&cursor=${next}`;
      const page = (await reader.browser.get(`/api/members?limit=3${cursor}`)).json() as {
        members: typeof seen;
        next: string | null;
        total: number;
      };
      expect(page.members.length).toBeLessThanOrEqual(3);
      expect(page.total).toBe(names.length + 1);
      seen.push(...page.members);
      ({ next } = page);
    }
    expect(new Set(seen.map(({ id }) => id)).size).toBe(names.length + 1);
    expect(seen.map(({ displayName }) => displayName).toSorted()).toEqual(
      [...names, 'Zoe'].toSorted(),
    );
    expect(seen.at(-1)?.displayName).toBe('Zoe');
  });

  test.each([
    ['ada', ['Ada Lovelace', 'Grace Adams']],
    ['LOVE', ['Ada Lovelace', 'Lovella King']],
    ['love ada', ['Ada Lovelace']],
    ['countess@', ['Ada Lovelace']],
    ['lace', []],
    ['%', []],
    ['example', []],
  ])('a search for %j finds the beginnings of words', async (search, found) => {
    const few = await insertTestTenant(t.admin);
    const reader = await insertTestMember(t.admin, t.origin, few, 'viewer', { displayName: 'Zoe' });
    const stamp = few.slug;
    for (const [displayName, email] of [
      ['Ada Lovelace', `countess@${stamp}.example.com`],
      ['Grace Adams', `adams@${stamp}.example.com`],
      ['Lovella King', `king@${stamp}.example.com`],
    ]) {
      const person = { displayName: displayName ?? '', email: email ?? '' };
      await insertTestMember(t.admin, t.origin, few, 'member', person);
    }
    const names: string[] = [];
    let next: string | null = '';
    while (next !== null) {
      const cursor: string = next === '' ? '' : `&cursor=${next}`;
      const path = `/api/members?limit=1&search=${encodeURIComponent(search)}${cursor}`;
      const page = (await reader.browser.get(path)).json();
      names.push(...page.members.map((each: { displayName: string }) => each.displayName));
      next = page.next as string | null;
    }
    expect(names.toSorted()).toEqual(found.toSorted());
  });

  test('a member who is renamed, or has another address, is found by the new one', async () => {
    const few = await insertTestTenant(t.admin);
    const ada = await insertTestMember(t.admin, t.origin, few, 'viewer', { displayName: 'Ada' });
    const find = async (search: string) =>
      (await ada.browser.get(`/api/members?search=${search}`)).json().members.length as number;
    expect(await find('ada')).toBe(1);
    const renamed = await ada.browser.send('PATCH', '/api/account/profile', {
      displayName: 'Grace',
    });
    expect(renamed.status).toBe(200);
    expect([await find('ada'), await find('grace')]).toEqual([0, 1]);
    const { rows } = await t.admin.query(
      'SELECT sort_name FROM sallyport.memberships WHERE identity_id = $1',
      [ada.identityId],
    );
    expect(rows).toEqual([{ sort_name: 'grace' }]);
  });
});
