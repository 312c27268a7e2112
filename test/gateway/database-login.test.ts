// What the gateway hands to an upstream that has a login of the database.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { digestOf } from '../../src/core/secret.ts';
import { parseGatewayFile } from '../../src/gateway/config.ts';
import { claimsOf, startTestGateway, type TestGateway } from '../support/gateways.ts';
import { ask } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/databases.ts';
import { insertMember, type Member } from '../support/plugin-apps.ts';

const LOGIN = `upstream_${randomBytes(4).toString('hex')}`;

const FILE = `
databaseLogin: ${LOGIN}
permissions:
  invoices:read: { text: Read invoices }
routes:
  - { method: GET, path: '/', access: public }
  - { method: GET, path: '/mine', access: signed-in }
  - { method: POST, path: '/mine', access: signed-in, body: json }
  - { method: GET, path: '/invoices', access: { permission: 'invoices:read' } }
`;

let database: TestDatabase;
let gateway: TestGateway;
let ada: Member;
beforeAll(async () => {
  database = await createDatabase();
  await database.admin.query(`CREATE ROLE ${LOGIN} LOGIN IN ROLE sallyport_app`);
  gateway = await startTestGateway(FILE, {}, { database });
  ada = await insertMember(gateway.database.admin, gateway.origin);
});
beforeEach(async () => {
  gateway.upstream.requests.length = 0;
  await gateway.database.admin.query('DELETE FROM sallyport.transaction_proofs');
});
afterAll(async () => {
  await gateway.close();
  await database.admin.query(`DROP ROLE ${LOGIN}`);
  await database.drop();
});

const proofs = async () =>
  (await gateway.database.admin.query('SELECT * FROM sallyport.transaction_proofs')).rows;
const handedOut = () => gateway.upstream.requests.map((request) => claimsOf(request).proof);

test('each request of somebody has a proof of its own, of their session and for that login', async () => {
  expect((await ada.browser.get('/mine')).status).toBe(200);
  expect((await ada.browser.send('POST', '/mine', {})).status).toBe(200);
  const [one = '', two = ''] = handedOut();
  expect(new Set([one, two]).size).toBe(2);
  const rows = await proofs();
  expect(new Set(rows.map((row) => row.proof_digest))).toEqual(
    new Set([digestOf(one), digestOf(two)]),
  );
  const { sessionId: session_id, tenantId: tenant_id } = ada;
  for (const row of rows) {
    expect(row).toMatchObject({ login: LOGIN, session_id, tenant_id });
  }
});

test('nobody has one, and neither does a request that is refused', async () => {
  expect((await ask(gateway.origin, '/')).status).toBe(200);
  expect((await ada.browser.get('/')).status).toBe(200);
  expect((await ask(gateway.origin, '/mine')).status).toBe(401);
  expect((await ada.browser.get('/invoices')).status).toBe(403);
  const headers = { ...ada.browser.cookieHeader(), 'content-type': 'application/json' };
  const forged = await ask(gateway.origin, '/mine', { method: 'POST', headers, body: '{}' });
  expect(forged.status).toBe(403);
  expect(handedOut()).toEqual([undefined, undefined]);
  expect(await proofs()).toEqual([]);
});

test('after a sign-out none is left [ASVS 7.4.1]', async () => {
  const bob = await insertMember(gateway.database.admin, gateway.origin);
  expect((await bob.browser.get('/mine')).status).toBe(200);
  expect(await proofs()).toHaveLength(1);
  await bob.browser.send('POST', '/sallyport/api/sign-out');
  expect(await proofs()).toEqual([]);
});

test('without assertions there is nothing that it could travel in', () => {
  const text = 'upstream: http://127.0.0.1:1\nassertions: false\ndatabaseLogin: notes\nroutes: []';
  expect(() => parseGatewayFile(text, 'file')).toThrow(/databaseLogin/);
  expect(() => parseGatewayFile(text.replace('notes', "'; DROP'"), 'file')).toThrow(
    /databaseLogin/,
  );
});

test.each([
  ['is nobody', '', /is no role/],
  ['cannot sign in', 'CREATE ROLE $ NOLOGIN IN ROLE sallyport_app', /cannot sign in/],
  ['sees nothing', 'CREATE ROLE $ LOGIN', /not in sallyport_app/],
  ['passes policies by', 'CREATE ROLE $ LOGIN BYPASSRLS IN ROLE sallyport_app', /NOBYPASSRLS/],
  [
    'reads credentials',
    'CREATE ROLE $ LOGIN IN ROLE sallyport_app, sallyport_identity',
    /sallyport_identity/,
  ],
])('a login that %s keeps it from starting [ASVS 13.2.2]', async (_what, sql, problem) => {
  const login = `upstream_${randomBytes(4).toString('hex')}`;
  if (sql) await database.admin.query(sql.replace('$', login));
  const { upstream } = gateway;
  const starting = startTestGateway(FILE.replace(LOGIN, login), {}, { database, upstream });
  await expect(starting).rejects.toThrow(problem);
  await database.admin.query(`DROP ROLE IF EXISTS ${login}`);
});
