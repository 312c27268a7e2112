// Two tenants with the same names: teams, roles, members and invited addresses. What one of them is
// answered must not depend on the other, in one byte, by any endpoint, sort, search, filter, cursor
// or error. So everything is asked before the other tenant has anything, and again behind that.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { insertKey } from '../support/api-keys.ts';
import type { Answer } from '../support/client.ts';
import { changedBy, rowsOf } from '../support/rows.ts';
import { insertTestMember, insertTestTenant, type TestTenant } from '../support/tenants.ts';
import { type RecordedServer, startRecordedServer } from './routes.ts';

type TestMember = Awaited<ReturnType<typeof insertTestMember>>;

interface Side {
  readonly tenant: TestTenant;
  readonly owner: TestMember;
}

let t: RecordedServer;
let acme: Side;
let globex: Side;
let ownKey: string;
/** Members of both tenants, with one address and one name, and another role in each. */
const shared: TestMember[] = [];

const send = ({ owner }: Side, method: string, path: string, body?: object) =>
  owner.browser.send(method, path, body);

async function side(): Promise<Side> {
  const tenant = await insertTestTenant(t.admin, { name: 'Twin' });
  const owner = await insertTestMember(t.admin, t.origin, tenant, 'owner', {
    displayName: 'Olga Owner',
  });
  return { tenant, owner };
}

/** Teams, roles, invitations and a key, under names that both sides use. @returns the key's id. */
async function furnish(of: Side): Promise<string> {
  for (const slug of ['support', 'platform', 'sales']) {
    const made = await send(of, 'POST', '/api/teams', { slug, name: `Team ${slug}` });
    expect(made.status).toBe(201);
  }
  const scribe = { name: 'scribe', level: 10, permissions: ['members:read'] };
  expect((await send(of, 'POST', '/api/roles', scribe)).status).toBe(201);
  const invitations = ['ann', 'bob', 'cid', 'dan'].map((name) => ({
    email: `${name}@twins.example`,
    role: 'member',
  }));
  expect((await send(of, 'POST', '/api/invitations', { invitations })).status).toBe(202);
  const ofKey = { ...of.owner, tenantId: of.tenant.id };
  return (await insertKey(t.admin, ofKey, ['members:read'])).id;
}

async function put(of: Side, slug: string, id: string, role: string): Promise<void> {
  const answer = await send(of, 'PUT', `/api/teams/${slug}/members/${id}`, { role });
  expect(answer.status).toBe(200);
}

beforeAll(async () => {
  t = await startRecordedServer();
  [acme, globex] = [await side(), await side()];
  for (const name of ['Ada', 'Ada', 'Bea', 'Zoe']) {
    const both = { displayName: `${name} Twin`, others: [[globex.tenant, 'admin']] as const };
    shared.push(await insertTestMember(t.admin, t.origin, acme.tenant, 'member', both));
  }
  ownKey = await furnish(acme);
  for (const { identityId } of shared) await put(acme, 'support', identityId, 'member');
});
afterAll(() => t.close());

/** Every address that reads something of a tenant, with each way to sort, search and filter. */
function readings(): readonly string[] {
  const [ada] = shared;
  const member = ada?.identityId ?? '';
  return [
    '/api/tenant',
    '/api/tenant/policy',
    '/api/permissions',
    '/api/roles',
    '/api/keys',
    '/api/external-tokens',
    ...['', '?limit=2', '?search=twin', '?search=a', '?search=zoe%20tw', '?search=nobody'].map(
      (query) => `/api/members${query}`,
    ),
    ...[
      '?role=member',
      '?role=admin',
      '?role=scribe',
      '?role=nobody',
      '?role=member&search=ada',
    ].map((query) => `/api/members${query}`),
    `/api/members/${member}`,
    ...['', '?limit=1'].map((query) => `/api/teams${query}`),
    '/api/teams/support',
    ...['', '?limit=2'].map((query) => `/api/teams/support/members${query}`),
    '/api/teams/missing/members',
    ...['', '?limit=3'].map((query) => `/api/invitations${query}`),
    ...['', '?limit=2', '?kind=team-created', '?outcome=failure', `?person=${member}`].map(
      (query) => `/api/events${query}`,
    ),
    ...['', '?format=json', '?kind=invitation-sent'].map((query) => `/api/events/export${query}`),
    '/tenant',
    '/tenant/members',
    '/tenant/members?search=ada',
    `/tenant/members/remove?id=${member}`,
    `/tenant/members/reset?id=${member}`,
    '/tenant/policy',
    '/tenant/teams',
    '/tenant/teams/support',
    '/tenant/teams/support?search=twin',
    '/tenant/teams/support/delete',
    '/tenant/invitations',
    '/tenant/roles',
    '/tenant/keys',
    `/tenant/keys/revoke?id=${ownKey}`,
    '/tenant/events',
    '/tenant/events?kind=team-created',
    '/tenant/events/export',
    '/tenant/delete',
  ];
}

/** Without what is new in each answer: masks, ids of requests, and how a cursor is sealed. */
function comparable({ status, headers, text }: Answer): string {
  const body = text
    .replaceAll(/name="_csrf" value="[^"]*"/g, 'name="_csrf"')
    .replaceAll(/"instance":"[^"]*"/g, '"instance"')
    .replaceAll(/"next":"[^"]*"/g, '"next":"sealed"')
    .replaceAll(/cursor=[\w-]+/g, 'cursor=sealed')
    .replaceAll(/<code>[^<]*<\/code>/g, '<code>');
  return JSON.stringify([status, headers['x-total-count'] ?? null, body]);
}

async function read(of: Side): Promise<Readonly<Record<string, string>>> {
  const answers: Record<string, string> = {};
  for (const path of readings()) answers[path] = comparable(await of.owner.browser.get(path));
  return answers;
}

describe('what a tenant reads', () => {
  test('is every address of the product that reads something of one', () => {
    const asked = readings().map((path) => path.replace(/\?.*/, ''));
    const needing = t.routes.filter(
      ({ method, access }) =>
        method === 'GET' && typeof access === 'object' && (access.permission ?? access.team),
    );
    const missing = needing.filter(({ path }) => {
      const pattern = new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}$`);
      return !asked.some((each) => pattern.test(each));
    });
    expect(needing.length).toBeGreaterThan(15);
    expect(missing.map(({ path }) => path)).toEqual([]);
  });

  test('is the same in every byte, whatever another one of the same names has [R-91] [ASVS 8.4.1] [CWE-639] [trap 74]', async () => {
    const before = await read(acme);
    for (const [path, answer] of Object.entries(before)) {
      expect(answer, path).toMatch(path.includes('missing') ? /^\[404/ : /^\[200/);
    }
    await furnish(globex);
    for (let n = 0; n < 12; n++) {
      await insertTestMember(t.admin, t.origin, globex.tenant, n % 2 ? 'scribe' : 'viewer', {
        displayName: `${n % 3 ? 'Ada' : 'Zoe'} Twin`,
      });
    }
    const [ada, , bea, zoe] = shared.map(({ identityId }) => identityId);
    for (const id of [ada, bea]) await put(globex, 'support', id ?? '', 'lead');
    const work: readonly (readonly [string, string, object?])[] = [
      ['PATCH', `/api/members/${bea}`, { role: 'viewer' }],
      ['DELETE', `/api/members/${zoe}`],
      ['PATCH', '/api/teams/platform', { name: 'Renamed' }],
      ['DELETE', '/api/teams/sales'],
      ['PATCH', '/api/roles/scribe', { permissions: ['members:read', 'teams:read'] }],
      ['PATCH', '/api/tenant', { name: 'Twin' }],
    ];
    for (const [method, path, body] of work) {
      expect((await send(globex, method, path, body)).status, path).toBeLessThan(300);
    }
    expect(await read(acme)).toEqual(before);
    // It would show: the other one's own answers are others.
    const theirs = await read(globex);
    expect(theirs['/api/members?search=twin']).not.toBe(before['/api/members?search=twin']);
    expect(theirs['/api/teams/support/members']).not.toBe(before['/api/teams/support/members']);
    expect(theirs['/api/events']).not.toBe(before['/api/events']);
  });
});

describe('what came from the other tenant', () => {
  const LISTS = [
    ['/api/members?limit=2', 'members'],
    ['/api/members?limit=2&search=twin', 'members'],
    ['/api/teams?limit=1', 'teams'],
    ['/api/teams/support/members?limit=1', 'members'],
    ['/api/invitations?limit=2', 'invitations'],
    ['/api/events?limit=2', 'events'],
  ] as const;

  test.each(LISTS)(
    'a cursor of %s opens nothing of theirs [R-96] [CWE-639]',
    async (path, list) => {
      const cursorOf = async (of: Side) => (await of.owner.browser.get(path)).json().next as string;
      const theirs = await cursorOf(globex);
      expect(theirs).toEqual(expect.any(String));
      const at = async (cursor: string) => {
        const answer = await acme.owner.browser.get(`${path}&cursor=${encodeURIComponent(cursor)}`);
        const rows =
          answer.status === 200 ? (answer.json()[list] as readonly { id: string }[]) : [];
        return { status: answer.status, ids: rows.map(({ id }) => id) };
      };
      expect((await at(await cursorOf(acme))).status).toBe(200);
      const { status, ids } = await at(theirs);
      // An event's cursor is a moment and an id: where to go on in whichever log one reads.
      expect(status).toBe(list === 'events' ? 200 : 400);
      const own = (await rowsOf(t.admin))['security_events'] ?? [];
      for (const id of ids) {
        expect(own.find((row) => row.includes(id))).toContain(acme.tenant.id);
      }
    },
  );

  test('an id is not found, as one that nobody has, and nothing is changed [R-88] [R-92] [CWE-639] [trap 72]', async () => {
    const first = async (path: string, list: string) =>
      ((await globex.owner.browser.get(path)).json()[list] as readonly { id: string }[])[0]?.id;
    const invitation = await first('/api/invitations', 'invitations');
    const { rows: keys } = await t.admin.query<{ id: string }>(
      'SELECT id FROM sallyport.bearer_credentials WHERE tenant_id = $1',
      [globex.tenant.id],
    );
    const member = globex.owner.identityId;
    const asked: readonly (readonly [string, string | undefined, string, object?])[] = [
      ['GET', member, '/api/members/:id'],
      ['PATCH', member, '/api/members/:id', { role: 'viewer' }],
      ['DELETE', member, '/api/members/:id'],
      ['PUT', member, '/api/teams/support/members/:id', { role: 'member' }],
      ['DELETE', member, '/api/teams/support/members/:id'],
      ['POST', invitation, '/api/invitations/:id/mail'],
      ['DELETE', invitation, '/api/invitations/:id'],
      ['DELETE', keys[0]?.id, '/api/keys/:id'],
      ['POST', globex.tenant.id, '/api/tenants/:id/restore'],
    ];
    const changed = await changedBy(t.admin, async () => {
      for (const [method, id, path, body] of asked) {
        expect(id, path).toEqual(expect.any(String));
        const answers = [id ?? '', randomUUID()].map(async (each) =>
          comparable(await send(acme, method, path.replace(':id', each), body)),
        );
        const [theirs, nobodys] = await Promise.all(answers);
        expect(theirs, path).toMatch(/^\[404/);
        expect(theirs, path).toBe(nobodys);
      }
      const forms: readonly (readonly [string, Record<string, string>])[] = [
        ['/tenant/members', { id: member, role: 'viewer' }],
        ['/tenant/members/remove', { id: member }],
        ['/tenant/invitations/resend', { id: invitation ?? '' }],
        ['/tenant/invitations/withdraw', { id: invitation ?? '' }],
        ['/tenant/teams/support/members', { id: member, role: 'member' }],
      ];
      for (const [path, fields] of forms) {
        const { browser } = acme.owner;
        const answer = await browser.submit(path, { _csrf: browser.csrfToken ?? '', ...fields });
        expect([path, answer.status]).toEqual([path, 404]);
      }
    });
    expect(changed).toEqual([]);
  });

  test('a slug that they have is free here, and one name is two teams [R-97] [trap 71]', async () => {
    for (const of of [acme, globex]) {
      const made = await send(of, 'POST', '/api/teams', { slug: 'same-again', name: 'Same' });
      expect(made.status).toBe(201);
    }
    const twice = await send(acme, 'POST', '/api/teams', { slug: 'same-again', name: 'Same' });
    expect(twice.status).toBe(400);
    expect((await send(acme, 'DELETE', '/api/teams/same-again')).status).toBe(204);
    expect((await globex.owner.browser.get('/api/teams/same-again')).status).toBe(200);
  });
});

describe('what a body names beside what may be set', () => {
  const FIELDS = {
    tenantId: () => globex.tenant.id,
    tenant_id: () => globex.tenant.id,
    identityId: () => globex.owner.identityId,
    ownerId: () => globex.owner.identityId,
    id: () => randomUUID(),
    level: () => 40,
    builtIn: () => true,
    isVerified: () => true,
    deletesAt: () => null,
    createdAt: () => new Date(0).toISOString(),
  };

  test('is refused with the whole request, on every route of a tenant [R-42] [CWE-915] [ASVS 8.2.3] [trap 75]', async () => {
    const [ada] = shared;
    const bodies: readonly (readonly [string, string, Record<string, unknown>])[] = [
      ['PATCH', '/api/tenant', { name: 'Twin' }],
      ['POST', '/api/tenants', { name: 'New' }],
      ['PUT', '/api/session/tenant', { tenantId: acme.tenant.id }],
      ['PATCH', `/api/members/${ada?.identityId}`, { role: 'member' }],
      ['POST', '/api/teams', { slug: 'new-team', name: 'New' }],
      ['PATCH', '/api/teams/support', { name: 'New' }],
      ['PUT', `/api/teams/support/members/${ada?.identityId}`, { role: 'lead' }],
      ['PATCH', '/api/roles/scribe', { permissions: [] }],
      ['POST', '/api/roles', { name: 'new-role', level: 10, permissions: [] }],
      ['POST', '/api/invitations', { invitations: [{ email: 'x@twins.example', role: 'viewer' }] }],
    ];
    const changed = await changedBy(t.admin, async () => {
      for (const [method, path, body] of bodies) {
        for (const [field, value] of Object.entries(FIELDS)) {
          if (field in body) continue;
          const answer = await send(acme, method, path, { ...body, [field]: value() });
          const { code, errors } = answer.json() as { code: string; errors: object[] };
          // The one that may be raised or lowered is a field of roles, and no more than that.
          if (path.startsWith('/api/roles') && field === 'level') continue;
          expect([path, field, code]).toEqual([path, field, 'invalid-fields']);
          expect(errors).toContainEqual({ field, reason: 'unknown-field' });
        }
      }
      const inner = { email: 'x@twins.example', role: 'viewer', tenantId: globex.tenant.id };
      const sent = await send(acme, 'POST', '/api/invitations', { invitations: [inner] });
      expect(sent.status).toBe(400);
    });
    expect(changed.filter((table) => table !== 'roles' && table !== 'security_events')).toEqual([]);
    expect((await send(acme, 'PATCH', '/api/teams/support', { name: 'New' })).status).toBe(200);
  });
});

/** As Kysely writes the names of the tables that are about one tenant. */
const OF_A_TENANT =
  /^(?:select|update|delete)\b.*"sallyport"\."(?:memberships|member_words|roles|teams|team_members|invitations|bearer_credentials)"/s;

// Whoever follows the link of an invitation has no tenant yet: its secret says whose it is.
test('every statement on a table of tenants says of which, of whom, or by which secret [R-92]', () => {
  const sent = readFileSync(`test-results/sql/${process.pid}.jsonl`, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as string);
  const scoped = sent.filter((sql) => OF_A_TENANT.test(sql));
  expect(scoped.length).toBeGreaterThan(20);
  const open = scoped.filter(
    (sql) => !/"(?:tenant_id|identity_id|token_digest)" (?:=|in\b)/.test(sql),
  );
  expect(open).toEqual([]);
});
