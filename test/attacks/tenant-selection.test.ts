// Which tenant a request is in: the session says so, or a proxy that is configured. Whatever a
// client sends selects among its person's memberships at most.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SESSION_COOKIE } from '../../src/http/cookies.ts';
import { selectionOf, parseSecret, proofOf } from '../../src/core/secret.ts';
import { changedBy } from '../support/rows.ts';
import { startTestServer, type TestServer } from '../support/servers.ts';
import { insertTestMember, insertTestTenant, type TestTenant } from '../support/tenants.ts';

let plain: TestServer;
let proxied: TestServer;

beforeAll(async () => {
  const settings = { SALLYPORT_TRUSTED_PROXIES: '127.0.0.1', SALLYPORT_TENANT_HEADER: 'X-Tenant' };
  [plain, proxied] = await Promise.all([startTestServer(), startTestServer(settings)]);
});

afterAll(async () => {
  await Promise.all([plain.close(), proxied.close()]);
});

async function world(t: TestServer) {
  const acme = await insertTestTenant(t.admin, { name: 'Acme' });
  const globex = await insertTestTenant(t.admin, { name: 'Globex' });
  const foreign = await insertTestTenant(t.admin, { name: 'Foreign' });
  const more = { others: [[globex, 'viewer']] as const };
  const ada = await insertTestMember(t.admin, t.origin, acme, 'owner', more);
  const inTenant = async (headers: Record<string, string> = {}) => {
    const answer = await ada.browser.get('/api/tenant', headers);
    return answer.status === 200 ? (answer.json().name as string) : (answer.json().code as string);
  };
  return { acme, globex, foreign, ada, inTenant };
}

test('a proxy that is configured selects among the memberships, request by request [ASVS 8.4.1]', async () => {
  const { acme, globex, foreign, ada, inTenant } = await world(proxied);
  expect(await inTenant()).toBe('Acme');
  expect(await inTenant({ 'x-tenant': globex.slug })).toBe('Globex');
  expect(await inTenant({ 'x-tenant': acme.slug })).toBe('Acme');
  // What is there and not one's own is answered as what is not there.
  expect(await inTenant({ 'x-tenant': foreign.slug })).toBe('forbidden');
  expect(await inTenant({ 'x-tenant': 'nobody-has-this' })).toBe('forbidden');
  // And the role is the one there, not the one of the session's tenant.
  const changed = await changedBy(proxied.admin, async () => {
    const headers = { ...ada.browser.ownHeaders(), 'x-tenant': globex.slug };
    const answer = await ada.browser.send('PATCH', '/api/tenant', { name: 'Mine' }, headers);
    expect(answer.json().code).toBe('forbidden');
  });
  expect(changed.filter((table) => table === 'tenants')).toEqual([]);
});

test('no header is believed where none is configured, and no other way is there at all [CWE-290]', async () => {
  const { globex, inTenant } = await world(plain);
  for (const name of ['x-tenant', 'x-tenant-id', 'tenant', 'x-forwarded-host']) {
    for (const value of [globex.slug, globex.id]) {
      expect(await inTenant({ [name]: value })).toBe('Acme');
    }
  }
});

test('SQL injected into a request selects no other tenant of its person [CWE-89] [CWE-639]', async () => {
  const { acme, globex, ada } = await world(proxied);
  const secret = parseSecret(ada.browser.cookies.get(SESSION_COOKIE) ?? '');
  if (!secret) throw new Error('no session');
  const current = async (selection: string) => {
    const { rows } = await proxied.admin.query(
      `SELECT sallyport.current_tenant() AS tenant FROM
        (SELECT set_config('sallyport.proof', $1, true), set_config('sallyport.selection', $2, true)) AS s`,
      [proofOf(secret), selection],
    );
    return rows[0]?.tenant as string | null;
  };
  const inOne = async (selection: string) => {
    await proxied.admin.query('BEGIN');
    await proxied.admin.query(`SELECT set_config('sallyport.proof', $1, true)`, [proofOf(secret)]);
    await proxied.admin.query(`SELECT set_config('sallyport.selection', $1, true)`, [selection]);
    const tenant = await current(selection);
    await proxied.admin.query('ROLLBACK');
    return tenant;
  };
  const key = 'SELECT selection_key FROM sallyport.sessions WHERE id = $1';
  const { rows } = await proxied.admin.query(key, [ada.sessionId]);
  expect(rows).toEqual([{ selection_key: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
  expect(await inOne(selectionOf(secret, globex.slug))).toBe(globex.id);
  const own = selectionOf(secret, acme.slug).split(':')[1] ?? '';
  for (const proof of ['', own, randomBytes(32).toString('hex')]) {
    expect(await inOne(`${globex.slug}:${proof}`)).toBeNull();
  }
});

test('in none of several: 409, with the choices, and no default [ASVS 8.4.1] [trap 70]', async () => {
  const acme = await insertTestTenant(plain.admin, { name: 'Acme' });
  const globex = await insertTestTenant(plain.admin, { name: 'Globex' });
  const gone = await insertTestTenant(plain.admin, { name: 'Gone' });
  const { browser } = await insertTestMember(plain.admin, plain.origin, acme, 'owner', {
    others: [
      [globex, 'viewer'],
      [gone, 'owner'],
    ],
    unselected: true,
  });
  await plain.admin.query(
    `UPDATE sallyport.tenants SET delete_after = now() + INTERVAL '1 day' WHERE id = $1`,
    [gone.id],
  );
  const asked = await browser.get('/api/members');
  expect(asked.status).toBe(409);
  const choice = ({ id, slug, name }: TestTenant) => ({ id, slug, name });
  expect(asked.json()).toMatchObject({
    code: 'tenant-not-selected',
    tenants: [choice(acme), choice(globex)],
  });
  const entered = await browser.send('PUT', '/api/session/tenant', { tenantId: globex.id });
  expect(entered.status).toBe(200);
  expect((await browser.get('/api/tenant')).json()).toMatchObject({ name: 'Globex' });
});

test('a tenant is entered by its members alone, and not while it waits for its deletion [R-88]', async () => {
  const { globex, foreign, ada } = await world(plain);
  const enter = async (tenantId: string) => {
    let said: unknown;
    const changed = await changedBy(plain.admin, async () => {
      const answer = await ada.browser.send('PUT', '/api/session/tenant', { tenantId });
      said = answer.status === 200 ? 200 : answer.json().code;
    });
    return { said, changed: changed.includes('sessions') };
  };
  const nothing = { said: 'not-found', changed: false };
  expect(await enter(foreign.id)).toEqual(nothing);
  expect(await enter('00000000-0000-4000-8000-000000000000')).toEqual(nothing);
  await plain.admin.query(
    `UPDATE sallyport.tenants SET delete_after = now() + INTERVAL '1 day' WHERE id = $1`,
    [globex.id],
  );
  expect(await enter(globex.id)).toEqual({ said: 'tenant-deleted', changed: false });
  await plain.admin.query('UPDATE sallyport.tenants SET delete_after = NULL WHERE id = $1', [
    globex.id,
  ]);
  expect(await enter(globex.id)).toEqual({ said: 200, changed: true });
  // From the commit of a deletion on nobody is in it, whatever their session says.
  await plain.admin.query(
    `UPDATE sallyport.tenants SET delete_after = now() + INTERVAL '1 day' WHERE id = $1`,
    [globex.id],
  );
  expect((await ada.browser.get('/api/members')).json().code).toBe('tenant-deleted');
});
