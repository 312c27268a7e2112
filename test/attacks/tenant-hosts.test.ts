// Tenants on hosts of their own: the host selects among the memberships of whoever asks, and each
// host is an origin with its own cookies. What is same-site with it is a stranger's.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SESSION_COOKIE } from '../../src/http/cookies.ts';
import { readConfig } from '../../src/server/config.ts';
import { ask, fieldValue, Visitor } from '../support/client.ts';
import { mailsTo, newPerson, register } from '../support/people.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';
import { insertTestMember, insertTestTenant } from '../support/tenants.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    SALLYPORT_TENANT_ORIGINS: 'http://*.localhost:0',
    SALLYPORT_TRUSTED_PROXIES: '127.0.0.1,::1',
    SALLYPORT_TENANT_HEADER: 'X-Tenant',
  });
});
afterAll(() => server.close());

const originOf = (slug: string) => server.origin.replace('//', `//${slug}.`);

/** Somebody in two of three tenants, and their browser on whichever host. */
async function world() {
  const acme = await insertTestTenant(server.admin, { name: 'Acme' });
  const globex = await insertTestTenant(server.admin, { name: 'Globex' });
  const foreign = await insertTestTenant(server.admin, { name: 'Foreign' });
  const others = { others: [[globex, 'viewer']] as const };
  const ada = await insertTestMember(server.admin, server.origin, acme, 'owner', others);
  /** The same session, as if its person had signed in on that host. */
  const on = (origin: string) => {
    const browser = new Visitor(origin);
    for (const [name, value] of ada.browser.cookies) browser.cookies.set(name, value);
    browser.csrfToken = ada.browser.csrfToken;
    return browser;
  };
  return { acme, globex, foreign, ada, on };
}

/** In which tenants it was noted that this person was refused something there. */
async function refusalsOf(identityId: string) {
  const { rows } = await server.admin.query<{ id: string }>(
    `SELECT DISTINCT tenant_id AS id FROM sallyport.security_events
      WHERE kind = 'request-refused' AND identity_id = $1 AND tenant_id IS NOT NULL`,
    [identityId],
  );
  return rows.map(({ id }) => id);
}

async function tenantOn(browser: Visitor, headers: Record<string, string> = {}) {
  const answer = await browser.get('/api/tenant', headers);
  return answer.status === 200 ? (answer.json().name as string) : (answer.json().code as string);
}

test('the host selects among the memberships, and grants none [ASVS 8.4.1] [CWE-639] [trap 70]', async () => {
  const { acme, globex, foreign, ada, on } = await world();
  expect(await tenantOn(ada.browser)).toBe('Acme');
  expect(await tenantOn(on(originOf(globex.slug)))).toBe('Globex');
  expect(await tenantOn(on(originOf(acme.slug)))).toBe('Acme');
  // What is there and not one's own is answered as what is not there.
  const atForeign = await on(originOf(foreign.slug)).get('/api/tenant');
  const atNobody = await on(originOf('nobody-has-this')).get('/api/tenant');
  for (const answer of [atForeign, atNobody]) {
    expect([answer.status, answer.json().code]).toEqual([403, 'forbidden']);
  }
  const told = (answer: typeof atForeign) => ({ ...answer.json(), instance: '' });
  expect(told(atForeign)).toEqual(told(atNobody));
  // And the role is the one there, not the one of the session's tenant.
  const changed = await changedBy(server.admin, async () => {
    const answer = await on(originOf(globex.slug)).send('PATCH', '/api/tenant', { name: 'Mine' });
    expect(answer.json().code).toBe('forbidden');
  });
  expect(changed.filter((table) => table === 'tenants')).toEqual([]);
  // The refusal is in the log of the tenant that it was in, and not of the session's own.
  await expect.poll(() => refusalsOf(ada.identityId)).toEqual([globex.id]);
  const renamed = await on(originOf(acme.slug)).send('PATCH', '/api/tenant', { name: 'Acme 2' });
  expect(renamed.status).toBe(200);
});

test('a host and a proxy that disagree are for no tenant [CWE-436]', async () => {
  const { acme, globex, on } = await world();
  const browser = on(originOf(acme.slug));
  expect(await tenantOn(browser, { 'x-tenant': acme.slug })).toBe('Acme');
  expect(await tenantOn(browser, { 'x-tenant': globex.slug })).toBe('forbidden');
});

test("a tenant that waits for its deletion is nobody's on its own host, either", async () => {
  const { globex, on } = await world();
  await server.admin.query(
    `UPDATE sallyport.tenants SET delete_after = now() + INTERVAL '1 day' WHERE id = $1`,
    [globex.id],
  );
  expect(await tenantOn(on(originOf(globex.slug)))).toBe('tenant-deleted');
});

test('only its own pages write on a host: the main origin and every other tenant are strangers [CWE-352]', async () => {
  const { acme, globex, on } = await world();
  const own = originOf(acme.slug);
  const browser = on(own);
  const rename = (name: string, headers: Record<string, string | string[]>) =>
    browser.send('PATCH', '/api/tenant', { name }, headers);
  const site = { 'sec-fetch-site': 'same-site' };
  const attacks: readonly Record<string, string>[] = [
    { ...site, origin: server.origin },
    { ...site, origin: originOf(globex.slug) },
    { ...site, origin: own },
    { origin: server.origin },
    { origin: originOf(globex.slug) },
    { origin: `${own}0` },
    { origin: own.replace('http:', 'https:') },
    { origin: own.toUpperCase() },
    { origin: 'null' },
  ];
  const changed = await changedBy(server.admin, async () => {
    for (const headers of attacks) {
      const answer = await rename('Taken', headers);
      expect(answer.json().code, JSON.stringify(headers)).toBe('foreign-origin');
    }
  });
  expect(changed.filter((table) => table === 'tenants')).toEqual([]);
  expect((await rename('Acme', {})).status).toBe(200);
  // The same the other way: the main origin takes nothing from a tenant's host.
  const main = on(server.origin);
  const fromTenant = await main.send(
    'PATCH',
    '/api/tenant',
    { name: 'x' },
    { ...site, origin: own },
  );
  expect(fromTenant.json().code).toBe('foreign-origin');
  // And no word of CORS is said to any of them.
  for (const origin of [server.origin, originOf(globex.slug)]) {
    const answer = await browser.get('/api/tenant', { origin });
    const words = Object.keys(answer.headers).filter((name) => name.startsWith('access-control'));
    expect(words).toEqual([]);
  }
});

test('signing in on a host signs in there and nowhere else, with cookies of that host [ASVS 3.3.3]', async () => {
  const { acme } = await world();
  const person = await register(server.origin);
  const browser = new Visitor(originOf(acme.slug));
  const { email, password } = person;
  const form = await browser.get('/sign-in?return_to=/account/sessions');
  expect(form.status).toBe(200);
  const fields = { _csrf: fieldValue(form.text, '_csrf'), email, password };
  const answer = await browser.submit('/sign-in', { ...fields, return_to: '/account/sessions' });
  expect([answer.status, answer.headers.location]).toEqual([303, '/account/sessions']);
  const session = answer.setCookies.find((line) => line.startsWith(SESSION_COOKIE)) ?? '';
  expect(session).toMatch(/; Path=\/; Secure; HttpOnly; SameSite=Strict$/);
  expect(session).not.toMatch(/domain/i);
  expect((await browser.get('/api/session')).status).toBe(200);
  // A member of none here: the account is theirs, the tenant is not.
  expect((await browser.get('/tenant')).status).toBe(403);
});

test('mails lead to the main origin, wherever they were asked for [R-35] [CWE-640]', async () => {
  const { acme } = await world();
  const person = await register(server.origin);
  for (const slug of [acme.slug, 'evil']) {
    const asked = await ask(originOf(slug), '/api/recoveries', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-host': 'evil.example' },
      body: JSON.stringify({ email: person.email }),
    });
    expect(asked.status).toBe(202);
  }
  const mails = await mailsTo(server.origin, person.email);
  expect(mails.length).toBeGreaterThan(1);
  for (const { text, links } of mails) {
    for (const link of links) expect(new URL(link).origin).toBe(server.origin);
    expect(text).not.toContain(`${acme.slug}.localhost`);
    expect(text).not.toContain('evil');
  }
});

test("what chooses among tenants, passkeys, and visits to providers are the main origin's", async () => {
  const { acme, globex, ada, on } = await world();
  const browser = on(originOf(acme.slug));
  const person = newPerson();
  const { email, password } = person;
  const asked: ReadonlyArray<readonly [string, string, object]> = [
    ['PUT', '/api/session/tenant', { tenantId: globex.id }],
    ['POST', '/api/tenants', { name: 'New' }],
    ['POST', '/api/sign-up', person],
    ['POST', '/api/passkeys/sign-in-options', {}],
    ['POST', '/api/account/passkeys/options', {}],
    ['POST', '/api/re-authentication/passkey-options', {}],
    ['POST', '/api/sign-in/provider', { provider: 'acme' }],
    ['POST', '/api/account/providers', { provider: 'acme' }],
    ['POST', '/api/re-authentication/provider', { provider: 'acme' }],
  ];
  const changed = await changedBy(server.admin, async () => {
    for (const [method, path, body] of asked) {
      const answer = await browser.send(method, path, body);
      expect([answer.status, answer.json().code], path).toEqual([421, 'main-origin-only']);
    }
    const entered = await browser.submit('/tenants/enter', { _csrf: '', tenantId: globex.id });
    expect(entered.status).toBe(421);
  });
  expect(changed.filter((table) => table !== 'refusals')).toEqual([]);
  // A page leads there, and nothing that is asked for leads elsewhere [CWE-601].
  for (const path of ['/sign-up', '/tenants/new', '/tenants/new?x=//evil.example/']) {
    const answer = await browser.get(path);
    expect([answer.status, answer.headers.location]).toEqual([303, server.origin + path]);
  }
  const hostile = await ask(originOf(acme.slug), '//evil.example/sign-up');
  expect(hostile.headers.location).toBeUndefined();
  expect(
    (await ada.browser.send('PUT', '/api/session/tenant', { tenantId: globex.id })).status,
  ).toBe(200);
  expect(
    (await new Visitor(server.origin).send('POST', '/api/sign-in', { email, password })).status,
  ).toBe(401);
});

test('the pages of a host lead to the other hosts by links', async () => {
  const { acme, globex, on } = await world();
  const browser = on(originOf(acme.slug));
  const settings = await browser.get('/tenant');
  expect(settings.status).toBe(200);
  expect(settings.text).not.toContain('/tenants/enter');
  expect(settings.text).toContain('href="/tenants"');
  const tenants = await browser.get('/tenants');
  expect(tenants.text).toContain(`href="${originOf(globex.slug)}/tenant"`);
  expect(tenants.text).not.toContain('/tenants/enter');
  const visitor = await new Visitor(originOf(acme.slug)).get('/sign-in');
  expect(visitor.text).toContain(`href="${server.origin}/sign-in"`);
  expect(visitor.text).not.toContain('data-passkey');
});

test.each(['evil.example', 'a.b.localhost', 'acme.localhost', 'acme.localhost.evil.example'])(
  'Host %s, by which we are not reached, gets 421 and does nothing [R-35] [CWE-350]',
  async (host) => {
    const { on, acme } = await world();
    const changed = await changedBy(server.admin, async () => {
      const rename = { name: 'Taken' };
      const answer = await on(originOf(acme.slug)).send('PATCH', '/api/tenant', rename, { host });
      expect([answer.status, answer.json().code]).toEqual([421, 'foreign-host']);
    });
    expect(changed.filter((table) => table !== 'refusals')).toEqual([]);
  },
);

test('an origin is what one setting says of it, and not two', () => {
  const problemsOf = (settings: Record<string, string>) => {
    const read = readConfig({ SALLYPORT_TENANT_ORIGINS: 'http://*.localhost:4000', ...settings });
    return 'problems' in read ? read.problems.map((line) => line.split(' ')[0]) : [];
  };
  expect(problemsOf({})).toEqual([]);
  const trusted = { SALLYPORT_TRUSTED_ORIGINS: 'http://acme.localhost:4000' };
  expect(problemsOf(trusted)).toEqual(['SALLYPORT_TRUSTED_ORIGINS']);
  expect(problemsOf({ SALLYPORT_TRUSTED_ORIGINS: 'http://acme.localhost:4001' })).toEqual([]);
  const scheme = { SALLYPORT_TENANT_ORIGINS: 'https://*.example.com' };
  expect(problemsOf(scheme)).toEqual(['SALLYPORT_TENANT_ORIGINS']);
});
