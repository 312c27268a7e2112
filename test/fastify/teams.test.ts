// Teams of a tenant: who sees them, who changes them, and that they are no other tenant's.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { changedBy } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';
import { insertTestMember, insertTestTenant, type TestTenant } from '../support/tenants.ts';

type TestMember = Awaited<ReturnType<typeof insertTestMember>>;

let t: TestServer;
let acme: TestTenant;
let owner: TestMember;
let admin: TestMember;
let member: TestMember;
let foreign: TestMember;

beforeAll(async () => {
  t = await startTestServer();
  acme = await insertTestTenant(t.admin);
  owner = await join('owner');
  admin = await join('admin');
  member = await join('member');
  const other = await insertTestTenant(t.admin);
  foreign = await insertTestMember(t.admin, t.origin, other, 'owner');
});

afterAll(async () => {
  await t.close();
});

const join = (role: string | readonly string[]) => insertTestMember(t.admin, t.origin, acme, role);
const make = (by: TestMember, slug: string, name = 'Support') =>
  by.browser.send('POST', '/api/teams', { name, slug });
const put = (by: TestMember, slug: string, id: string, role = 'member') =>
  by.browser.send('PUT', `/api/teams/${slug}/members/${id}`, { role });
const slugsOf = async ({ browser }: TestMember) =>
  (await browser.get('/api/teams')).json().teams.map(({ slug }: { slug: string }) => slug);

test('a team is made, renamed, listed and deleted by those who may, and noted', async () => {
  const changed = await changedBy(t.admin, async () => {
    const made = await make(owner, 'Rename-Me', ' Support ');
    expect(made.status).toBe(201);
    expect(made.json()).toEqual({ id: expect.any(String), slug: 'rename-me', name: 'Support' });
  });
  expect(changed).toEqual(['security_events', 'teams']);
  const renamed = await admin.browser.send('PATCH', '/api/teams/rename-me', { slug: 'renamed' });
  expect(renamed.json()).toMatchObject({ slug: 'renamed', name: 'Support' });
  expect((await put(admin, 'renamed', member.identityId, 'lead')).json()).toEqual({ changed: 1 });
  const { teams } = (await member.browser.get('/api/teams')).json();
  expect(teams).toContainEqual(
    expect.objectContaining({ slug: 'renamed', members: 1, ownRole: 'lead' }),
  );
  expect((await admin.browser.send('DELETE', '/api/teams/renamed')).status).toBe(204);
  expect(await slugsOf(owner)).not.toContain('renamed');
  const { rows } = await t.admin.query(
    `SELECT kind FROM sallyport.security_events WHERE kind LIKE 'team-%' AND tenant_id = $1 ORDER BY at`,
    [owner.tenantId],
  );
  expect(rows.map(({ kind }) => kind)).toEqual([
    'team-created',
    'team-changed',
    'team-member-changed',
    'team-deleted',
  ]);
});

test('two tenants have a team of the same slug, and each sees its own [R-97] [CWE-639]', async () => {
  for (const by of [owner, foreign]) expect((await make(by, 'twin-team')).status).toBe(201);
  await put(owner, 'twin-team', member.identityId);
  const ids = async ({ browser }: TestMember) =>
    (await browser.get('/api/teams/twin-team/members'))
      .json()
      .members.map(({ id }: { id: string }) => id);
  expect(await ids(owner)).toEqual([member.identityId]);
  expect(await ids(foreign)).toEqual([]);
  const changed = await changedBy(t.admin, () => make(owner, 'twin-team'));
  expect(changed).toEqual([]);
});

test('a foreign, a missing and a forbidden team answer alike [R-91] [CWE-204] [trap 72]', async () => {
  const blind = await join([]);
  await make(owner, 'not-for-all');
  const answers = [
    await foreign.browser.get('/api/teams/not-for-all/members'),
    await owner.browser.get('/api/teams/missing-team/members'),
    await blind.browser.get('/api/teams/not-for-all/members'),
    await blind.browser.get('/api/teams/missing-team/members'),
  ];
  const without = ({ status, text }: (typeof answers)[number]) => {
    const { requestId: _, instance: __, ...body } = JSON.parse(text);
    return { status, body };
  };
  expect(new Set(answers.map((each) => JSON.stringify(without(each)))).size).toBe(1);
  expect(answers[0]?.status).toBe(404);
  expect((await member.browser.get('/api/teams/not-for-all/members')).status).toBe(200);
});

test('a role in a team permits there what it permits, and nowhere else [ASVS 8.2.1]', async () => {
  const lead = await join([]);
  for (const slug of ['led-team', 'other-team']) await make(owner, slug);
  expect((await put(lead, 'led-team', member.identityId)).status).toBe(404);
  await put(owner, 'led-team', lead.identityId, 'lead');
  expect((await put(lead, 'led-team', member.identityId)).json()).toEqual({ changed: 1 });
  expect((await lead.browser.get('/api/teams/led-team/members')).json().members).toHaveLength(2);
  const changed = await changedBy(t.admin, async () => {
    expect((await put(lead, 'other-team', member.identityId)).status).toBe(404);
    expect((await lead.browser.get('/api/teams')).status).toBe(403);
    expect((await lead.browser.send('DELETE', '/api/teams/led-team')).status).toBe(403);
  });
  expect(changed).toEqual([]);
  // Led by nobody any more, at the next request.
  await put(owner, 'led-team', lead.identityId, 'member');
  expect((await put(lead, 'led-team', member.identityId)).status).toBe(404);
  expect((await lead.browser.get('/api/teams/led-team/members')).status).toBe(200);
});

test('a batch with one foreign member among its changes changes nobody [R-90] [trap 76]', async () => {
  await make(owner, 'all-or-none');
  const send = (ids: readonly string[]) =>
    owner.browser.send('PATCH', '/api/teams/all-or-none/members', {
      changes: ids.map((id) => ({ id, role: 'member' })),
    });
  for (const odd of [foreign.identityId, randomUUID(), admin.identityId]) {
    const ids = odd === admin.identityId ? [odd, odd] : [admin.identityId, odd];
    const changed = await changedBy(t.admin, async () => {
      expect((await send(ids)).status).toBe(404);
    });
    expect(changed).toEqual([]);
  }
  expect((await send([admin.identityId, member.identityId])).json()).toEqual({ changed: 2 });
});

test('who leaves the tenant has left its teams', async () => {
  const leaving = await join('member');
  await make(owner, 'left-team');
  await put(owner, 'left-team', leaving.identityId);
  expect((await leaving.browser.send('POST', '/api/tenant/leave')).status).toBe(204);
  expect((await owner.browser.get('/api/teams/left-team/members')).json().members).toEqual([]);
});

test('members and teams come a page at a time, and a cursor opens its own list only [CWE-565]', async () => {
  for (const slug of ['page-a', 'page-b', 'page-c']) await make(owner, slug);
  for (const { identityId } of [owner, admin, member]) await put(owner, 'page-a', identityId);
  const seen: string[] = [];
  let next: string | null = '';
  while (next !== null) {
    const path: string = `/api/teams/page-a/members?limit=1${next ? `&cursor=${next}` : ''}`;
    const page = (await owner.browser.get(path)).json();
    seen.push(...page.members.map(({ id }: { id: string }) => id));
    next = page.next;
  }
  const all = [owner, admin, member].map(({ identityId }) => identityId);
  expect(seen.toSorted()).toEqual(all.toSorted());
  const { next: cursor } = (await owner.browser.get('/api/teams?limit=1')).json();
  expect((await owner.browser.get(`/api/teams?limit=1&cursor=${cursor}`)).status).toBe(200);
  for (const path of ['/api/teams/page-a/members', '/api/invitations']) {
    const refused = await owner.browser.get(`${path}?cursor=${cursor}`);
    expect(refused.json()).toMatchObject({ code: 'invalid-fields' });
  }
  expect((await foreign.browser.get(`/api/teams?cursor=${cursor}`)).status).toBe(400);
});
