// The security event logs as their readers see them: a person's own, and a tenant's.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, type Visitor } from '../support/client.ts';
import { newcomer } from '../support/people.ts';
import { insertMember, type Member } from '../support/plugin-apps.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

interface Listed {
  readonly events: ReadonlyArray<Record<string, unknown> & { id: string; kind: string }>;
  readonly next: string | null;
}

async function list(browser: Visitor, path: string): Promise<Listed> {
  const answer = await browser.get(path);
  expect([path, answer.status]).toEqual([path, 200]);
  return answer.json() as Listed;
}

/** Every page, one behind the other. */
async function walk(browser: Visitor, path: string, limit: number): Promise<Listed['events']> {
  const all: Listed['events'][number][] = [];
  for (let cursor = ''; ;) {
    const page: Listed = await list(browser, `${path}?limit=${limit}${cursor}`);
    all.push(...page.events);
    if (page.next === null) return all;
    cursor = `&cursor=${page.next}`;
  }
}

/** Events of a tenant, about this identity or somebody, so many, some at the very same moment. */
async function note(
  tenantId: string | null,
  identityId: string | null,
  count: number,
  kind = 'tenant-created',
) {
  await server.admin.query(
    `INSERT INTO sallyport.security_events (kind, outcome, tenant_id, identity_id, actor_id, request_id, at)
      SELECT $3, CASE WHEN g % 4 = 0 THEN 'failure' ELSE 'success' END, $1, $2, $2, gen_random_uuid(),
        now() - (g / 3) * INTERVAL '1 microsecond'
      FROM generate_series(1, $4::INT) AS g`,
    [tenantId, identityId, kind, count],
  );
}

const reader = (tenantId?: string) =>
  insertMember(server.admin, server.origin, {
    permissions: ['events:read'],
    ...(tenantId === undefined ? {} : { tenantId }),
  });

describe('a person sees what was noted about them', () => {
  test('who, from where and on which device, newest first [ASVS 16.2.1] [ASVS 16.2.2] [ASVS 16.3.1]', async () => {
    const { browser, person } = await newcomer(server.origin);
    await browser.send('POST', '/api/re-authentication', { password: 'not the password' });
    await browser.send('POST', '/api/re-authentication', { password: person.password });
    const { events, next } = await list(browser, '/api/account/events');
    expect(events.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining([
        'reauthenticated',
        'reauthentication-failed',
        'signed-in',
        'address-proved',
      ]),
    );
    expect(events[0]).toMatchObject({
      kind: 'reauthenticated',
      outcome: 'success',
      by: 'self',
      address: '127.0.0.1',
      requestId: expect.any(String),
      // In UTC, and it says so.
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
    expect(next).toBeNull();
  });

  test('and nothing about anybody else, by any filter or cursor [CWE-639]', async () => {
    const { browser } = await newcomer(server.origin);
    const other = await newcomer(server.origin);
    const theirs = await list(other.browser, '/api/account/events?limit=1');
    const own = (await list(browser, '/api/account/events')).events.map(({ id }) => id);
    const seen = [
      ...(await walk(browser, '/api/account/events', 1)),
      ...(await list(browser, `/api/account/events?cursor=${theirs.next}`)).events,
      ...(await list(browser, '/api/account/events?kind=signed-in')).events,
    ].map(({ id }) => id);
    expect(new Set(seen)).toEqual(new Set(own));
    const filtered = await browser.get(`/api/account/events?person=${randomUUID()}`);
    expect([200, 400]).toContain(filtered.status);
    expect(JSON.stringify(filtered.json())).not.toContain(other.person.email);
  });

  test('that somebody else did something, and not who [CWE-200]', async () => {
    const { browser } = await newcomer(server.origin);
    const { identity } = (await browser.get('/api/session')).json() as { identity: { id: string } };
    const actor = randomUUID();
    await server.admin.query(
      `INSERT INTO sallyport.security_events (kind, tenant_id, identity_id, actor_id) VALUES ('tenant-created', $1, $2, $3)`,
      [randomUUID(), identity.id, actor],
    );
    const answer = await browser.get('/api/account/events?kind=tenant-created');
    expect((answer.json() as Listed).events).toMatchObject([{ by: 'other' }]);
    const page = await browser.get('/account/events');
    expect(page.text).toContain('done by somebody else');
    for (const { text } of [answer, page]) expect(text).not.toContain(actor);
  });
});

describe('a tenant sees what was noted in it', () => {
  test('with the permission, and only its own [CWE-639]', async () => {
    const [one, two] = [await reader(), await reader()];
    const without = await insertMember(server.admin, server.origin, { tenantId: one.tenantId });
    await note(one.tenantId, without.identityId, 3);
    await note(two.tenantId, two.identityId, 5);
    const seen = await list(one.browser, '/api/events');
    expect(seen.events).toHaveLength(3);
    const cursor = (await list(two.browser, '/api/events?limit=2')).next;
    for (const query of [
      '',
      `?cursor=${cursor}`,
      `?person=${two.identityId}`,
      '?outcome=success',
    ]) {
      const { events } = await list(one.browser, `/api/events${query}`);
      for (const { id } of events) expect(seen.events.map((event) => event.id)).toContain(id);
    }
    for (const path of ['/api/events', '/api/events/export']) {
      expect((await without.browser.get(path)).status).toBe(403);
      expect((await ask(server.origin, path)).status).toBe(401);
    }
  });

  test('names members by their address, and those who left by none [CWE-200]', async () => {
    const one = await reader();
    const leaver = await insertMember(server.admin, server.origin, { tenantId: one.tenantId });
    await note(one.tenantId, leaver.identityId, 1);
    const named = async () => (await list(one.browser, '/api/events')).events[0];
    expect(await named()).toMatchObject({ person: expect.stringMatching(/@example\.com$/) });
    await server.admin.query('DELETE FROM sallyport.memberships WHERE identity_id = $1', [
      leaver.identityId,
    ]);
    expect(await named()).toMatchObject({ identityId: leaver.identityId, person: null });
  });

  test('signing in and passwords of its members are no matter of the tenant', async () => {
    const one = await reader();
    await note(null, one.identityId, 2, 'signed-in');
    expect((await list(one.browser, '/api/events')).events).toEqual([]);
    expect((await list(one.browser, '/api/account/events')).events).toHaveLength(2);
  });
});

describe('pages', () => {
  let one: Member;
  beforeAll(async () => {
    one = await reader();
    await note(one.tenantId, one.identityId, 250);
  });

  test.each([1, 7, 50, 200])(
    'of %i show every event once, also those of one and the same moment',
    async (limit) => {
      const skipped = limit === 1 ? 'limit=40' : `limit=${limit}`;
      const ids = (await walk(one.browser, '/api/events', Number(skipped.slice(6)))).map(
        ({ id }) => id,
      );
      expect(ids).toHaveLength(250);
      expect(new Set(ids).size).toBe(250);
    },
  );

  test('can be filtered, and the filters combined', async () => {
    const failed = await list(one.browser, '/api/events?outcome=failure&limit=200');
    expect(failed.events).toHaveLength(62);
    const none = `/api/events?outcome=failure&kind=signed-in&person=${one.identityId}`;
    expect((await list(one.browser, none)).events).toEqual([]);
    const later = encodeURIComponent(new Date(Date.now() + 60_000).toISOString());
    expect((await list(one.browser, `/api/events?from=${later}`)).events).toEqual([]);
    expect((await list(one.browser, `/api/events?until=${later}`)).events).toHaveLength(50);
  });

  test.each([
    'cursor=x',
    `cursor=${Buffer.from("2026-01-01 00:00:00+00|'; DROP TABLE x").toString('base64url')}`,
    `cursor=${Buffer.from(`2026-99-99 00:00:00+00|${randomUUID()}`).toString('base64url')}`,
    'kind=none',
    'outcome=perhaps',
    'from=yesterday',
    'limit=0',
    'limit=1000000',
    'person=ada',
  ])('what is no filter is refused: %s [CWE-20]', async (query) => {
    const answer = await one.browser.get(`/api/events?${query}`);
    expect([answer.status, (answer.json() as { code: string }).code]).toEqual([
      400,
      'invalid-fields',
    ]);
  });
});

describe('an export', () => {
  let one: Member;
  beforeAll(async () => {
    one = await reader();
    await note(one.tenantId, one.identityId, 2_345);
  });

  test('has every event, in more than one piece, and says how many there will be [ASVS 16.2.4]', async () => {
    const csv = await one.browser.get('/api/events/export');
    expect(csv.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8; header=present',
      'content-disposition': 'attachment; filename="security-events.csv"',
      'x-total-count': '2345',
      'cache-control': 'no-store',
    });
    const lines = csv.text.trimEnd().split('\r\n');
    expect(lines).toHaveLength(2_346);
    expect(lines[0]).toMatch(/^"id","at","kind","outcome",/);
    const json = await one.browser.get('/api/events/export?format=json&outcome=failure');
    const events = json.json() as Listed['events'];
    expect([events.length, json.headers['x-total-count']]).toEqual([586, '586']);
    expect(new Set(events.map(({ id }) => id)).size).toBe(586);
  });

  test('of nothing is a heading, or an empty list', async () => {
    expect((await one.browser.get('/api/events/export?kind=signed-in&format=json')).json()).toEqual(
      [],
    );
    const csv = await one.browser.get('/api/events/export?kind=signed-in');
    expect(csv.text.split('\r\n')).toHaveLength(2);
  });

  test('is no formula where an address looks like one [CWE-1236]', async () => {
    const tenant = await reader();
    await server.admin.query(
      `UPDATE sallyport.email_addresses SET address = '=cmd@example.com' WHERE identity_id = $1`,
      [tenant.identityId],
    );
    await note(tenant.tenantId, tenant.identityId, 1);
    const csv = await tenant.browser.get('/api/events/export');
    expect(csv.text).toContain(`"'=cmd@example.com"`);
    expect(csv.text).not.toContain('"=');
  });

  test('of a person is theirs alone', async () => {
    const { browser, person } = await newcomer(server.origin);
    const listed = (await list(browser, '/api/account/events')).events.map(({ id }) => id);
    for (const path of ['/api/account/events/export', '/account/events/export']) {
      const events = (await browser.get(`${path}?format=json`)).json() as Listed['events'];
      expect(events.map(({ id }) => id)).toEqual(listed);
      expect(JSON.stringify(events)).not.toContain(person.email);
    }
  });
});

describe('the page of a person', () => {
  test('asks whether it was them, and leads to what to do', async () => {
    const { browser } = await newcomer(server.origin);
    const { status, text, headers } = await browser.get('/account/events');
    expect(status).toBe(200);
    expect(text).toContain('Signed in');
    expect(text).toContain('href="/account/sessions"');
    expect(text).toContain('href="/account/password"');
    expect(headers['content-security-policy']).toContain("connect-src 'self'");
  });

  test('keeps what was looked for from page to page, and leaves out what is odd', async () => {
    const { browser } = await newcomer(server.origin);
    const { identity } = (await browser.get('/api/session')).json() as { identity: { id: string } };
    await note(null, identity.id, 60, 'signed-out');
    const first = await browser.get('/account/events?kind=signed-out&outcome=x&from=never');
    expect(first.text.match(/<h2>Signed out/g)).toHaveLength(50);
    const [, link = ''] = /href="(\/account\/events\?[^"]*cursor=[^"]*)"/.exec(first.text) ?? [];
    expect(link).toContain('kind=signed-out');
    const second = await browser.get(link.replaceAll('&amp;', '&'));
    expect(second.text.match(/<h2>Signed out/g)).toHaveLength(10);
    expect((await ask(server.origin, '/account/events')).status).toBe(303);
  });
});

describe('the page of a tenant', () => {
  test('says about whom and by whom, and is for those with the permission alone', async () => {
    const one = await reader();
    const foreign = await reader();
    const without = await insertMember(server.admin, server.origin, { tenantId: one.tenantId });
    await note(one.tenantId, without.identityId, 60);
    await note(foreign.tenantId, foreign.identityId, 2);
    const { status, text, headers } = await one.browser.get('/tenant/events');
    expect(status).toBe(200);
    expect(text.match(/<h2>Tenant made/g)).toHaveLength(50);
    expect(text).toContain(`href="/tenant/events?person=${without.identityId}"`);
    expect(text).toContain('data-progress="security-events.csv"');
    expect(headers['content-security-policy']).toContain("connect-src 'self'");
    const [, link = ''] = /href="(\/tenant\/events\?[^"]*cursor=[^"]*)"/.exec(text) ?? [];
    const second = await one.browser.get(link.replaceAll('&amp;', '&'));
    expect(second.text.match(/<h2>Tenant made/g)).toHaveLength(10);
    const nobody = await one.browser.get(`/tenant/events?person=${foreign.identityId}`);
    expect(nobody.text).toContain('Nothing was noted that fits.');
    for (const path of ['/tenant/events', '/tenant/events/export']) {
      expect((await without.browser.get(path)).status).toBe(403);
      expect((await ask(server.origin, path)).status).toBe(303);
    }
    // Of one kind: that they were refused a moment ago is noted, too.
    const made = `kind=tenant-created&person=${without.identityId}`;
    const csv = await one.browser.get(`/tenant/events/export?${made}`);
    expect(csv.headers['x-total-count']).toBe('60');
    const json = await foreign.browser.get('/tenant/events/export?format=json');
    expect(json.json()).toHaveLength(2);
  });

  test('is not linked to for those who may not see it', async () => {
    const seeing = await insertMember(server.admin, server.origin, {
      permissions: ['tenant:read', 'events:read'],
    });
    const blind = await insertMember(server.admin, server.origin, {
      permissions: ['tenant:read'],
    });
    expect((await seeing.browser.get('/tenant')).text).toContain('href="/tenant/events"');
    const { text } = await blind.browser.get('/tenant');
    expect(text).not.toContain('href="/tenant/events"');
    expect(text).not.toContain('href="/tenant/roles"');
  });
});
