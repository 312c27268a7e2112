// A tenant's pages, as a browser without scripts uses them.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ageProof } from '../support/accounts.ts';
import { fieldValue, type Visitor } from '../support/client.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';
import { insertTestMember, insertTestTenant, type TestTenant } from '../support/tenants.ts';

let t: TestServer;

beforeAll(async () => {
  t = await startTestServer();
});

afterAll(async () => {
  await t.close();
});

const join = (tenant: TestTenant, role: string, more = {}) =>
  insertTestMember(t.admin, t.origin, tenant, role, more);

async function submit(browser: Visitor, page: string, path: string, fields: object) {
  const csrf = fieldValue((await browser.get(page)).text, '_csrf');
  expect(csrf).not.toBe('');
  return await browser.submit(path, { _csrf: csrf, ...fields });
}

test('a tenant is made, renamed, and deleted and restored by its owner', async () => {
  const acme = await insertTestTenant(t.admin);
  const { browser } = await join(acme, 'viewer');
  const refused = await submit(browser, '/tenants/new', '/tenants/new', { name: '', slug: '-' });
  expect(refused.status).toBe(400);
  expect(refused.text).toContain('Enter a name.');
  const slug = `made-${acme.slug.slice(2)}`;
  const made = await submit(browser, '/tenants/new', '/tenants/new', { name: 'Made', slug });
  expect(made.headers.location).toBe('/tenant');
  const settings = await browser.get('/tenant');
  expect(fieldValue(settings.text, 'name')).toBe('Made');
  const changed = await submit(browser, '/tenant', '/tenant', { name: 'Renamed', slug });
  expect(changed.headers.location).toBe('/tenant?notice=tenant-saved');
  expect((await browser.get('/tenant?notice=tenant-saved')).text).toContain('are saved');
  await ageProof(t.admin, browser);
  expect((await browser.get('/tenant/delete')).headers.location).toContain('/re-authenticate');
  await t.admin.query('UPDATE sallyport.sessions SET authenticated_at = now()');
  const gone = await submit(browser, '/tenant/delete', '/tenant/delete', {});
  expect(gone.headers.location).toBe('/tenants');
  expect((await browser.get('/tenant')).status).toBe(403);
  const list = (await browser.get('/tenants')).text;
  expect(list).toContain('Will be deleted on');
  const tenantId = /action="\/tenants\/restore".*?name="tenantId" value="([^"]+)"/.exec(list)?.[1];
  await submit(browser, '/tenants', '/tenants/restore', { tenantId });
  expect((await browser.get('/tenant')).status).toBe(200);
});

test('the header of every page leads to the other tenants, where there are any', async () => {
  const acme = await insertTestTenant(t.admin, { name: 'Acme' });
  const globex = await insertTestTenant(t.admin, { name: 'Globex <&' });
  const { browser: alone } = await join(acme, 'viewer');
  const { browser } = await join(acme, 'viewer', { others: [[globex, 'owner']] });
  for (const path of ['/account', '/account/sessions', '/tenant', '/tenant/members', '/tenants']) {
    expect((await alone.get(path)).text).not.toContain('class="switcher"');
    const page = (await browser.get(path)).text;
    expect(page, path).toContain('class="switcher"');
    expect(page).toContain('>Globex &lt;&amp;</option>');
    expect(page).toMatch(/<option value="[^"]+" selected>Acme/);
  }
  const entered = await submit(browser, '/account', '/tenants/enter', { tenantId: globex.id });
  expect(entered.headers.location).toBe('/tenant');
  expect(fieldValue((await browser.get('/tenant')).text, 'name')).toBe('Globex &lt;&amp;');
});

test('a page of a tenant asks which, and goes on there [ASVS 8.4.1]', async () => {
  const [acme, globex] = [await insertTestTenant(t.admin), await insertTestTenant(t.admin)];
  const { browser } = await join(acme, 'viewer', {
    others: [[globex, 'viewer']],
    unselected: true,
  });
  const asked = await browser.get('/tenant/members?search=ada');
  expect(asked.status).toBe(409);
  expect(asked.text).toContain('Which tenant is this for?');
  const entered = await browser.submit('/tenants/enter', {
    _csrf: fieldValue(asked.text, '_csrf'),
    tenantId: globex.id,
    return_to: fieldValue(asked.text, 'return_to'),
  });
  expect(entered.headers.location).toBe('/tenant/members?search=ada');
  expect((await browser.get('/tenant/members?search=ada')).status).toBe(200);
});

test('and to nowhere else [CWE-601]', async () => {
  const [acme, globex] = [await insertTestTenant(t.admin), await insertTestTenant(t.admin)];
  const { browser } = await join(acme, 'viewer', { others: [[globex, 'viewer']] });
  for (const return_to of ['//evil.example', 'https://evil.example', '/\\evil.example']) {
    const fields = { tenantId: globex.id, return_to };
    const entered = await submit(browser, '/tenants', '/tenants/enter', fields);
    expect(entered.headers.location).toBe('/tenant');
  }
});

test('members are found, given roles, and removed after asking once more', async () => {
  const acme = await insertTestTenant(t.admin);
  const { browser } = await join(acme, 'admin', { displayName: 'Zoe' });
  const bob = await join(acme, 'viewer', { displayName: 'Bob <b>' });
  const owner = await join(acme, 'owner', { displayName: 'Olive' });
  const page = (await browser.get('/tenant/members?search=bob')).text;
  expect(page).toContain('Bob &lt;b');
  expect(page).not.toContain('Olive');
  const all = (await browser.get('/tenant/members')).text;
  // Nothing is offered that would be refused: not the owner's row, and no role above one's own.
  expect(all).not.toContain(`value="${owner.identityId}"`);
  expect(all).not.toContain('value="owner"');
  const changed = await submit(browser, '/tenant/members', '/tenant/members', {
    id: bob.identityId,
    role: 'member',
  });
  expect(changed.headers.location).toBe('/tenant/members?notice=member-changed');
  const path = `/tenant/members/remove?id=${bob.identityId}`;
  const removed = await submit(browser, path, '/tenant/members/remove', { id: bob.identityId });
  expect(removed.headers.location).toBe('/tenant/members?notice=member-removed');
  expect((await browser.get(path)).status).toBe(404);
  const last = await submit(owner.browser, '/tenant/leave', '/tenant/leave', {});
  expect(last.status).toBe(409);
  expect(last.text).toContain('A tenant needs an owner');
});

test('the table of roles is saved as it was ticked', async () => {
  const acme = await insertTestTenant(t.admin);
  const { browser } = await join(acme, 'admin');
  const made = await submit(browser, '/tenant/roles', '/tenant/roles/new', {
    name: 'clerk',
    title: 'Clerk',
    level: '20',
  });
  expect(made.headers.location).toBe('/tenant/roles?notice=role-made');
  const table = (await browser.get('/tenant/roles')).text;
  expect(table).toContain('value="clerk members:read"');
  // What the reader does not have, and what is built in, cannot be ticked.
  expect(table).not.toContain('value="clerk tenant:delete"');
  expect(table).not.toContain('value="viewer members:read"');
  const body = new URLSearchParams([
    ['_csrf', fieldValue(table, '_csrf')],
    ['role', 'clerk'],
    ['permit', 'clerk members:read'],
    ['permit', 'clerk roles:read'],
  ]).toString();
  const saved = await browser.submit('/tenant/roles', body);
  expect(saved.headers.location).toBe('/tenant/roles?notice=roles-saved');
  const roles = (await browser.get('/api/roles')).json() as {
    name: string;
    permissions: string[];
  }[];
  expect(roles.find(({ name }) => name === 'clerk')?.permissions).toEqual([
    'members:read',
    'roles:read',
  ]);
  const changed = await changedBy(t.admin, async () => {
    const forged = body.replaceAll('clerk', 'viewer');
    expect((await browser.submit('/tenant/roles', forged)).status).toBe(409);
    const lofty = body.replace('members%3Aread', 'tenant%3Adelete');
    expect((await browser.submit('/tenant/roles', lofty)).status).toBe(403);
  });
  expect(changed).toEqual([]);
  const deleted = await submit(browser, '/tenant/roles', '/tenant/roles/delete', { name: 'clerk' });
  expect(deleted.headers.location).toBe('/tenant/roles?notice=role-deleted');
});
