// Making tenants, and seeing those that one is a member of.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SESSION_COOKIE } from '../../src/http/cookies.ts';
import { whoIs } from '../support/accounts.ts';
import { Visitor } from '../support/client.ts';
import { mailsTo, newcomer } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';
import { insertTestMember, insertTestTenant } from '../support/tenants.ts';

let t: TestServer;

beforeAll(async () => {
  t = await startTestServer();
});

afterAll(async () => {
  await t.close();
});

test('whoever makes a tenant is its owner, and in it', async () => {
  const { browser } = await newcomer(t.origin);
  expect((await browser.get('/api/tenants')).json()).toEqual([]);
  const changed = await changedBy(t.admin, async () => {
    const made = await browser.send('POST', '/api/tenants', { name: ' Acme ', slug: 'Acme-1' });
    expect(made.status).toBe(201);
    expect(made.json().tenant).toMatchObject({ slug: 'acme-1', name: 'Acme' });
  });
  expect(changed).toEqual([
    'member_words',
    'memberships',
    'roles',
    'security_events',
    'sessions',
    'tenants',
  ]);
  expect((await browser.get('/api/tenants')).json()).toEqual([
    {
      id: expect.any(String),
      slug: 'acme-1',
      name: 'Acme',
      role: 'owner',
      active: true,
      deletesAt: null,
    },
  ]);
  const { rows } = await t.admin.query(
    `SELECT r.name, r.level, r.built_in FROM sallyport.roles AS r
      JOIN sallyport.tenants AS t ON t.id = r.tenant_id WHERE t.slug = 'acme-1' ORDER BY r.level`,
  );
  expect(rows).toEqual(
    [
      ['viewer', 10],
      ['member', 20],
      ['admin', 30],
      ['owner', 40],
    ].map(([name, level]) => ({ name, level, built_in: true })),
  );
});

test('the session gets a new secret with it, and keeps the time of its proof [ASVS 7.2.4]', async () => {
  const { browser } = await newcomer(t.origin);
  const before = await whoIs(browser);
  const old = new Visitor(t.origin);
  for (const [name, value] of browser.cookies) old.cookies.set(name, value);
  const token = browser.csrfToken;
  expect((await browser.send('POST', '/api/tenants', { name: 'Acme' })).status).toBe(201);
  const after = await whoIs(browser);
  expect(browser.cookies.get(SESSION_COOKIE)).not.toBe(old.cookies.get(SESSION_COOKIE));
  expect(after.session).toEqual(before.session);
  expect((await old.get('/api/session')).status).toBe(401);
  // The token from before is worth nothing in the new session.
  browser.csrfToken = token;
  const changed = await changedBy(t.admin, async () => {
    const refused = await browser.send('POST', '/api/tenants', { name: 'Acme' });
    expect(refused.json().code).toBe('synchronizer-token-mismatch');
  });
  expect(changed).toEqual([]);
});

test('a slug is made of the name, and another one where that is taken', async () => {
  const { browser } = await newcomer(t.origin);
  const make = async () =>
    (await browser.send('POST', '/api/tenants', { name: 'Twice Told' })).json().tenant.slug;
  expect(await make()).toBe('twice-told');
  expect(await make()).toMatch(/^twice-told-[0-9a-f]{6}$/);
});

test.each([
  [{ name: 'Acme', slug: 'taken' }, [{ field: 'slug', reason: 'slug-taken' }]],
  [
    { name: '', slug: '-' },
    [
      { field: 'name', reason: 'required' },
      { field: 'slug', reason: 'malformed-slug' },
    ],
  ],
  [{ name: 'Acme', tenant_id: 'x' }, [{ field: 'tenant_id', reason: 'unknown-field' }]],
  [{ name: 'Acme', role: 'owner' }, [{ field: 'role', reason: 'unknown-field' }]],
])('%j is refused and nothing is made', async (body, errors) => {
  const first = await newcomer(t.origin);
  await first.browser.send('POST', '/api/tenants', { name: 'First', slug: 'taken' });
  const { browser } = await newcomer(t.origin);
  const changed = await changedBy(t.admin, async () => {
    const refused = await browser.send('POST', '/api/tenants', body);
    expect(refused.json()).toMatchObject({ code: 'invalid-fields', errors });
  });
  expect(changed).toEqual([]);
});

test('all owners are told that their tenant will be deleted, and that it will not, and nobody else', async () => {
  const tenant = await insertTestTenant(t.admin, { name: 'Evil: visit evil.example' });
  const join = (role: string) => insertTestMember(t.admin, t.origin, tenant, role);
  const [one, two, boss] = [await join('owner'), await join('owner'), await join('admin')];
  const subjects = async ({ email }: { readonly email: string }) =>
    (await mailsTo(t.origin, email)).map(({ subject }) => subject);
  expect((await one.browser.send('POST', '/api/tenant/delete')).status).toBe(202);
  const GOING = 'A tenant of yours at Sallyport is going to be deleted';
  const KEPT = 'A tenant of yours at Sallyport is restored';
  for (const owner of [one, two]) expect(await subjects(owner)).toEqual([GOING]);
  // A second owner may call it off; an admin may not, and is not written to either.
  const restore = `/api/tenants/${tenant.id}/restore`;
  expect((await boss.browser.send('POST', restore)).status).toBe(404);
  expect((await two.browser.send('POST', restore)).status).toBe(204);
  for (const owner of [one, two]) expect((await subjects(owner)).toSorted()).toEqual([GOING, KEPT]);
  expect(await subjects(boss)).toEqual([]);
  for (const { text, links } of await mailsTo(t.origin, two.email)) {
    expect(text).toContain(tenant.slug);
    // What somebody has typed is in no mail to somebody else.
    expect(text).not.toContain('evil');
    expect(links).toEqual([`${t.origin}/tenants`]);
  }
});
